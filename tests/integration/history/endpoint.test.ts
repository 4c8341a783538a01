import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { startEmbeddedEngine } from '../../../protocols/clickhouse/engine/start.js';
import { startTestEngine, type TestEngine } from './engine.js';

describe('history engine’s endpoint', function () {
  this.timeout(60_000);
  let test: TestEngine;
  let client: ClickHouseClient;
  before(async () => {
    test = await startTestEngine();
    client = test.client('default');
  });
  after(() => test.stop());

  const ask = async (query: string, params: Record<string, unknown> = {}) => {
    const result = await client.query({ query, query_params: params, format: 'JSONEachRow' });
    return result.json();
  };

  it('answers /ping to anyone and statements only to whom it knows', async () => {
    assert.deepEqual(await client.ping(), { success: true });
    const url = new URL(test.engine.url);
    url.password = 'wrong';
    const stranger = createClient({ url: url.href, log: { level: ClickHouseLogLevel.OFF } });
    await assert.rejects(stranger.query({ query: 'SELECT 1' }), { code: '516' });
    await stranger.close();
    const bare = await fetch(`http://${url.host}/?query=SELECT%201`);
    assert.equal(bare.status, 403);
    await bare.text();
  });

  it('binds parameters as values, whatever they hold, and each statement its own while many run', async () => {
    const values = ["'; DROP TABLE x; --", '\\', 'a\tb\nc', '{p:String}', 'ü€😀', '', "\\'"];
    for (const value of values) assert.deepEqual(await ask('SELECT {p:String} AS p', { p: value }), [{ p: value }]);
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => ask('SELECT {p:String} AS p, sleep(0.001)', { p: `v${index}` })),
    );
    assert.deepEqual(
      answers.map((rows) => (rows[0] as { p: string }).p),
      Array.from({ length: 60 }, (_, index) => `v${index}`),
    );
  });

  it('applies a setting to its own statement only', async () => {
    const setting = { query: "SELECT getSetting('max_block_size') AS v", format: 'JSONEachRow' } as const;
    const changed = await client.query({ ...setting, clickhouse_settings: { max_block_size: '1234' } });
    assert.deepEqual(await changed.json(), [{ v: 1234 }]);
    for (let round = 0; round < 8; round++) {
      const [row] = (await ask(setting.query)) as { v: number }[];
      assert.notEqual(row?.v, 1234);
    }
  });

  it('takes binary data with any bytes in it', async () => {
    await client.command({ query: 'CREATE TABLE bytes (a UInt32) ENGINE = Memory' });
    const data = Buffer.alloc(4 * 65_536, 0x0a);
    for (let index = 0; index < 65_536; index += 2) data.writeUInt32LE(index * 2, index * 4);
    const { stream } = await client.exec({
      query: 'INSERT INTO bytes FORMAT RowBinary',
      values: Readable.from([data], { objectMode: false }),
    });
    stream.resume();
    assert.deepEqual(await ask('SELECT count() AS n, countIf(a = 168430090) AS feeds FROM bytes'), [
      { n: 65_536, feeds: 32_768 },
    ]);
    await client.insert({ table: 'bytes', values: [{ a: 1 }], format: 'JSONEachRow' });
    assert.deepEqual(await ask('SELECT count() AS n FROM bytes'), [{ n: 65_537 }]);
  });

  it('answers errors as ClickHouse does: status, code, text', async () => {
    await assert.rejects(client.query({ query: 'SELEC 1' }), { code: '62', type: 'SYNTAX_ERROR' });
    await assert.rejects(client.query({ query: 'SELECT * FROM nowhere' }), { code: '60', type: 'UNKNOWN_TABLE' });
    await assert.rejects(test.client('nowhere').query({ query: 'SELECT 1' }), { code: '81' });
    await assert.rejects(client.query({ query: 'SELECT {p:UInt8}', query_params: { p: 'x' } }), { code: /./ });
    const url = new URL(test.engine.url);
    const authorization = `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`;
    const response = await fetch(`http://${url.host}/?query=SELECT%20x`, { headers: { authorization } });
    assert.equal(response.status, 404);
    assert.equal(response.headers.get('x-clickhouse-exception-code'), '47');
    await response.text();
  });

  it('refuses a second statement of the same id, and too many at once', async () => {
    // Whichever is first lasts until the other has come.
    const twins = await Promise.allSettled(
      [1, 2].map(async () => (await client.query({ query: 'SELECT sleep(1)', query_id: 'twin' })).text()),
    );
    const second = twins.filter((result) => result.status === 'rejected');
    assert.deepEqual(
      second.map(({ reason }) => (reason as { code: string }).code),
      ['216'],
    );
    const url = new URL(test.engine.url);
    const many = createClient({ url: url.href, max_open_connections: 200, log: { level: ClickHouseLogLevel.OFF } });
    const results = await Promise.allSettled(
      Array.from({ length: 120 }, async () => (await many.query({ query: 'SELECT sleep(0.2)' })).text()),
    );
    const refused = results.filter((result) => result.status === 'rejected');
    assert.ok(refused.length > 0);
    for (const { reason } of refused) assert.equal((reason as { code: string }).code, '202');
    await many.close();
  });

  it('lets one process open a folder, and says so to the second', async () => {
    await assert.rejects(
      startEmbeddedEngine({ dataFolder: test.folder, lockWaitMs: 200 }),
      /is in use by another process; one process may open it at a time/,
    );
    assert.deepEqual(await ask('SELECT 1 AS v'), [{ v: 1 }]);
  });
});
