import { Readable } from 'node:stream';
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';

/**
 * Settings under which a statement writes one block, so one part a partition, whatever the number of rows. Without
 * them a large batch would be split, and a crash could leave a partition half written.
 */
export function oneBlock(rows: number): ClickHouseSettings {
  const over = String(rows + 1);
  return {
    max_insert_block_size: over,
    max_block_size: over,
    min_insert_block_size_rows: over,
    min_insert_block_size_bytes: '0',
    min_insert_block_size_rows_for_materialized_views: over,
    min_insert_block_size_bytes_for_materialized_views: '0',
    max_insert_threads: '1',
    max_threads: 1,
    max_partitions_per_insert_block: '0',
    async_insert: 0,
    wait_end_of_query: 1,
  };
}

/** Inserts encoded rows (row-binary.ts) into a table with the raw columns. */
export async function insertRows(
  client: ClickHouseClient,
  table: string,
  bytes: Buffer,
  rows: number,
  { queryId, settings }: { queryId?: string; settings?: ClickHouseSettings } = {},
): Promise<void> {
  const { stream } = await client.exec({
    query: `INSERT INTO ${table} FORMAT RowBinary`,
    values: Readable.from([bytes], { objectMode: false }),
    clickhouse_settings: { ...oneBlock(rows), ...settings },
    ...(queryId === undefined ? {} : { query_id: queryId }),
  });
  for await (const _chunk of stream) {
    // An INSERT answers nothing; reading to the end says that the whole answer is here.
  }
}
