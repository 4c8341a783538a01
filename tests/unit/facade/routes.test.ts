import assert from 'node:assert/strict';
import sinon from 'sinon';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { FakeClient } from '../../support/fake-client.js';

const TIME = 1_750_000_000_000;
const JSON_TYPE = { 'content-type': 'application/json' };

describe('HTTP routes', () => {
  let client: FakeClient;
  let app: HttpApp;

  beforeEach(() => {
    client = new FakeClient({ channels: 2, time: TIME });
    app = buildHttpApp({ client, host: '127.0.0.1', metrics: () => Promise.resolve('up 1\n') });
  });
  afterEach(async () => {
    sinon.restore();
    await app.close();
  });

  async function get(url: string): Promise<{ status: number; body: unknown }> {
    const answer = await app.inject({ url });
    return { status: answer.statusCode, body: answer.json() };
  }
  async function post(url: string, payload?: object | string, headers: Record<string, string> = {}) {
    const answer = await app.inject({
      method: 'POST',
      url,
      headers: { ...JSON_TYPE, ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
    return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json<unknown>() };
  }

  it('answers what the client says, each route with one call', async () => {
    assert.deepEqual(await get('/api/v1/channels'), { status: 200, body: await client.channels() });
    assert.deepEqual(await get('/api/v1/channels/1002'), { status: 200, body: await client.channel(1002) });
    assert.deepEqual(await get('/api/v1/actors'), { status: 200, body: await client.actors() });
    assert.deepEqual(await get('/api/v1/supervisors'), { status: 200, body: await client.supervisors() });
    assert.deepEqual(await get('/api/v1/actors/channel/1001'), {
      status: 200,
      body: await client.actor('channel/1001'),
    });
    const point = await client.point(1001, 'T', 1);
    assert.deepEqual(await get('/api/v1/points/comsrv:1001:T:1'), { status: 200, body: point });
    assert.deepEqual(await get('/api/v1/points/1001:T:1'), { status: 200, body: point });
  });

  it('shows dead letters, replays and discards them', async () => {
    const list = sinon.spy(client, 'deadLetters');
    assert.deepEqual(await get('/api/v1/dead-letters'), { status: 200, body: await client.deadLetters({}) });
    await get('/api/v1/dead-letters?kind=counter&ref=counter/a&effect=notify&from=1&to=2&limit=5&cursor=7');
    const query = { kind: 'counter', ref: 'counter/a', effect: 'notify', from: 1, to: 2, limit: 5, cursor: '7' };
    assert.deepEqual({ ...list.lastCall.args[0] }, query);
    assert.deepEqual(await get('/api/v1/dead-letters/17'), { status: 200, body: await client.deadLetter(17) });
    assert.deepEqual(await post('/api/v1/dead-letters/17/replay', {}), {
      status: 200,
      body: { id: 17, ref: 'counter/a', answer: 6 },
    });
    assert.equal((await post('/api/v1/dead-letters/17/replay', {})).status, 404);
    assert.deepEqual(await post('/api/v1/dead-letters/18/discard'), { status: 204, body: undefined });
    assert.equal((await get('/api/v1/dead-letters/18')).status, 404);
    assert.equal((await get('/api/v1/dead-letters/x')).status, 400);
  });

  it('reads the query of points as the client takes it', async () => {
    const points = sinon.spy(client, 'points');
    const { status } = await get('/api/v1/points?channel=1001&kind=T&name=volt&limit=5&cursor=0');
    assert.equal(status, 200);
    assert.deepEqual(
      { ...points.firstCall.args[0] },
      { channel: 1001, kind: 'T', name: 'volt', limit: 5, cursor: '0' },
    );
  });

  it('reads the range of history as the client takes it', async () => {
    const history = sinon.spy(client, 'history');
    const { status } = await get(`/api/v1/points/1001:T:1/history?from=${TIME - 60_000}&to=${TIME}&resolution=raw`);
    assert.equal(status, 200);
    assert.deepEqual(history.firstCall.args[0], {
      channel: 1001,
      kind: 'T',
      id: 1,
      from: TIME - 60_000,
      to: TIME,
      resolution: 'raw',
      limit: 1000,
    });
  });

  it('commands a channel', async () => {
    const { status, body } = await post('/api/v1/channels/1001/commands', { command: 'pause' });
    assert.equal(status, 200);
    assert.equal((body as { state: string }).state, 'paused');
  });

  it('restarts and kills an actor without a body', async () => {
    const kill = sinon.spy(client, 'killActor');
    assert.deepEqual(await post('/api/v1/actors/channel/1001/kill'), { status: 204, body: undefined });
    assert.deepEqual(kill.args, [['channel/1001']]);
    const restarted = await post('/api/v1/actors/channel/1001/restart', {});
    assert.equal(restarted.status, 200);
    assert.equal((restarted.body as { ref: string }).ref, 'channel/1001');
    const refused = await post('/api/v1/actors/channel/1001/kill', { node: 'b' });
    assert.equal(refused.status, 400);
    assert.match(JSON.stringify(refused.body), /allowed: empty object or null/);
    assert.equal(kill.callCount, 1);
  });

  it('ends a worker thread', async () => {
    assert.deepEqual(await post('/api/v1/workers/kill'), { status: 200, body: { node: 'n1', thread: 3 } });
  });

  describe('writes', () => {
    it('hand value, command id and deadline to the client and answer what the device said', async () => {
      const write = sinon.spy(client, 'write');
      const { status, body } = await post('/api/v1/points/comsrv:1001:A:1/write', {
        value: 30,
        commandId: 'one',
        deadlineMs: 900,
      });
      assert.equal(status, 200);
      assert.deepEqual(write.args, [
        [{ channel: 1001, kind: 'A', id: 1, value: 30, commandId: 'one', deadlineMs: 900 }],
      ]);
      assert.equal((body as { written: number }).written, 30);
    });

    it('keep the type that the body has: text stays text, true stays true', async () => {
      const write = sinon.spy(client, 'write');
      await post('/api/v1/points/1001:A:1/write', { value: '30' });
      await post('/api/v1/points/1001:C:1/write', { value: true });
      assert.deepEqual(
        write.args.map(([request]) => request.value),
        ['30', true],
      );
    });

    for (const header of ['key-1', '"key-1"']) {
      it(`take Idempotency-Key ${header} as the command id`, async () => {
        const write = sinon.spy(client, 'write');
        const { status } = await post('/api/v1/points/1001:A:1/write', { value: 1 }, { 'idempotency-key': header });
        assert.equal(status, 200);
        assert.equal(write.firstCall.args[0].commandId, 'key-1');
      });
    }

    it('refuse a command id and a key that differ, and take them when they agree', async () => {
      const send = (commandId: string) =>
        post('/api/v1/points/1001:A:1/write', { value: 1, commandId }, { 'idempotency-key': 'a' });
      assert.equal((await send('a')).status, 200);
      const { status, body } = await send('b');
      assert.equal(status, 400);
      assert.equal((body as { error: { code: string } }).error.code, 'http.idempotency_key');
    });

    it('refuse an empty or overlong key', async () => {
      for (const key of ['""', 'k'.repeat(129)]) {
        const { status } = await post('/api/v1/points/1001:A:1/write', { value: 1 }, { 'idempotency-key': key });
        assert.equal(status, 400, key);
      }
    });

    it('refuse points that only report', async () => {
      const write = sinon.spy(client, 'write');
      const { status, body } = await post('/api/v1/points/1001:T:1/write', { value: 1 });
      assert.equal(status, 400);
      assert.equal((body as { error: { code: string } }).error.code, 'points.not_writable');
      assert.equal(write.callCount, 0);
    });
  });

  describe('health', () => {
    it('is 200 while healthy or degraded and 503 when unhealthy, with the parts in each', async () => {
      for (const [state, status] of [
        ['healthy', 200],
        ['degraded', 200],
        ['unhealthy', 503],
      ] as const) {
        client.healthStatus = state;
        assert.deepEqual(await get('/health'), { status, body: await client.health() });
      }
    });

    it('tells readiness apart from liveness', async () => {
      client.ready = false;
      assert.equal((await get('/health/ready')).status, 503);
      assert.deepEqual(await get('/health/live'), { status: 200, body: { status: 'alive' } });
      client.ready = true;
      assert.equal((await get('/health/ready')).status, 200);
    });

    it('lives on when the client does not answer', async () => {
      sinon.stub(client, 'health').rejects(new Error('away'));
      assert.equal((await get('/health/live')).status, 200);
      assert.equal((await get('/health/ready')).status, 500);
    });
  });

  it('serves metrics as Prometheus reads them', async () => {
    const answer = await app.inject({ url: '/metrics' });
    assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(answer.body, 'up 1\n');
  });

  it('lets nobody keep live values or guess their type', async () => {
    const { headers } = await app.inject({ url: '/api/v1/points/1001:T:1' });
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.match(String(headers['x-request-id']), /^[0-9a-f-]{36}$/);
  });
});
