import { addAbortSignal, type Readable } from 'node:stream';
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { StatewattError } from '../../errors/error.js';
import { formatPointAddress } from '../../site/points.js';
import { historyError } from './errors.js';
import { importedTable } from './imported.js';
import { tierOf } from './resolution.js';
import { RAW_TIER, type Tier } from './tiers.js';
import type { ExportQuery } from './types.js';

const MAX_TIME = 0xffff_ffff * 1_000;
const MAX_POINTS = 10_000;
const LOWER_64 = '18446744073709551615';
/** What sorting and grouping may hold in memory before they go on on the disk. */
const MEMORY_BYTES = '200000000';

const SETTINGS: ClickHouseSettings = {
  max_bytes_before_external_sort: MEMORY_BYTES,
  max_bytes_before_external_group_by: MEMORY_BYTES,
  max_execution_time: 3_600,
  max_threads: 2,
  date_time_output_format: 'iso',
  format_csv_null_representation: '',
  output_format_parquet_string_as_string: 1,
};

const HEAD = ['channel', 'kind', 'point', 'time'];
const RAW = [...HEAD, 'value', 'text', 'quality'];
const ROLLUP = [...HEAD, 'avg', 'min', 'max', 'first', 'last', 'count', 'sum'];

/**
 * Values of points as a file, piece by piece, by point and then time. The first piece comes when the database has begun
 * to answer. Ending the iteration, or the signal, ends the query.
 *
 * @throws `history.invalid_query`, and what the database throws
 */
export async function* exportHistory(
  client: ClickHouseClient,
  query: ExportQuery,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  check(query);
  const tier = tierOf(query.resolution);
  let answer: Readable | undefined;
  try {
    const { stream } = await client.exec({
      query: `${asSeen(query, tier, tier === RAW_TIER ? rawSelect(query) : rollupSelect(query, tier))} FORMAT ${query.format === 'csv' ? 'CSV' : 'Parquet'}`,
      clickhouse_settings: SETTINGS,
      abort_signal: signal,
    });
    answer = addAbortSignal(signal, stream);
    if (query.format === 'csv') yield Buffer.from(`${headOf(query, tier).join(',')}\n`);
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw historyError(error);
  } finally {
    // A reader that ends early leaves the rest unread: only this tells the database.
    answer?.destroy();
  }
}

function headOf(query: ExportQuery, tier: Tier): string[] {
  const columns = tier === RAW_TIER ? RAW : ROLLUP;
  return isSeen(query) ? ['address', ...columns.slice(HEAD.indexOf('time'))] : columns;
}

function isSeen({ points }: ExportQuery): boolean {
  return points.some(({ seen }) => seen !== undefined);
}

/** The rows of `select` as models see their points, in the order in which these were asked for. */
function asSeen(query: ExportQuery, tier: Tier, select: string): string {
  if (!isSeen(query)) return select;
  const places = query.points.map(({ channel, kind, id, seen }, place) => {
    const address = seen?.address ?? formatPointAddress({ channel, kind, id });
    const { scale = 1, offset = 0, min = -Number.MAX_VALUE, max = Number.MAX_VALUE } = seen ?? {};
    const numbers = [scale, offset, min, max].map(Number).join(', ');
    return `(${place}, '${address.replace(/[^\w:-]/g, '')}', ${Number(channel)}, '${kind}', ${Number(id)}, ${numbers})`;
  });
  const own = (column: string) => `r.${column} * p.scale + p.offset`;
  const raw = `${own('value')} AS value, r.text AS text, if(r.quality = 'good' AND
      (${own('value')} < p.low OR ${own('value')} > p.high), 'out-of-range', r.quality) AS quality`;
  const rollup = `${own('avg')} AS avg, least(${own('min')}, ${own('max')}) AS min, greatest(${own('min')}, ${own('max')}) AS max,
      ${own('first')} AS first, ${own('last')} AS last, r.count AS count, r.sum * p.scale + p.offset * r.count AS sum`;
  return `SELECT p.address AS address, r.time AS time, ${tier === RAW_TIER ? raw : rollup}
    FROM (${select}) AS r INNER JOIN (SELECT * FROM values('place UInt32, address String, channel UInt32, kind String,
      point UInt32, scale Float64, offset Float64, low Float64, high Float64', ${places.join(', ')})) AS p
      ON r.channel = p.channel AND r.kind = p.kind AND r.point = p.point
    ORDER BY p.place, r.time`;
}

function check({ points, from, to }: ExportQuery): void {
  if (points.length < 1 || points.length > MAX_POINTS) {
    throw invalid(`${points.length} points are asked for; 1 to ${MAX_POINTS} are allowed`);
  }
  if (!(from >= 0 && to <= MAX_TIME && from < to)) {
    throw invalid(`the range is ${from} to ${to}; allowed: ascending, 0 to ${MAX_TIME} (ms since the Unix epoch)`);
  }
}

function keysOf({ points }: ExportQuery): string {
  return points.map(({ channel, kind, id }) => `(${Number(channel)}, '${kind}', ${Number(id)})`).join(', ');
}

function rawSelect(query: ExportQuery): string {
  const millis = (time: number) => `fromUnixTimestamp64Milli(toInt64(${Math.floor(time)}), 'UTC')`;
  const part = (table: string) => `SELECT channel, toString(kind) AS kind, point, time,
      if(isFinite(value), value, NULL) AS value, text, toString(quality) AS quality FROM ${table}
    WHERE (channel, kind, point) IN (${keysOf(query)}) AND time >= ${millis(query.from)} AND time < ${millis(query.to)}`;
  return `SELECT ${RAW.join(', ')} FROM (${part(RAW_TIER.table)} UNION ALL ${part(`${importedTable(RAW_TIER)} FINAL`)})
    ORDER BY channel, kind, point, time`;
}

/** Every interval that overlaps the range. */
function rollupSelect(query: ExportQuery, tier: Tier): string {
  const from = Math.floor(query.from / tier.intervalMs) * tier.intervalMs;
  const packed = (column: string) => `reinterpretAsFloat64(toUInt64(bitAnd(${column}, toUInt128(${LOWER_64}))))`;
  const part = (table: string) => `SELECT channel, kind, point, time, min, max, sum, count, first, last FROM ${table}
    WHERE (channel, kind, point) IN (${keysOf(query)}) AND time >= toDateTime(${from / 1_000}, 'UTC')
      AND time < toDateTime(${Math.ceil(query.to / 1_000)}, 'UTC')`;
  return `SELECT t.channel AS channel, toString(t.kind) AS kind, t.point AS point, t.time AS time,
      sum(t.sum) / sum(t.count) AS avg, min(t.min) AS min, max(t.max) AS max, ${packed('min(t.first)')} AS first,
      ${packed('max(t.last)')} AS last, sum(t.count) AS count, sum(t.sum) AS sum
    FROM (${part(tier.table)} UNION ALL ${part(`${importedTable(tier)} FINAL`)}) AS t
    GROUP BY channel, kind, point, time ORDER BY channel, kind, point, time`;
}

function invalid(message: string): StatewattError {
  return new StatewattError('history.invalid_query', 'invalid', message);
}
