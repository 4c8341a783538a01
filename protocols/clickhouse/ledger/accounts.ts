import type { ClickHouseClient } from '@clickhouse/client';
import {
  LEDGER_SUM_NAMES,
  LEDGER_SUMS,
  type AccountKind,
  type LedgerFilter,
  type LedgerSumName,
} from '../../../site/minting/ledger.js';
import { formatCursor, invalidCursor, parseCursor } from './cursor.js';
import { BY_METER, BY_USER, BY_WALLET, type LedgerTable } from './schema.js';
import { tableOf, whereOf } from './where.js';

/** Which readings are summed, and by what. */
export interface AccountsQuery extends Omit<LedgerFilter, 'status'> {
  readonly by: AccountKind;
  /** Only accounts whose id, user or wallet has this in it, in any case. */
  readonly text?: string;
  readonly limit: number;
  /** `nextCursor` of the page before, of the same query. */
  readonly cursor?: string;
}

export interface AccountSum {
  readonly readings: number;
  /** µWh. */
  readonly energy: bigint;
  /** Base units. */
  readonly tokens: bigint;
}

/** The readings of one user, wallet or meter. */
export interface AccountRow {
  readonly id: string;
  /** Of the newest reading. */
  readonly user: string;
  readonly wallet: string;
  /** How many its readings are of. */
  readonly meters: number;
  /** End of the newest reading, ms since the Unix epoch. */
  readonly latest: number;
  readonly sums: Readonly<Record<LedgerSumName, AccountSum>>;
}

const TABLES: Readonly<Record<AccountKind, LedgerTable>> = { user: BY_USER, wallet: BY_WALLET, meter: BY_METER };

const SUMMED = LEDGER_SUM_NAMES.flatMap((name) => {
  const is = `status IN (${LEDGER_SUMS[name].map((status) => `'${status}'`).join(', ')})`;
  return [
    `countIf(${is}) AS ${name}_readings`,
    `toString(sumIf(toUInt128(energy), ${is})) AS ${name}_energy`,
    `toString(sumIf(toUInt128(tokens), ${is})) AS ${name}_tokens`,
  ];
}).join(', ');

const FOUND = ['id', 'newest_user', 'newest_wallet']
  .map((name) => `positionCaseInsensitiveUTF8(${name}, {text:String}) > 0`)
  .join(' OR ');

/**
 * Accounts with their sums, ascending by id. Without a text only the readings of those that are answered are summed; whose an
 * account is says its newest reading, so that a text is looked for when all are summed.
 *
 * @throws `ledger.invalid_cursor`, and what the database throws
 */
export async function queryAccounts(
  client: ClickHouseClient,
  { by, text, limit, cursor, ...filter }: AccountsQuery,
): Promise<{ rows: AccountRow[]; nextCursor: string | null }> {
  const isFiltered = filter.user !== undefined || filter.wallet !== undefined || filter.meter !== undefined;
  const { name: table } = isFiltered ? tableOf(filter) : TABLES[by];
  const { sql, params } = whereOf(filter);
  const after = cursor === undefined ? undefined : idAfter(by, cursor);
  const wanted = `${sql} ${after === undefined ? '' : `AND ${by} > {after:String}`}`;
  const where =
    text === undefined
      ? `${sql} AND ${by} IN (SELECT DISTINCT ${by} FROM ${table} WHERE ${wanted} ORDER BY ${by} LIMIT {most:UInt32})`
      : wanted;
  const result = await client.query({
    query: `SELECT ${by} AS id, argMax(user, end) AS newest_user, argMax(wallet, end) AS newest_wallet,
        uniqExact(meter) AS meters, toString(max(end)) AS latest, ${SUMMED}
      FROM ${table} FINAL WHERE ${where} GROUP BY id ${text === undefined ? '' : `HAVING ${FOUND}`}
      ORDER BY id LIMIT {most:UInt32}`,
    query_params: {
      ...params,
      ...(after === undefined ? {} : { after }),
      ...(text === undefined ? {} : { text }),
      most: limit + 1,
    },
    format: 'JSONEachRow',
  });
  const all = (await result.json<Record<string, string>>()).map(toAccount);
  const rows = all.slice(0, limit);
  const last = rows.at(-1);
  return { rows, nextCursor: all.length > limit && last !== undefined ? formatCursor([by, last.id]) : null };
}

/** @throws `ledger.invalid_cursor` */
function idAfter(by: AccountKind, cursor: string): string {
  const [kind, id, ...rest] = parseCursor(cursor);
  if (kind !== by || id === undefined || rest.length > 0) throw invalidCursor(cursor);
  return id;
}

function toAccount(row: Record<string, string>): AccountRow {
  const text = (name: string) => row[name] ?? '';
  const sums = LEDGER_SUM_NAMES.map((name) => [
    name,
    {
      readings: Number(text(`${name}_readings`)),
      energy: BigInt(text(`${name}_energy`)),
      tokens: BigInt(text(`${name}_tokens`)),
    },
  ]);
  return {
    ...{ id: text('id'), user: text('newest_user'), wallet: text('newest_wallet') },
    ...{ meters: Number(text('meters')), latest: Number(text('latest')) },
    sums: Object.fromEntries(sums) as AccountRow['sums'],
  };
}
