import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { startEmbeddedEngine, type EmbeddedEngine } from '../../../protocols/clickhouse/engine/start.js';
import { createHistoryStore } from '../../../protocols/clickhouse/history-store.js';
import type { HistoryStore } from '../../../protocols/clickhouse/types.js';
import { tempFolder } from '../../support/temp.js';
import { frame, TODAY } from './frames.js';

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
      const client = createClient({ url: engine.url, database, log: { level: ClickHouseLogLevel.OFF } });
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

/** Not counted by `totals`. */
const WARM_UP_CHANNEL = 4_000_000_000;

/** Makes a store a running one: after its first batch it no longer looks for what a former run left. */
export async function warmUp(store: HistoryStore): Promise<void> {
  const token = `warm-up ${Math.random()}`;
  await store.insert({
    token,
    frames: [{ streamSequence: 0, frame: frame(WARM_UP_CHANNEL, TODAY, [{ id: 1, value: 1 }]) }],
  });
}

/** Rows of raw, and the sum of the counts of each rollup: equal when every point is good and nothing is doubled. */
export async function totals(client: ClickHouseClient): Promise<Record<'raw' | 'minutes' | 'hours' | 'days', number>> {
  const counted = `channel != ${WARM_UP_CHANNEL}`;
  const result = await client.query({
    query: `SELECT (SELECT count() FROM raw WHERE ${counted}) AS raw,
      (SELECT sum(count) FROM rollup_1m WHERE ${counted}) AS minutes,
      (SELECT sum(count) FROM rollup_1h WHERE ${counted}) AS hours,
      (SELECT sum(count) FROM rollup_1d WHERE ${counted}) AS days`,
    format: 'JSONEachRow',
  });
  const [row] = await result.json<Record<'raw' | 'minutes' | 'hours' | 'days', string>>();
  return { raw: Number(row?.raw), minutes: Number(row?.minutes), hours: Number(row?.hours), days: Number(row?.days) };
}

export function all(count: number): Record<'raw' | 'minutes' | 'hours' | 'days', number> {
  return { raw: count, minutes: count, hours: count, days: count };
}
