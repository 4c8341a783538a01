import assert from 'node:assert/strict';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { FakeClient } from '../../support/fake-client.js';

describe('forwarding over HTTP', () => {
  let app: HttpApp;
  beforeEach(() => {
    app = buildHttpApp({ client: new FakeClient(), host: '127.0.0.1' });
  });
  afterEach(() => app.close());
  const send = async (method: 'GET' | 'POST', url: string) => {
    const headers = { host: '127.0.0.1', 'content-type': 'application/json' };
    const answer = await app.inject({ method, url, headers });
    return { status: answer.statusCode, body: answer.json<{ id?: string; state?: string }>() };
  };

  for (const prefix of ['/api/v1', '/netsrv']) {
    it(`lists and commands targets under ${prefix}`, async () => {
      assert.equal((await send('GET', `${prefix}/forwarders`)).status, 200);
      assert.equal((await send('GET', `${prefix}/forwarders/cloud`)).body.id, 'cloud');
      assert.equal((await send('GET', `${prefix}/forwarders/none`)).status, 404);
      assert.equal((await send('GET', `${prefix}/forwarders/a.b`)).status, 400);
      assert.equal((await send('POST', `${prefix}/forwarders/cloud/pause`)).body.state, 'paused');
      assert.equal((await send('POST', `${prefix}/forwarders/cloud/resume`)).body.state, 'connecting');
      assert.equal((await send('POST', `${prefix}/forwarders/lake/skip`)).status, 200);
      assert.equal((await send('POST', `${prefix}/forwarders/cloud/skip`)).status, 409);
    });
  }
});
