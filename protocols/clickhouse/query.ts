import type { ClickHouseClient } from '@clickhouse/client';
import { StatewattError } from '../../errors/error.js';
import type { HistoryConfig } from '../../site/model.js';
import type { Quality } from '../../site/points.js';
import { decodeCursor, encodeCursor, type Cursor } from './cursor.js';
import { importedTable } from './imported.js';
import { chooseResolution, floorTo, tierOf } from './resolution.js';
import { RAW_TIER, type Tier } from './tiers.js';
import type { HistoryPage, HistoryQuery, HistoryResolution, HistoryRow } from './types.js';

const HOUR = 3_600_000;
const DEFAULT_LIMIT = 1_000;
const MAX_LIMIT = 10_000;
/** The last ms that a ClickHouse DateTime64 and DateTime can both hold. */
const MAX_TIME = 0xffff_ffff * 1_000;

const SETTINGS = { output_format_json_quote_64bit_integers: 1, max_execution_time: 60 } as const;
const WHERE = 'channel = {channel:UInt32} AND kind = {kind:String} AND point = {id:UInt32}';
const LOWER_64 = '18446744073709551615';

interface Range {
  resolution: HistoryResolution;
  from: number;
  to: number;
  after?: Cursor;
}

/** One page of a point's history, ascending by time. @throws `history.invalid_query` */
export async function queryHistory(
  client: ClickHouseClient,
  query: HistoryQuery,
  config: HistoryConfig | undefined,
  now: number,
): Promise<HistoryPage> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw invalid(`limit is ${limit}; 1 to ${MAX_LIMIT} is allowed`);
  }
  const point = `${query.channel}:${query.kind}:${query.id}`;
  const range =
    query.cursor === undefined
      ? await firstRange(client, query, limit, config, now)
      : continuedRange(decodeCursor(query.cursor, point));
  const tier = tierOf(range.resolution);
  // One row more than asked for says whether there is a next page.
  const found =
    tier === RAW_TIER
      ? await rawRows(client, query, range, limit + 1)
      : await rollupRows(client, query, tier, range, limit + 1);
  const kept = found.slice(0, limit);
  const last = found.length > limit ? kept.at(-1) : undefined;
  return {
    channel: query.channel,
    kind: query.kind,
    id: query.id,
    resolution: range.resolution,
    from: range.from,
    to: range.to,
    rows: kept.map(({ row }) => row),
    nextCursor:
      last === undefined
        ? null
        : encodeCursor({
            point,
            resolution: range.resolution,
            from: range.from,
            to: range.to,
            time: last.row.time,
            sequence: last.sequence,
            batch: last.batch,
          }),
  };
}

function continuedRange(cursor: Cursor): Range {
  return { resolution: cursor.resolution, from: cursor.from, to: cursor.to, after: cursor };
}

async function firstRange(
  client: ClickHouseClient,
  query: HistoryQuery,
  limit: number,
  config: HistoryConfig | undefined,
  now: number,
): Promise<Range> {
  const to = Math.ceil(query.to ?? now);
  const from = Math.floor(query.from ?? to - HOUR);
  if (!(from >= 0 && to <= MAX_TIME)) {
    throw invalid(`the range is ${from} to ${to}; 0 to ${MAX_TIME} (ms since the Unix epoch) is allowed`);
  }
  if (from >= to) throw invalid(`from (${from}) must be before to (${to})`);
  const wanted = query.resolution ?? 'auto';
  if (wanted !== 'auto') return { resolution: wanted, from, to };
  const [raw] = await rowsOf<{ rows: string; texts: string }>(
    client,
    `SELECT count() AS rows, countIf(text IS NOT NULL) AS texts FROM (
       (SELECT text FROM ${RAW_TIER.table} WHERE ${WHERE} AND ${between('raw')} LIMIT {limit:UInt32}) UNION ALL
       (SELECT text FROM ${importedTable(RAW_TIER)} WHERE ${WHERE} AND ${between('raw')} LIMIT {limit:UInt32}))`,
    { ...pointOf(query), from, to, limit: limit + 1 },
  );
  const held = { rows: Number(raw?.rows), texts: Number(raw?.texts) > 0 };
  return { resolution: chooseResolution({ from, to, limit }, held, config, now), from, to };
}

interface Found {
  row: HistoryRow;
  sequence: string;
  batch: string;
}

