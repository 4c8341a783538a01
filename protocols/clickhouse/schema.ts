import type { ClickHouseClient } from '@clickhouse/client';
import { StatewattError } from '../../errors/error.js';
import type { HistoryConfig } from '../../site/model.js';
import { POINT_KINDS, QUALITIES } from '../../site/points.js';
import { IMPORTED_TABLES, importStatements, STAGING } from './imported.js';
import { setRetention } from './retention.js';
import { RAW_TIER, ROLLUP_TIERS, TIERS, type Tier } from './tiers.js';

/** Raised when a table changes; `prepare` then carries the steps from the version before. */
export const SCHEMA_VERSION = 2;

/** Repeats of a token among this many later parts of a table are refused by the engine itself. */
const DEDUPLICATION_WINDOW = 10_000;

const enumOf = (values: readonly string[]) =>
  `Enum8(${values.map((value, index) => `'${value}' = ${index}`).join(', ')})`;

/**
 * Columns of the raw tier, in the order of the binary rows (row-binary.ts). `value` is NaN when there is no number:
 * never read, or a text; a NaN costs nothing, a nullable column a second file. `batch` is a digest of the token.
 */
export const RAW_COLUMNS: readonly (readonly [name: string, type: string, codec: string])[] = [
  ['channel', 'UInt32', 'Delta, ZSTD(1)'],
  ['kind', enumOf(POINT_KINDS), 'ZSTD(1)'],
  ['point', 'UInt32', 'Delta, ZSTD(1)'],
  ['time', "DateTime64(3, 'UTC')", 'DoubleDelta, ZSTD(1)'],
  ['value', 'Float64', 'Gorilla, ZSTD(1)'],
  ['quality', enumOf(QUALITIES), 'ZSTD(1)'],
  ['text', 'Nullable(String)', 'ZSTD(1)'],
  ['sequence', 'UInt64', 'Delta, ZSTD(1)'],
  ['batch', 'UInt64', 'ZSTD(1)'],
];

/**
 * `first` and `last` hold the time (ms) in the upper 64 bits and the value's IEEE 754 bits in the lower, so that the
 * plain minimum and maximum find the earliest and the latest value: far cheaper than argMin and argMax states.
 */
const SUMMARY_COLUMNS = `
  channel UInt32 CODEC(Delta, ZSTD(1)),
  kind ${enumOf(POINT_KINDS)} CODEC(ZSTD(1)),
  point UInt32 CODEC(Delta, ZSTD(1)),
  time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
  min SimpleAggregateFunction(min, Float64) CODEC(Gorilla, ZSTD(1)),
  max SimpleAggregateFunction(max, Float64) CODEC(Gorilla, ZSTD(1)),
  sum SimpleAggregateFunction(sum, Float64) CODEC(Gorilla, ZSTD(1)),
  count SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  first SimpleAggregateFunction(min, UInt128) CODEC(ZSTD(1)),
  last SimpleAggregateFunction(max, UInt128) CODEC(ZSTD(1))`;
const ROLLUP_COLUMNS = `${SUMMARY_COLUMNS},
  sequence SimpleAggregateFunction(max, UInt64) CODEC(Delta, ZSTD(1)),
  batch SimpleAggregateFunction(anyLast, UInt64) CODEC(ZSTD(1))`;

/**
 * One tier's rows of what `source` (a table, or a table and FINAL) holds, aggregated: only good numbers count.
 */
export function rollupSelect(tier: Tier, source: string, condition = '1'): string {
  return `SELECT channel, kind, point, toDateTime(${tier.bucket('at')}, 'UTC') AS time,
  min(v) AS min, max(v) AS max, sum(v) AS sum, count() AS count,
  min(packed) AS first, max(packed) AS last, max(s) AS sequence, any(b) AS batch
${goodNumbers(source, condition)}
GROUP BY channel, kind, point, time`;
}

/** As `rollupSelect`, with the sum of the sequences as the last column. */
export function summarySelect(tier: Tier, source: string, condition: string): string {
  return `SELECT channel, kind, point, toDateTime(${tier.bucket('at')}, 'UTC') AS start,
  min(v), max(v), sum(v), count(), min(packed), max(packed), sum(s)
${goodNumbers(source, condition)}
GROUP BY channel, kind, point, start`;
}

