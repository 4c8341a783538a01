import type { RollbackReply } from '../../actors/client/configuration.js';
import type { KeptFile } from '../../actors/configuration/texts.js';
import { StatewattError } from '../../errors/error.js';
import { entryInForce, type ConfigurationEntry } from '../../machines/configuration.js';
import { toRoot, type Sources } from '../../site/config/versions/sources.js';
import { putFiles } from '../../site/config/versions/write.js';
import type { ConfigurationJournal } from './journal.js';
import { loadInPlace, readDisk, sourcesOf } from './versions.js';

export interface RollbackParts {
  /** Site file, or a folder that has one. */
  readonly path: string;
  /** Folder of the site file. */
  readonly root: string;
  readonly journal: ConfigurationJournal;
  /** Does the work, and resolves when what then lies on the disk is in force, if it comes into force by itself. */
  readonly afterwards: (work: () => Promise<void>) => Promise<void>;
}

/** Puts an earlier configuration back: its files are written, and come into force as any edit does. */
export class Rollback {
  readonly #parts: RollbackParts;

  constructor(parts: RollbackParts) {
    this.#parts = parts;
  }

  /** See `ConfigurationClient.rollBack`. */
  async run(number: number, by: string): Promise<RollbackReply> {
    const { root, journal } = this.#parts;
    const entry = await journal.entry(number);
    const files = await journal.files(entry);
    if (entry.secrets > 0) throw secretsNotKept(`configuration ${number} cannot be put back: ${entry.secrets} secrets`);
    const disk = (await readDisk(this.#parts.path)).sources;
    const remove = filesOnlyOf(root, disk, files);
    await this.#check(entry, files, disk);
    const kept = await this.#keepDisk(disk);
    await journal.begin(number, by);
    await this.#parts.afterwards(() => this.#write(number, sourcesOf(root, files), remove));
    const inForce = entryInForce(await journal.context());
    return {
      number,
      inForce: inForce?.hash === entry.hash ? inForce.number : null,
      kept,
      written: files.map(({ path }) => path),
      removed: remove,
    };
  }

  /** Refused as a whole when today's software would not take it, or would make something else of it. */
  async #check(entry: ConfigurationEntry, files: readonly KeptFile[], disk: Sources | undefined): Promise<void> {
    const { path, root } = this.#parts;
    const wanted = sourcesOf(root, files);
    const present = disk?.files.map((file) => toRoot(root, file.path)) ?? [];
    const { sources } = await loadInPlace(path, wanted, present);
    if (sources.hash === entry.hash) return;
    const paths = new Set(wanted.files.map((file) => file.path));
    const more = sources.files.filter((file) => !paths.has(file.path)).map((file) => file.path);
    throw new StatewattError(
      'config.would_differ',
      'conflict',
      `with the files of configuration ${entry.number} the site would be another than it was` +
        (more.length === 0 ? '' : `: ${more.join(', ')} would be read too; move that away`),
      { details: { files: more } },
    );
  }

  /** What lies on the disk and is in no entry becomes one, so that nothing is lost. */
  async #keepDisk(disk: Sources | undefined): Promise<number | null> {
    if (disk === undefined) return null;
    const { journal } = this.#parts;
    const { entries } = await journal.context();
    const known = entries.findLast(({ hash }) => hash === disk.hash);
    const summary = () => 'what lay on the disk, not in force, when another was put back';
    const entry = known ?? (await journal.record({ sources: disk, cause: 'kept', summary }));
    if (entry.secrets > 0) {
      throw secretsNotKept(`what lies on the disk would be lost: ${entry.secrets} secrets`);
    }
    return known === undefined ? entry.number : null;
  }

  async #write(number: number, wanted: Sources, remove: readonly string[]): Promise<void> {
    const { root, journal } = this.#parts;
    try {
      await putFiles(root, wanted.files, remove);
    } catch (error) {
      await journal.giveUp(number);
      throw error;
    }
  }
}

/** Absolute paths of what lies on the disk now and would not be there. */
function filesOnlyOf(root: string, disk: Sources | undefined, files: readonly KeptFile[]): string[] {
  const wanted = new Set(files.map(({ path }) => path));
  return disk?.files.filter(({ path }) => !wanted.has(path)).map(({ path }) => toRoot(root, path)) ?? [];
}

function secretsNotKept(what: string): StatewattError {
  return new StatewattError(
    'config.secrets_not_kept',
    'conflict',
    `${what} stand in the files themselves, and secrets are not kept; write them as \${NAME}, or edit the files by hand`,
  );
}
