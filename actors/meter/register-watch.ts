import { registerStep } from '../../site/metering/register.js';

/** What a counter's values say, in the order in which they say it. */
export type RegisterNews =
  /** What it showed at a boundary of its intervals (ms since the Unix epoch), µWh. */
  | { readonly type: 'count'; readonly end: number; readonly energy: bigint; readonly estimated: boolean }
  /** Another counter has taken its place; what the former showed last and that one first, and when that was. */
  | { readonly type: 'replace'; readonly from: bigint; readonly to: bigint; readonly seen: number };

export interface RegisterSample {
  /** µWh. */
  readonly energy: bigint;
  /** ms since the Unix epoch. */
  readonly time: number;
}

/** Values so far apart are near: what does not change is reported once a minute. */
const NEAR_MS = 90_000;
/** A counter that has fallen and stays there for so long is another one, and not one that shows nothing for a moment. */
const SETTLED_MS = 60_000;

/**
 * Finds the boundaries of intervals in the good values of a counter, one after the other. A value counts when the next one
 * goes on from it: one that stands alone, above or below the others, is a fault of the device and is left out.
 *
 * The value at a boundary is the last one before it, as the device has shown it. Where the next one is not near, the counter
 * was not read around the boundary: then its value lies on the line between the two. Of several boundaries between two
 * values only the last is counted: nobody knows how the energy is spread among the intervals.
 */
export class RegisterWatch {
  readonly #interval: number;
  readonly #rollover: bigint | undefined;
  readonly #onNews: (news: RegisterNews) => void;
  /** The newest value that counts. */
  #settled: RegisterSample | undefined;
  /** The newest value; it counts when the next one goes on from it. */
  #newest: RegisterSample | undefined;
  /** The first value of a counter that has fallen below `settled`, while it stays there. */
  #fallen: RegisterSample | undefined;

  /** @param start what is known of the counter: its value at a boundary */
  constructor(
    interval: number,
    rollover: bigint | undefined,
    start: RegisterSample | undefined,
    onNews: (news: RegisterNews) => void,
  ) {
    this.#interval = interval;
    this.#rollover = rollover;
    this.#settled = start;
    this.#onNews = onNews;
  }

  /** The newest value; undefined before the first. */
  get newest(): RegisterSample | undefined {
    return this.#newest;
  }

  /** Takes a good value; one that is not newer than the one before is left out. */
  see(energy: bigint, time: number): void {
    const sample = { energy, time };
    const settled = this.#settled;
    const newest = this.#newest;
    if (time <= (newest ?? settled ?? { time: -Infinity }).time) return;
    this.#newest = sample;
    if (newest === undefined) {
      if (settled !== undefined && !this.#goesOn(settled, sample)) this.#fallen = sample;
    } else if (settled === undefined) {
      if (this.#goesOn(newest, sample)) this.#settled = newest;
    } else if (this.#fallen === undefined) {
      this.#follow(settled, newest, sample);
    } else {
      this.#followFallen(settled, newest, sample, this.#fallen);
    }
  }

  #follow(settled: RegisterSample, newest: RegisterSample, sample: RegisterSample): void {
    if (this.#goesOn(newest, sample)) {
      this.#settle(newest);
    } else if (!this.#goesOn(settled, sample)) {
      this.#settle(newest);
      this.#fallen = sample;
    }
    // Else `newest` stood alone above the others.
  }

  #followFallen(settled: RegisterSample, newest: RegisterSample, sample: RegisterSample, fallen: RegisterSample): void {
    if (this.#goesOn(settled, sample)) {
      this.#fallen = undefined;
    } else if (!this.#goesOn(newest, sample)) {
      this.#fallen = sample;
    } else if (sample.time - fallen.time >= SETTLED_MS) {
      this.#fallen = undefined;
      this.#onNews({ type: 'replace', from: settled.energy, to: fallen.energy, seen: fallen.time });
      this.#settled = fallen;
      if (newest !== fallen) this.#settle(newest);
    }
  }

  #goesOn(from: RegisterSample, to: RegisterSample): boolean {
    return registerStep(from.energy, to.energy, this.#rollover) !== undefined;
  }

  /** Counts the last boundary up to `next`, a value that goes on from the settled one. */
  #settle(next: RegisterSample): void {
    const before = this.#settled;
    this.#settled = next;
    if (before === undefined) return;
    const end = next.time - (next.time % this.#interval);
    if (end <= before.time) return;
    if (end === next.time) {
      this.#onNews({ type: 'count', end, energy: next.energy, estimated: false });
    } else if (next.time - before.time <= Math.min(NEAR_MS, this.#interval)) {
      this.#onNews({ type: 'count', end, energy: before.energy, estimated: false });
    } else {
      this.#onNews({ type: 'count', end, energy: this.#between(before, next, end), estimated: true });
    }
  }

  #between(before: RegisterSample, next: RegisterSample, at: number): bigint {
    const step = registerStep(before.energy, next.energy, this.#rollover) ?? 0n;
    const energy = before.energy + (step * BigInt(at - before.time)) / BigInt(next.time - before.time);
    return this.#rollover !== undefined && energy >= this.#rollover ? energy - this.#rollover : energy;
  }
}
