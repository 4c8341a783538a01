import { isDeepStrictEqual } from 'node:util';
import { errorMessage } from '../errors/error.js';
import type { ConfigurationEntry } from '../machines/configuration.js';
import { ConfigError, watchSite, type ChannelChange, type SiteWatch } from '../site/config/index.js';
import { summaryOf } from '../site/config/versions/changes.js';
import { describeChanges } from '../site/config/versions/describe.js';
import type { Sources } from '../site/config/versions/sources.js';
import type { HistoryStore } from '../protocols/clickhouse/types.js';
import type { RealtimeStore } from '../protocols/realtime/store.js';
import type { Site } from '../site/model.js';
import type { Channels } from './channels.js';
import type { ConfigurationJournal, Recorded } from './configuration/journal.js';
import { summarize } from './configuration/versions.js';
import type { Forwarding } from './forwarding.js';
import type { MeterFeeds } from './meter-feeds.js';
import type { Models } from './models.js';
import type { Notifications } from './notifications.js';
import type { Rules } from './rules.js';
import type { NodeLog } from './node.js';
import type { SiteHolder } from './site-holder.js';

const STORE_CHECK_MS = 1_000;

export interface ReloaderParts {
  readonly path: string;
  readonly holder: SiteHolder;
  readonly channels: Channels;
  readonly models: Models;
  readonly rules: Pick<Rules, 'apply'>;
  readonly notifications: Pick<Notifications, 'apply'>;
  readonly forwarding: Pick<Forwarding, 'apply'>;
  readonly meterFeeds: Pick<MeterFeeds, 'apply'>;
  readonly realtime: RealtimeStore;
  readonly history: Pick<HistoryStore, 'keep'>;
  readonly journal: Pick<ConfigurationJournal, 'recordInTime' | 'files'>;
  /** The files of the site that the holder begins with. */
  readonly sources: Sources;
  readonly log: NodeLog;
}

/** Puts each edit of the site's files into force, and the tables back into a realtime store that has come back. */
export class Reloader {
  readonly #parts: ReloaderParts;
  #watcher: SiteWatch | undefined;
  #storeTimer: NodeJS.Timeout | undefined;
  #applying: Promise<void> = Promise.resolve();
  /** What is in force is written down in its order. */
  #recording: Promise<unknown> = Promise.resolve();
  #problem: string | undefined;

  constructor(parts: ReloaderParts) {
    this.#parts = parts;
  }

  /** Why the last edit is not in force; undefined when it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** `onStoreBack` is called when the realtime store has been reached anew. */
  start(onStoreBack: () => void): void {
    const { path, holder, realtime, channels, sources } = this.#parts;
    this.#record({ sources, cause: 'start', summary: (before) => this.#sinceThen(before) });
    if (holder.site.watchFiles) {
      this.#watcher = watchSite(path, holder.site, (...told) => this.#changed(...told), sources.hash);
    }
    let { generation } = realtime;
    this.#storeTimer = setInterval(() => {
      if (!realtime.health().up || (realtime.generation === generation && !channels.tablesMissing)) return;
      ({ generation } = realtime);
      onStoreBack();
      this.#inTurn(() => channels.writeTables());
    }, STORE_CHECK_MS);
  }

  /**
   * Does work that changes the site's files, and resolves when what they are then is in force and in the journal; where
   * edits come into force at the next start only, when the work is done.
   */
  async afterwards(work: () => Promise<void>): Promise<void> {
    if (this.#watcher === undefined) return work();
    await this.#watcher.afterwards(work);
    await this.#applying;
    await this.#recording;
  }

  stop(): void {
    this.#watcher?.close();
    clearInterval(this.#storeTimer);
  }

  #changed(next: Site | ConfigError, changes: readonly ChannelChange[], sources: Sources | undefined): void {
    const { holder, channels, models, rules, notifications, forwarding, meterFeeds, history, log } = this.#parts;
    if (next instanceof ConfigError) {
      this.#problem = next.message;
      log.error({ part: 'configuration', problems: next.problems }, `the edit is not in force: ${next.message}`);
      return;
    }
    this.#problem = undefined;
    this.#inTurn(async () => {
      const later = atNextStart(holder.site, next);
      if (later.length > 0) {
        log.warn({ part: 'configuration' }, `takes effect at the next start of the node: ${later.join(', ')}`);
      }
      const before = holder.site;
      const { mapping: _before, ...kept } = before.history;
      await models.prepare(next);
      holder.replace(next);
      await channels.apply(changes);
      await models.apply();
      await rules.apply();
      await notifications.apply();
      await forwarding.apply();
      await meterFeeds.apply();
      const { mapping: _now, ...wanted } = next.history;
      if (!isDeepStrictEqual(kept, wanted)) await history.keep(wanted);
      const what = changes.map(({ id, change }) => `${id} ${change}`).join(', ') || 'settings of the site';
      log.info({ part: 'configuration', changes: changes.length }, `the new configuration is in force: ${what}`);
      if (sources === undefined) return;
      this.#record({ sources, cause: 'edit', summary: () => summaryOf(describeChanges(before, next)) });
    });
  }

  #record(recorded: Recorded): void {
    this.#recording = this.#recording.then(() => this.#parts.journal.recordInTime(recorded));
  }

  /** What a start finds to be another than what was in force before. */
  async #sinceThen(before: ConfigurationEntry | undefined): Promise<string> {
    const { holder, journal, sources } = this.#parts;
    if (before === undefined) return `the first in the journal: ${holder.site.channels.length} channels`;
    try {
      return await summarize(sources.root, await journal.files(before), holder.site);
    } catch (error) {
      return `another than configuration ${before.number}, which cannot be compared with: ${errorMessage(error)}`;
    }
  }

  #inTurn(work: () => Promise<void>): void {
    this.#applying = this.#applying.then(work).catch((error: unknown) => {
      this.#parts.log.error({ part: 'configuration' }, errorMessage(error));
    });
  }
}

/** Settings that differ and that the parts of a node take only when they start, as site.yaml names them. */
function atNextStart(before: Site, after: Site): string[] {
  const settings = (site: Site) => ({
    watch_files: site.watchFiles,
    service_ports: site.servicePorts,
    max_concurrent_connections: site.defaults.maxConcurrentConnections,
  });
  const [old, wanted] = [settings(before), settings(after)];
  return (Object.keys(old) as (keyof typeof old)[]).filter((key) => !isDeepStrictEqual(old[key], wanted[key]));
}
