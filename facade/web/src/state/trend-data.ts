import type { HistoryPage, PointView } from '../../../../actors/client/schemas.js';

/** Columns for the chart, ascending by time. A null value is a gap: nothing good was read there. */
export interface TrendColumns {
  /** Seconds since the Unix epoch. */
  times: number[];
  /** Raw: the value; rollups: the mean of the interval. */
  values: (number | null)[];
  /** Rollups: least and greatest value of the interval; null otherwise. */
  lows: (number | null)[];
  highs: (number | null)[];
}

export interface TrendSummary {
  min: number;
  max: number;
  mean: number;
  /** Values that were good. */
  count: number;
  gaps: number;
}

/** Length of each rollup's interval, ms; raw has none. */
const INTERVAL_MS = { raw: 0, '1m': 60_000, '1h': 3_600_000, '1d': 86_400_000 } as const;

/** Cycles that may be missing before a line is broken: one lost answer is not an outage. */
const CYCLES_TO_GAP = 3;
/** A point with a deadband is reported when it changes, and at least this often. */
const REPORTED_AT_LEAST_EVERY_MS = 60_000;

export function emptyColumns(): TrendColumns {
  return { times: [], values: [], lows: [], highs: [] };
}

/**
 * History rows as columns. A line is broken where the quality says so, and where raw rows are missing for longer than
 * `longestMs` or a rollup's row is missing. A rollup's value stands in the middle of its interval.
 */
export function toColumns(page: Pick<HistoryPage, 'rows' | 'resolution'>, longestMs: number): TrendColumns {
  const columns = emptyColumns();
  const interval = INTERVAL_MS[page.resolution];
  const longest = interval > 0 ? interval * 1.5 : longestMs;
  let before: number | undefined;
  for (const row of page.rows) {
    if (before !== undefined && row.time - before > longest) pushGap(columns, (before + row.time) / 2 + interval / 2);
    before = row.time;
    const good = row.quality === undefined || row.quality === 'good' || row.quality === 'out-of-range';
    const value = good && typeof row.value === 'number' ? row.value : null;
    columns.times.push((row.time + interval / 2) / 1_000);
    columns.values.push(value);
    columns.lows.push(row.min ?? null);
    columns.highs.push(row.max ?? null);
  }
  return columns;
}

/** How a point comes into history. */
export interface Reporting {
  pollingIntervalMs: number;
  /** Undefined: the value is reported in every cycle. */
  deadband?: number | undefined;
}

/**
 * The longest distance of two raw rows, ms, that is no gap yet. A device whose cycles take longer than the polling
 * interval is measured by its own usual step.
 */
export function longestStep(rows: readonly { time: number }[], { pollingIntervalMs, deadband }: Reporting): number {
  if (deadband !== undefined) return CYCLES_TO_GAP * pollingIntervalMs + REPORTED_AT_LEAST_EVERY_MS;
  const steps = rows.slice(1).map(({ time }, index) => time - (rows[index] as { time: number }).time);
  const usual = steps.sort((a, b) => a - b)[steps.length >> 1] ?? 0;
  return CYCLES_TO_GAP * Math.max(pollingIntervalMs, usual);
}

/** Adds a live value at the end and drops what is before `from` (ms). Answers whether anything was added. */
export function appendLive(
  columns: TrendColumns,
  point: Pick<PointView, 'value' | 'quality' | 'time'>,
  from: number,
  longestMs: number,
): boolean {
  const live = point.quality === 'good' || point.quality === 'out-of-range';
  const last = columns.times.at(-1) ?? -Infinity;
  if (point.time === null || typeof point.value !== 'number') return false;
  if (!live) {
    // A stale value keeps the time of its last good one; the break comes just after it.
    if (columns.values.at(-1) === null || columns.values.length === 0) return false;
    pushGap(columns, last * 1_000 + 1);
    return true;
  }
  const time = point.time / 1_000;
  if (time <= last) return false;
  if (point.time - last * 1_000 > longestMs && columns.values.at(-1) !== null && columns.values.length > 0)
    pushGap(columns, (point.time + last * 1_000) / 2);
  columns.times.push(time);
  columns.values.push(point.value);
  columns.lows.push(null);
  columns.highs.push(null);
  let drop = 0;
  while (drop < columns.times.length && (columns.times[drop] as number) * 1_000 < from) drop += 1;
  if (drop > 0)
    for (const column of [columns.times, columns.values, columns.lows, columns.highs]) column.splice(0, drop);
  return true;
}

function pushGap(columns: TrendColumns, time: number): void {
  columns.times.push(time / 1_000);
  columns.values.push(null);
  columns.lows.push(null);
  columns.highs.push(null);
}

/** The figures of what is shown; undefined when no value is good. The mean is over rows, not weighted by time. */
export function summarize(columns: TrendColumns): TrendSummary | undefined {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let count = 0;
  let gaps = 0;
  let inGap = true; // What is missing before the first value is no gap between values.
  columns.values.forEach((value, index) => {
    if (value === null) {
      if (!inGap) gaps += 1;
      inGap = true;
      return;
    }
    inGap = false;
    min = Math.min(min, columns.lows[index] ?? value);
    max = Math.max(max, columns.highs[index] ?? value);
    sum += value;
    count += 1;
  });
  // What is missing after the last value is none either.
  if (inGap && gaps > 0) gaps -= 1;
  return count === 0 ? undefined : { min, max, mean: sum / count, count, gaps };
}
