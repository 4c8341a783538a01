import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startEmbeddedServer } from '../../../bus/server.js';
import type { RunningNode } from '../../../node/node.js';
import type { StageReport } from '../../../node/stages.js';
import { startTestNode, virtualChannel, writeSite, type LogLine } from '../../support/node.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { startRedis, type TestRedis } from '../../support/redis.js';
import { eventually, tempFolder } from '../../support/temp.js';

const PATIENCE = { within: 30_000 };

describe('a node and its outside parts', function () {
  this.timeout(120_000);
  let temp: Awaited<ReturnType<typeof tempFolder>>;

  beforeEach(async () => {
    temp = await tempFolder();
    await writeSite(temp.path, virtualChannel(1), virtualChannel(2));
  });
  afterEach(() => temp.remove());

  describe('Redis and NATS that run elsewhere', () => {
    let nats: TestNats;
    let redis: TestRedis;
    let reader: Redis;
    let node: RunningNode;

    before(async () => {
      nats = await startNats();
      redis = await startRedis();
      reader = new Redis(redis.url, { maxRetriesPerRequest: null });
      reader.on('error', () => undefined); // It is stopped on purpose.
    });
    after(async () => {
      reader.disconnect();
      await redis.close();
      await nats.stop();
    });
    const field = (channel: number, key: string, name: string, wanted: string) =>
      eventually(async () => ((await reader.hget(`comsrv:${channel}:${key}`, name)) === wanted ? true : undefined), {
        ...PATIENCE,
        what: `comsrv:${channel}:${key} ${name} = ${wanted}`,
      });

    it('hold what readers need, again after they came back empty, and at the end that nobody reads', async () => {
      ({ node } = await startTestNode(temp.path, {}, { NATS_URL: nats.url, REDIS_URL: redis.url }));
      try {
        assert.equal(node.natsUrl, nats.url);
        await field(1, 'status', 'state', 'online');
        const table = async () => (await reader.hkeys('comsrv:1:config:telemetry')).join();
        assert.equal(await table(), '1');

        await redis.stop();
        await eventually(
          async () => ((await node.client.health()).parts.realtime?.status === 'down' ? true : undefined),
          { ...PATIENCE, what: 'realtime down' },
        );
        assert.equal((await node.client.health()).status, 'unhealthy');
        await redis.start();
        await field(1, 'status', 'state', 'online');
        await eventually(async () => ((await table()) === '1' ? true : undefined), { ...PATIENCE, what: 'tables' });
        await eventually(async () => ((await reader.hlen('comsrv:1:T')) > 0 ? true : undefined), PATIENCE);

        await writeSite(temp.path, virtualChannel(1));
        await field(2, 'status', 'state', 'stopped');
      } finally {
        await node.stop();
      }
      await field(1, 'status', 'state', 'stopped');
      await field(1, 'status', 'online', '0');
    });

    it('are let go when a later part does not come up', async () => {
      const log: string[] = [];
      const onStage = ({ phase, name }: StageReport) => log.push(`${phase} ${name}`);
      const env = { NATS_URL: nats.url, REDIS_URL: redis.url, CLICKHOUSE_URL: 'http://127.0.0.1:1' };
      await assert.rejects(startTestNode(temp.path, { onStage }, env), { code: 'history.unavailable' });
      const parts = ['data folder', 'bus', 'realtime'];
      assert.deepEqual(log, [
        ...parts.map((name) => `started ${name}`),
        ...parts.reverse().map((name) => `stopped ${name}`),
      ]);
    });
  });

  it('brings its own NATS back when it dies, and says so', async () => {
    const { node, lines } = await startTestNode(temp.path);
    const told = (text: RegExp): LogLine | undefined => lines.find((line) => text.test(line.text));
    try {
      process.kill(Number(await readFile(join(temp.path, 'data', 'nats', 'nats-server.pid'), 'utf8')), 'SIGKILL');
      const line = await eventually(() => told(/^nats-server ended with /), PATIENCE);
      assert.deepEqual([line.level, line.facts.restarts], ['warn', 1]);
      await eventually(
        async () => {
          const { status, parts } = await node.client.health();
          return status === 'healthy' && parts.nats?.facts?.restarts === 1 ? true : undefined;
        },
        { ...PATIENCE, what: 'healthy again' },
      );
      assert.equal((await node.client.commandChannel(1, 'stop')).state, 'stopped');
    } finally {
      await node.stop();
    }
  });

  it('waits until the NATS of a former run has left the folder', async () => {
    const dataFolder = join(temp.path, 'nats');
    const former = await startEmbeddedServer({ dataFolder, port: 0 });
    const pid = Number(await readFile(join(dataFolder, 'nats-server.pid'), 'utf8'));
    await assert.rejects(startEmbeddedServer({ dataFolder, port: 0, formerWaitMs: 100 }), {
      code: 'bus.server_running',
      details: { pid },
    });
    const next = startEmbeddedServer({ dataFolder, port: 0 });
    await former.stop();
    const server = await next;
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    await server.stop();
  });
});
