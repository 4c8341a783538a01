import { configurationRef, noConfiguration, type ConfigurationKind } from '../../actors/configuration.js';
import { keepConfiguration, readConfiguration, type KeptFile } from '../../actors/configuration/texts.js';
import type { ActorSystem } from '../../actors/runtime/system.js';
import type { Bus } from '../../bus/connection.js';
import { StatewattError, errorMessage } from '../../errors/error.js';
import {
  entryInForce,
  entryOf,
  type ConfigurationContext,
  type ConfigurationEntry,
} from '../../machines/configuration.js';
import type { ConfigurationCause } from '../../site/config/versions/cause.js';
import { withoutSecrets } from '../../site/config/versions/secrets.js';
import { sha256, type SourceFile, type Sources } from '../../site/config/versions/sources.js';
import type { NodeLog } from '../node.js';

const RETRY_MS = { first: 500, last: 30_000 };

export interface ConfigurationJournalParts {
  readonly system: () => ActorSystem;
  readonly bus: Bus;
  readonly kind: ConfigurationKind;
  readonly node: string;
  /** How many configurations are kept. */
  readonly keep: () => number;
  readonly log: NodeLog;
}

/** A configuration that is to be written down. */
export interface Recorded {
  readonly sources: Sources;
  readonly cause: ConfigurationCause;
  /** What changed; asked only when it is new. */
  readonly summary: (before: ConfigurationEntry | undefined) => Promise<string> | string;
}

/** The journal of configurations: the actor `configuration/site`, and the stream that has their files. */
export class ConfigurationJournal {
  readonly #parts: ConfigurationJournalParts;
  readonly #stopped = new AbortController();
  #writing: Promise<unknown> = Promise.resolve();

  constructor(parts: ConfigurationJournalParts) {
    this.#parts = parts;
  }

  /**
   * Writes a configuration down that is in force, after those before it; what is in force already is no new entry. Tries
   * again until the journal can be reached. undefined: the node stopped before.
   */
  async recordInTime(recorded: Recorded): Promise<ConfigurationEntry | undefined> {
    const { log } = this.#parts;
    for (let wait = RETRY_MS.first; !this.#stopped.signal.aborted; wait = Math.min(wait * 2, RETRY_MS.last)) {
      try {
        return await this.record(recorded);
      } catch (error) {
        const level = wait >= RETRY_MS.last ? 'warn' : 'debug';
        log[level]({ part: 'configuration' }, `the journal of configurations waits: ${errorMessage(error)}`);
        await pause(wait, this.#stopped.signal);
      }
    }
    return undefined;
  }

  /** As `recordInTime`, once. @throws what the bus and the actor throw */
  record(recorded: Recorded): Promise<ConfigurationEntry> {
    const done = this.#writing.then(() => this.#record(recorded));
    this.#writing = done.catch(() => undefined);
    return done;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async context(): Promise<ConfigurationContext> {
    const { system, kind } = this.#parts;
    return (await system().query(configurationRef(kind))).context as ConfigurationContext;
  }

  /** @throws `config.not_found` */
  async entry(number: number): Promise<ConfigurationEntry> {
    const entry = entryOf(await this.context(), number);
    if (entry === undefined) throw noConfiguration(number);
    return entry;
  }

  /** The files of a configuration, the site file first. @throws `config.text_missing` */
  files({ hash, pieces }: ConfigurationEntry): Promise<KeptFile[]> {
    return readConfiguration(this.#parts.bus, hash, pieces);
  }

  /** From now on what comes into force with the hash of this one is that rollback. @throws `config.not_found`, `config.being_written` */
  async begin(number: number, by: string): Promise<void> {
    const { system, kind } = this.#parts;
    await system().ask(configurationRef(kind), { type: 'rollBack', number, by });
  }

  /** Nothing was written. */
  async giveUp(number: number): Promise<void> {
    const { system, kind } = this.#parts;
    await system().ask(configurationRef(kind), { type: 'rollbackFailed', number });
  }

  async #record({ sources, cause, summary }: Recorded): Promise<ConfigurationEntry> {
    const { system, kind, node, keep, log } = this.#parts;
    const context = await this.context();
    const before = entryInForce(context);
    const known = cause === 'kept' ? context.entries.at(-1) : before;
    if (known?.hash === sources.hash) return known;
    const { files, secrets } = keptFiles(sources.files);
    const entry = await system().ask(configurationRef(kind), {
      type: 'record',
      keep: keep(),
      configuration: {
        ...{ cause, node, secrets },
        by: 'file',
        hash: sources.hash,
        files: files.length,
        bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
        pieces: await this.#keep(sources.hash, files),
        summary: (await summary(before)).slice(0, 1_000),
      },
    });
    const facts = { part: 'configuration', number: entry.number, cause: entry.cause, by: entry.by };
    log.info(facts, `configuration ${entry.number}: ${entry.summary}`);
    if (secrets > 0) {
      const why = 'secrets stand in the files themselves, and are not kept: it cannot be put back later';
      log.warn({ ...facts, secrets }, `configuration ${entry.number}: ${why}; write them as \${NAME}`);
    }
    return entry;
  }

  /** 0 when there is no room: the configuration is written down all the same. */
  async #keep(hash: string, files: readonly KeptFile[]): Promise<number> {
    try {
      return await keepConfiguration(this.#parts.bus, hash, files);
    } catch (error) {
      if (error instanceof StatewattError && error.code === 'bus.unavailable') throw error;
      this.#parts.log.warn({ part: 'configuration' }, `the files are not kept: ${errorMessage(error)}`);
      return 0;
    }
  }
}

function keptFiles(sources: readonly SourceFile[]): { files: KeptFile[]; secrets: number } {
  let secrets = 0;
  const files = sources.map(({ path, bytes }): KeptFile => {
    const facts = { path, bytes: bytes.byteLength, sha256: sha256(bytes) };
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const text = whole.toString('utf8');
    if (!Buffer.from(text).equals(whole)) return { ...facts, text: whole.toString('base64'), encoding: 'base64' };
    const masked = withoutSecrets(path, text);
    secrets += masked.secrets;
    return { ...facts, text: masked.text, encoding: 'utf8' };
  });
  return { files, secrets };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
