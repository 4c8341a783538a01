import type { HistoryConfig } from '../../site/model.js';
import { RAW_TIER, ROLLUP_TIERS, TIERS, type Tier } from './tiers.js';

const DAY = 86_400_000;

/** Rows that callers brought, as they came, until they are in `imported`; `sequence` is their version. */
export const STAGING = 'import_staging';
/** The batches of STAGING that are done with. */
export const DONE = 'import_done';

/** Where a tier's imported values are: raw rows, or whole intervals, replaced when one is computed anew. */
export function importedTable(tier: Tier): string {
  return tier === RAW_TIER ? 'imported' : `imported_${tier.resolution}`;
}

/** All are kept as long as the coarsest tier, so that an interval can be computed anew and a repeat finds what is there. */
export const IMPORTED_TABLES: readonly string[] = TIERS.map(importedTable);

/**
 * The version of an interval is the sum of its rows' versions: it grows with each row that comes or is replaced, so
 * of two computations at once the one that has seen more wins.
 *
 * @param rawColumns with types and codecs; `summaryColumns` those of a rollup without sequence and batch
 */
export function importStatements(rawColumns: string, summaryColumns: string): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS imported (${rawColumns}) ENGINE = ReplacingMergeTree(sequence)
     PARTITION BY toYYYYMM(time) ORDER BY (channel, kind, point, time) SETTINGS ttl_only_drop_parts = 1`,
    ...ROLLUP_TIERS.map(
      (tier) => `CREATE TABLE IF NOT EXISTS ${importedTable(tier)} (${summaryColumns}, version UInt64)
       ENGINE = ReplacingMergeTree(version)
       PARTITION BY ${tier.partitionBy} ORDER BY (channel, kind, point, time) SETTINGS ttl_only_drop_parts = 1`,
    ),
    `CREATE TABLE IF NOT EXISTS ${STAGING} (${rawColumns}, arrived DateTime('UTC') DEFAULT now()) ENGINE = MergeTree
     ORDER BY (batch, channel, kind, point, time) TTL arrived + INTERVAL 2 DAY SETTINGS ttl_only_drop_parts = 1`,
    `CREATE TABLE IF NOT EXISTS ${DONE} (batch UInt64, arrived DateTime('UTC') DEFAULT now()) ENGINE = MergeTree
     ORDER BY batch TTL arrived + INTERVAL 4 DAY SETTINGS ttl_only_drop_parts = 1`,
  ];
}

const ROW = 'channel, kind, point';

/** The intervals of a tier that the rows of the batch `{batch:UInt64}` fall in. */
function touched(tier: Tier): string {
  return `SELECT ${ROW}, ${startOf(tier)} FROM ${STAGING} WHERE batch = {batch:UInt64}`;
}

function startOf(tier: Tier): string {
  return tier === RAW_TIER ? 'time' : `toDateTime(${tier.bucket('time')}, 'UTC')`;
}

/**
 * Of a batch's staged rows, those that history has measured itself: a row with the same point and time, or, where rows
 * of that time are no longer kept, any value in the interval of the finest tier that is. They are not imported, so that
 * no value counts twice.
 *
 * @param oldest time of the batch's oldest row, ms since the Unix epoch
 */
export function measured(config: HistoryConfig, now: number, oldest: number): string {
  const branches: string[] = [];
  for (const tier of TIERS) {
    const since = now - tier.keepDays(config) * DAY;
    const there = `(${ROW}, ${startOf(tier)}) IN (
      SELECT ${ROW}, time FROM ${tier.table} WHERE (${ROW}, time) IN (${touched(tier)}))`;
    if (oldest >= since || tier === TIERS.at(-1)) {
      branches.push(there);
      break;
    }
    branches.push(`time >= fromUnixTimestamp64Milli(toInt64(${since}), 'UTC')`, there);
  }
  return branches.length === 1 ? (branches[0] as string) : `multiIf(${branches.join(', ')})`;
}

/** Computes the intervals anew that a batch touches, the finest tier first: each from the one before. */
export function refreshStatements(summarySelect: (tier: Tier, source: string, condition: string) => string): string[] {
  return ROLLUP_TIERS.map((tier, index) => {
    const finer = index === 0 ? RAW_TIER : (ROLLUP_TIERS[index - 1] as Tier);
    const condition = `(${ROW}, ${startOf(tier)}) IN (${touched(tier)})
      AND time >= ${edge(tier, 'oldest')} AND time < ${edge(tier, 'newest')} + INTERVAL ${tier.intervalMs / 1_000} SECOND
      AND (${ROW}) IN (SELECT ${ROW} FROM ${STAGING} WHERE batch = {batch:UInt64})`;
    const into = `INSERT INTO ${importedTable(tier)} (${ROW}, time, min, max, sum, count, first, last, version)`;
    if (finer === RAW_TIER) return `${into} ${summarySelect(tier, 'imported FINAL', condition)}`;
    return `${into}
      SELECT ${ROW}, at AS time, min(low), max(high), sum(total), sum(points), min(earliest), max(latest), sum(weight)
      FROM (
        SELECT ${ROW}, ${startOf(tier)} AS at, min AS low, max AS high, sum AS total, count AS points, first AS earliest,
          last AS latest, version AS weight
        FROM ${importedTable(finer)} FINAL WHERE ${condition}
      ) GROUP BY ${ROW}, at`;
  });
}

/** Start of the interval that holds the batch's `oldest` or `newest` row. */
function edge(tier: Tier, which: 'oldest' | 'newest'): string {
  return `toDateTime(${tier.bucket(`fromUnixTimestamp64Milli({${which}:Int64}, 'UTC')`)}, 'UTC')`;
}
