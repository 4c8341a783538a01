import assert from 'node:assert/strict';
import { Ajv, type AnySchema } from 'ajv';
import { Svcm, type ServiceInfo } from '@nats-io/services';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import sinon from 'sinon';
import { StatewattError, type ErrorBody, type ErrorCategory } from '../../../errors/error.js';
import { ALL_ENDPOINTS, SERVICES, serviceName } from '../../../actors/client/endpoints.js';
import type { PointsUpdate } from '../../../actors/client/client.js';
import type { PointsPage } from '../../../actors/client/schemas.js';
import { startNatsServices, type NatsServices } from '../../../facade/nats/services.js';
import { WALLET } from '../../support/meter.js';
import { FakeClient } from '../../support/fake-client.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

const TIME = 1_750_000_000_000;

async function all<T>(answers: Promise<AsyncIterable<T>>): Promise<T[]> {
  const found: T[] = [];
  for await (const answer of await answers) found.push(answer);
  return found;
}

describe('NATS services', () => {
  let server: TestNats;
  let outside: NatsConnection;
  let inside: NatsConnection;
  let client: FakeClient;
  let services: NatsServices;
  let problems: StatewattError[];

  before(async () => {
    server = await startNats();
    inside = (await server.connect('node')).nats;
    outside = (await server.connect('outside')).nats;
  });
  after(() => server.stop());

  beforeEach(async () => {
    client = new FakeClient({ time: TIME });
    problems = [];
    services = await start();
  });
  afterEach(async () => {
    await services.stop();
    sinon.restore();
  });

  function start(options: { leaseMs?: number; maxUnderWay?: number } = {}): Promise<NatsServices> {
    return startNatsServices({
      nats: inside,
      client,
      version: '1.2.3',
      node: 'node-1',
      onProblem: (error) => problems.push(error),
      ...options,
    });
  }

  async function restart(options: { leaseMs?: number; maxUnderWay?: number }): Promise<void> {
    await services.stop();
    services = await start(options);
  }

  function ask(subject: string, body?: unknown): Promise<Msg> {
    return outside.request(subject, body === undefined ? '' : JSON.stringify(body), { timeout: 10_000 });
  }

  async function answer<T>(subject: string, body?: unknown): Promise<T> {
    const message = await ask(subject, body);
    assert.equal(message.headers?.get('Nats-Service-Error-Code') ?? '', '', message.string());
    return message.json<T>();
  }

  async function failure(subject: string, body?: unknown): Promise<{ number: string; text: string; error: ErrorBody }> {
    const message = await ask(subject, body);
    const { error } = message.json<{ error: ErrorBody }>();
    return {
      number: message.headers?.get('Nats-Service-Error-Code') ?? '',
      text: message.headers?.get('Nats-Service-Error') ?? '',
      error,
    };
  }

  describe('requests', () => {
    it('serve points', async () => {
      const page = await answer<PointsPage>('statewatt.points.list', { channel: 1002, kind: 'T', limit: 2 });
      assert.deepEqual(
        page.points.map((point) => point.address),
        ['comsrv:1002:T:1', 'comsrv:1002:T:2'],
      );
      assert.equal(page.nextCursor, '2');
      assert.deepEqual(await answer('statewatt.points.get', { address: '1001:T:2' }), await client.point(1001, 'T', 2));
      assert.deepEqual(
        await answer('statewatt.points.get', { address: 'comsrv:1001:S:1' }),
        await client.point(1001, 'S', 1),
      );
      const written = await answer('statewatt.points.write', { address: '1001:A:1', value: 30, commandId: 'limit-1' });
      assert.deepEqual(written, {
        commandId: 'limit-1',
        address: 'comsrv:1001:A:1',
        written: 30,
        readBack: 30,
        confirmed: true,
        answer: 'ok',
        roundTripMs: 3.2,
      });
      assert.equal((await client.point(1001, 'A', 1)).value, 30);
    });

    it('pass a write on whole', async () => {
      const write = sinon.spy(client, 'write');
      await ask('statewatt.points.write', { address: '1001:C:1', value: true, commandId: 'c', deadlineMs: 700 });
      assert.deepEqual(write.firstCall.args, [
        { channel: 1001, kind: 'C', id: 1, value: true, commandId: 'c', deadlineMs: 700 },
      ]);
    });

    it('serve channels, page by page', async () => {
      const first = await answer<{ channels: { id: number }[]; nextCursor: string }>('statewatt.channels.list', {
        limit: 2,
      });
      assert.deepEqual([first.channels.map(({ id }) => id), first.nextCursor], [[1001, 1002], '1002']);
      const second = await answer<typeof first>('statewatt.channels.list', { limit: 2, cursor: first.nextCursor });
      assert.deepEqual([second.channels.map(({ id }) => id), second.nextCursor], [[1003], null]);
      assert.deepEqual(await answer('statewatt.channels.get', { id: 1002 }), await client.channel(1002));
      const paused = await answer<{ state: string }>('statewatt.channels.command', { id: 1002, command: 'pause' });
      assert.equal(paused.state, 'paused');
      assert.equal((await client.channel(1002)).state, 'paused');
    });

    it('serve actors', async () => {
      const page = await answer<{ actors: { ref: string }[]; nextCursor: string }>('statewatt.actors.list', {
        limit: 1,
      });
      assert.deepEqual([page.actors.map(({ ref }) => ref), page.nextCursor], [['channel/1001'], 'channel/1001']);
      assert.deepEqual(
        await answer('statewatt.actors.get', { ref: 'channel/1001' }),
        await client.actor('channel/1001'),
      );
      const kill = sinon.spy(client, 'killActor');
      assert.deepEqual(await answer('statewatt.actors.kill', { ref: 'channel/1001' }), {});
      assert.deepEqual(kill.args, [['channel/1001']]);
      const restarted = await answer<{ ref: string }>('statewatt.actors.restart', { ref: 'channel/1001' });
      assert.equal(restarted.ref, 'channel/1001');
    });

    it('serve history', async () => {
      const query = { from: TIME - 60_000, to: TIME, resolution: 'raw' as const, limit: 10 };
      assert.deepEqual(
        await answer('statewatt.history.query', { address: '1001:T:1', ...query }),
        await client.history({ channel: 1001, kind: 'T', id: 1, ...query }),
      );
    });

    it('serve health, with no body or an empty object', async () => {
      const health = await client.health();
      assert.deepEqual(await answer('statewatt.health.get'), health);
      assert.deepEqual(await answer('statewatt.health.get', {}), health);
    });

    it('are answered as their schemas say', async () => {
      await client.metering.register({ id: 'M1', publicKey: WALLET, wallet: WALLET, user: 'ann' });
      await client.createModel({ id: 'store', template: 'battery' });
      await client.createModel({ id: 'other', template: 'battery' });
      const actions = [{ type: 'publish' as const, subject: 'site.cold' }];
      await client.rules.create({ id: 'cold', condition: '1001:T:1 < 5', actions });
      await client.rules.create({ id: 'other', condition: '1001:T:1 < 5', actions });
      const requests: Record<string, unknown> = {
        'statewatt.rules.get': { id: 'hot' },
        'statewatt.rules.create': { id: 'made', condition: { any: ['1001:T:1 < 5'] }, actions },
        'statewatt.rules.update': { id: 'cold', changes: { name: 'Cold' } },
        'statewatt.rules.remove': { id: 'other' },
        'statewatt.rules.command': { id: 'hot', command: 'enable' },
        'statewatt.rules.evaluate': { id: 'hot' },
        'statewatt.rules.execute': { id: 'hot' },
        'statewatt.rules.executions': { id: 'hot' },
        'statewatt.rules.dry-run': { id: 'hot' },
        'statewatt.points.get': { address: '1001:T:1' },
        'statewatt.points.write': { address: '1001:A:1', value: 1 },
        'statewatt.models.create': { id: 'made', template: 'battery' },
        'statewatt.models.create-many': { models: [{ id: 'many', template: 'battery' }] },
        'statewatt.models.history': { model: 'store', point: 'soc' },
        'statewatt.models.watch': { id: 'store' },
        'statewatt.models.get': { id: 'store' },
        'statewatt.models.update': { id: 'store', changes: { name: 'Store' } },
        'statewatt.models.write': { model: 'store', point: 'limit', value: 1 },
        'statewatt.models.remove': { id: 'other' },
        'statewatt.channels.get': { id: 1001 },
        'statewatt.history.series': { points: [{ channel: 1001, kind: 'T', id: 1 }], every: '1m' },
        'statewatt.history.put-mapping': { id: 'cells', mapping: { points: '1001:T:*', store: 'never' } },
        'statewatt.history.remove-mapping': { id: 'cells' },
        'statewatt.history.import': { rows: [{ channel: 1001, kind: 'T', id: 1, time: 1, value: 1 }] },
        'statewatt.history.export': { points: [{ channel: 1001, kind: 'T', id: 1 }], reader: 'reader-1' },
        'statewatt.forwarding.get': { id: 'cloud' },
        'statewatt.forwarding.command': { id: 'cloud', command: 'pause' },
        'statewatt.minting.auto': { enabled: false },
        'statewatt.minting.batch': { id: '9-1' },
        'statewatt.minting.retry': { id: '9-1' },
        'statewatt.ledger.reading': { meter: 'METER_1', sequence: 1 },
        'statewatt.ledger.export': { reader: 'reader-2' },
        'statewatt.meters.get': { id: 'M1' },
        'statewatt.meters.held': { id: 'M1' },
        'statewatt.meters.readings': { id: 'M1' },
        'statewatt.meters.register': { id: 'M1', publicKey: WALLET, wallet: WALLET, user: 'ann' },
        'statewatt.meters.command': { id: 'M1', command: { type: 'revoke', by: 'ann', reason: 'replaced' } },
        'statewatt.meters.submit': { readings: [{}] },
        'statewatt.alarms.get': { id: 'a1' },
        'statewatt.alarms.raise': { source: 'fan', title: 'Fan failed', level: 'Major' },
        'statewatt.alarms.command': { id: 'a1', command: { type: 'acknowledge', by: 'ann' } },
        'statewatt.alarms.journal': { id: 'a1' },
        'statewatt.channels.command': { id: 1001, command: 'start' },
        'statewatt.actors.get': { ref: 'channel/1001' },
        'statewatt.actors.kill': { ref: 'channel/1001' },
        'statewatt.actors.restart': { ref: 'channel/1001' },
        'statewatt.dead-letters.get': { id: 17 },
        'statewatt.dead-letters.replay': { id: 17 },
        'statewatt.dead-letters.discard': { id: 18 },
        'statewatt.history.query': { address: '1001:T:1' },
        'statewatt.configuration.get': { number: 2 },
        'statewatt.configuration.file': { number: 2, path: 'site.yaml' },
        'statewatt.configuration.diff': { from: 1, to: 2 },
        'statewatt.configuration.rollback': { number: 1, by: 'ada' },
        'statewatt.access.create-user': { name: 'vic', role: 'viewer', password: 'long enough' },
        'statewatt.access.update-user': { name: 'olga', changes: { disabled: true } },
        'statewatt.access.remove-user': { name: 'admin' },
        'statewatt.access.create-key': { name: 'meter', role: 'viewer' },
        'statewatt.access.remove-key': { id: 'key-1' },
      };
      const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
      for (const info of await all(new Svcm(outside).client().info())) {
        for (const { subject, metadata } of info.endpoints) {
          const body = await answer<unknown>(subject, requests[subject]);
          const check = ajv.compile(JSON.parse(metadata?.response_schema ?? '') as AnySchema);
          assert.ok(check(body), `${subject}: ${ajv.errorsText(check.errors)}`);
          const checkRequest = ajv.compile(JSON.parse(metadata?.request_schema ?? '') as AnySchema);
          assert.ok(checkRequest(requests[subject] ?? {}), subject);
        }
      }
    });
  });

  describe('errors', () => {
    const NUMBERS: [ErrorCategory, string][] = [
      ['invalid', '400'],
      ['not_found', '404'],
      ['conflict', '409'],
      ['busy', '429'],
      ['timeout', '504'],
      ['unavailable', '503'],
      ['internal', '500'],
    ];
    for (const [category, number] of NUMBERS) {
      it(`of the category ${category} are answered with ${number}`, async () => {
        const error = new StatewattError(`test.${category}`, category, 'Two\nlines with 20 °C.', {
          details: { found: 1 },
          retryAfterMs: 250,
        });
        sinon.stub(client, 'health').rejects(error);
        assert.deepEqual(await failure('statewatt.health.get'), {
          number,
          text: `test.${category}: Two lines with 20 °C.`,
          error: error.toJSON(),
        });
      });
    }

    it('tell all that is wrong with a request at once', async () => {
      const { number, error } = await failure('statewatt.points.list', { limit: 0, kind: 'X', chanel: 1 });
      assert.deepEqual([number, error.code], ['400', 'nats.invalid_request']);
      assert.deepEqual(error.details?.errors, [
        { path: 'request.chanel', found: '1', allowed: 'only the names channel, kind, id, name, limit, cursor' },
        { path: 'request.kind', found: '"X"', allowed: 'one of T, S, C, A' },
        { path: 'request.limit', found: '0', allowed: 'integer from 1 to 10000' },
      ]);
      const missing = await failure('statewatt.points.write');
      assert.match(missing.error.message, /request\.address: found nothing.*request\.value: found nothing/);
    });

    it('do not let a wrong request reach the client', async () => {
      const write = sinon.spy(client, 'write');
      for (const body of [{ address: '1001:A:1' }, { address: '1001:A:1', value: null }, [], 'x', 5]) {
        assert.equal((await failure('statewatt.points.write', body)).error.code, 'nats.invalid_request');
      }
      const text = await outside.request('statewatt.points.write', '{"address":', { timeout: 10_000 });
      assert.equal(text.json<{ error: ErrorBody }>().error.code, 'nats.invalid_json');
      const codes = ['1001:A', '0:A:1', '1001:A:0', 'x'.repeat(10_000)];
      for (const address of codes) {
        const { error } = await failure('statewatt.points.write', { address, value: 1 });
        assert.equal(error.code, 'points.invalid_address');
      }
      const { error } = await failure('statewatt.points.write', { address: '1001:T:1', value: 1 });
      assert.equal(error.code, 'points.not_writable');
      assert.equal(write.callCount, 0);
    });

    it('come from the client as they are', async () => {
      assert.equal((await failure('statewatt.points.get', { address: '1001:T:99' })).error.code, 'points.not_found');
      assert.equal((await failure('statewatt.channels.get', { id: 9 })).error.code, 'channels.not_found');
      assert.equal((await failure('statewatt.channels.list', { cursor: 'x' })).error.code, 'channels.invalid_cursor');
      const refused = await failure('statewatt.points.write', { address: '1001:A:1', value: 500 });
      assert.deepEqual(refused.error.details, { found: 500, allowed: { min: 0, max: 100 } });
    });

    it('that nobody foresaw are told to the node, not to the caller', async () => {
      sinon.stub(client, 'health').rejects(new TypeError('secret'));
      const { number, error } = await failure('statewatt.health.get');
      assert.deepEqual([number, error.code], ['500', 'internal.unexpected']);
      assert.doesNotMatch(JSON.stringify(error), /secret/);
      assert.equal(problems[0]?.message, 'secret');
    });
  });

  describe('bounds', () => {
    it('refuses what is over the requests under way', async () => {
      await restart({ maxUnderWay: 2 });
      let finish = () => {};
      const health = await client.health();
      const held = new Promise<typeof health>((resolve) => (finish = () => resolve(health)));
      const stub = sinon.stub(client, 'health').returns(held);
      const first = [ask('statewatt.health.get'), ask('statewatt.health.get')];
      await eventually(() => (stub.callCount === 2 ? true : undefined));
      const { number, error } = await failure('statewatt.channels.get', { id: 1001 });
      assert.deepEqual([number, error.code, error.retryAfterMs], ['429', 'nats.busy', 500]);
      finish();
      for (const message of await Promise.all(first)) assert.deepEqual(message.json(), health);
      await answer('statewatt.channels.get', { id: 1001 });
    });

    it('answers a shorter page when a message could not hold it', async () => {
      const max = inside.info?.max_payload ?? 0;
      const [point] = (await client.points({ limit: 1 })).points;
      assert.ok(point !== undefined && max > 0);
      const wide = { ...point, name: 'n'.repeat(Math.floor(max / 50)) };
      const points = sinon.stub(client, 'points').callsFake(({ limit = 1000 }) => {
        const given = Math.min(limit, 200);
        return Promise.resolve({ points: Array.from({ length: given }, () => wide), nextCursor: String(given) });
      });
      const page = await answer<PointsPage>('statewatt.points.list', { limit: 10_000 });
      assert.ok(page.points.length > 5 && page.points.length < 50, String(page.points.length));
      assert.equal(page.nextCursor, String(page.points.length));
      assert.ok(points.callCount < 20);

      points.resolves({ points: [{ ...point, name: 'n'.repeat(max) }], nextCursor: null });
      const { error } = await failure('statewatt.points.list');
      assert.equal(error.code, 'nats.answer_too_large');
    });
  });

  describe('discovery', () => {
    it('finds every service with any NATS client', async () => {
      const pinged = await all(new Svcm(outside).client().ping());
      const names = Object.keys(SERVICES).map((name) => `statewatt-${name}`);
      assert.deepEqual(pinged.map(({ name }) => name).sort(), names.sort());
      for (const { version, metadata } of pinged) assert.deepEqual([version, metadata], ['1.2.3', { node: 'node-1' }]);
    });

    it('tells every endpoint with its schemas', async () => {
      // As a plain connection does it, without the services library.
      const message = await outside.request('$SRV.INFO.statewatt-points', '', { timeout: 10_000 });
      const info = message.json<ServiceInfo>();
      assert.deepEqual(
        info.endpoints.map(({ name, subject, queue_group }) => [name, subject, queue_group]),
        ['list', 'get', 'write', 'watch'].map((name) => [name, `statewatt.points.${name}`, 'q']),
      );
      const write = info.endpoints[2]?.metadata;
      assert.equal(write?.changes, 'true');
      const schema = JSON.parse(write?.request_schema ?? '') as { required: string[]; properties: object };
      assert.deepEqual(schema.required, ['address', 'value']);
      assert.deepEqual(Object.keys(schema.properties), ['address', 'value', 'commandId', 'deadlineMs']);

      const infos = await all(new Svcm(outside).client().info());
      const subjects = infos.flatMap(({ endpoints }) => endpoints.map(({ subject }) => subject));
      assert.deepEqual(subjects.sort(), ALL_ENDPOINTS.map(({ subject }) => subject).sort());
    });

    it('counts requests, errors and the time that answers took', async () => {
      const health = await client.health();
      const stub = sinon.stub(client, 'health');
      stub.onFirstCall().callsFake(() => new Promise((resolve) => setTimeout(resolve, 20, health)));
      stub.onSecondCall().rejects(new StatewattError('test.away', 'unavailable', 'Away.'));
      await answer('statewatt.health.get');
      await failure('statewatt.health.get');
      const [stats] = await all(new Svcm(outside).client().stats(serviceName('health')));
      const [endpoint] = stats?.endpoints ?? [];
      assert.deepEqual(
        [endpoint?.num_requests, endpoint?.num_errors, endpoint?.last_error],
        [2, 1, 'test.away: Away.'],
      );
      assert.ok((endpoint?.processing_time ?? 0) >= 15e6, String(endpoint?.processing_time));
      assert.equal(endpoint?.average_processing_time, Math.round((endpoint?.processing_time ?? 0) / 2));
    });
  });

  describe('live changes', () => {
    /** What comes on a subject from now on. */
    async function listen(
      subject: string,
    ): Promise<{ updates: (PointsUpdate & { subject: string })[]; end: () => void }> {
      const updates: (PointsUpdate & { subject: string })[] = [];
      const subscription = outside.subscribe(subject, {
        callback: (_error, message) => {
          updates.push({ ...message.json<PointsUpdate>(), subject: message.subject });
        },
      });
      await outside.flush();
      return { updates, end: () => subscription.unsubscribe() };
    }

    it('of one channel flow while asked for', async () => {
      const lease = await answer<{ subject: string; leaseMs: number }>('statewatt.points.watch', { channel: 1002 });
      assert.deepEqual(lease, { subject: 'statewatt.live.1002', leaseMs: 15_000 });
      const everything = await listen('statewatt.live.>');
      client.tick();
      const update = await eventually(() => everything.updates[0]);
      assert.deepEqual([update.subject, update.channel, update.time], ['statewatt.live.1002', 1002, client.time]);
      assert.deepEqual(
        update.points.map(({ address }) => address),
        ['comsrv:1002:T:1', 'comsrv:1002:T:2', 'comsrv:1002:T:3'],
      );
      await outside.flush();
      assert.equal(everything.updates.length, 1);
      everything.end();
    });

    it('of all channels flow once, also to who watches one', async () => {
      await answer('statewatt.points.watch', { channel: 1002 });
      const lease = await answer<{ subject: string }>('statewatt.points.watch');
      assert.equal(lease.subject, 'statewatt.live.*');
      const everything = await listen(lease.subject);
      const one = await listen('statewatt.live.1002');
      client.tick();
      await eventually(() => (everything.updates.length === 3 ? true : undefined));
      client.tick(1000, 1003);
      await eventually(() => (everything.updates.length >= 4 ? true : undefined));
      await inside.flush();
      await outside.flush();
      assert.deepEqual(everything.updates.map(({ channel }) => channel).sort(), [1001, 1002, 1003, 1003]);
      assert.equal(one.updates.length, 1);
      everything.end();
      one.end();
    });

    it('end when nobody asks again, and not before', async () => {
      await restart({ leaseMs: 300 });
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      try {
        await answerWithFakeTimers('statewatt.points.watch', { channel: 1001 });
        assert.deepEqual([client.watchers, services.watched], [1, [1001]]);
        clock.tick(299);
        assert.equal(client.watchers, 1);
        await answerWithFakeTimers('statewatt.points.watch', { channel: 1001 });
        clock.tick(299);
        assert.deepEqual(services.watched, [1001]);
        clock.tick(2);
        assert.deepEqual(services.watched, []);
      } finally {
        clock.restore();
      }
      await eventually(() => (client.watchers === 0 ? true : undefined));
    });

    /** A request whose own timeout must not run on the test's clock. */
    async function answerWithFakeTimers(subject: string, body: unknown): Promise<void> {
      const inbox = outside.subscribe('test.answer', { max: 1 });
      outside.publish(subject, JSON.stringify(body), { reply: 'test.answer' });
      for await (const message of inbox) assert.ok(message.json<{ leaseMs: number }>().leaseMs > 0);
    }

    it('hold one watch for a channel, however many ask', async () => {
      await Promise.all(Array.from({ length: 200 }, () => answer('statewatt.points.watch', { channel: 1001 })));
      assert.deepEqual([client.watchers, services.watched], [1, [1001]]);
    });

    it('are refused for a channel that is not there', async () => {
      assert.equal((await failure('statewatt.points.watch', { channel: 9 })).error.code, 'channels.not_found');
      assert.deepEqual(services.watched, []);
    });

    it('start again with the next request when they failed', async () => {
      const watch = sinon.stub(client, 'watchPoints').onFirstCall().throws(new Error('feed broke'));
      watch.callThrough();
      await answer('statewatt.points.watch', { channel: 1001 });
      await eventually(() => (problems.length === 1 && services.watched.length === 0 ? true : undefined));
      assert.equal(problems[0]?.message, 'feed broke');
      await answer('statewatt.points.watch', { channel: 1001 });
      assert.deepEqual([client.watchers, services.watched], [1, [1001]]);
    });

    it('end with the services', async () => {
      await answer('statewatt.points.watch');
      await services.stop();
      assert.deepEqual([client.watchers, services.watched], [0, []]);
    });
  });

  describe('stop', () => {
    it('answers what is under way and takes nothing more', async () => {
      const health = await client.health();
      let finish = () => {};
      const stub = sinon.stub(client, 'health').returns(new Promise((resolve) => (finish = () => resolve(health))));
      const underWay = ask('statewatt.health.get');
      await eventually(() => (stub.callCount === 1 ? true : undefined));
      let done = false;
      const stopped = services.stop().then(() => (done = true));
      await eventually(async () => {
        const gone = await ask('statewatt.channels.list').then(
          () => undefined,
          () => true as const,
        );
        return gone;
      });
      for (let roundTrip = 0; roundTrip < 5; roundTrip++) await inside.flush();
      assert.equal(done, false);
      finish();
      await stopped;
      assert.deepEqual((await underWay).json(), health);
      assert.equal(problems.length, 0);
    });
  });
});
