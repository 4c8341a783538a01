import type { ClickHouseClient } from '@clickhouse/client';
import type { HistoryConfig } from '../../site/model.js';
import { IMPORTED_TABLES } from './imported.js';
import { ROLLUP_TIERS, TIERS, type Tier } from './tiers.js';

const DAY = 86_400_000;

interface Kept {
  readonly table: string;
  readonly days: number;
  readonly partitionOf: (time: number) => number;
}

/** Imported values are kept as long as the coarsest tier (imported.ts). */
function keptTables(config: HistoryConfig): Kept[] {
  const longest = (ROLLUP_TIERS.at(-1) as Tier).keepDays(config);
  const [, minutes] = TIERS;
  return TIERS.flatMap((tier, index) => {
    const { table, partitionOf } = tier;
    // Raw imported rows have a partition a month, as minutes do.
    const imported = (index === 0 ? minutes : tier) as Tier;
    return [
      { table, days: tier.keepDays(config), partitionOf },
      { table: IMPORTED_TABLES[index] as string, days: longest, partitionOf: imported.partitionOf },
    ];
  });
}

/**
 * Sets how long each tier is kept, for what is there too: a part goes when all of it is past its time, and what a
 * shorter time leaves behind goes at once. Repeating it changes nothing.
 */
export async function setRetention(client: ClickHouseClient, config: HistoryConfig, now: number): Promise<void> {
  for (const { table, days, partitionOf } of keptTables(config)) {
    if ((await timeToLive(client, table)) !== days) {
      await client.command({
        query: `ALTER TABLE ${table} MODIFY SETTING materialize_ttl_recalculate_only = 1`,
      });
      await client.command({ query: `ALTER TABLE ${table} MODIFY TTL toDateTime(time) + INTERVAL ${days} DAY` });
    }
    for (const id of await partitionsBefore(client, table, partitionOf(now - days * DAY))) {
      await client.command({ query: `ALTER TABLE ${table} DROP PARTITION ID '${id}'` });
    }
  }
}

/** Days; 0 when none is set. */
async function timeToLive(client: ClickHouseClient, table: string): Promise<number> {
  const result = await client.query({
    query: `SELECT extract(engine_full, 'TTL .*?toIntervalDay\\\\((\\\\d+)\\\\)') AS days FROM system.tables
      WHERE database = currentDatabase() AND name = {table:String}`,
    query_params: { table },
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ days: string }>();
  return Number(row?.days);
}

/** Partitions are numbered by their time, so what a smaller number holds is all older. */
async function partitionsBefore(client: ClickHouseClient, table: string, partition: number): Promise<string[]> {
  const result = await client.query({
    query: `SELECT DISTINCT partition_id AS id FROM system.parts
      WHERE active AND database = currentDatabase() AND table = {table:String} AND toUInt32(partition_id) < {partition:UInt32}`,
    query_params: { table, partition },
    format: 'JSONEachRow',
  });
  return (await result.json<{ id: string }>()).map(({ id }) => id);
}