function goodNumbers(source: string, condition: string): string {
  const [table] = source.split(' ');
  return `FROM (
  SELECT channel, kind, point, ${table}.time AS at, value AS v, ${table}.sequence AS s, ${table}.batch AS b,
    bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(at)), 64), toUInt128(reinterpretAsUInt64(v))) AS packed
  FROM ${source}
  WHERE quality = 'good' AND text IS NULL AND isFinite(v) AND (${condition})
)`;
}

/** Rows arrive at `incoming`, which keeps nothing; its views write every tier. */
function statements(): string[] {
  const rawColumns = RAW_COLUMNS.map(([name, type, codec]) => `${name} ${type} CODEC(${codec})`).join(', ');
  const plainColumns = RAW_COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ');
  const settings = `SETTINGS non_replicated_deduplication_window = ${DEDUPLICATION_WINDOW}, ttl_only_drop_parts = 1`;
  const names = RAW_COLUMNS.map(([name]) => name).join(', ');
  return [
    `CREATE TABLE IF NOT EXISTS incoming (${plainColumns}) ENGINE = Null`,
    `CREATE TABLE IF NOT EXISTS ${RAW_TIER.table} (${rawColumns}) ENGINE = MergeTree
     PARTITION BY ${RAW_TIER.partitionBy} ORDER BY (channel, kind, point, time) ${settings}`,
    `CREATE MATERIALIZED VIEW IF NOT EXISTS incoming_to_${RAW_TIER.table} TO ${RAW_TIER.table}
     AS SELECT ${names} FROM incoming`,
    ...ROLLUP_TIERS.flatMap((tier) => [
      `CREATE TABLE IF NOT EXISTS ${tier.table} (${ROLLUP_COLUMNS}) ENGINE = AggregatingMergeTree
       PARTITION BY ${tier.partitionBy} ORDER BY (channel, kind, point, time) ${settings}`,
      `CREATE MATERIALIZED VIEW IF NOT EXISTS incoming_to_${tier.table} TO ${tier.table}
       AS ${rollupSelect(tier, 'incoming')}`,
    ]),
    ...importStatements(rawColumns, SUMMARY_COLUMNS),
  ];
}

/**
 * Creates or checks the tables of the client's database, and sets each tier's time to live. Repeating it changes nothing.
 *
 * @param strict each part is synced to the disk before its INSERT is acknowledged (survives a power cut)
 * @throws `history.schema_newer`
 */
export async function prepareSchema(client: ClickHouseClient, config: HistoryConfig, strict: boolean): Promise<void> {
  await client.command({
    query: 'CREATE TABLE IF NOT EXISTS schema_version (version UInt32) ENGINE = MergeTree ORDER BY version',
  });
  const found = await schemaVersion(client);
  if (found > SCHEMA_VERSION) {
    throw new StatewattError(
      'history.schema_newer',
      'conflict',
      `the history database has schema version ${found}, this program knows up to ${SCHEMA_VERSION}; use a newer one`,
      { details: { found, known: SCHEMA_VERSION } },
    );
  }
  // The version is written last, so where it is there the tables are too.
  if (found < SCHEMA_VERSION) for (const query of statements()) await client.command({ query });
  await setRetention(client, config, Date.now());
  await setDurability(client, strict);
  if (found < SCHEMA_VERSION) {
    await client.insert({ table: 'schema_version', values: [{ version: SCHEMA_VERSION }], format: 'JSONEachRow' });
  }
}

async function setDurability(client: ClickHouseClient, strict: boolean): Promise<void> {
  const sync = strict ? 1 : 0;
  const tables = [...TIERS.map((tier) => tier.table), ...IMPORTED_TABLES, STAGING];
  const result = await client.query({
    query: `SELECT name FROM system.tables
      WHERE database = currentDatabase() AND has({tables:Array(String)}, name)
        AND position(engine_full, 'fsync_after_insert = ${sync}, fsync_part_directory = ${sync}') = 0`,
    query_params: { tables },
    format: 'JSONEachRow',
  });
  for (const { name } of await result.json<{ name: string }>()) {
    await client.command({
      query: `ALTER TABLE ${name} MODIFY SETTING fsync_after_insert = ${sync}, fsync_part_directory = ${sync}`,
    });
  }
}

/** 0 for a new database. */
async function schemaVersion(client: ClickHouseClient): Promise<number> {
  const result = await client.query({
    query: 'SELECT max(version) AS version FROM schema_version',
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ version: number }>();
  return row?.version ?? 0;
}
