import { BAD, GOOD, OUT_OF_RANGE } from '../points.js';

/**
 * One part of an expression, ready to run. Numbers are numbers, conditions are 1 and 0, and NaN is unknown. Each call
 * moves the part's own state (windows, holds) on to the run's time, so each part is called once for each evaluation.
 */
export type Compute = () => number;

/** What the parts of one running expression share. */
export class Run {
  /** Values of the points by slot; NaN where unknown. */
  readonly values: Float64Array;
  readonly quality: Uint8Array;
  /** Time of the evaluation, ms since the Unix epoch. */
  now = 0;
  /** The parts bring it down to when they may change by the passing of time alone. */
  wakeAt = Infinity;

  constructor(points: number) {
    this.values = new Float64Array(points).fill(NaN);
    this.quality = new Uint8Array(points).fill(BAD);
  }

  /** A value outside its limits was read all the same, so it counts; one that is stale or bad does not. */
  set(slot: number, value: number, quality: number): void {
    this.values[slot] = quality === GOOD || quality === OUT_OF_RANGE ? value : NaN;
    this.quality[slot] = quality;
  }

  wake(at: number): void {
    if (at < this.wakeAt) this.wakeAt = at;
  }
}
