import type { AlarmRecord } from '../../site/alarms.js';

/** Alarms as they change, for watchers in this process. */
export class AlarmFeed {
  readonly #watchers = new Set<(alarm: AlarmRecord) => void>();

  /** Answers a function that ends it. The watcher must be quick and must not throw. */
  watch(watcher: (alarm: AlarmRecord) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  publish(alarm: AlarmRecord): void {
    for (const watcher of this.#watchers) watcher(alarm);
  }
}
