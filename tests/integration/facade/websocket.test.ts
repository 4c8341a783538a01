import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket, type RawData } from 'ws';
import { buildHttpApp, type HttpApp, type HttpAppOptions } from '../../../facade/http/app.js';
import { SiteSocket } from '../../../facade/websocket/client.js';
import { FakeClient } from '../../support/fake-client.js';
import { SimulatedAccess } from '../../support/fake-access.js';
import { eventually } from '../../support/temp.js';

const PASSWORD = 'correct horse battery';

interface Answer {
  id?: number;
  result?: unknown;
  error?: { code: number; message: string; data?: { code: string } };
  method?: string;
  params?: {
    subscription: number;
    points?: { address: string }[];
    alarms?: { id: string }[];
    events?: { sequence: number }[];
  };
}

/** A plain client: what it sends and what comes, as it is on the wire. */
class Wire {
  readonly socket: WebSocket;
  readonly got: Answer[] = [];
  #waiting: (() => void)[] = [];

  constructor(url: string, options: { headers?: Record<string, string>; origin?: string } = {}) {
    this.socket = new WebSocket(url, options);
    this.socket.on('message', (data: RawData) => {
      this.got.push(JSON.parse((data as Buffer).toString()) as Answer);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<Wire> {
    const wire = new Wire(url, { headers });
    await once(wire.socket, 'open');
    return wire;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  async next(matches: (answer: Answer) => boolean = () => true): Promise<Answer> {
    for (;;) {
      const index = this.got.findIndex(matches);
      if (index >= 0) return this.got.splice(index, 1)[0] as Answer;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async ask(method: string, params: unknown = {}, id = 1): Promise<Answer> {
    this.send({ jsonrpc: '2.0', id, method, params });
    return this.next((answer) => answer.id === id);
  }

  async closed(): Promise<number> {
    if (this.socket.readyState === WebSocket.CLOSED) return 0;
    const [code] = (await once(this.socket, 'close')) as [number];
    return code;
  }
}

describe('WebSocket', () => {
  let client: FakeClient;
  let app: HttpApp | undefined;
  let url: string;
  const wires: Wire[] = [];

  const start = async (options: Partial<HttpAppOptions> = {}, port = 0): Promise<HttpApp> => {
    app = buildHttpApp({ client, host: '127.0.0.1', closeGraceMs: 200, ...options });
    url = `${(await app.listen({ host: '127.0.0.1', port })).replace('http', 'ws')}/ws`;
    return app;
  };
  const open = async (headers: Record<string, string> = {}, query = ''): Promise<Wire> => {
    const wire = await Wire.open(url + query, headers);
    wires.push(wire);
    return wire;
  };

  beforeEach(() => {
    client = new FakeClient();
  });
  afterEach(async () => {
    for (const { socket } of wires.splice(0)) socket.terminate();
    await app?.close();
    app = undefined;
  });

  describe('JSON-RPC', () => {
    let wire: Wire;
    beforeEach(async () => {
      await start();
      wire = await open();
    });

    it('has the methods of the RPC library', async () => {
      assert.deepEqual(await wire.ask('echo', { message: 'Hello' }), {
        jsonrpc: '2.0',
        id: 1,
        result: { message: 'Hello' },
      });
      assert.deepEqual((await wire.ask('add', { a: 5, b: 3 })).result, { result: 8 });
      const { timestamp } = (await wire.ask('get_time')).result as { timestamp: number };
      assert.ok(Math.abs(timestamp - Date.now() / 1_000) < 5);
      wire.send({ id: 7, method: 'add', params: { a: 1, b: 2 } });
      assert.deepEqual((await wire.next()).result, { result: 3 }, 'without "jsonrpc"');
    });

    it('answers errors with the codes of JSON-RPC', async () => {
      const codeOf = async (message: unknown) => {
        wire.send(message);
        return (await wire.next()).error?.code;
      };
      assert.equal(await codeOf({ id: 1, method: 'nothing' }), -32601);
      assert.equal(await codeOf({ id: 1, method: 'add', params: { a: 'x' } }), -32603);
      assert.equal(await codeOf('{'), -32700);
      assert.equal(await codeOf({ id: 1 }), -32600);
      assert.equal(await codeOf({ id: {}, method: 'echo' }), -32600);
      assert.equal(await codeOf({ jsonrpc: '1.0', id: 1, method: 'echo' }), -32600);
      assert.equal(await codeOf('[]'), -32600);
      assert.equal(await codeOf('5'), -32600);
      assert.equal(await codeOf({ id: 1, method: 'channels.get', params: { id: 0 } }), -32602);
      assert.equal(await codeOf({ id: 1, method: 'channels.get', params: [] }), -32602);
      const { error } = await wire.ask('channels.get', { id: 9 });
      assert.deepEqual([error?.code, error?.data?.code], [-32000, 'channels.not_found']);
    });

    it('reads and writes through the public client', async () => {
      const list = (await wire.ask('channels.list')).result as { channels: { id: number }[] };
      assert.equal(list.channels.length, 3);
      const point = (await wire.ask('points.get', { address: '1001:T:1' })).result as { value: number };
      assert.equal(point.value, 42.5);
      const write = await wire.ask('points.write', { address: '1001:A:1', value: 30 });
      assert.equal((write.result as { confirmed: boolean }).confirmed, true);
      const ack = await wire.ask('alarms.command', { id: 'a1', command: { type: 'acknowledge', by: 'olga' } });
      assert.equal((ack.result as { state: string }).state, 'acknowledged');
      assert.equal((await wire.ask('points.watch')).error?.code, -32601, 'subscribe does that');
    });

    it('answers batches, and nothing where nobody waits', async () => {
      wire.send([
        { id: 1, method: 'add', params: { a: 1, b: 1 } },
        { method: 'echo' },
        { id: 2, method: 'health.get' },
        { id: 3, method: 'nothing' },
      ]);
      const batch = (await wire.next()) as unknown as Answer[];
      assert.deepEqual(
        batch.map(({ id, error }) => [id, error?.code]),
        [
          [1, undefined],
          [2, undefined],
          [3, -32601],
        ],
      );
      wire.send({ method: 'nothing' });
      wire.send([{ method: 'echo' }]);
      assert.equal((await wire.ask('echo', {}, 9)).id, 9);
      assert.deepEqual(wire.got, []);
    });

    it('answers what comes all at once, each with its own', async () => {
      const count = 2_000;
      for (let id = 1; id <= count; id++) {
        wire.send({
          id,
          method: id % 2 === 0 ? 'add' : 'channels.get',
          params: id % 2 === 0 ? { a: id, b: 1 } : { id: 1001 },
        });
      }
      const seen = new Set<number>();
      while (seen.size < count) {
        const { id = 0, result } = await wire.next();
        if (id % 2 === 0) assert.deepEqual(result, { result: id + 1 });
        assert.ok(!seen.has(id));
        seen.add(id);
      }
    });

    it('takes text of 64 KiB at most', async () => {
      wire.send({ id: 1, method: 'echo', params: { text: 'x'.repeat(70_000) } });
      assert.equal(await wire.closed(), 1009);
      const other = await open();
      other.socket.send(Buffer.from([1]));
      assert.equal(await other.closed(), 1003);
    });
  });

  it('gives text and binary frames back unchanged at /ws/echo', async () => {
    await start();
    const socket = new WebSocket(`${url}/echo`);
    await once(socket, 'open');
    for (const [sent, binary] of [
      [Buffer.from('Hello, WebSocket! {'), false],
      [Buffer.from([0, 1, 2, 3, 255]), true],
      [Buffer.alloc(0), false],
    ] as const) {
      socket.send(sent, { binary });
      const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
      assert.deepEqual([data, isBinary], [sent, binary]);
    }
    socket.close();
    await once(socket, 'close');
  });

  describe('subscriptions', () => {
    beforeEach(() => start());
    const subscribe = async (wire: Wire, params: object): Promise<number> => {
      const { result, error } = await wire.ask('subscribe', params, 99);
      assert.equal(error, undefined);
      return (result as { subscription: number }).subscription;
    };
    const pushed = (wire: Wire, method: string) => wire.next((answer) => answer.method === method);
    const watched = (count: number) => eventually(() => (client.watchers === count ? true : undefined));

    it('push changes of all points, of a channel, of single points', async () => {
      const wire = await open();
      const one = await subscribe(wire, { topic: 'points', channel: 1002 });
      const two = await subscribe(wire, { topic: 'points', points: ['1001:T:2', 'comsrv:1003:T:1'] });
      await watched(2);
      client.tick();
      const got = [await pushed(wire, 'points'), await pushed(wire, 'points'), await pushed(wire, 'points')];
      const of = (subscription: number) =>
        got
          .filter(({ params }) => params?.subscription === subscription)
          .flatMap(({ params }) => (params?.points ?? []).map(({ address }) => address))
          .sort();
      assert.deepEqual(of(one), ['comsrv:1002:T:1', 'comsrv:1002:T:2', 'comsrv:1002:T:3']);
      assert.deepEqual(of(two), ['comsrv:1001:T:2', 'comsrv:1003:T:1']);
      assert.deepEqual((await wire.ask('unsubscribe', { subscription: one })).result, {});
      await watched(1);
      const again = await wire.ask('unsubscribe', { subscription: one });
      assert.equal(again.error?.data?.code, 'ws.no_subscription');
      wire.socket.close();
      await watched(0);
    });

    it('push alarms by level', async () => {
      const wire = await open();
      await subscribe(wire, { topic: 'alarms', levels: ['Critical'] });
      await client.alarms.raise({ source: 'meter', title: 'Warm', level: 'Warning' });
      const { id } = await client.alarms.raise({ source: 'meter', title: 'Hot', level: 'Critical' });
      const { params } = await pushed(wire, 'alarms');
      assert.deepEqual(
        params?.alarms?.map((alarm) => alarm.id),
        [id],
      );
    });

    it('are refused when they would be silent for ever, or are too many', async () => {
      const wire = await open();
      const codeOf = async (params: object) => {
        const { error } = await wire.ask('subscribe', params);
        return error?.data?.code ?? error?.code;
      };
      assert.equal(await codeOf({ topic: 'points', channel: 9 }), 'channels.not_found');
      assert.equal(await codeOf({ topic: 'points', points: ['x'] }), 'points.invalid_address');
      assert.equal(await codeOf({ topic: 'other' }), -32602);
      assert.equal(await codeOf({ topic: 'alarms', levels: ['Loud'] }), -32602);
      for (let n = 0; n < 100; n++) await subscribe(wire, { topic: 'points', channel: 1001 });
      assert.equal(await codeOf({ topic: 'points' }), 'ws.too_many_subscriptions');
    });

    it('give a slow reader the newest state, not a queue', async () => {
      const wire = await open();
      await subscribe(wire, { topic: 'points', channel: 1001 });
      await watched(1);
      wire.socket.pause();
      for (let n = 0; n < 20_000; n++) {
        client.tick(1_000, 1001);
        if (n % 100 === 0) await new Promise(setImmediate);
      }
      const end = client.time;
      wire.socket.resume();
      let updates = 0;
      for (let time = 0; time < end; updates++) {
        const { params } = await pushed(wire, 'points');
        ({ time } = params as unknown as { time: number });
      }
      assert.ok(updates < 20_000, `${updates} updates`);
    });
  });

  describe('access', () => {
    let access: SimulatedAccess;
    let token: string;
    beforeEach(async () => {
      access = new SimulatedAccess();
      await access.control.createUser({ name: 'ada', role: 'admin', password: PASSWORD });
      await access.control.createUser({ name: 'vic', role: 'viewer', password: PASSWORD });
      ({ token } = await access.control.signIn('vic', PASSWORD, '::1'));
      await start({ gatekeeper: access.control, websocket: { heartbeatMs: 500 } });
    });

    it('is by header, by query, or by the first message', async () => {
      const asked = await Promise.all([
        open({ authorization: `Bearer ${token}` }).then((wire) => wire.ask('channels.list')),
        open({}, `?token=${token}`).then((wire) => wire.ask('channels.list')),
        open().then(async (wire) => {
          assert.equal((await wire.ask('channels.list')).error?.data?.code, 'access.not_signed_in');
          assert.equal((await wire.ask('auth', { token: 'x' })).error?.data?.code, 'access.invalid_credentials');
          assert.deepEqual((await wire.ask('auth', { token })).result, {
            status: 'authenticated',
            ...{ name: 'vic', role: 'viewer', via: 'user' },
          });
          return wire.ask('channels.list');
        }),
      ]);
      for (const { error } of asked) assert.equal(error, undefined);
    });

    it('tells a user of the readings of its own meters, an administrator of all, each as it has asked', async () => {
      const tokens = await Promise.all(
        ['ada', 'vic'].map(async (name) => (await access.control.signIn(name, PASSWORD, '::1')).token),
      );
      const [ada, vic] = await Promise.all(tokens.map((token) => open({ authorization: `Bearer ${token}` })));
      assert.ok(ada !== undefined && vic !== undefined);
      const filter = {
        topic: 'readings',
        event_types: ['MeterReadingReceived'],
        meters: ['M1', 'M2'],
        min_amount: 5.0,
      };
      for (const wire of [ada, vic]) assert.equal((await wire.ask('subscribe', filter)).error, undefined);
      const bad = await vic.ask('subscribe', { ...filter, min_amount: 'much' }, 2);
      assert.equal(bad.error?.data?.code, 'energy.invalid');
      const event = {
        ...{ type: 'MeterReadingReceived' as const, user_id: 'ada', wallet_address: null, meter_id: 'M1' },
        ...{ kwh_amount: '10', timestamp: '2026-01-01T00:00:00.000Z', sequence: 1 },
      };
      client.metering.publish(event);
      client.metering.publish({ ...event, user_id: 'vic', kwh_amount: '4.9', sequence: 2 });
      client.metering.publish({ ...event, user_id: 'vic', meter_id: 'M3', sequence: 3 });
      client.metering.publish({ ...event, user_id: 'vic', type: 'MeterReadingValidationFailed', sequence: 4 });
      client.metering.publish({ ...event, user_id: 'vic', meter_id: 'M2', sequence: 5 });
      const heard = async (wire: Wire): Promise<number[]> => {
        const sequences: number[] = [];
        while (sequences.at(-1) !== 5) {
          const { params } = await wire.next(({ method }) => method === 'readings');
          sequences.push(...(params?.events ?? []).map(({ sequence }) => sequence));
        }
        return sequences;
      };
      assert.deepEqual([await heard(ada), await heard(vic)], [[1, 5], [5]]);
    });

    it('tells owners of meters of their own readings only, and answers nothing else', async () => {
      await access.control.createUser({ name: 'user1', role: 'owner', password: PASSWORD });
      const { key } = await access.control.createKey({ name: 'user1', role: 'owner' });
      access.audit.length = 0;
      const user = (await access.control.signIn('user1', PASSWORD, '::1')).token;
      const shown: Record<string, string>[] = [{ authorization: `Bearer ${user}` }, { 'x-api-key': key }];
      for (const headers of shown) {
        const wire = await open(headers);
        const rows = (await wire.ask('ledger.readings')).result as { readings: unknown[] };
        assert.equal(rows.readings.length, 2);
        const { error } = await wire.ask('ledger.readings', { user: 'vic' });
        assert.equal(error?.data?.code, 'access.forbidden');
        for (const [method, params] of [
          ['points.get', { address: '1001:T:1' }],
          ['subscribe', { topic: 'points' }],
          ['subscribe', { topic: 'alarms' }],
          ['echo', {}],
        ] as const)
          assert.equal((await wire.ask(method, params)).error?.data?.code, 'access.forbidden', method);
        const { result } = await wire.ask('subscribe', { topic: 'readings' });
        const event = {
          ...{ type: 'MeterReadingReceived' as const, wallet_address: null, meter_id: 'M1' },
          ...{ kwh_amount: '10', timestamp: '2026-01-01T00:00:00.000Z' },
        };
        client.metering.publish({ ...event, user_id: 'vic', sequence: 1 });
        client.metering.publish({ ...event, user_id: 'user1', sequence: 2 });
        const { params } = await wire.next(({ method }) => method === 'readings');
        assert.deepEqual(
          params?.events?.map(({ sequence }) => sequence),
          [2],
        );
        assert.deepEqual((await wire.ask('unsubscribe', result as object)).result, {});
      }
      assert.deepEqual(
        new Set(access.audit.map(({ who, verdict }) => `${who} ${verdict}`)),
        new Set(['user1 denied', 'key:user1 denied']),
      );
    });

    it('holds each request to the role, and writes down what is more than to look', async () => {
      const viewer = await open({ authorization: `Bearer ${token}` });
      const { error } = await viewer.ask('points.write', { address: '1001:A:1', value: 1 });
      assert.equal(error?.data?.code, 'access.forbidden');
      assert.equal((await viewer.ask('access.users')).error?.data?.code, 'access.forbidden');
      assert.equal((await viewer.ask('models.create', {})).error?.data?.code, 'access.forbidden');
      const admin = await open();
      await admin.ask('auth', { token: (await access.control.signIn('ada', PASSWORD, '::1')).token });
      assert.equal((await admin.ask('points.write', { address: '1001:A:1', value: 1 })).error, undefined);
      assert.deepEqual(
        access.audit.map(({ who, what, ref, verdict }) => [who, what, ref, verdict]),
        [
          ['vic', 'WS points.write', '1001:A:1', 'denied'],
          ['vic', 'WS access.users', '', 'denied'],
          ['vic', 'WS models.create', '', 'denied'],
          ['ada', 'WS points.write', '1001:A:1', 'allowed'],
        ],
      );
    });

    it('knows who acts on an alarm, whatever the request says', async () => {
      const admin = await open();
      await admin.ask('auth', { token: (await access.control.signIn('ada', PASSWORD, '::1')).token });
      const command = { type: 'acknowledge', by: 'somebody' };
      const { result } = await admin.ask('alarms.command', { id: 'a1', command });
      assert.equal((result as { acknowledgedBy: string }).acknowledgedBy, 'ada');
      const alarm = { source: 's', title: 't', level: 'Info' };
      const raised = await admin.ask('alarms.raise', alarm, 2);
      assert.equal((raised.result as { change: { by: string } }).change.by, 'ada');
      assert.equal((await admin.ask('alarms.command', { id: 'a1', command: 7 }, 3)).error?.code, -32602);
    });

    it('ends when the sign-in ends, also in the midst of subscriptions', async () => {
      const wire = await open({ authorization: `Bearer ${token}` });
      await wire.ask('subscribe', { topic: 'points' });
      await access.control.updateUser('vic', { disabled: true });
      assert.equal(await wire.closed(), 4401);
      await eventually(() => (client.watchers === 0 ? true : undefined));
    });

    it('bounds what one connection may ask', async () => {
      await app?.close();
      await start({ gatekeeper: access.control, rateLimit: 1 });
      const wire = await open({ authorization: `Bearer ${token}` });
      for (let n = 0; n < 10; n++) assert.equal((await wire.ask('add', { a: 1, b: 1 })).error, undefined);
      assert.equal((await wire.ask('add', { a: 1, b: 1 })).error?.data?.code, 'http.rate_limited');
    });
  });

  it('keeps pages of other sites out', async () => {
    await start();
    for (const path of ['', '/echo']) {
      const wire = new Wire(url + path, { origin: 'https://evil.example.com' });
      const [error] = (await once(wire.socket, 'error')) as [Error];
      assert.match(error.message, /403/);
    }
    const own = new Wire(url, { origin: url.replace('ws', 'http').replace(/\/ws$/, '') });
    wires.push(own);
    await once(own.socket, 'open');
  });

  it('takes so many at once, and drops one that is dead', async () => {
    await start({ websocket: { heartbeatMs: 50, maxConnections: 1 } });
    const first = await open();
    const second = new Wire(url);
    assert.equal(await second.closed(), 1013);
    first.socket.pause(); // It hears no ping, so it sends no pong.
    await eventually(async () => {
      const wire = new Wire(url);
      wires.push(wire);
      await once(wire.socket, 'open');
      const isIn = await Promise.race([wire.ask('echo').then(() => true), wire.closed().then(() => undefined)]);
      return isIn;
    });
  });

  describe('its client', () => {
    it('asks, is told, and comes back with its subscriptions', async () => {
      const server = await start();
      const port = Number(new URL(url).port);
      const statuses: string[] = [];
      const socket = new SiteSocket({
        url,
        connect: (address) => new WebSocket(address),
        retryMs: 20,
        onStatus: (status) => statuses.push(status),
      });
      try {
        assert.deepEqual(await socket.call('add', { a: 2, b: 3 }), { result: 5 });
        await assert.rejects(socket.call('channels.get', { id: 9 }), { code: 'channels.not_found' });
        await assert.rejects(socket.call('nothing'), { code: 'client.rpc_error' });
        let updates = 0;
        const end = await socket.subscribe({ topic: 'points', channel: 1001 }, () => (updates += 1));
        const told = () =>
          eventually(() => {
            client.tick();
            return updates > 0 ? true : undefined;
          });
        await told();
        await server.close();
        await start({}, port);
        await eventually(() => (statuses.at(-1) === 'open' && statuses.length === 3 ? true : undefined));
        assert.deepEqual(statuses, ['open', 'lost', 'open']);
        updates = 0;
        await told();
        await end();
        await eventually(() => (client.watchers === 0 ? true : undefined));
      } finally {
        socket.close();
      }
      await assert.rejects(
        new SiteSocket({
          url,
          connect: () => ({ send: () => undefined, close: () => undefined, addEventListener: () => undefined }),
          timeoutMs: 20,
        }).call('echo'),
        { code: 'client.timeout' },
      );
    });

    it('shows who it is at each connection', async () => {
      const access = new SimulatedAccess();
      await access.control.createUser({ name: 'ada', role: 'admin', password: PASSWORD });
      const { key: apiKey } = await access.control.createKey({ name: 'hmi', role: 'viewer' });
      await start({ gatekeeper: access.control });
      const socket = new SiteSocket({
        url,
        connect: (address) => new WebSocket(address),
        credentials: () => Promise.resolve({ apiKey }),
      });
      try {
        assert.deepEqual(await socket.call('echo', { a: 1 }), { a: 1 });
        await assert.rejects(socket.call('channels.command', { id: 1001, command: 'stop' }), {
          code: 'access.forbidden',
        });
      } finally {
        socket.close();
      }
    });
  });
});
