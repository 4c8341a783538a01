import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import sinon from 'sinon';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { FakeClient } from '../../support/fake-client.js';

describe('HTTP requests from elsewhere', () => {
  const client = new FakeClient();
  let app: HttpApp;

  before(() => {
    app = buildHttpApp({ client, host: 'gateway.lan', allowedHosts: ['Site.Example'] });
  });
  after(() => app.close());
  afterEach(() => sinon.restore());

  const read = async (host: string) => (await app.inject({ url: '/api/v1/channels', headers: { host } })).statusCode;
  async function command(headers: Record<string, string>): Promise<{ status: number; called: boolean }> {
    const commandChannel = sinon.spy(client, 'commandChannel');
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/channels/1001/commands',
      headers,
      payload: '{"command":"pause"}',
    });
    sinon.restore();
    return { status: answer.statusCode, called: commandChannel.called };
  }

  for (const host of [
    'localhost',
    'localhost:8080',
    'LOCALHOST:8080',
    '127.0.0.1:8080',
    '192.168.1.5',
    '[::1]:8080',
    '[fe80::1]',
    hostname(),
    `${hostname()}.local:80`,
    'gateway.lan:8080',
    'site.example',
  ]) {
    it(`serves the host ${host}`, async () => assert.equal(await read(host), 200));
  }

  for (const host of [
    'attacker.example',
    'attacker.example:8080',
    'localhost.attacker.example',
    '127.0.0.1.attacker.example:80',
    'x@localhost',
    '[localhost',
  ]) {
    it(`refuses the host "${host}", which may have been made to point here`, async () => {
      assert.equal(await read(host), 421);
      assert.deepEqual(await command({ host, 'content-type': 'application/json' }), { status: 421, called: false });
    });
  }

  const own = { host: 'localhost:8080', 'content-type': 'application/json' };
  for (const [origin, status] of [
    ['http://localhost:8080', 200],
    ['http://LOCALHOST:8080', 200],
    ['https://localhost:8080', 200], // a proxy in front speaks TLS
    ['http://localhost:3000', 403],
    ['http://localhost', 403],
    ['https://attacker.example', 403],
    ['http://attacker.example:8080', 403],
    ['null', 403],
    ['', 403],
    ['file://', 403],
    ['http://', 403],
  ] as const) {
    it(`answers a command from a page of "${origin}" with ${status}`, async () => {
      assert.deepEqual(await command({ ...own, origin }), { status, called: status === 200 });
    });
  }

  it('leaves out the default port of a scheme as browsers do', async () => {
    const headers = { host: 'site.example:443', 'content-type': 'application/json' };
    assert.equal((await command({ ...headers, origin: 'https://site.example' })).status, 200);
    assert.equal((await command({ ...headers, origin: 'http://site.example' })).status, 403);
  });

  it('takes a command without an Origin, as programs send it', async () => {
    assert.deepEqual(await command(own), { status: 200, called: true });
  });

  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain; x=application/json',
    'application/jsonp',
  ]) {
    it(`refuses a command as ${type}, which any page can send`, async () => {
      assert.deepEqual(await command({ host: 'localhost', 'content-type': type }), { status: 415, called: false });
    });
  }

  it('refuses a command without a type, even one without a body', async () => {
    const killActor = sinon.spy(client, 'killActor');
    const answer = await app.inject({ method: 'POST', url: '/api/v1/actors/channel/1001/kill' });
    assert.equal(answer.statusCode, 415);
    assert.equal(killActor.called, false);
  });

  for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/json']) {
    it(`takes a DELETE without a body as ${type ?? 'no type'}: which of them a client sends says nothing`, async () => {
      const removed = sinon.stub(client.rules, 'remove').resolves();
      const headers = { host: 'localhost', ...(type === undefined ? {} : { 'content-type': type }) };
      const send = (more: { payload?: string; headers?: Record<string, string> } = {}) =>
        app.inject({ method: 'DELETE', url: '/api/v1/rules/hot', ...more, headers: { ...headers, ...more.headers } });
      assert.equal((await send()).statusCode, 204);
      assert.equal((await send({ headers: { 'content-length': '0' } })).statusCode, 204);
      assert.equal((await send({ headers: { origin: 'https://attacker.example' } })).statusCode, 403);
      assert.equal(removed.callCount, 2);
      const { statusCode } = await send({ payload: 'x=1' });
      assert.ok(
        statusCode === 415 || (type === 'application/json' && statusCode === 400),
        `with a body: ${statusCode}`,
      );
    });
  }

  it('takes a type with parameters', async () => {
    const { status } = await command({ host: 'localhost', 'content-type': 'Application/JSON; charset=utf-8' });
    assert.equal(status, 200);
  });

  it('never allows a page elsewhere to ask first', async () => {
    const answer = await app.inject({
      method: 'OPTIONS',
      url: '/api/v1/channels/1001/commands',
      headers: { origin: 'https://attacker.example', 'access-control-request-method': 'POST' },
    });
    assert.equal(answer.statusCode, 404);
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  });
});
