import type { RealtimeStore } from '../protocols/realtime/store.js';
import type { ChannelStatus } from './views.js';

const EVERY_MS = 1_000;
/** Channels that are looked at in one turn of the event loop: others have theirs in between. */
const AT_ONCE = 100;

/**
 * Keeps the channels' state and counters in the realtime store, for readers of VoltageEMS's hashes
 * (`comsrv:<channel>:status` and `:stats`). Once a second, only what has changed.
 */
export class StatusMirror {
  readonly #store: RealtimeStore;
  readonly #channels: () => readonly (() => ChannelStatus | undefined)[];
  readonly #written = new Map<number, string>();
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(store: RealtimeStore, channels: () => readonly (() => ChannelStatus | undefined)[]) {
    this.#store = store;
    this.#channels = channels;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#pass = this.#mirror().finally(() => {
        if (!this.#stopped) this.start();
      });
    }, EVERY_MS);
  }

  /** The store has come back, perhaps empty: write everything again. */
  forget(): void {
    this.#written.clear();
  }

  /** Writes the last counters, and that nobody reads the channels any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#pass;
    await this.#mirror();
    await this.#endAllBut(new Set());
  }

  async #mirror(): Promise<void> {
    if (!this.#store.health().up) return;
    const channels = this.#channels();
    const here = new Set<number>();
    for (let from = 0; from < channels.length; from += AT_ONCE) {
      if (from > 0) await new Promise((resolve) => setImmediate(resolve));
      const views = channels.slice(from, from + AT_ONCE).map((look) => look());
      const living = views.filter((view) => view !== undefined);
      for (const { id } of living) here.add(id);
      await Promise.allSettled(living.map((view) => this.#write(view)));
    }
    await this.#endAllBut(here);
  }

  /** Readers must not take a channel that has left the site, or whose node has stopped, for one that is read. */
  async #endAllBut(channels: ReadonlySet<number>): Promise<void> {
    if (!this.#store.health().up) return;
    const gone = [...this.#written.keys()].filter((id) => !channels.has(id));
    await Promise.allSettled(
      gone.map(async (id) => {
        await this.#store.setStatus(id, { state: 'stopped', online: 0, since: Date.now() }, {});
        this.#written.delete(id);
      }),
    );
  }

  async #write(view: ChannelStatus): Promise<void> {
    const { stats } = view;
    const status = {
      state: view.state,
      online: view.state === 'online' ? 1 : 0,
      since: view.since,
      error_count: stats.readErrors + stats.connectionErrors,
      last_error: stats.lastError ?? '',
      last_error_at: stats.lastErrorAt ?? 0,
      last_good_at: stats.lastGoodAt ?? 0,
    };
    const counters = {
      total_reads: stats.totalReads,
      total_frames: stats.totalFrames,
      read_errors: stats.readErrors,
      connection_errors: stats.connectionErrors,
      reconnect_count: stats.reconnectCount,
      missed_cycles: stats.missedCycles,
      dropped_values: stats.droppedValues,
    };
    const content = JSON.stringify([status, counters]);
    if (this.#written.get(view.id) === content) return;
    await this.#store.setStatus(view.id, status, counters);
    this.#written.set(view.id, content);
  }
}
