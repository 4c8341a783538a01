import type { ClickHouseClient } from '@clickhouse/client';
import { StatewattError } from '../../errors/error.js';
import type { PointKind } from '../../site/points.js';
import { bucketsOf, spanOf, type Buckets } from './buckets.js';
import { fillGaps, type Known } from './gaps.js';
import { importedTable } from './imported.js';
import { RAW_TIER, ROLLUP_TIERS, type Tier } from './tiers.js';
import type { Aggregate, SeriesPage, SeriesPoint, SeriesQuery } from './types.js';

const HOUR = 3_600_000;
const DEFAULT_LIMIT = 1_000;
const MAX_LIMIT = 10_000;
const MAX_POINTS = 100;
/** The last ms that a ClickHouse DateTime64 and DateTime can both hold. */
const MAX_TIME = 0xffff_ffff * 1_000;
/** Every time zone's offset is a multiple of it, so days and months are made of whole ones. */
const QUARTER = 900_000;
/** Gaps up to so many buckets are filled unless the query says otherwise. */
const GAP_BUCKETS = 10;
const SETTINGS = { output_format_json_quote_64bit_integers: 0, max_execution_time: 60 } as const;
const LOWER_64 = '18446744073709551615';

/** One page of a query: its buckets, and the wider window that is read to fill gaps at its ends. */
interface Plan {
  readonly buckets: Buckets;
  /** Ascending; the last one is the end of the last bucket. */
  readonly edges: readonly number[];
  readonly windowFrom: number;
  readonly windowTo: number;
  readonly maxGapMs: number;
  readonly aggregates: readonly Aggregate[];
  readonly keys: string;
  readonly tier: Tier;
  readonly now: number;
}

type Found = { channel: number; kind: PointKind; point: number; at: number };

/**
 * Values of several points, aggregated in buckets of time.
 *
 * Only good numbers count. A bucket without one is a gap; how it is filled is the query's choice, but a gap that begins
 * with a value that is not good is an outage that the source has told of, and stays empty.
 *
 * @throws `history.invalid_query`
 */
export async function querySeries(client: ClickHouseClient, query: SeriesQuery, now: number): Promise<SeriesPage> {
  const { fill = 'none' } = query;
  const { plan, nextCursor, from, to } = planOf(query, now);
  const known = new Map(query.points.map((point) => [nameOf(point), new Map<number, Known>()]));
  const put = (row: Found, values: Known) => {
    const start = plan.buckets.floor(row.at);
    const point = known.get(nameOf({ ...row, id: row.point }));
    point?.set(start, { ...point.get(start), ...values });
  };
  const { aggregates } = plan;
  if (aggregates.some((name) => name !== 'twa')) {
    const sums = plan.tier === RAW_TIER ? rawSums(plan) : rollupSums(plan);
    for (const { channel, kind, point, at, ...values } of await rowsOf<Found & Known>(client, sums)) {
      put({ channel, kind, point, at }, values);
    }
  }
  if (aggregates.includes('twa')) {
    for (const { twa, ...row } of await rowsOf<Found & { twa: number }>(client, timeWeighted(plan))) put(row, { twa });
  }
  const outages = new Map(query.points.map((point) => [nameOf(point), new Set<number>()]));
  if (fill === 'previous' || fill === 'linear') {
    for (const row of await rowsOf<Found>(client, outagesIn(plan))) {
      outages.get(nameOf({ ...row, id: row.point }))?.add(plan.buckets.floor(row.at));
    }
  }
  return {
    from,
    to,
    every: query.every,
    timeZone: query.timeZone ?? 'UTC',
    aggregates: [...aggregates],
    resolution: plan.tier.resolution,
    series: query.points.map((point) => {
      const name = nameOf(point);
      const starts = allStarts(plan);
      const rows = fillGaps(starts, known.get(name) as Map<number, Known>, {
        fill,
        aggregates,
        outages: outages.get(name) as Set<number>,
        maxGapMs: plan.maxGapMs,
      });
      const [first, last] = [plan.edges[0] as number, plan.edges.at(-1) as number];
      return { ...point, rows: rows.filter(({ time }) => time >= first && time < last) };
    }),
    nextCursor,
  };
}

