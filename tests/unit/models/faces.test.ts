import assert from 'node:assert/strict';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import type { ModelVerdict } from '../../../actors/client/model-data.js';
import { FakeClient } from '../../support/fake-client.js';

describe('models over HTTP', () => {
  let client: FakeClient;
  let app: HttpApp;
  beforeEach(() => {
    client = new FakeClient();
    app = buildHttpApp({ client, host: '127.0.0.1' });
  });
  afterEach(() => app.close());
  const send = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) => {
    const headers = { host: '127.0.0.1', 'content-type': 'application/json' };
    const answer = await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
    return { status: answer.statusCode, body: answer.body === '' ? null : answer.json<Record<string, unknown>>() };
  };

  it('are made, read, written, changed and removed', async () => {
    assert.equal((await send('GET', '/api/v1/templates')).status, 200);
    const made = await send('POST', '/api/v1/models', { id: 'm', template: 'battery', parameters: { capacity: 5 } });
    assert.deepEqual([made.status, made.body?.ref], [201, 'model/m']);
    assert.equal((await send('POST', '/api/v1/models', { id: 'm', template: 'battery' })).status, 409);
    const written = await send('POST', '/api/v1/models/m/points/limit/write', { value: 80 });
    assert.deepEqual([written.status, written.body?.address], [200, 'modsrv:m:limit']);
    const { points } = (await send('GET', '/api/v1/models/m')).body as { points: { value: number }[] };
    assert.equal(points[1]?.value, 80);
    assert.equal((await send('PUT', '/api/v1/models/m', { name: 'Store' })).body?.name, 'Store');
    assert.deepEqual(await send('DELETE', '/api/v1/models/m'), { status: 204, body: null });
    assert.equal((await send('GET', '/api/v1/models/m')).status, 404);
  });

  it('are made many at once, each with a verdict', async () => {
    const models = ['a', 'b', 'a'].map((id) => ({ id, template: 'battery' }));
    const { status, body } = await send('POST', '/api/v1/models/bulk', { models });
    const { created, refused, verdicts } = body as { created: number; refused: number; verdicts: ModelVerdict[] };
    assert.deepEqual([status, created, refused], [200, 2, 1]);
    assert.deepEqual(
      verdicts.map(({ id, model, error }) => [id, model?.ref, error?.code]),
      [
        ['a', 'model/a', undefined],
        ['b', 'model/b', undefined],
        ['a', undefined, 'models.exists'],
      ],
    );
    assert.equal((await send('POST', '/api/v1/models/bulk', { models: [] })).status, 400);
    const many = Array.from({ length: 1_001 }, (_, index) => ({ id: `m${index}`, template: 'battery' }));
    assert.equal((await send('POST', '/api/v1/models/bulk', { models: many })).status, 400);
  });

  it('have a history by point', async () => {
    await send('POST', '/api/v1/models', { id: 'm', template: 'battery' });
    const { status, body } = await send('GET', '/api/v1/models/m/points/soc/history?limit=2&resolution=raw');
    assert.deepEqual([status, body?.model, body?.point, (body?.rows as unknown[]).length], [200, 'm', 'soc', 2]);
    assert.equal((await send('GET', '/api/v1/models/x/points/soc/history')).status, 404);
    assert.equal((await send('GET', '/api/v1/models/x/stream')).status, 404);
  });

  it('are refused when they are no models', async () => {
    assert.equal((await send('POST', '/api/v1/models', { id: 'a b', template: 'battery' })).status, 400);
    assert.equal((await send('POST', '/api/v1/models', { id: 'm' })).status, 400);
    assert.equal((await send('PUT', '/api/v1/models/m', { template: 'x' })).status, 400);
  });

  it('are there in the words of VoltageEMS', async () => {
    const request = {
      model_id: 'model_001',
      name: 'Test Power Station',
      template_id: 'power_station_template',
      parameters: { capacity_mw: 100, voltage_kv: 35, location: 'Site A' },
    };
    assert.deepEqual(await send('POST', '/modsrv/models', request), { status: 201, body: request });
    const changes = {
      name: 'Updated Power Station',
      parameters: { capacity_mw: 150, voltage_kv: 35, location: 'Site B' },
    };
    const changed = { ...request, ...changes };
    assert.deepEqual(await send('PUT', '/modsrv/models/model_001', changes), { status: 200, body: changed });
    const { points, ...model } = (await send('GET', '/modsrv/models/model_001')).body as { points: { name: string }[] };
    assert.deepEqual([model, points[0]?.name], [changed, 'soc']);
    assert.deepEqual((await send('GET', '/modsrv/models')).body, [changed]);
    assert.equal((await send('DELETE', '/modsrv/models/model_001')).status, 200);
  });
});
