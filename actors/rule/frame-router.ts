import type { Frame } from '../../site/points.js';

/** Where frames come from; see LiveFeed. */
export interface FrameSource {
  watch(watcher: (frame: Frame) => void): () => void;
}

/** Must be quick and must not throw. `readable`: readers have the frame, or a newer one. */
export type FrameWatcher = (frame: Frame, readable: boolean) => void;

/**
 * Hands each frame only to those who want its channel, however many they are: as it becomes readable, and those of this
 * node's own channels, if `early` tells of them, also as soon as they were read.
 */
export class FrameRouter {
  readonly #wanted = new Map<number, Set<FrameWatcher>>();
  readonly #ends: (() => void)[];

  constructor(readable: FrameSource, early?: FrameSource) {
    this.#ends = [readable.watch((frame) => this.#tell(frame, true))];
    if (early !== undefined) this.#ends.push(early.watch((frame) => this.#tell(frame, false)));
  }

  #tell(frame: Frame, readable: boolean): void {
    for (const watcher of this.#wanted.get(frame.channel) ?? []) watcher(frame, readable);
  }

  /** Answers a function that ends it. */
  watch(channel: number, watcher: FrameWatcher): () => void {
    const watchers = this.#wanted.get(channel) ?? new Set<FrameWatcher>();
    this.#wanted.set(channel, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#wanted.get(channel) === watchers) this.#wanted.delete(channel);
    };
  }

  close(): void {
    for (const end of this.#ends) end();
    this.#wanted.clear();
  }
}
