import { build, type Histogram } from 'hdr-histogram-js';

/** What a number of callers, each with one call under way, came to. */
export interface Figures {
  /** Calls a second. */
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly calls: number;
}

/** `callers` call one after the other for `seconds`, after a second of warming up. `index` counts the calls. */
export async function measureCallers(
  callers: number,
  seconds: number,
  call: (index: number) => Promise<unknown>,
): Promise<Figures> {
  const latencies: Histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000 });
  const begin = performance.now() + 1_000;
  const end = begin + seconds * 1_000;
  let index = 0;
  let calls = 0;
  const run = async (): Promise<void> => {
    for (;;) {
      const from = performance.now();
      if (from >= end) return;
      await call(index++);
      const now = performance.now();
      if (from < begin || now > end) continue;
      calls += 1;
      latencies.recordValue(Math.max(1, Math.round((now - from) * 1_000)));
    }
  };
  await Promise.all(Array.from({ length: callers }, run));
  return {
    rate: calls / seconds,
    p50Ms: latencies.getValueAtPercentile(50) / 1_000,
    p99Ms: latencies.getValueAtPercentile(99) / 1_000,
    calls,
  };
}
