import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { SiteSocket } from '../../../facade/websocket/client.js';
import { FakeClient } from '../../support/fake-client.js';
import { eventually } from '../../support/temp.js';

interface Update {
  subscription: number;
  model: string;
  points: { name: string; value: number }[];
  remade: boolean;
}

describe('models over WebSocket', () => {
  let client: FakeClient;
  let app: HttpApp;
  let socket: SiteSocket;

  beforeEach(async () => {
    client = new FakeClient();
    await client.createModel({ id: 'roof', template: 'battery' });
    await client.createModel({ id: 'cellar', template: 'battery' });
    app = buildHttpApp({ client, host: '127.0.0.1', closeGraceMs: 200 });
    const origin = await app.listen({ host: '127.0.0.1', port: 0 });
    socket = new SiteSocket({
      url: `${origin.replace('http', 'ws')}/ws`,
      connect: (address) => new WebSocket(address),
      retryMs: 20,
    });
  });
  afterEach(async () => {
    socket.close();
    await app.close();
  });

  it('pushes the changed points of one model, and of no other', async () => {
    const updates: Update[] = [];
    const end = await socket.subscribe({ topic: 'model', model: 'roof' }, (update) => updates.push(update as Update));
    await socket.call('models.write', { model: 'cellar', point: 'limit', value: 1 });
    await socket.call('models.write', { model: 'roof', point: 'limit', value: 7 });
    const first = await eventually(() => Promise.resolve(updates[0]));
    assert.deepEqual(
      [first.model, first.remade, first.points.map(({ name, value }) => [name, value])],
      ['roof', false, [['limit', 7]]],
    );
    await end();
    await socket.call('models.write', { model: 'roof', point: 'limit', value: 8 });
    await socket.call('echo', {}); // What was pushed before it has come by now.
    assert.equal(updates.length, 1);
  });

  it('pushes points of models and of channels by their addresses', async () => {
    const updates: { model?: string; channel?: number; points: { address: string; value: number }[] }[] = [];
    const points = ['model:roof:limit', 'model:cellar:soc', '1001:T:1'];
    const end = await socket.subscribe({ topic: 'points', points }, (update) => updates.push(update as never));
    await socket.call('models.write', { model: 'cellar', point: 'limit', value: 1 });
    await socket.call('models.write', { model: 'roof', point: 'limit', value: 7 });
    client.tick();
    await eventually(() => (updates.length >= 2 ? true : undefined));
    const seen = updates.flatMap(({ points: list }) => list.map(({ address }) => address));
    assert.deepEqual([...new Set(seen)].sort(), ['comsrv:1001:T:1', 'model:roof:limit']);
    const ofModel = updates.find(({ model }) => model === 'roof');
    assert.deepEqual([ofModel?.points[0]?.value, ofModel?.channel], [7, undefined]);
    await end();
    await eventually(() => (client.watchers === 0 ? true : undefined));
    const subscribe = (params: object) => socket.subscribe({ topic: 'points', ...params }, () => undefined);
    await assert.rejects(subscribe({ points: ['model:nobody:limit'] }), { code: 'models.not_found' });
    await assert.rejects(subscribe({ points: ['model:roof:limt'] }), { code: 'models.point_not_found' });
    await assert.rejects(subscribe({ points: ['model:roof'] }), { code: 'points.invalid_address' });
    await assert.rejects(subscribe({ points: ['1001:T:99'] }), { code: 'points.not_found' });
    await assert.rejects(subscribe({ channel: 1001, points: ['model:roof:limit'] }), { code: 'points.not_of_channel' });
  });

  it('refuses what is no model, and what is no subscription to one', async () => {
    const subscribe = (params: object) => socket.subscribe({ topic: 'model', ...params }, () => undefined);
    await assert.rejects(subscribe({ model: 'nobody' }), { code: 'models.not_found' });
    await assert.rejects(subscribe({}), { code: 'client.rpc_error' });
    await assert.rejects(subscribe({ model: 'a b' }), { code: 'client.rpc_error' });
    await assert.rejects(subscribe({ model: 'roof', points: ['limit'] }), { code: 'client.rpc_error' });
  });

  it('has the subscription back after the connection was lost', async () => {
    const updates: Update[] = [];
    await socket.subscribe({ topic: 'model', model: 'roof' }, (update) => updates.push(update as Update));
    const { port } = app.server.address() as { port: number };
    await app.close();
    app = buildHttpApp({ client, host: '127.0.0.1', closeGraceMs: 200 });
    await app.listen({ host: '127.0.0.1', port });
    await eventually(async () => {
      await client.writeModel({ model: 'roof', point: 'limit', value: 9 });
      return updates.length > 0 ? true : undefined;
    });
    assert.equal(updates[0]?.points[0]?.value, 9);
  });
});
