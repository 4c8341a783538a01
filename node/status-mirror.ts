import type { ChannelView } from '../actors/client/schemas.js';
import type { RealtimeStore } from '../protocols/realtime/store.js';

const EVERY_MS = 1_000;

/**
 * Keeps the channels' state and counters in the realtime store, for readers of VoltageEMS's hashes
 * (`comsrv:<channel>:status` and `:stats`). Once a second, only what has changed.
 */
export class StatusMirror {
  readonly #store: RealtimeStore;
  readonly #channels: () => Promise<ChannelView[]>;
  readonly #written = new Map<number, string>();
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(store: RealtimeStore, channels: () => Promise<ChannelView[]>) {
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

  /** Writes the last state, so that readers see what is stopped. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#pass;
    await this.#mirror();
  }

  async #mirror(): Promise<void> {
    if (!this.#store.health().up) return;
    await Promise.allSettled((await this.#channels()).map((view) => this.#write(view)));
  }

  async #write(view: ChannelView): Promise<void> {
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
    };
    const content = JSON.stringify([status, counters]);
    if (this.#written.get(view.id) === content) return;
    await this.#store.setStatus(view.id, status, counters);
    this.#written.set(view.id, content);
  }
}
