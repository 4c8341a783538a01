import type { Frame } from '../../site/points.js';

/** Frames as they become readable, for watchers in this process. */
export class LiveFeed {
  readonly #watchers = new Set<(frame: Frame) => void>();

  /** Answers a function that ends it. The watcher must be quick and must not throw. */
  watch(watcher: (frame: Frame) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  publish(frame: Frame): void {
    for (const watcher of this.#watchers) watcher(frame);
  }
}