function planOf(query: SeriesQuery, now: number): { plan: Plan; nextCursor: string | null; from: number; to: number } {
  const { points, every, timeZone = 'UTC', aggregates = ['avg'], limit = DEFAULT_LIMIT } = query;
  if (points.length < 1 || points.length > MAX_POINTS) {
    throw invalid(`${points.length} points are asked for; 1 to ${MAX_POINTS} are allowed`);
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw invalid(`limit is ${limit}; 1 to ${MAX_LIMIT} is allowed`);
  }
  const buckets = bucketsOf(every, timeZone);
  const { from, to } = query.cursor === undefined ? rangeOf(query, now) : decodeCursor(query.cursor);
  const most = Math.max(1, Math.floor(limit / points.length));
  const edges = [buckets.floor(from)];
  while (edges.length <= most && (edges.at(-1) as number) < to) edges.push(buckets.next(edges.at(-1) as number));
  const end = edges.at(-1) as number;
  const maxGapMs = query.maxGap === undefined ? GAP_BUCKETS * buckets.usualMs : spanOf(query.maxGap, 'maxGap');
  if (maxGapMs / buckets.usualMs > MAX_LIMIT) throw invalid(`maxGap spans more than ${MAX_LIMIT} buckets`);
  const reach = query.fill === 'previous' || query.fill === 'linear' ? maxGapMs : 0;
  const plan: Plan = {
    buckets,
    edges,
    windowFrom: buckets.floor(Math.max(0, (edges[0] as number) - reach)),
    windowTo: Math.min(MAX_TIME, query.fill === 'linear' ? end + reach : end),
    maxGapMs,
    aggregates,
    keys: points.map(({ channel, kind, id }) => `(${Number(channel)}, '${kind}', ${Number(id)})`).join(', '),
    tier: tierFor(buckets, edges),
    now,
  };
  return { plan, from, to, nextCursor: end < to ? encodeCursor(end, to) : null };
}

function rangeOf(query: SeriesQuery, now: number): { from: number; to: number } {
  const to = Math.ceil(query.to ?? now);
  const from = Math.floor(query.from ?? to - HOUR);
  if (!(from >= 0 && to <= MAX_TIME)) {
    throw invalid(`the range is ${from} to ${to}; 0 to ${MAX_TIME} (ms since the Unix epoch) is allowed`);
  }
  if (from >= to) throw invalid(`from (${from}) must be before to (${to})`);
  return { from, to };
}

/** The coarsest tier of whose intervals the buckets are made. */
function tierFor(buckets: Buckets, edges: readonly number[]): Tier {
  const fits = ({ intervalMs }: Tier) =>
    buckets.stepMs === undefined ? edges.every((edge) => edge % intervalMs === 0) : buckets.stepMs % intervalMs === 0;
  return [...ROLLUP_TIERS].reverse().find(fits) ?? RAW_TIER;
}

/** Start of every bucket of the window. */
function allStarts({ buckets, windowFrom, windowTo }: Plan): number[] {
  const starts: number[] = [];
  for (let start = windowFrom; start < windowTo; start = buckets.next(start)) starts.push(start);
  return starts;
}

function rollupSums({ buckets, tier, keys, windowFrom, windowTo }: Plan): string {
  const packed = (column: string) => `reinterpretAsFloat64(toUInt64(bitAnd(${column}, toUInt128(${LOWER_64}))))`;
  const part = (table: string) => `SELECT channel, kind, point, time, min, max, sum, count, first, last FROM ${table}
    WHERE (channel, kind, point) IN (${keys}) AND time >= toDateTime(${windowFrom / 1_000}, 'UTC')
      AND time < toDateTime(${Math.ceil(windowTo / 1_000)}, 'UTC')`;
  return `SELECT channel, kind, point, ${buckets.expression('toInt64(toUnixTimestamp(t.time)) * 1000')} AS at,
      sum(t.sum) / sum(t.count) AS avg, min(t.min) AS min, max(t.max) AS max, ${packed('min(t.first)')} AS first,
      ${packed('max(t.last)')} AS last, sum(t.count) AS count, sum(t.sum) AS sum
    FROM (${part(tier.table)} UNION ALL ${part(`${importedTable(tier)} FINAL`)}) AS t
    GROUP BY channel, kind, point, at`;
}