async function rawRows(client: ClickHouseClient, query: HistoryQuery, range: Range, limit: number): Promise<Found[]> {
  const after = range.after;
  const beyond =
    after === undefined
      ? ''
      : `AND (time, sequence, batch) >
           (fromUnixTimestamp64Milli({after:Int64}, 'UTC'), {sequence:UInt64}, {batch:UInt64})`;
  // Each part is cut by itself, so that of a long range no more is read than a page.
  const part = (table: string) => `(SELECT time, value, text, quality, sequence, batch FROM ${table}
     WHERE ${WHERE} AND ${between('raw')} ${beyond} ORDER BY time, sequence, batch LIMIT {limit:UInt32})`;
  const rows = await rowsOf<{
    at: string;
    value: number | null;
    text: string | null;
    quality: Quality;
    sequence: string;
    batch: string;
  }>(
    client,
    `SELECT toUnixTimestamp64Milli(time) AS at, value, text, quality, sequence, batch
     FROM (${part(RAW_TIER.table)} UNION ALL ${part(`${importedTable(RAW_TIER)} FINAL`)})
     ORDER BY time, sequence, batch LIMIT {limit:UInt32}`,
    {
      ...pointOf(query),
      // A page begins where the former ended, so that the engine skips what lies before.
      from: after?.time ?? range.from,
      to: range.to,
      limit,
      ...(after === undefined ? {} : { after: after.time, sequence: after.sequence, batch: after.batch }),
    },
  );
  return rows.map(({ at, value, text, quality, sequence, batch }) => ({
    row: { time: Number(at), value: text ?? value, quality },
    sequence,
    batch,
  }));
}

async function rollupRows(
  client: ClickHouseClient,
  query: HistoryQuery,
  tier: Tier,
  range: Range,
  limit: number,
): Promise<Found[]> {
  const from = range.after === undefined ? floorTo(tier, range.from) : range.after.time + tier.intervalMs;
  const part = (table: string) => `SELECT time, min, max, sum, count, first, last FROM ${table}
     WHERE ${WHERE} AND ${between(tier.resolution)}`;
  const rows = await rowsOf<{
    at: string;
    low: number;
    high: number;
    mean: number;
    points: string;
    earliest: number;
    latest: number;
  }>(
    client,
    `SELECT toUnixTimestamp(time) AS at, min(t.min) AS low, max(t.max) AS high, sum(t.sum) / sum(t.count) AS mean,
       sum(t.count) AS points, ${packedValue('min(t.first)')} AS earliest, ${packedValue('max(t.last)')} AS latest
     FROM (${part(tier.table)} UNION ALL ${part(`${importedTable(tier)} FINAL`)}) AS t
     GROUP BY time ORDER BY time LIMIT {limit:UInt32}`,
    { ...pointOf(query), from, to: range.to, limit },
  );
  return rows.map(({ at, low, high, mean, points, earliest, latest }) => ({
    row: {
      time: Number(at) * 1_000,
      value: mean,
      min: low,
      max: high,
      first: earliest,
      last: latest,
      count: Number(points),
    },
    sequence: '0',
    batch: '0',
  }));
}

/** The value in the lower half of `first` and `last` (schema.ts). */
function packedValue(packed: string): string {
  return `reinterpretAsFloat64(toUInt64(bitAnd(${packed}, toUInt128(${LOWER_64}))))`;
}

function between(resolution: HistoryResolution): string {
  if (resolution === 'raw') {
    return `time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to:Int64}, 'UTC')`;
  }
  // Intervals begin at whole seconds, so an end within a second includes the interval that begins at it.
  return `time >= toDateTime(intDiv({from:Int64}, 1000), 'UTC') AND time < toDateTime(intDiv({to:Int64} + 999, 1000), 'UTC')`;
}

function pointOf({ channel, kind, id }: HistoryQuery): { channel: number; kind: string; id: number } {
  return { channel, kind, id };
}

async function rowsOf<T>(client: ClickHouseClient, query: string, params: Record<string, unknown>): Promise<T[]> {
  const result = await client.query({
    query,
    query_params: params,
    format: 'JSONEachRow',
    clickhouse_settings: SETTINGS,
  });
  return result.json<T>();
}

function invalid(message: string): StatewattError {
  return new StatewattError('history.invalid_query', 'invalid', message);
}
