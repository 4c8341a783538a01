import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { startEmbeddedEngine, type EmbeddedEngine } from '../../../protocols/clickhouse/engine/start.js';
import { createHistoryStore } from '../../../protocols/clickhouse/history-store.js';
import type { HistoryStore } from '../../../protocols/clickhouse/types.js';
import { tempFolder } from '../../support/temp.js';

export const KEEP = { rawDays: 30, minuteDays: 90, hourDays: 730, dayDays: 3650 };

export interface TestEngine {
  readonly engine: EmbeddedEngine;
  readonly folder: string;
  /** A store on a database of its own, prepared. */
  store(database: string): Promise<HistoryStore>;
  client(database: string): ClickHouseClient;
  stop(): Promise<void>;
}

export async function startTestEngine(): Promise<TestEngine> {
  const folder = await tempFolder();
  const engine = await startEmbeddedEngine({ dataFolder: folder.path });
  const open: { close(): Promise<void> }[] = [];
  return {
    engine,
    folder: folder.path,
    async store(database) {
      const store = createHistoryStore({ url: engine.url, database });
      open.push(store);
      await store.prepare(KEEP);
      return store;
    },
    client(database) {
      const client = createClient({ url: engine.url, database });
      open.push(client);
      return client;
    },
    async stop() {
      for (const each of open) await each.close();
      await engine.stop();
      await folder.remove();
    },
  };
}

/** Rows of raw, and the sum of the counts of each rollup: equal when every point is good and nothing is doubled. */
export async function totals(client: ClickHouseClient): Promise<Record<'raw' | 'minutes' | 'hours' | 'days', number>> {
  const result = await client.query({
    query: `SELECT (SELECT count() FROM raw) AS raw, (SELECT sum(count) FROM rollup_1m) AS minutes,
      (SELECT sum(count) FROM rollup_1h) AS hours, (SELECT sum(count) FROM rollup_1d) AS days`,
    format: 'JSONEachRow',
  });
  const [row] = await result.json<Record<'raw' | 'minutes' | 'hours' | 'days', string>>();
  return { raw: Number(row?.raw), minutes: Number(row?.minutes), hours: Number(row?.hours), days: Number(row?.days) };
}

export function all(count: number): Record<'raw' | 'minutes' | 'hours' | 'days', number> {
  return { raw: count, minutes: count, hours: count, days: count };
}
