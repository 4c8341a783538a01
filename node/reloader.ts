import { isDeepStrictEqual } from 'node:util';
import { errorMessage } from '../errors/error.js';
import { ConfigError, watchSite, type ChannelChange } from '../site/config/index.js';
import type { HistoryStore } from '../protocols/clickhouse/types.js';
import type { RealtimeStore } from '../protocols/realtime/store.js';
import type { Site } from '../site/model.js';
import type { Channels } from './channels.js';
import type { Forwarding } from './forwarding.js';
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
  readonly realtime: RealtimeStore;
  readonly history: Pick<HistoryStore, 'keep'>;
  readonly log: NodeLog;
}

/** Puts each edit of the site's files into force, and the tables back into a realtime store that has come back. */
export class Reloader {
  readonly #parts: ReloaderParts;
  #watcher: { close(): void } | undefined;
  #storeTimer: NodeJS.Timeout | undefined;
  #applying: Promise<void> = Promise.resolve();
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
    const { path, holder, realtime, channels } = this.#parts;
    if (holder.site.watchFiles) {
      this.#watcher = watchSite(path, holder.site, (next, changes) => this.#changed(next, changes));
    }
    let { generation } = realtime;
    this.#storeTimer = setInterval(() => {
      if (!realtime.health().up || (realtime.generation === generation && !channels.tablesMissing)) return;
      ({ generation } = realtime);
      onStoreBack();
      this.#inTurn(() => channels.writeTables());
    }, STORE_CHECK_MS);
  }

  stop(): void {
    this.#watcher?.close();
    clearInterval(this.#storeTimer);
  }

  #changed(next: Site | ConfigError, changes: readonly ChannelChange[]): void {
    const { holder, channels, models, rules, notifications, forwarding, history, log } = this.#parts;
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
      const { mapping: _before, ...kept } = holder.site.history;
      holder.replace(next);
      await channels.apply(changes);
      await models.apply();
      await rules.apply();
      await notifications.apply();
      await forwarding.apply();
      const { mapping: _now, ...wanted } = next.history;
      if (!isDeepStrictEqual(kept, wanted)) await history.keep(wanted);
      const what = changes.map(({ id, change }) => `${id} ${change}`).join(', ') || 'settings of the site';
      log.info({ part: 'configuration', changes: changes.length }, `the new configuration is in force: ${what}`);
    });
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
