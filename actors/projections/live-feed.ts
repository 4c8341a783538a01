import { isBehind, type Frame, type FramePosition } from '../../site/points.js';

/**
 * Frames as they become readable, for watchers in this process. A frame that is not newer than what was published of
 * its channel (by epoch, then seq) is left out: it is read again after the bus was away, or comes late.
 */
export class LiveFeed {
  readonly #watchers = new Set<(frame: Frame) => void>();
  readonly #newest = new Map<number, { epoch: number; seq: number }>();

  /** Answers a function that ends it. The watcher must be quick and must not throw. */
  watch(watcher: (frame: Frame) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The newest frame of a channel that was published here; undefined: none was. */
  position(channel: number): FramePosition | undefined {
    return this.#newest.get(channel);
  }

  publish(frame: Frame): void {
    const { channel, epoch, seq } = frame;
    const newest = this.#newest.get(channel);
    if (newest === undefined) this.#newest.set(channel, { epoch, seq });
    else if (!isBehind(newest, frame)) return;
    else Object.assign(newest, { epoch, seq });
    for (const watcher of this.#watchers) watcher(frame);
  }
}
