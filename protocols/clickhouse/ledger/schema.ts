import type { ClickHouseClient } from '@clickhouse/client';
import { LEDGER_STATUSES } from '../../../site/minting/ledger.js';

const STATUS = `Enum8(${LEDGER_STATUSES.map((status, index) => `'${status}' = ${index}`).join(', ')})`;

/** In the order in which rows are inserted. Amounts are whole numbers, times ms since the Unix epoch. */
export const LEDGER_COLUMNS: readonly (readonly [name: string, type: string])[] = [
  ['meter', 'String'],
  ['sequence', 'UInt64'],
  ['start', 'Int64'],
  ['end', 'Int64'],
  ['energy', 'UInt64'],
  ['tokens', 'UInt64'],
  ['wallet', 'String'],
  ['user', 'String'],
  ['status', STATUS],
  ['batch', 'String'],
  ['signature', 'String'],
  ['since', 'Int64'],
  ['version', 'UInt64'],
];

/** One of the tables, each of which holds every reading, in another order. */
export interface LedgerTable {
  readonly name: string;
  /** Columns that order it and name a reading. */
  readonly key: readonly string[];
}

// The names carry the form of the tables: another form is another set of tables, filled from the journal.
export const BY_METER: LedgerTable = { name: 'ledger_v1_by_meter', key: ['meter', 'sequence'] };
export const BY_USER: LedgerTable = { name: 'ledger_v1_by_user', key: ['user', 'end', 'meter', 'sequence'] };
export const BY_WALLET: LedgerTable = { name: 'ledger_v1_by_wallet', key: ['wallet', 'end', 'meter', 'sequence'] };
const TABLES = [BY_METER, BY_USER, BY_WALLET];

/** Rows are inserted here; views write them to each of the tables. */
export const INCOMING = 'ledger_v1_incoming';
/** How far the journal has been read. */
export const PROGRESS = 'ledger_v1_progress';

// A few rows at a time that stand for money: on the disk before they count as written.
const DURABLE = 'SETTINGS fsync_after_insert = 1, fsync_part_directory = 1';

/** Rows that are read at once: a page of 100 reads as many from each part, and parts are many. */
const ROWS_OF_MARK = 512;

/** Creates what is missing; repeating it changes nothing. Nothing in it ends by itself. */
export async function prepareLedger(client: ClickHouseClient): Promise<void> {
  const plain = LEDGER_COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ');
  const stored = LEDGER_COLUMNS.map(([name, type]) => `${name} ${type} CODEC(ZSTD(1))`).join(', ');
  const names = LEDGER_COLUMNS.map(([name]) => name).join(', ');
  const statements = [
    `CREATE TABLE IF NOT EXISTS ${INCOMING} (${plain}) ENGINE = Null`,
    ...TABLES.flatMap(({ name, key }) => [
      `CREATE TABLE IF NOT EXISTS ${name} (${stored}) ENGINE = ReplacingMergeTree(version)
       ORDER BY (${key.join(', ')}) ${DURABLE}, index_granularity = ${ROWS_OF_MARK}`,
      `CREATE MATERIALIZED VIEW IF NOT EXISTS ${INCOMING}_to_${name} TO ${name} AS SELECT ${names} FROM ${INCOMING}`,
    ]),
    `CREATE TABLE IF NOT EXISTS ${PROGRESS} (name String, stream String, base UInt64, meters UInt64, batches UInt64,
     written UInt64) ENGINE = ReplacingMergeTree(written) ORDER BY name ${DURABLE}`,
  ];
  for (const query of statements) await client.command({ query });
}
