/** Upper bounds of the buckets, seconds: from what a local journal takes to what an operator would call lost. */
export const DEFAULT_BOUNDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** How long something took, counted by buckets as Prometheus' histograms are; cheap enough for every command. */
export class Histogram {
  readonly bounds: readonly number[];
  /** Of each bucket alone, not summed up; the last one is of what lies above every bound. */
  readonly counts: number[];
  /** Of all that was observed, seconds. */
  sum = 0;

  constructor(bounds: readonly number[] = DEFAULT_BOUNDS) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** Counts a span of time, seconds. */
  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && seconds > (this.bounds[bucket] as number)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += seconds;
  }

  /** Counts the time since `from`, which `performance.now()` gave (ms). */
  since(from: number): void {
    this.observe((performance.now() - from) / 1_000);
  }

  /** How many were observed. */
  get count(): number {
    return this.counts.reduce((sum, each) => sum + each, 0);
  }
}
