import { addAbortSignal, type Readable } from 'node:stream';
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import type { LedgerFilter, LedgerRow, LedgerStatus } from '../../../site/minting/ledger.js';
import { formatCursor, invalidCursor, parseCursor } from './cursor.js';
import { BY_METER, type LedgerTable } from './schema.js';
import { tableOf, whereOf, type Params, type Where } from './where.js';

/** Which readings of a filter, and in which order. */
export interface LedgerPageQuery extends LedgerFilter {
  readonly limit: number;
  /** `nextCursor` of the page before, of the same filter. */
  readonly cursor?: string;
  /** Newest first; otherwise oldest first. Readings of all meters are in the order of the meters. */
  readonly newestFirst?: boolean;
}

export interface LedgerRows {
  readonly rows: LedgerRow[];
  readonly nextCursor: string | null;
}

/** Sums of the readings of one status. */
export interface LedgerSum {
  readonly status: LedgerStatus;
  readonly readings: number;
  /** µWh. */
  readonly energy: bigint;
  /** Base units. */
  readonly tokens: bigint;
}

const SELECTED = `meter, toString(sequence) AS sequence, toString(start) AS start, toString(end) AS end,
  toString(energy) AS energy, toString(tokens) AS tokens, wallet, user, toString(status) AS status, batch, signature,
  toString(since) AS since`;
const CSV_COLUMNS = [
  ...['meter', 'sequence', 'start', 'end', 'energy_uwh', 'tokens', 'wallet', 'user', 'status', 'batch', 'signature'],
  'since',
];
const CSV_SELECTED = `meter, sequence, fromUnixTimestamp64Milli(start, 'UTC'), fromUnixTimestamp64Milli(end, 'UTC'), energy,
  tokens, wallet, user, toString(status), batch, signature, fromUnixTimestamp64Milli(since, 'UTC')`;
const EXPORT_SETTINGS: ClickHouseSettings = {
  max_bytes_before_external_sort: '200000000',
  max_execution_time: 3_600,
  max_threads: 2,
  date_time_output_format: 'iso',
};

/**
 * Readings in the order of their table, the newest row of each. Read in that order until there are enough, without merging
 * what else the table holds.
 *
 * @throws `ledger.invalid_cursor`, and what the database throws
 */
export async function queryPage(client: ClickHouseClient, query: LedgerPageQuery): Promise<LedgerRows> {
  const { limit, cursor, status, newestFirst = false } = query;
  const table = tableOf(query);
  const { sql, params } = whereOf(query);
  const after = cursor === undefined ? undefined : afterCursor(table, cursor, newestFirst);
  const direction = newestFirst ? 'DESC' : 'ASC';
  const order = table.key.map((name) => `${name} ${direction}`).join(', ');
  const result = await client.query({
    query: `SELECT ${SELECTED} FROM (
        SELECT * FROM ${table.name} WHERE ${sql} ${after === undefined ? '' : `AND ${after.sql}`}
        ORDER BY ${order}, version DESC LIMIT 1 BY ${table.key.join(', ')}
      ) ${status === undefined ? '' : 'WHERE status = {status:String}'} LIMIT {most:UInt32}`,
    query_params: { ...params, ...after?.params, ...(status === undefined ? {} : { status }), most: limit + 1 },
    format: 'JSONEachRow',
  });
  const found = (await result.json<TextRow>()).map(toRow);
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, nextCursor: found.length > limit && last !== undefined ? cursorOf(table, last) : null };
}

/** The newest rows of some readings of a meter. */
export async function queryReadings(
  client: ClickHouseClient,
  meter: string,
  sequences: readonly number[],
): Promise<LedgerRow[]> {
  const result = await client.query({
    query: `SELECT ${SELECTED} FROM (
        SELECT * FROM ${BY_METER.name} WHERE meter = {meter:String} AND sequence IN {sequences:Array(UInt64)}
        ORDER BY meter, sequence, version DESC LIMIT 1 BY meter, sequence)`,
    query_params: { meter, sequences: [...sequences] },
    format: 'JSONEachRow',
  });
  return (await result.json<TextRow>()).map(toRow);
}

