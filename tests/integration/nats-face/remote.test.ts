import assert from 'node:assert/strict';
import sinon from 'sinon';
import { StatewattError } from '../../../errors/error.js';
import type { PointsUpdate, StatewattClient } from '../../../actors/client/client.js';
import { connectClient } from '../../../actors/client/remote.js';
import type { Bus } from '../../../bus/connection.js';
import { startNatsServices, type NatsServices } from '../../../facade/nats/services.js';
import { FakeClient } from '../../support/fake-client.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually, freePort } from '../../support/temp.js';

const TIME = 1_750_000_000_000;

function channelOf(result: IteratorResult<PointsUpdate, void>): number | undefined {
  return result.value?.channel;
}

describe('remote client', () => {
  let server: TestNats;
  let bus: Bus;
  let local: FakeClient;
  let services: NatsServices;
  let remote: StatewattClient;
  const watches: AbortController[] = [];
  const held: (() => void)[] = [];

  before(async () => {
    server = await startNats();
    bus = await server.connect('node');
  });
  after(() => server.stop());

  beforeEach(async () => {
    local = new FakeClient({ time: TIME });
    services = await start();
    remote = await connectClient({ natsUrl: server.url });
  });
  afterEach(async () => {
    sinon.restore();
    for (const watch of watches.splice(0)) watch.abort();
    for (const end of held.splice(0)) end();
    await remote.close();
    await services.stop();
  });

  function start(leaseMs?: number): Promise<NatsServices> {
    const lease = leaseMs === undefined ? {} : { leaseMs };
    return startNatsServices({ nats: bus.nats, client: local, version: '1.2.3', node: 'node-1', ...lease });
  }

  /** An answer that does not come before the test's end. */
  function hold(): Promise<never> {
    return new Promise((_resolve, reject) => held.push(() => reject(new Error('held'))));
  }

  /** Updates of a watch as they come, in the order of coming; `failed` when it ended with an error. */
  function collect(client: StatewattClient, filter: { channel?: number } = {}) {
    const abort = new AbortController();
    watches.push(abort);
    const updates: PointsUpdate[] = [];
    const ended = (async () => {
      for await (const update of client.watchPoints(filter, abort.signal)) updates.push(update);
    })();
    const failed = ended.then(
      () => undefined,
      (error: unknown) => error,
    );
    return { updates, abort, failed };
  }

  const watched = (what: number | string) => eventually(() => (services.watched.includes(what) ? true : undefined));

  it('asks everything that the public client can', async () => {
    assert.deepEqual(await remote.health(), await local.health());
    assert.deepEqual(await remote.channels(), await local.channels());
    assert.deepEqual(await remote.channel(1002), await local.channel(1002));
    assert.deepEqual(await remote.points({ channel: 1001, limit: 2 }), await local.points({ channel: 1001, limit: 2 }));
    assert.deepEqual(await remote.point(1001, 'T', 2), await local.point(1001, 'T', 2));
    const query = { channel: 1001, kind: 'T', id: 1, from: TIME - 60_000, to: TIME, limit: 5 } as const;
    assert.deepEqual(await remote.history(query), await local.history(query));
    assert.deepEqual(await remote.actors(), await local.actors());
    assert.deepEqual(await remote.supervisors(), await local.supervisors());
    assert.deepEqual(await remote.actor('channel/1001'), await local.actor('channel/1001'));
    assert.deepEqual(await remote.restartActor('channel/1001'), await local.restartActor('channel/1001'));
    const kill = sinon.spy(local, 'killActor');
    assert.equal(await remote.killActor('channel/1001'), undefined);
    assert.deepEqual(kill.args, [['channel/1001']]);
    assert.deepEqual(await remote.deadLetters({ kind: 'counter' }), await local.deadLetters({ kind: 'counter' }));
    assert.deepEqual(await remote.deadLetter(18), await local.deadLetter(18));
    assert.deepEqual(await remote.replayDeadLetter(17), { id: 17, ref: 'counter/a', answer: 6 });
    assert.equal(await remote.discardDeadLetter(18), undefined);
    await assert.rejects(remote.discardDeadLetter(18), { code: 'dead_letters.not_found' });
    assert.equal((await remote.commandChannel(1001, 'stop')).state, 'stopped');
  });

  it('writes, and names the command so that it can be asked for again', async () => {
    const write = sinon.spy(local, 'write');
    const reply = await remote.write({ channel: 1001, kind: 'A', id: 1, value: 20 });
    assert.equal(reply.written, 20);
    assert.match(write.firstCall.args[0].commandId ?? '', /^[0-9a-f-]{36}$/);
    const own = { channel: 1001, kind: 'C', id: 1, value: true, commandId: 'mine', deadlineMs: 100 } as const;
    assert.equal((await remote.write(own)).commandId, 'mine');
    assert.deepEqual(write.secondCall.args, [own]);
  });

  it('gathers long lists from their pages', async () => {
    const [first] = await local.channels();
    assert.ok(first);
    const many = Array.from({ length: 2500 }, (_, index) => ({ ...first, id: index + 1 }));
    const channels = sinon.stub(local, 'channels').resolves(many);
    assert.deepEqual(
      (await remote.channels()).map(({ id }) => id),
      many.map(({ id }) => id),
    );
    assert.equal(channels.callCount, 3);
  });

  it('restores errors with their type', async () => {
    const error = new StatewattError('points.out_of_range', 'conflict', 'Not now.', {
      details: { found: 1 },
      retryAfterMs: 70,
    });
    sinon.stub(local, 'write').rejects(error);
    const thrown: unknown = await remote.write({ channel: 1001, kind: 'A', id: 1, value: 1 }).catch((e: unknown) => e);
    assert.ok(thrown instanceof StatewattError);
    assert.deepEqual(thrown.toJSON(), error.toJSON());
    await assert.rejects(remote.point(1001, 'T', 99), { code: 'points.not_found', category: 'not_found' });
    await assert.rejects(remote.points({ limit: 0 }), { code: 'nats.invalid_request', category: 'invalid' });
  });

  it('says when no NATS server answers', async () => {
    const natsUrl = `nats://127.0.0.1:${await freePort()}`;
    await assert.rejects(connectClient({ natsUrl, timeoutMs: 2000 }), {
      code: 'client.unavailable',
      category: 'unavailable',
    });
  });

  it('takes the first of several servers that answers', async () => {
    const natsUrl = `nats://127.0.0.1:${await freePort()}, ${server.url}`;
    const other = await connectClient({ natsUrl });
    assert.equal((await other.health()).node, 'node-1');
    await other.close();
  });

  it('says when no node serves', async () => {
    await services.stop();
    await assert.rejects(remote.health(), { code: 'client.unavailable', category: 'unavailable' });
    const watch = collect(remote);
    assert.equal(((await watch.failed) as StatewattError).code, 'client.unavailable');
  });

  it('says when no answer came in time', async () => {
    const impatient = await connectClient({ natsUrl: server.url, timeoutMs: 500 });
    sinon.stub(local, 'health').callsFake(hold);
    await assert.rejects(impatient.health(), { code: 'client.timeout', category: 'timeout' });
    await impatient.close();
  });

  it('waits for a write as long as its deadline, however impatient it is else', async () => {
    const impatient = await connectClient({ natsUrl: server.url, timeoutMs: 500 });
    const written = await local.write({ channel: 1001, kind: 'A', id: 1, value: 5 });
    sinon.stub(local, 'write').callsFake(() => new Promise((resolve) => setTimeout(resolve, 1_000, written)));
    assert.deepEqual(await impatient.write({ channel: 1001, kind: 'A', id: 1, value: 5, deadlineMs: 2_000 }), written);
    await impatient.close();
  });

  it('names the command of a write that was not answered', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let timedOut: Promise<unknown>;
    try {
      const write = sinon.stub(local, 'write').callsFake(hold);
      timedOut = remote
        .write({ channel: 1001, kind: 'A', id: 1, value: 5, commandId: 'c-7', deadlineMs: 1000 })
        .catch((error: unknown) => error);
      while (write.callCount === 0) await new Promise((resolve) => setImmediate(resolve));
      clock.tick(2999);
      assert.equal(await Promise.race([timedOut, Promise.resolve('waits')]), 'waits');
      clock.tick(2);
    } finally {
      clock.restore();
    }
    const error = (await timedOut) as StatewattError;
    assert.deepEqual([error.code, error.details], ['client.timeout', { commandId: 'c-7' }]);
  });

  it('refuses answers that make no sense', async () => {
    await services.stop();
    const subscription = bus.nats.subscribe('statewatt.health.get', {
      callback: (_error, message) => {
        message.respond('hello');
      },
    });
    await bus.nats.flush();
    await assert.rejects(remote.health(), { code: 'client.bad_answer', category: 'internal' });
    subscription.unsubscribe();
  });

  it('makes no streams', async () => {
    await remote.channels();
    const own = await startNats();
    const client = await connectClient({ natsUrl: own.url });
    await assert.rejects(client.health(), { code: 'client.unavailable' });
    await client.close();
    const plain = await (await import('@nats-io/transport-node')).connect({ servers: own.url });
    const answer = await plain.request('$JS.API.STREAM.NAMES', '', { timeout: 10_000 });
    assert.equal(answer.json<{ total: number }>().total, 0);
    await plain.close();
    await own.stop();
  });

  it('refuses calls when closed', async () => {
    await remote.close();
    await assert.rejects(remote.health(), { code: 'client.closed' });
  });

  describe('watch of alarms', () => {
    const raise = (title: string, level: 'Critical' | 'Info', source = 'pv-1') =>
      local.alarms.raise({ source, title, level });

    it('gives those of the levels and sources that are wanted until it is aborted', async () => {
      const abort = new AbortController();
      watches.push(abort);
      const titles: string[] = [];
      const ended = (async () => {
        for await (const { alarms } of remote.alarms.watch({ levels: ['Critical'], source: 'pv-*' }, abort.signal)) {
          titles.push(...alarms.map(({ title }) => title));
        }
      })();
      await watched('alarms');
      await raise('told', 'Critical');
      await raise('not severe', 'Info');
      await raise('elsewhere', 'Critical', 'meter');
      await raise('told too', 'Critical', 'pv-2 of: roof');
      await eventually(() => (titles.includes('told too') ? true : undefined));
      assert.deepEqual(titles, ['told', 'told too']);
      abort.abort();
      await ended;
    });

    it('publishes each on a subject of its level and source, once for all who watch', async () => {
      const subjects: string[] = [];
      bus.nats.subscribe('statewatt.live.alarms.>', {
        max: 2,
        callback: (_error, { subject }) => {
          subjects.push(subject);
        },
      });
      const [one, two] = [new AbortController(), new AbortController()];
      watches.push(one, two);
      const both = [one, two].map(({ signal }) => remote.alarms.watch({}, signal)[Symbol.asyncIterator]().next());
      await watched('alarms');
      await bus.nats.flush();
      await raise('a', 'Critical', 'comsrv:1001:T:1');
      await Promise.all(both);
      await raise('b', 'Info', 'Dach Süd');
      await eventually(() => (subjects.length === 2 ? true : undefined));
      assert.deepEqual(subjects, [
        'statewatt.live.alarms.Critical.comsrv_1001_T_1',
        'statewatt.live.alarms.Info.Dach_S_d',
      ]);
    });
  });

  describe('watch', () => {
    it('gives changes until it is aborted', async () => {
      const watch = collect(remote, { channel: 1002 });
      await watched(1002);
      local.tick();
      await eventually(() => watch.updates[0]);
      const expected = (await local.points({ channel: 1002, kind: 'T' })).points;
      assert.deepEqual(watch.updates, [{ channel: 1002, time: local.time, points: expected }]);
      watch.abort.abort();
      assert.equal(await watch.failed, undefined);
    });

    it('gives nothing when it is aborted before', async () => {
      const aborted = AbortSignal.abort();
      for await (const update of remote.watchPoints({}, aborted)) assert.fail(JSON.stringify(update));
      assert.deepEqual(services.watched, []);
    });

    it('ends at once when it is aborted while it asks', async () => {
      sinon.stub(local, 'channel').callsFake(hold);
      const watch = collect(remote, { channel: 1001 });
      watch.abort.abort();
      assert.equal(await watch.failed, undefined);
    });

    it('ends when the client is closed', async () => {
      const watch = collect(remote);
      await watched('*');
      await remote.close();
      assert.equal(await watch.failed, undefined);
    });

    it('fails for a channel that is not there', async () => {
      const watch = collect(remote, { channel: 9 });
      assert.equal(((await watch.failed) as StatewattError).code, 'channels.not_found');
    });

    it('gives a slow reader the newest value of each point, once', async () => {
      const abort = new AbortController();
      watches.push(abort);
      const reader = remote.watchPoints({}, abort.signal)[Symbol.asyncIterator]();
      const first = reader.next();
      await watched('*');
      local.tick(1000, 1001);
      assert.equal(channelOf(await first), 1001);
      // Nothing is taken while these come.
      const counted = bus.nats.subscribe('statewatt.live.1001');
      const seen = counted[Symbol.asyncIterator]();
      for (let tick = 0; tick < 5; tick++) {
        local.tick(1000, 1001);
        await seen.next();
      }
      await local.write({ channel: 1001, kind: 'A', id: 1, value: 33 });
      await seen.next();
      await remote.health(); // asked and answered on the same connection: all that came before is there
      const { value } = (await reader.next()) as { value: PointsUpdate };
      const newest = await local.points({ channel: 1001 });
      assert.deepEqual(
        value.points,
        newest.points.filter(({ kind }) => kind === 'T' || kind === 'A'),
      );
      assert.equal(value.time, local.time);
      local.tick(1000, 1002);
      assert.equal(channelOf(await reader.next()), 1002);
      counted.unsubscribe();
      await reader.return?.();
    });

    it('keeps its lease', async () => {
      await services.stop();
      services = await start(600);
      const watch = sinon.spy(local, 'watchPoints');
      const channel = sinon.spy(local, 'channel');
      collect(remote, { channel: 1001 });
      // Each renewal asks for the channel: eight of them take longer than the lease.
      await eventually(() => (channel.callCount >= 8 ? true : undefined));
      assert.deepEqual([services.watched, watch.callCount], [[1001], 1]);
    });

    it('goes on after the node was restarted', async () => {
      await services.stop();
      services = await start(300);
      const watch = collect(remote, { channel: 1001 });
      await watched(1001);
      await services.stop();
      services = await start(300);
      await watched(1001);
      local.tick();
      await eventually(() => watch.updates[0]);
    });

    it('fails when the channel was taken away meanwhile', async () => {
      await services.stop();
      services = await start(150);
      const watch = collect(remote, { channel: 1001 });
      await watched(1001);
      sinon.stub(local, 'channel').rejects(new StatewattError('channels.not_found', 'not_found', 'Gone.'));
      assert.equal(((await watch.failed) as StatewattError).code, 'channels.not_found');
    });
  });

  describe('while the NATS server is away', () => {
    it('waits for it, asks again and goes on watching', async () => {
      const watch = collect(remote, { channel: 1001 });
      await watched(1001);
      await server.server.child.stop();
      const asked = remote.channel(1001);
      await server.server.child.start();
      assert.equal((await asked).id, 1001);
      await eventually(() => {
        local.tick();
        return watch.updates[0];
      });
    });

    it('asks again what only reads when the connection is lost before the answer', async () => {
      const { child } = server.server;
      assert.ok(child.pid);
      process.kill(-child.pid, 'SIGSTOP');
      const asked = remote.channel(1001);
      await child.stop(0);
      await child.start();
      assert.equal((await asked).id, 1001);
    });

    it('says so when it takes too long', async () => {
      const impatient = await connectClient({ natsUrl: server.url, timeoutMs: 300 });
      await server.server.child.stop();
      try {
        await eventually(() =>
          impatient.health().then(
            () => undefined,
            (error: unknown) => ((error as StatewattError).code === 'client.unavailable' ? true : undefined),
          ),
        );
      } finally {
        await server.server.child.start();
        await impatient.close();
      }
      await eventually(() =>
        remote.health().then(
          () => true as const,
          () => undefined,
        ),
      );
    });
  });
});
