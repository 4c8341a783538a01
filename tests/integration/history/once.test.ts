import assert from 'node:assert/strict';
import { createHistoryStore } from '../../../protocols/clickhouse/history-store.js';
import { digestOf, encodeRows } from '../../../protocols/clickhouse/row-binary.js';
import { insertRows } from '../../../protocols/clickhouse/insert.js';
import { completeBatch } from '../../../protocols/clickhouse/recovery.js';
import type { HistoryStore } from '../../../protocols/clickhouse/types.js';
import { all, KEEP, startTestEngine, totals, warmUp, type TestEngine } from './engine.js';
import { frames, TODAY } from './frames.js';

const TABLES = ['raw', 'rollup_1m', 'rollup_1h', 'rollup_1d'] as const;

describe('history inserts, once in effect', function () {
  this.timeout(120_000);
  let test: TestEngine;
  before(async () => {
    test = await startTestEngine();
  });
  after(() => test.stop());

  /** A new store, as after a restart of the node. */
  async function restarted(database: string): Promise<HistoryStore> {
    return test.store(database);
  }
  /** A store that has written before, so that it no longer looks for leftovers. */
  async function running(database: string): Promise<HistoryStore> {
    const store = await test.store(database);
    await warmUp(store);
    return store;
  }
  /** Over midnight: two partitions of raw. */
  const batch = (token: string, firstSequence = 1) => ({
    token,
    frames: frames({ channels: 4, points: 5, cycles: 20, from: TODAY - 10_000, firstSequence }),
  });

  it('keeps a token’s batch once: in the same run, after a restart, and after later batches', async () => {
    const first = await running('same_token');
    await first.insert(batch('a'));
    await first.insert(batch('a'));
    const client = test.client('same_token');
    assert.deepEqual(await totals(client), all(400));
    await (await restarted('same_token')).insert(batch('a'));
    assert.deepEqual(await totals(client), all(400));
    await first.insert(batch('b', 1_001));
    for (const table of TABLES) await client.command({ query: `OPTIMIZE TABLE ${table} FINAL` });
    await (await restarted('same_token')).insert(batch('b', 1_001));
    await (await restarted('same_token')).insert(batch('a'));
    assert.deepEqual(await totals(client), all(800));
  });

  it('is refused by the engine itself when two writers insert the same token at once', async () => {
    const writers = [await running('two_writers'), await running('two_writers'), await running('two_writers')];
    for (let round = 0; round < 10; round++) {
      const results = await Promise.allSettled(
        writers.map((writer) => writer.insert(batch(`t${round}`, round * 1_000 + 1))),
      );
      assert.ok(results.some(({ status }) => status === 'fulfilled'));
      for (const writer of writers) await writer.insert(batch(`t${round}`, round * 1_000 + 1));
    }
    assert.deepEqual(await totals(test.client('two_writers')), all(4_000));
  });

  it('keeps equal content of different tokens', async () => {
    const store = await running('equal');
    await store.insert(batch('a'));
    await store.insert(batch('b'));
    await (await restarted('equal')).insert(batch('c'));
    assert.deepEqual(await totals(test.client('equal')), all(1_200));
  });

  it('completes a batch of which any part is missing', async () => {
    const client = test.client('partial');
    for (const missing of [0b0001, 0b0010, 0b1000, 0b0110, 0b1011, 0b1111]) {
      const store = await running('partial');
      await store.insert(batch('before', 1));
      await store.insert(batch(`part${missing}`, 1_001));
      const digest = digestOf(`part${missing}`).text;
      for (const [index, table] of TABLES.entries()) {
        if ((missing & (1 << index)) === 0) continue;
        const { partitions } = await partitionsOf(client, table, digest);
        // Only some partitions of raw went missing, as when a kill comes between two parts.
        for (const partition of table === 'raw' ? partitions.slice(0, 1) : partitions) {
          await removeBatch(client, table, partition, digest);
        }
      }
      assert.notDeepEqual(await totals(client), all(800), 'the test removed nothing');
      await (await restarted('partial')).insert(batch(`part${missing}`, 1_001));
      assert.deepEqual(await totals(client), all(800), `missing ${missing.toString(2)}`);
      for (const table of TABLES) await client.command({ query: `TRUNCATE TABLE ${table}` });
    }
  });

  it('is written once by two who are at it at the same time, a former writer and its successor', async () => {
    const client = test.client('both');
    for (let round = 1; round <= 8; round++) {
      const writers = [await restarted('both'), await restarted('both'), await restarted('both')];
      const insist = async (store: (typeof writers)[number]): Promise<void> => {
        for (;;) {
          try {
            await store.insert(batch(`both${round}`, round * 1_000));
            return;
          } catch (error) {
            if ((error as { code?: string }).code !== 'history.unavailable') throw error;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }
      };
      await Promise.all(writers.map(insist));
      assert.deepEqual(await totals(client), all(round * 400), `round ${round}`);
    }
    const left = await client.query({
      query: `SELECT count() FROM system.tables WHERE database = 'both' AND startsWith(name, 'recovery_')`,
      format: 'TabSeparated',
    });
    assert.equal((await left.text()).trim(), '0');
  });

  it('is written once though the successor was done, and with a later batch too, between a look and a write', async () => {
    const client = test.client('overtaken');
    const successor = await restarted('overtaken');
    const overtaken = async (): Promise<void> => {
      await successor.insert(batch('a'));
      await successor.insert(batch('b', 1_001));
      // The rows of the rollups name only the later batch now.
      for (const table of TABLES) await client.command({ query: `OPTIMIZE TABLE ${table} FINAL` });
    };
    const former = new Proxy(client, {
      get(target, name) {
        if (name !== 'command') return Reflect.get(target, name, target) as unknown;
        return async (params: Parameters<Client['command']>[0]) => {
          if (params.query.startsWith('CREATE TABLE recovery_')) await overtaken();
          return target.command(params);
        };
      },
    });
    const digest = digestOf('a');
    await completeBatch(former, batch('a'), digest, {
      ...encodeRows(batch('a').frames, digest),
      queryId: `history-${digest.text}`,
    });
    assert.deepEqual(await totals(client), all(800));
  });

  it('is not written again by one that was held up after it had announced the batch', async () => {
    const heldUp = await running('held_up');
    const client = test.client('held_up');
    await (await restarted('held_up')).insert(batch('a'));
    await heldUp.insert({ ...batch('a'), announcedAt: performance.now() - 1_000 });
    assert.deepEqual(await totals(client), all(400));
  });

  it('takes a staging table that a kill left behind for what it is', async () => {
    const store = await restarted('staging');
    const client = test.client('staging');
    const leftover = `recovery_${digestOf('a').text}`;
    await client.command({ query: `CREATE TABLE ${leftover} AS incoming ENGINE = Memory` });
    const { frames: some } = batch('a');
    const encoded = encodeRows(some.slice(0, 3), digestOf('a'));
    await insertRows(client, leftover, encoded.bytes, encoded.rows);
    await store.insert(batch('a'));
    assert.deepEqual(await totals(client), all(400));
    const left = await client.query({ query: `EXISTS TABLE ${leftover}`, format: 'TabSeparated' });
    assert.equal((await left.text()).trim(), '0');
  });

  it('writes one part a partition, however large the batch, by either way', async () => {
    for (const [database, store] of [
      ['large_running', await running('large_running')],
      ['large_restarted', await restarted('large_restarted')],
    ] as const) {
      const large = frames({ channels: 500, points: 100, cycles: 4, from: TODAY - 2_000 });
      assert.deepEqual(await store.insert({ token: 'large', frames: large }), { rows: 200_000 });
      const result = await test.client(database).query({
        query: `SELECT table, partition, count() AS parts, sum(rows) AS held FROM system.parts
          WHERE database = {database:String} AND table IN ('raw', 'rollup_1m') AND rows > 1 GROUP BY table, partition ORDER BY ALL`,
        query_params: { database },
        format: 'JSONCompactEachRow',
      });
      const parts = await result.json<[table: string, partition: string, parts: number, rows: number]>();
      assert.ok(parts.length >= 3);
      assert.deepEqual(
        parts.filter(([, , count]) => count !== 1),
        [],
      );
      assert.deepEqual(await totals(test.client(database)), all(200_000));
    }
  });

  it('says no while the engine is away, and goes on when it is back', async () => {
    const store = createHistoryStore({ url: test.engine.url, database: 'away' });
    await store.prepare(KEEP);
    await store.insert(batch('a'));
    test.engine.child.kill();
    await assert.rejects(store.insert(batch('b', 1_001)), { code: 'history.unavailable' });
    for (;;) {
      try {
        await store.insert(batch('b', 1_001));
        break;
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'history.unavailable');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    assert.equal(test.engine.child.restarts, 1);
    assert.deepEqual(await totals(test.client('away')), all(800));
    await store.close();
  });
});

type Client = ReturnType<TestEngine['client']>;

async function partitionsOf(client: Client, table: string, digest: string): Promise<{ partitions: string[] }> {
  const result = await client.query({
    query: `SELECT DISTINCT _partition_id AS id FROM ${table} WHERE batch = {digest:UInt64} ORDER BY id`,
    query_params: { digest },
    format: 'JSONEachRow',
  });
  return { partitions: (await result.json<{ id: string }>()).map(({ id }) => id) };
}

async function removeBatch(client: Client, table: string, partition: string, digest: string): Promise<void> {
  await client.command({
    query: `ALTER TABLE ${table} DELETE WHERE _partition_id = '${partition}' AND batch = ${digest}`,
    clickhouse_settings: { mutations_sync: '1' },
  });
}
