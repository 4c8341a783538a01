import type {
  ConfigurationClient,
  ConfigurationDetail,
  ConfigurationDiff,
  ConfigurationDiffQuery,
  ConfigurationEntry,
  ConfigurationFile,
  ConfigurationFileQuery,
  ConfigurationLog,
  ConfigurationLogQuery,
  ConfigurationStatus,
  RollbackReply,
} from '../../actors/client/configuration.js';
import { StatewattError } from '../../errors/error.js';
import { entryInForce } from '../../machines/configuration.js';
import { ConfigError } from '../../site/config/index.js';
import { summaryOf } from '../../site/config/versions/changes.js';
import { describeChanges } from '../../site/config/versions/describe.js';
import { withoutSecrets } from '../../site/config/versions/secrets.js';
import type { Site } from '../../site/model.js';
import type { ConfigurationJournal } from './journal.js';
import type { Rollback } from './rollback.js';
import { loadKept, readDisk } from './versions.js';

/** Characters of a file in one answer: less than a message of NATS may have, however they are written in JSON. */
const PART = 150_000;
const DEFAULT_LIMIT = 100;

export interface LocalConfigurationParts {
  /** Site file, or a folder that has one. */
  readonly path: string;
  /** Folder of the site file. */
  readonly root: string;
  readonly site: () => Site;
  readonly journal: ConfigurationJournal;
  readonly rollback: Rollback;
}

/** The configuration as callers of this node see it. */
export class LocalConfiguration implements ConfigurationClient {
  readonly #parts: LocalConfigurationParts;

  constructor(parts: LocalConfigurationParts) {
    this.#parts = parts;
  }

  async status(): Promise<ConfigurationStatus> {
    const { path, journal, site } = this.#parts;
    const [context, disk] = await Promise.all([journal.context(), readDisk(path)]);
    const inForce = entryInForce(context) ?? null;
    const problems = disk.site instanceof Error ? problemsOf(disk.site) : [];
    const same = disk.sources !== undefined && disk.sources.hash === inForce?.hash;
    const state = problems.length > 0 ? 'refused' : same ? 'inForce' : 'differs';
    return { inForce, watched: site().watchFiles, disk: { state, path, problems } };
  }

  async log({ limit = DEFAULT_LIMIT, cursor }: ConfigurationLogQuery): Promise<ConfigurationLog> {
    const before = cursor === undefined ? Infinity : toNumber(cursor);
    const { entries } = await this.#parts.journal.context();
    const left = entries.filter(({ number }) => number < before).reverse();
    const page = left.slice(0, limit);
    return { entries: page, nextCursor: page.length < left.length ? String(page.at(-1)?.number) : null };
  }

  async get(number: number): Promise<ConfigurationDetail> {
    const { journal } = this.#parts;
    const entry = await journal.entry(number);
    const files = await journal.files(entry);
    return { ...entry, fileList: files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })) };
  }

  async file({ number, path, offset = 0 }: ConfigurationFileQuery): Promise<ConfigurationFile> {
    const { journal } = this.#parts;
    const files = await journal.files(await journal.entry(number));
    const found = files.find((file) => file.path === path);
    if (found === undefined) {
      throw new StatewattError(
        'config.no_such_file',
        'not_found',
        `configuration ${number} has no file ${path}; it has ${files.map((file) => file.path).join(', ')}`.slice(
          0,
          1_000,
        ),
      );
    }
    const text = found.text.slice(offset, offset + PART);
    const next = offset + text.length;
    return { path, text, encoding: found.encoding, nextOffset: next < found.text.length ? next : null };
  }

  async diff({ from, to }: ConfigurationDiffQuery): Promise<ConfigurationDiff> {
    const { journal } = this.#parts;
    const context = await journal.context();
    const first = from === undefined ? entryInForce(context) : await journal.entry(from);
    const second = to === undefined ? undefined : await journal.entry(to);
    const [before, after] = await Promise.all([
      first === undefined ? this.#parts.site() : this.#load(first),
      second === undefined ? this.#disk() : this.#load(second),
    ]);
    const changes = describeChanges(before, after);
    return { from: first?.number ?? null, to: second?.number ?? null, summary: summaryOf(changes), changes };
  }

  rollBack(number: number, by: string): Promise<RollbackReply> {
    return this.#parts.rollback.run(number, by);
  }

  async #load(entry: ConfigurationEntry): Promise<Site> {
    const { journal, root } = this.#parts;
    return loadKept(root, await journal.files(entry));
  }

  async #disk(): Promise<Site> {
    const { site } = await readDisk(this.#parts.path);
    if (site instanceof Error) throw site;
    return site;
  }
}

function problemsOf(error: Error): ConfigurationStatus['disk']['problems'] {
  if (error instanceof ConfigError) {
    return error.problems.map(({ file, line, column, path, found, allowed, message, source }) => {
      // A line with a secret tells only that something is wrong with it.
      const isSecret = withoutSecrets(file, source).secrets > 0;
      const text = isSecret ? { found: '***', message: `${path}: found ***, allowed ${allowed}` } : { found, message };
      return { file, line, column, path, allowed, ...text };
    });
  }
  const facts = { file: '', line: 0, column: 0, path: '', allowed: 'a site that can be read' };
  return [{ ...facts, found: error.message, message: error.message }];
}

function toNumber(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new StatewattError(
    'config.invalid_cursor',
    'invalid',
    `"${cursor}" is no cursor; pass on the nextCursor of the page before`,
  );
}
