import type { Aggregate, Fill, SeriesRow } from './types.js';

/** What is known of one bucket. */
export type Known = Partial<Record<Aggregate, number | null>>;

export interface GapOptions {
  readonly fill: Fill;
  readonly aggregates: readonly Aggregate[];
  /** Buckets whose last value is not good: nothing is carried, or drawn, beyond them. */
  readonly outages: ReadonlySet<number>;
  /** Longest stretch between two known buckets that is filled. */
  readonly maxGapMs: number;
}

/** What a gap may be filled with; nothing was counted in it, whatever its value may have been. */
const VALUES: ReadonlySet<Aggregate> = new Set(['avg', 'min', 'max', 'first', 'last', 'twa']);

/** Rows of the buckets at `starts`, ascending; those in a gap are left out, null, or filled, as the options say. */
export function fillGaps(
  starts: readonly number[],
  known: ReadonlyMap<number, Known>,
  { fill, aggregates, outages, maxGapMs }: GapOptions,
): SeriesRow[] {
  const rows: SeriesRow[] = [];
  let before: number | undefined;
  let intact = false;
  for (const [index, time] of starts.entries()) {
    const values = known.get(time);
    if (values !== undefined) {
      rows.push(toRow(time, aggregates, (name) => values[name] ?? null));
      before = time;
      intact = !outages.has(time);
      continue;
    }
    if (outages.has(time)) intact = false;
    if (fill === 'none') continue;
    if (fill === 'null' || !intact || before === undefined || time - before > maxGapMs) {
      rows.push(toRow(time, aggregates, empty));
      continue;
    }
    const to = fill === 'linear' ? nextKnown(starts, index, known, outages, before + maxGapMs) : undefined;
    if (fill === 'linear' && to === undefined) rows.push(toRow(time, aggregates, empty));
    else rows.push({ ...toRow(time, aggregates, between(known, before, to, time)), filled: true });
  }
  return rows;
}

function empty(name: Aggregate): number | null {
  return name === 'count' ? 0 : null;
}

/** The value at `time`: that of the bucket at `from`, or on the line from there to the one at `to`. */
function between(known: ReadonlyMap<number, Known>, from: number, to: number | undefined, time: number) {
  return (name: Aggregate): number | null => {
    if (!VALUES.has(name)) return empty(name);
    const first = known.get(from)?.[name] ?? null;
    if (to === undefined || first === null) return first;
    const second = known.get(to)?.[name] ?? null;
    return second === null ? null : first + ((second - first) * (time - from)) / (to - from);
  };
}

/** The next bucket with values, if no outage and not too much time comes before it. */
function nextKnown(
  starts: readonly number[],
  index: number,
  known: ReadonlyMap<number, Known>,
  outages: ReadonlySet<number>,
  latest: number,
): number | undefined {
  for (let at = index + 1; at < starts.length; at++) {
    const time = starts[at] as number;
    if (time > latest) return undefined;
    if (known.has(time)) return time;
    if (outages.has(time)) return undefined;
  }
  return undefined;
}

function toRow(time: number, aggregates: readonly Aggregate[], value: (name: Aggregate) => number | null): SeriesRow {
  const row: SeriesRow = { time };
  for (const name of aggregates) row[name] = value(name);
  return row;
}
