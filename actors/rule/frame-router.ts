import type { Frame, FramePosition } from '../../site/points.js';

/** Where frames come from, as they become readable; see LiveFeed. */
export interface FrameSource {
  watch(watcher: (frame: Frame) => void): () => void;
  position(channel: number): FramePosition | undefined;
}

/** Hands each frame only to those who want its channel, however many they are. */
export class FrameRouter {
  readonly #wanted = new Map<number, Set<(frame: Frame) => void>>();
  readonly #source: FrameSource;
  readonly #end: () => void;

  constructor(source: FrameSource) {
    this.#source = source;
    this.#end = source.watch((frame) => {
      for (const watcher of this.#wanted.get(frame.channel) ?? []) watcher(frame);
    });
  }

  /** Answers a function that ends it. The watcher must be quick and must not throw. */
  watch(channel: number, watcher: (frame: Frame) => void): () => void {
    const watchers = this.#wanted.get(channel) ?? new Set();
    this.#wanted.set(channel, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#wanted.get(channel) === watchers) this.#wanted.delete(channel);
    };
  }

  /** The newest frame of a channel that has come by; undefined: none has. */
  position(channel: number): FramePosition | undefined {
    return this.#source.position(channel);
  }

  close(): void {
    this.#end();
    this.#wanted.clear();
  }
}
