import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisStore, type RedisStoreOptions } from '../../../protocols/realtime/redis-store.js';
import type { StatewattError } from '../../../errors/error.js';
import { STALE } from '../../../site/points.js';
import {
  describeRealtimeStore,
  testChannel,
  testFrame,
  testPointDefinition,
  type TestPoint,
} from '../../support/realtime-store.js';
import { selfSignedCertificate, startRedis, type TestRedis } from '../../support/redis.js';
import { eventually, tempFolder } from '../../support/temp.js';

const up = (store: RedisStore, wanted = true) =>
  eventually(() => (store.health().up === wanted ? true : undefined), { what: `store up: ${wanted}` });

describe('RedisStore', () => {
  let server: TestRedis;
  let outside: Redis;
  before(async () => {
    server = await startRedis();
    outside = new Redis(server.url);
  });
  after(async () => {
    await outside.quit();
    await server.close();
  });
  // Closed after each test even when it failed: a store left open would go on reconnecting for ever.
  const toClose: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(toClose.splice(0).map((part) => part.close()));
    await server.start();
    await eventually(() => (outside.status === 'ready' ? true : undefined));
  });
  const make = (options: Partial<RedisStoreOptions> = {}) => {
    const store = new RedisStore({ url: server.url, ...options });
    toClose.push(store);
    return store;
  };
  const open = async () => {
    await outside.flushall();
    const store = make();
    await up(store);
    return store;
  };

  describeRealtimeStore('RedisStore', open);

  describe('what outside readers find', () => {
    let store: RedisStore;
    beforeEach(async () => {
      store = await open();
    });

    it('telemetry with 6 decimals, states as integers, exactly rounded', async () => {
      const numbers = [1234, 0.1, -0.1, 1e-7, -1e-7, -0, 0.1234565, 123456789.123456, -2.5e-6, 9007199254740993, 1e20];
      await store.apply([
        testFrame(1001, 1, 1, 1, [
          ...numbers.map((number, index): TestPoint => ['T', index + 1, number]),
          ['S', 2, 1],
          ['C', 2, 0],
          ['A', 1, 49.5],
        ]),
      ]);
      const stored = await outside.hgetall('comsrv:1001:T');
      assert.deepEqual(
        Object.values(stored),
        numbers.map((number) => number.toFixed(6).replace(/^-(0\.0+)$/, '$1')),
      );
      assert.deepEqual(await outside.hgetall('comsrv:1001:S'), { '2': '1' });
      assert.deepEqual(await outside.hgetall('comsrv:1001:C'), { '2': '0' });
      assert.deepEqual(await outside.hgetall('comsrv:1001:A'), { '1': '49.500000' });
    });

    it('no quality and time hashes in normal times; a stale value stays and is marked', async () => {
      await store.apply([
        testFrame(1, 7, 1, 1_000, [
          ['T', 1, 5],
          ['T', 2, 6],
        ]),
      ]);
      assert.deepEqual((await outside.keys('comsrv:1:*')).sort(), ['comsrv:1:T', 'comsrv:1:frame']);
      await store.apply([testFrame(1, 7, 2, 3_000, [['T', 1, 5, STALE, 2_000]])]);
      assert.deepEqual(await outside.hgetall('comsrv:1:T'), { '1': '5.000000', '2': '6.000000' });
      assert.deepEqual(await outside.hgetall('comsrv:1:T:q'), { '1': 'stale' });
      assert.deepEqual(await outside.hgetall('comsrv:1:T:ts'), { '1': '1000' });
      assert.deepEqual(await outside.hgetall('comsrv:1:frame'), { epoch: '7', seq: '2', time: '3000' });
      await store.apply([testFrame(1, 7, 3, 4_000, [['T', 1, 5.5]])]);
      assert.deepEqual((await outside.keys('comsrv:1:*')).sort(), ['comsrv:1:T', 'comsrv:1:frame']);
    });

    it('the four point tables as JSON rows, replaced whole', async () => {
      const flow = { ...testPointDefinition('T', 3), name: 'Flow Rate', unit: 'L/min' };
      const first = [testPointDefinition('T', 1), testPointDefinition('T', 2), testPointDefinition('C', 1, 'bool')];
      await store.setChannelConfig(testChannel(1001, first));
      assert.equal(await outside.hlen('comsrv:1001:config:telemetry'), 2);
      assert.equal(await outside.hlen('comsrv:1001:config:control'), 1);
      await store.setChannelConfig(testChannel(1001, [...first.slice(0, 2), flow]));
      assert.equal(await outside.hlen('comsrv:1001:config:telemetry'), 3);
      assert.equal(await outside.exists('comsrv:1001:config:control'), 0);
      assert.deepEqual(JSON.parse((await outside.hget('comsrv:1001:config:telemetry', '3')) ?? ''), {
        point_id: 3,
        signal_name: 'Flow Rate',
        scale: 0.01,
        offset: 0,
        unit: 'L/min',
        reverse: false,
        data_type: 'float32',
      });
    });

    it('status and counters as text', async () => {
      await store.setStatus(
        1,
        { state: 'backingOff', error_count: 3 },
        { total_reads: 12345678901, reconnect_count: 0 },
      );
      assert.deepEqual(await outside.hgetall('comsrv:1:status'), { state: 'backingOff', error_count: '3' });
      assert.deepEqual(await outside.hgetall('comsrv:1:stats'), { total_reads: '12345678901', reconnect_count: '0' });
      await store.setStatus(1, { state: 'online' }, {});
      assert.deepEqual(await outside.hgetall('comsrv:1:status'), { state: 'online', error_count: '3' });
    });

    it('reads values that an outside client wrote', async () => {
      await outside.hset('comsrv:9:T', { '1': '100.5', '2': '3' });
      assert.deepEqual(
        (await store.read(9)).map((p) => [p.id, p.value, p.quality, p.time]),
        [
          [1, 100.5, 'good', null],
          [2, 3, 'good', null],
        ],
      );
    });

    it('keeps the newest frame when two writers race', async () => {
      const other = make();
      await up(other);
      const frames = Array.from({ length: 200 }, (_, seq) => testFrame(1, 1, seq + 1, seq + 1, [['T', 1, seq + 1]]));
      await Promise.all([
        ...frames.filter((_, index) => index % 2 === 0).map((frame) => store.apply([frame])),
        ...frames.filter((_, index) => index % 2 === 1).map((frame) => other.apply([frame])),
      ]);
      assert.equal((await store.readPoint(1, 'T', 1))?.value, 200);
      assert.equal(await outside.hget('comsrv:1:frame', 'seq'), '200');
    });

    it('goes on after the server forgot its scripts', async () => {
      await store.apply([testFrame(1, 1, 1, 1, [['T', 1, 1]])]);
      await outside.script('FLUSH');
      await store.apply([2, 3, 4].map((seq) => testFrame(1, 1, seq, seq, [['T', seq, seq]])));
      assert.deepEqual(
        (await store.read(1)).map((p) => p.value),
        [1, 2, 3, 4],
      );
    });

    it('a key of the wrong type is a plain refusal, not a reason to try again', async () => {
      await outside.set('comsrv:5:T', 'text');
      await assert.rejects(store.apply([testFrame(5, 1, 1, 1, [['T', 1, 1]])]), (error: StatewattError) => {
        assert.equal(error.code, 'realtime.refused');
        assert.equal(error.retryable, false);
        assert.match(error.message, /WRONGTYPE/);
        return true;
      });
    });
  });

  describe('when Redis goes away', () => {
    const unavailable = (error: StatewattError) => {
      assert.equal(error.code, 'realtime.unavailable');
      assert.equal(error.retryable, true);
      assert.ok((error.retryAfterMs ?? 0) > 0);
      return true;
    };

    it('refuses at once, comes back by itself, and the next frames fill it again', async () => {
      const store = await open();
      await store.apply([testFrame(1, 1, 1, 1_000, [['T', 1, 1]])]);
      await server.stop();
      await up(store, false);
      const refused = assert.rejects(store.apply([testFrame(1, 1, 2, 2_000, [['T', 1, 2]])]), unavailable);
      const later = setImmediate('later');
      assert.notEqual(await Promise.race([refused, later]), 'later', 'queued instead of refused at once');
      await assert.rejects(store.read(1), unavailable);
      assert.match(store.health().detail, /^redis at 127\.0\.0\.1:\d+: .+/);
      await server.start();
      await up(store);
      assert.deepEqual(await store.read(1), []);
      await store.apply([testFrame(1, 1, 2, 2_000, [['T', 1, 2]])]);
      assert.equal((await store.readPoint(1, 'T', 1))?.value, 2);
    });

    it('gives up on a server that answers nothing, and comes back when it does', async () => {
      await outside.flushall();
      const store = make({ responseTimeoutMs: 200 });
      await up(store);
      await outside.client('PAUSE', 1_000);
      const frame = testFrame(1, 1, 1, 1, [['T', 1, 1]]);
      await assert.rejects(store.apply([frame]), unavailable);
      await eventually(() =>
        store.apply([frame]).then(
          () => true,
          () => undefined,
        ),
      );
      assert.equal((await store.readPoint(1, 'T', 1))?.value, 1);
    });

    it('can be made before Redis is there, and closed while it is not', async () => {
      await server.stop();
      const store = make();
      await assert.rejects(store.apply([testFrame(1, 1, 1, 1, [['T', 1, 1]])]), unavailable);
      await eventually(() => (/ECONNREFUSED/.test(store.health().detail) ? true : undefined));
      await store.close();
    });
  });

  describe('address', () => {
    it('logs in with the password of the URL, and never shows it', async () => {
      const guarded = await startRedis({ password: 'open-sesame' });
      toClose.push(guarded);
      const store = make({ url: guarded.url });
      await up(store);
      await store.apply([testFrame(1, 1, 1, 1, [['T', 1, 1]])]);
      assert.doesNotMatch(store.health().detail, /open-sesame/);
      const wrong = make({ url: guarded.url.replace('open-sesame', 'open-barley') });
      await eventually(() => (/WRONGPASS/.test(wrong.health().detail) ? true : undefined));
      assert.doesNotMatch(wrong.health().detail, /open-barley/);
    });

    it('speaks TLS with rediss://, and only to a server that it can trust', async function () {
      const folder = await tempFolder();
      toClose.push({ close: folder.remove });
      const certificate = await selfSignedCertificate(folder.path);
      if (certificate === undefined) return this.skip();
      const secure = await startRedis({ certificate });
      toClose.push(secure);
      const store = make({ url: secure.url, tls: { ca: await readFile(certificate.cert) } });
      await up(store);
      await store.apply([testFrame(1, 1, 1, 1, [['T', 1, 1]])]);
      assert.equal((await store.readPoint(1, 'T', 1))?.value, 1);
      const distrustful = make({ url: secure.url });
      await eventually(() => (/self-signed/.test(distrustful.health().detail) ? true : undefined));
      assert.equal(distrustful.health().up, false);
    });

    it('refuses what is no Redis URL, without repeating it', () => {
      for (const url of ['http://user:hidden@host', 'hidden', 'redis://', '']) {
        assert.throws(
          () => new RedisStore({ url }),
          (error: StatewattError) => {
            assert.equal(error.code, 'realtime.invalid_url');
            assert.match(error.message, /allowed: redis:\/\//);
            assert.doesNotMatch(error.message, /hidden/);
            return true;
          },
        );
      }
    });
  });
});
