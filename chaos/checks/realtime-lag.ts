import { verdict, type Verdict } from './finding.js';

/** A frame that Redis does not show, nor a newer one of its channel. */
interface Missing {
  readonly sequence: number;
  /** When history was first seen to have it, ms; undefined: it has not. */
  since: number | undefined;
}

/** What Redis and history had at a moment. */
export interface RealtimeLook {
  /** Ms, by a clock that nobody sets. */
  readonly atMs: number;
  /** History has every frame up to this sequence of the stream. */
  readonly history: number;
  /** By channel: sequence of the frame that Redis shows, 0 for none; a channel of which that is not known is left out. */
  readonly redis: ReadonlyMap<number, number>;
}

/** A channel that Redis showed so much later than history had it. */
interface Lag {
  readonly atMs: number;
  readonly channel: number;
  readonly lagMs: number;
}

/** Redis must show a frame, or a newer one of its channel, soon after history has it. */
export class RealtimeLagCheck {
  readonly #boundMs: number;
  readonly #missing = new Map<number, Missing[]>();
  readonly #beyond: Lag[] = [];
  #firstAt = 0;
  #looks = 0;
  #longestMs = 0;

  constructor(boundMs: number) {
    this.#boundMs = boundMs;
  }

  /** A frame is in the stream; those of a channel come in their order. */
  frame(channel: number, sequence: number): void {
    const missing = this.#missing.get(channel);
    if (missing === undefined) this.#missing.set(channel, [{ sequence, since: undefined }]);
    else missing.push({ sequence, since: undefined });
  }

  look({ atMs, history, redis }: RealtimeLook): void {
    if (this.#looks === 0) this.#firstAt = atMs;
    this.#looks += 1;
    for (const [channel, shown] of redis) {
      const missing = this.#missing.get(channel) ?? [];
      const shownUpTo = missing.findIndex(({ sequence }) => sequence > shown);
      missing.splice(0, shownUpTo === -1 ? missing.length : shownUpTo);
      for (const each of missing) if (each.since === undefined && each.sequence <= history) each.since = atMs;
      const lagMs = atMs - (missing[0]?.since ?? atMs);
      this.#longestMs = Math.max(this.#longestMs, lagMs);
      if (lagMs > this.#boundMs) this.#beyond.push({ atMs, channel, lagMs });
    }
  }

  /** @param excused whether Redis could not be as new as history then: it was away, or had been a moment before */
  verdict(excused: (atMs: number) => boolean): Verdict {
    const worst = new Map<number, Lag>();
    for (const lag of this.#beyond) {
      if (excused(lag.atMs) || lag.lagMs <= (worst.get(lag.channel)?.lagMs ?? 0)) continue;
      worst.set(lag.channel, lag);
    }
    return verdict(
      'realtime-recent',
      `Redis is never older than history by more than ${this.#boundMs / 1_000} s`,
      `${this.#looks} looks at ${this.#missing.size} channels, ${(this.#longestMs / 1_000).toFixed(1)} s at most`,
      [...worst.values()].map(
        ({ atMs, channel, lagMs }) =>
          `channel ${channel}, ${((atMs - this.#firstAt) / 1_000).toFixed(1)} s after the first look: history has had its frame for ${(lagMs / 1_000).toFixed(1)} s`,
      ),
    );
  }
}