/** All rows of the window: t in ms, v, and whether the value is good. */
function rawRows({ keys, windowTo }: Plan, from: number): string {
  const part = (table: string) => `SELECT channel, kind, point, toUnixTimestamp64Milli(time) AS t, value AS v,
      quality = 'good' AND text IS NULL AND isFinite(value) AS good
    FROM ${table} WHERE (channel, kind, point) IN (${keys})
      AND time >= fromUnixTimestamp64Milli(toInt64(${from}), 'UTC')
      AND time < fromUnixTimestamp64Milli(toInt64(${windowTo}), 'UTC')`;
  return `(${part(RAW_TIER.table)} UNION ALL ${part(`${importedTable(RAW_TIER)} FINAL`)})`;
}

function rawSums(plan: Plan): string {
  return `SELECT channel, kind, point, ${plan.buckets.expression('t')} AS at, avg(v) AS avg, min(v) AS min,
      max(v) AS max, argMin(v, t) AS first, argMax(v, t) AS last, count() AS count, sum(v) AS sum
    FROM ${rawRows(plan, plan.windowFrom)} WHERE good GROUP BY channel, kind, point, at`;
}

/**
 * The mean over time: each good value holds until the next row of its point, whatever that row's quality, but not longer
 * than the longest gap that is filled, and not beyond now.
 */
function timeWeighted(plan: Plan): string {
  const { buckets, windowFrom, windowTo, maxGapMs, now } = plan;
  const step = buckets.stepMs ?? QUARTER;
  // Of one type all, as the engine's range() wants it.
  const [begin, end, length] = [windowFrom, Math.min(windowTo, now), step].map((value) => `toInt64(${value})`);
  return `SELECT channel, kind, point, ${buckets.expression('piece')} AS at, sum(v * held) / sum(held) AS twa FROM (
      SELECT channel, kind, point, v, 
        arrayJoin(range(toInt64(intDiv(greatest(t, ${begin}), ${step}) * ${step}), until, ${length})) AS piece,
        least(until, piece + ${length}) - greatest(t, piece, ${begin}) AS held
      FROM (
        SELECT channel, kind, point, t, v, good, least(leadInFrame(t, 1, ${end}) OVER (
            PARTITION BY channel, kind, point ORDER BY t ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
          ), t + toInt64(${maxGapMs}), ${end}) AS until
        FROM ${rawRows(plan, Math.max(0, windowFrom - maxGapMs))}
      ) WHERE good AND until > greatest(t, ${begin})
    ) WHERE held > 0 GROUP BY channel, kind, point, at`;
}

/** Buckets whose last row is not good. */
function outagesIn(plan: Plan): string {
  return `SELECT channel, kind, point, ${plan.buckets.expression('t')} AS at FROM ${rawRows(plan, plan.windowFrom)}
    GROUP BY channel, kind, point, at HAVING argMax(good, t) = 0`;
}

function nameOf({ channel, kind, id }: SeriesPoint): string {
  return `${channel}:${kind}:${id}`;
}

async function rowsOf<T>(client: ClickHouseClient, query: string): Promise<T[]> {
  const result = await client.query({ query, format: 'JSONEachRow', clickhouse_settings: SETTINGS });
  return result.json<T>();
}

function encodeCursor(from: number, to: number): string {
  return Buffer.from(`${from}-${to}`).toString('base64url');
}

function decodeCursor(text: string): { from: number; to: number } {
  const [, from, to] = /^(\d{1,13})-(\d{1,13})$/.exec(Buffer.from(text, 'base64url').toString('utf8')) ?? [];
  if (from !== undefined && to !== undefined) return { from: Number(from), to: Number(to) };
  throw invalid(`cursor ${JSON.stringify(text.slice(0, 100))} is none; give nextCursor of the page before`);
}

function invalid(message: string): StatewattError {
  return new StatewattError('history.invalid_query', 'invalid', message);
}
