import assert from 'node:assert/strict';
import type { InjectOptions } from 'fastify';
import { buildHttpApp, type HttpApp, type HttpAppOptions } from '../../../facade/http/app.js';
import { HttpCounters } from '../../../facade/http/counters.js';
import type { Role } from '../../../site/access.js';
import { FakeClient } from '../../support/fake-client.js';
import { SimulatedAccess } from '../../support/fake-access.js';

const PASSWORD = 'correct horse battery';
const json = { 'content-type': 'application/json' };

describe('HTTP access', () => {
  let access: SimulatedAccess;
  let counters: HttpCounters;
  let app: HttpApp;
  const build = (options: Partial<HttpAppOptions> = {}): HttpApp =>
    buildHttpApp({ client: new FakeClient(), host: '127.0.0.1', gatekeeper: access.control, counters, ...options });
  const code = (answer: { json(): unknown }) => (answer.json() as { error: { code: string } }).error.code;
  const login = async (name: string) => {
    const payload = { name, password: PASSWORD };
    const answer = await app.inject({ method: 'POST', url: '/auth/login', headers: json, payload });
    return answer.json<{ token: string; refreshToken: string }>();
  };
  const asRole = (token: string, request: InjectOptions) =>
    app.inject({ ...request, headers: { ...json, authorization: `Bearer ${token}` } });

  beforeEach(async () => {
    access = new SimulatedAccess();
    counters = new HttpCounters();
    for (const role of ['admin', 'engineer', 'operator', 'viewer'] as const)
      await access.control.createUser({ name: role, role, password: PASSWORD });
    app = build();
  });
  afterEach(() => app.close());

  it('lets nobody in without credentials, but to probes and the documentation', async () => {
    for (const url of ['/api/v1/channels', '/metrics', '/modsrv/models', '/alarmsrv/alarms', '/auth/me']) {
      const answer = await build({ metrics: () => Promise.resolve('') }).inject(url);
      assert.deepEqual([answer.statusCode, code(answer)], [401, 'access.not_signed_in'], url);
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="statewatt"');
    }
    for (const url of ['/health', '/health/live', '/health/ready', '/api/openapi.json'])
      assert.equal((await app.inject(url)).statusCode, 200, url);
    assert.equal((await app.inject('/api/v1/nothing')).statusCode, 404);
    assert.equal(counters.unauthenticated, 5);
    assert.deepEqual(access.audit, [], 'who shows nothing fills no journal');
  });

  it('knows who acts on an alarm, whatever the body says', async () => {
    const { token } = await login('operator');
    for (const [url, payload, acknowledgedBy] of [
      ['/api/v1/alarms/a1/acknowledge', { by: 'somebody' }, 'operator'],
      ['/api/v1/alarms/a2/acknowledge', {}, 'operator'],
      ['/alarmsrv/alarms/a3/acknowledge', { acknowledged_by: 'somebody' }, 'operator'],
    ] as const) {
      const raise = { source: 's', title: 't', level: 'Info', by: 'somebody' };
      const raised = await asRole(token, { method: 'POST', url: '/api/v1/alarms', payload: raise });
      assert.equal(raised.json<{ change: { by: string } }>().change.by, 'operator');
      const answer = await asRole(token, { method: 'POST', url, payload });
      assert.equal(answer.statusCode, 200, answer.body);
      const found = answer.json<{ acknowledgedBy?: string; acknowledged_by?: string }>();
      assert.equal(found.acknowledgedBy ?? found.acknowledged_by, acknowledgedBy, url);
    }
    const wrong = await asRole(token, { method: 'POST', url: '/api/v1/alarms/a1/acknowledge', payload: '[]' });
    assert.equal(wrong.statusCode, 400);

    const open = buildHttpApp({ client: new FakeClient(), host: '127.0.0.1' });
    const named = await open.inject({
      ...{ method: 'POST', url: '/api/v1/alarms/a1/acknowledge', headers: json },
      payload: { by: 'ann' },
    });
    assert.equal(named.json<{ acknowledgedBy: string }>().acknowledgedBy, 'ann', 'nobody has to sign in');
    await open.close();
  });

  it('holds each role to what it may', async () => {
    const requests: [InjectOptions & { url: string }, Role][] = [
      [{ url: '/api/v1/channels' }, 'viewer'],
      [{ method: 'POST', url: '/api/v1/channels/1001/commands', payload: { command: 'pause' } }, 'operator'],
      [{ method: 'POST', url: '/api/v1/actors/channel/1001/restart', payload: {} }, 'engineer'],
      [{ url: '/api/v1/config/log' }, 'engineer'],
      [{ url: '/api/v1/users' }, 'admin'],
      [{ method: 'POST', url: '/api/v1/config/1/rollback', payload: {} }, 'admin'],
    ];
    const roles: Role[] = ['viewer', 'operator', 'engineer', 'admin'];
    for (const role of roles) {
      const { token } = await login(role);
      for (const [request, least] of requests) {
        const answer = await asRole(token, request);
        const isAllowed = roles.indexOf(role) >= roles.indexOf(least);
        assert.equal(answer.statusCode, isAllowed ? 200 : 403, `${role}: ${request.url}`);
        if (!isAllowed) assert.equal(code(answer), 'access.forbidden');
      }
    }
    assert.equal(counters.forbidden, 11);
  });

  it('shows owners of meters their own readings, and nothing else', async () => {
    for (const name of ['user1', 'bob']) await access.control.createUser({ name, role: 'owner', password: PASSWORD });
    const { key } = await access.control.createKey({ name: 'user1', role: 'owner' });
    const { token } = await login('user1');
    const { token: other } = await login('bob');
    const { token: viewer } = await login('viewer');
    access.audit.length = 0;
    const ledger = '/api/v1/ledger';
    const mine = async (shown: string, url: string) => {
      const answer = await asRole(shown, { url: `${ledger}/${url}` });
      return answer.statusCode === 200 ? answer.body : code(answer);
    };
    const rows = async (shown: string, query = '') =>
      (JSON.parse(await mine(shown, `readings${query}`)) as { readings: unknown[] }).readings.length;
    assert.deepEqual([await rows(token), await rows(token, '?user=user1'), await rows(other)], [2, 2, 0]);
    assert.deepEqual([await rows(viewer), await rows(viewer, '?user=bob')], [2, 0], 'a viewer sees all');
    const withKey = await app.inject({ url: `${ledger}/readings`, headers: { 'x-api-key': key } });
    assert.equal(withKey.json<{ readings: unknown[] }>().readings.length, 2, 'a key is that of its name');
    assert.match(await mine(token, 'readings/METER_1/2'), /"sequence":2/);
    assert.equal(await mine(other, 'readings/METER_1/2'), 'ledger.not_found');
    assert.match(await mine(token, 'totals'), /"pending":\{"readings":1/);
    assert.match(await mine(other, 'totals'), /"pending":\{"readings":0/);
    assert.match(await mine(token, 'accounts'), /"id":"METER_1"/);
    assert.match(await mine(other, 'accounts?by=user'), /"accounts":\[\]/);
    assert.deepEqual(
      [await mine(token, 'export'), await mine(other, 'export')].map((csv) => csv.split('\n').length),
      [4, 2],
    );
    assert.equal(access.audit.length, 0, 'looking is not written down');

    for (const url of [
      'readings?user=user1',
      'readings?user=bob&user=user1',
      'accounts?user=user1',
      'totals?user=user1',
      'export?user=user1',
    ])
      assert.equal(await mine(other, url), 'access.forbidden', url);
    assert.equal(await mine(other, 'readings/METER_1/2?user=user1'), 'access.forbidden');
    for (const url of [
      '/api/v1/channels',
      '/api/v1/meters',
      '/api/v1/minting',
      '/api/v1/points',
      '/metrics',
      '/health/detailed',
    ])
      assert.notEqual((await asRole(other, { url })).statusCode, 200, url);
    assert.deepEqual(
      [access.audit[0]?.who, access.audit[0]?.verdict, access.audit[0]?.needs],
      ['bob', 'denied', 'own'],
    );
    assert.equal((await asRole(other, { url: '/auth/me' })).json<{ role: string }>().role, 'owner');
    assert.equal((await asRole(other, { method: 'POST', url: '/auth/logout', payload: {} })).statusCode, 204);
  });

  it('writes down who did what, before it is done, and what was denied', async () => {
    const { token } = await login('operator');
    access.audit.length = 0;
    await asRole(token, { url: '/api/v1/channels' });
    const write = { method: 'POST', url: '/api/v1/points/1001:A:1/write', payload: { value: 1 } } as const;
    const { headers } = await asRole(token, write);
    await asRole(token, { url: '/api/v1/audit' });
    await asRole('swk_a.b', write);
    assert.deepEqual(
      access.audit.map(({ who, role, what, ref, verdict, reason }) => [who, role, what, ref, verdict, reason]),
      [
        [
          'operator',
          'operator',
          'POST /api/v1/points/:address/write',
          '/api/v1/points/1001:A:1/write',
          'allowed',
          null,
        ],
        ['operator', 'operator', 'GET /api/v1/audit', '/api/v1/audit', 'denied', 'access.forbidden'],
        [
          'unknown',
          null,
          'POST /api/v1/points/:address/write',
          '/api/v1/points/1001:A:1/write',
          'denied',
          'access.invalid_credentials',
        ],
      ],
    );
    assert.deepEqual([access.audit[0]?.requestId, access.audit[0]?.address], [headers['x-request-id'], '127.0.0.1']);
  });

  it('does nothing that cannot be written down', async () => {
    const { token } = await login('operator');
    const client = new FakeClient();
    const down = new Error('away');
    const gatekeeper = {
      identify: access.control.identify.bind(access.control),
      identifyNow: access.control.identifyNow.bind(access.control),
      note: () => Promise.reject(down),
    } as unknown as typeof access.control;
    app = build({ client, gatekeeper });
    const answer = await asRole(token, {
      method: 'POST',
      url: '/api/v1/channels/1001/commands',
      payload: { command: 'stop' },
    });
    assert.equal(answer.statusCode, 500);
    assert.equal((await client.channel(1001)).state, 'online');
  });

  it('signs in, refreshes, tells who it is, signs out', async () => {
    const { token, refreshToken } = await login('viewer');
    const me = await asRole(token, { url: '/auth/me' });
    assert.deepEqual(me.json(), { name: 'viewer', role: 'viewer', via: 'user' });
    const refreshed = await app.inject({
      method: 'POST',
      url: '/auth/refresh',
      headers: json,
      payload: { refreshToken },
    });
    const { token: second } = refreshed.json<{ token: string }>();
    assert.equal((await asRole(second, { method: 'POST', url: '/auth/logout', payload: {} })).statusCode, 204);
    const gone = await asRole(second, { url: '/auth/me' });
    assert.deepEqual([gone.statusCode, code(gone)], [401, 'access.session_ended']);
    assert.deepEqual(
      access.audit.map(({ who, what, ref, verdict }) => [who, what, ref, verdict]),
      [
        ['viewer', 'POST /auth/login', 'viewer', 'allowed'],
        ['unknown', 'GET /auth/me', '/auth/me', 'denied'],
      ],
    );
  });

  it('refuses wrong passwords, counts them, writes them down, and slows down', async () => {
    const wrong = {
      method: 'POST',
      url: '/auth/login',
      headers: json,
      payload: { name: 'admin', password: 'x' },
    } as const;
    for (let n = 0; n < 5; n++) assert.equal(code(await app.inject(wrong)), 'access.invalid_credentials');
    const answer = await app.inject(wrong);
    assert.deepEqual([answer.statusCode, code(answer), answer.headers['retry-after']], [429, 'access.throttled', '1']);
    assert.deepEqual([counters.failedSignIns, access.audit.length], [6, 5]);
    assert.deepEqual([access.audit[0]?.ref, access.audit[0]?.verdict], ['admin', 'denied']);
  });

  it('keeps a page signed in by cookies that no script reads', async () => {
    const payload = { name: 'viewer', password: PASSWORD, cookie: true };
    const answer = await app.inject({ method: 'POST', url: '/auth/login', headers: json, payload });
    assert.equal(answer.json<{ token?: string }>().token, undefined);
    const set = answer.headers['set-cookie'] as string[];
    for (const cookie of set) assert.match(cookie, /; HttpOnly; SameSite=Strict$/);
    assert.match(set[1] ?? '', /; Path=\/auth;/);
    const cookie = set.map((line) => line.split(';')[0]).join('; ');
    assert.equal((await app.inject({ url: '/api/v1/channels', headers: { cookie } })).statusCode, 200);
    const refreshed = await app.inject({
      method: 'POST',
      url: '/auth/refresh',
      headers: { ...json, cookie },
      payload: {},
    });
    assert.equal(refreshed.statusCode, 200);
    assert.equal((refreshed.headers['set-cookie'] as string[]).length, 2);
    const none = await app.inject({ method: 'POST', url: '/auth/refresh', headers: json, payload: {} });
    assert.equal(none.statusCode, 401);
  });

  it('takes API keys, and manages users and keys', async () => {
    const { token } = await login('admin');
    const user = { name: 'new', role: 'viewer', password: 'long enough' };
    app = build({ client: Object.assign(new FakeClient(), { access: access.control }) });
    assert.equal((await asRole(token, { method: 'POST', url: '/api/v1/users', payload: user })).statusCode, 201);
    assert.equal(
      code(await asRole(token, { method: 'POST', url: '/api/v1/users', payload: user })),
      'access.user_exists',
    );
    const short = await asRole(token, {
      method: 'POST',
      url: '/api/v1/users',
      payload: { ...user, password: 'short' },
    });
    assert.equal(short.statusCode, 400);
    const changed = await asRole(token, { method: 'PUT', url: '/api/v1/users/new', payload: { role: 'operator' } });
    assert.equal(changed.json<{ role: string }>().role, 'operator');
    assert.equal((await asRole(token, { method: 'DELETE', url: '/api/v1/users/new' })).statusCode, 204);
    const made = await asRole(token, {
      method: 'POST',
      url: '/api/v1/keys',
      payload: { name: 'scada', role: 'viewer' },
    });
    const { key, id } = made.json<{ key: string; id: string }>();
    const withKey = () => app.inject({ url: '/api/v1/channels', headers: { 'x-api-key': key } });
    assert.equal((await withKey()).statusCode, 200);
    assert.ok(!(await asRole(token, { url: '/api/v1/keys' })).body.includes(key));
    assert.equal((await asRole(token, { method: 'DELETE', url: `/api/v1/keys/${id}` })).statusCode, 204);
    assert.equal((await withKey()).statusCode, 401);
    assert.equal((await asRole(token, { url: '/api/v1/audit?limit=1' })).statusCode, 200);
  });

  it('bounds what one caller may ask, each apart', async () => {
    app = build({ rateLimit: 1 });
    const [viewer, operator] = [await login('viewer'), await login('operator')];
    const ask = ({ token }: { token: string }) => asRole(token, { url: '/api/v1/nodes' });
    for (let n = 0; n < 10; n++) assert.equal((await ask(viewer)).statusCode, 200);
    const answer = await ask(viewer);
    assert.deepEqual([answer.statusCode, code(answer)], [429, 'http.rate_limited']);
    assert.ok(Number(answer.headers['retry-after']) >= 1);
    assert.equal((await ask(operator)).statusCode, 200);
    assert.equal(counters.rateLimited, 1);
    for (let n = 0; n < 20; n++) assert.equal((await app.inject('/health/live')).statusCode, 200);
    for (let n = 0; n < 8; n++) assert.equal((await app.inject('/api/v1/nodes')).statusCode, 401);
    assert.equal(
      (await app.inject('/api/v1/nodes')).statusCode,
      429,
      'unknown callers count by address, with sign-ins',
    );
  });

  it('is open without access control, and without limits', async () => {
    access = new SimulatedAccess({ openWhileEmpty: true });
    app = build({ rateLimit: 1 });
    for (let n = 0; n < 12; n++) assert.equal((await app.inject('/api/v1/nodes')).statusCode, 200);
    const me = await app.inject('/auth/me');
    assert.deepEqual(me.json(), { name: 'anonymous', role: 'admin', via: 'open' });
  });
});

describe('CORS', () => {
  const origin = 'https://app.example.com';
  let app: HttpApp;
  before(() => {
    app = buildHttpApp({ client: new FakeClient(), host: '127.0.0.1', origins: [origin] });
  });
  after(() => app.close());

  it('lets the pages of named origins ask', async () => {
    const asked = await app.inject({
      method: 'OPTIONS',
      url: '/api/v1/points/1001:A:1/write',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    assert.equal(asked.statusCode, 204);
    assert.equal(asked.headers['access-control-allow-origin'], origin);
    assert.match(String(asked.headers['access-control-allow-headers']), /authorization/);
    assert.equal(asked.headers['access-control-allow-credentials'], undefined);
    const payload = { value: 1 };
    const headers = { ...json, origin };
    const write = await app.inject({ method: 'POST', url: '/api/v1/points/1001:A:1/write', headers, payload });
    assert.deepEqual([write.statusCode, write.headers['access-control-allow-origin']], [200, origin]);
  });

  it('lets no others', async () => {
    const headers = { ...json, origin: 'https://evil.example.com', 'access-control-request-method': 'POST' };
    const asked = await app.inject({ method: 'OPTIONS', url: '/api/v1/channels', headers });
    assert.deepEqual([asked.statusCode, asked.headers['access-control-allow-origin']], [404, undefined]);
    const write = await app.inject({
      method: 'POST',
      url: '/api/v1/points/1001:A:1/write',
      headers,
      payload: { value: 1 },
    });
    assert.equal(write.statusCode, 403);
  });
});
