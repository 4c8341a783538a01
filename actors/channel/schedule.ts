/**
 * Fixed-rate cycles on a grid of whole milliseconds. Each channel has a phase of its own, so that a thousand channels
 * of the same interval are spread over it instead of all starting at once.
 */
export class Schedule {
  readonly intervalMs: number;
  readonly phaseMs: number;

  constructor(intervalMs: number, channel: number) {
    this.intervalMs = intervalMs;
    // Fibonacci hashing: neighbouring ids land far apart.
    this.phaseMs = Math.floor(((Math.imul(channel, 0x9e3779b1) >>> 0) / 2 ** 32) * intervalMs);
  }

  /** The first cycle later than `now` (whole ms of a monotonic clock). */
  after(now: number): number {
    return (Math.floor((now - this.phaseMs) / this.intervalMs) + 1) * this.intervalMs + this.phaseMs;
  }

  /** The cycle after one that began off the grid at `now`: at least half an interval later. */
  afterFirst(now: number): number {
    return this.after(now + Math.floor(this.intervalMs / 2));
  }
}