/** Sequence of the last reading of a meter; undefined: none is known. */
export async function queryLast(client: ClickHouseClient, meter: string): Promise<number | undefined> {
  const result = await client.query({
    query: `SELECT toString(sequence) AS sequence FROM ${BY_METER.name} WHERE meter = {meter:String}
      ORDER BY meter DESC, sequence DESC LIMIT 1`,
    query_params: { meter },
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ sequence: string }>();
  return row === undefined ? undefined : Number(row.sequence);
}

/** Sums by status. */
export async function querySums(client: ClickHouseClient, filter: LedgerFilter): Promise<LedgerSum[]> {
  const { sql, params } = whereOf(filter);
  const { status } = filter;
  const result = await client.query({
    query: `SELECT toString(status) AS status, count() AS readings, toString(sum(toUInt128(energy))) AS energy,
        toString(sum(toUInt128(tokens))) AS tokens
      FROM ${tableOf(filter).name} FINAL WHERE ${sql} ${status === undefined ? '' : 'AND status = {status:String}'}
      GROUP BY status`,
    query_params: { ...params, ...(status === undefined ? {} : { status }) },
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ status: LedgerStatus; readings: string; energy: string; tokens: string }>();
  return rows.map(({ status, readings, energy, tokens }) => ({
    ...{ status, readings: Number(readings), energy: BigInt(energy), tokens: BigInt(tokens) },
  }));
}

/** Base units that are minted by the batches, by batch. */
export async function queryMinted(client: ClickHouseClient): Promise<Map<string, bigint>> {
  const result = await client.query({
    query: `SELECT batch, toString(sum(toUInt128(tokens))) AS tokens FROM ${BY_METER.name} FINAL
      WHERE status = 'minted' GROUP BY batch`,
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ batch: string; tokens: string }>();
  return new Map(rows.map(({ batch, tokens }) => [batch, BigInt(tokens)]));
}

/**
 * Readings as CSV, piece by piece, oldest first. The first piece comes when the database has begun to answer; ending the
 * iteration, or the signal, ends the query.
 */
export async function* exportLedger(
  client: ClickHouseClient,
  filter: LedgerFilter,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const table = tableOf(filter);
  const { sql, params } = whereOf(filter);
  const { status } = filter;
  const condition = status === undefined ? '' : 'AND status = {status:String}';
  let answer: Readable | undefined;
  try {
    const { stream } = await client.exec({
      query: `SELECT ${CSV_SELECTED} FROM ${table.name} FINAL WHERE ${sql} ${condition}
        ORDER BY ${table.key.join(', ')} FORMAT CSV`,
      query_params: { ...params, ...(status === undefined ? {} : { status }) },
      clickhouse_settings: EXPORT_SETTINGS,
      abort_signal: signal,
    });
    answer = addAbortSignal(signal, stream);
    yield Buffer.from(`${CSV_COLUMNS.join(',')}\n`);
    yield* stream as AsyncIterable<Uint8Array>;
  } finally {
    // A reader that ends early leaves the rest unread: only this tells the database.
    answer?.destroy();
  }
}

type TextRow = Record<keyof LedgerRow, string>;

function toRow({ sequence, start, end, since, status, ...texts }: TextRow): LedgerRow {
  return {
    ...texts,
    ...{ sequence: Number(sequence), start: Number(start), end: Number(end), since: Number(since) },
    status: status as LedgerStatus,
  };
}

/** What a page ended with: the columns that order its table. */
function cursorOf({ key }: LedgerTable, row: LedgerRow): string {
  return formatCursor([key[0] as string, ...key.map((name) => String(row[name as keyof LedgerRow]))]);
}

/** Behind the row that a cursor names. @throws `ledger.invalid_cursor` */
function afterCursor({ key }: LedgerTable, cursor: string, newestFirst: boolean): Where {
  const [first, ...values] = parseCursor(cursor);
  if (first !== key[0] || values.length !== key.length) throw invalidCursor(cursor);
  const params: Params = {};
  const types = key.map((name, index) => {
    const value = values[index] as string;
    const isText = name !== 'end' && name !== 'sequence';
    if (!isText && !/^\d{1,16}$/.test(value)) throw invalidCursor(cursor);
    params[`after${index}`] = value;
    return `{after${index}:${isText ? 'String' : name === 'end' ? 'Int64' : 'UInt64'}}`;
  });
  return { sql: `(${key.join(', ')}) ${newestFirst ? '<' : '>'} (${types.join(', ')})`, params };
}
