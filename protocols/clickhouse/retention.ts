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
  const kept = keptTables(config);
  const tables = kept.map(({ table }) => table);
  const days = await timesToLive(client, tables);
  const partitions = await partitionsOf(client, tables);
  for (const { table, days: wanted, partitionOf } of kept) {
    if (days.get(table) !== wanted) {
      // What is there needs its times computed anew, not its rows written anew.
      await client.command({ query: `ALTER TABLE ${table} MODIFY SETTING materialize_ttl_recalculate_only = 1` });
      await client.command({ query: `ALTER TABLE ${table} MODIFY TTL toDateTime(time) + INTERVAL ${wanted} DAY` });
    }
    // Partitions are numbered by their time, so what a smaller number holds is all older.
    const oldest = partitionOf(now - wanted * DAY);
    for (const id of partitions.get(table) ?? []) {
      if (Number(id) < oldest) await client.command({ query: `ALTER TABLE ${table} DROP PARTITION ID '${id}'` });
    }
  }
}

/** Days, by table; 0 where none are set. */
async function timesToLive(client: ClickHouseClient, tables: readonly string[]): Promise<Map<string, number>> {
  const result = await client.query({
    query: `SELECT name, extract(engine_full, 'TTL .*?toIntervalDay\\((\\d+)\\)') AS days FROM system.tables
      WHERE database = currentDatabase() AND has({tables:Array(String)}, name)`,
    query_params: { tables },
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ name: string; days: string }>();
  return new Map(rows.map(({ name, days }) => [name, Number(days)]));
}

async function partitionsOf(client: ClickHouseClient, tables: readonly string[]): Promise<Map<string, string[]>> {
  const result = await client.query({
    query: `SELECT table, groupUniqArray(partition_id) AS ids FROM system.parts
      WHERE active AND database = currentDatabase() AND has({tables:Array(String)}, table) GROUP BY table`,
    query_params: { tables },
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ table: string; ids: string[] }>();
  return new Map(rows.map(({ table, ids }) => [table, ids]));
}
