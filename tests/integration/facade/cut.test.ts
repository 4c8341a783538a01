import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { SimulatedAccess } from '../../support/fake-access.js';
import { FakeClient } from '../../support/fake-client.js';
import { eventually } from '../../support/temp.js';

const PASSWORD = 'correct horse battery';

describe('what is open when somebody may not be in any more', () => {
  let access: SimulatedAccess;
  let client: FakeClient;
  let app: HttpApp;
  let url: string;

  beforeEach(async () => {
    access = new SimulatedAccess();
    await access.control.createUser({ name: 'ada', role: 'admin', password: PASSWORD });
    await access.control.createUser({ name: 'olga', role: 'operator', password: PASSWORD });
    client = new FakeClient();
    app = buildHttpApp({ client, host: '127.0.0.1', gatekeeper: access.control, closeGraceMs: 200 });
    url = await app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterEach(() => app.close());

  const signIn = async (name: string) => ({
    authorization: `Bearer ${(await access.control.signIn(name, PASSWORD, '::1')).token}`,
  });

  it('is cut at sign-out: event streams, and of nobody else', async () => {
    const [olga, ada] = [await signIn('olga'), await signIn('ada')];
    const cut = await fetch(`${url}/api/v1/points/stream`, { headers: olga });
    const kept = await fetch(`${url}/api/v1/points/stream`, { headers: ada });
    const reading = cut.text();
    await eventually(() => (client.watchers === 2 ? true : undefined));
    const json = { ...olga, 'content-type': 'application/json' };
    assert.equal((await fetch(`${url}/auth/logout`, { method: 'POST', headers: json, body: '{}' })).status, 204);
    assert.match(await reading, /^retry/);
    await eventually(() => (client.watchers === 1 ? true : undefined));
    await kept.body?.cancel();
  });

  it('is cut with another role: WebSockets, also for echoes', async () => {
    const headers = await signIn('olga');
    const sockets = ['/ws', '/ws/echo'].map((path) => new WebSocket(url.replace('http', 'ws') + path, { headers }));
    await Promise.all(sockets.map((socket) => once(socket, 'open')));
    const [rpc] = sockets as [WebSocket, WebSocket];
    rpc.send('{"id": 1, "method": "subscribe", "params": {"topic": "points"}}');
    await once(rpc, 'message');
    const closed = Promise.all(sockets.map(async (socket) => (await once(socket, 'close'))[0] as number));
    await access.control.updateUser('olga', { role: 'viewer' });
    assert.deepEqual(await closed, [4401, 4401]);
    await eventually(() => (client.watchers === 0 ? true : undefined));
  });
});
