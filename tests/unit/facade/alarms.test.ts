import assert from 'node:assert/strict';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import type { AlarmView } from '../../../actors/client/alarms.js';
import { FakeClient } from '../../support/fake-client.js';

const TIME = 1_750_000_000_000;

describe('HTTP routes of alarms', () => {
  let client: FakeClient;
  let app: HttpApp;

  beforeEach(() => {
    client = new FakeClient({ channels: 1, time: TIME });
    app = buildHttpApp({ client, host: '127.0.0.1' });
  });
  afterEach(() => app.close());

  async function get<T>(url: string): Promise<{ status: number; body: T }> {
    const answer = await app.inject({ url });
    return { status: answer.statusCode, body: answer.json<T>() };
  }
  async function post<T>(url: string, payload: object): Promise<{ status: number; body: T }> {
    const answer = await app.inject({ method: 'POST', url, payload });
    return { status: answer.statusCode, body: answer.json<T>() };
  }

  it('answer what the client says', async () => {
    const { alarms } = client;
    assert.deepEqual(await get('/api/v1/alarms?status=active&limit=5'), {
      status: 200,
      body: await alarms.list({ status: 'active' }),
    });
    assert.deepEqual(await get('/api/v1/alarms/a1'), { status: 200, body: await alarms.get('a1') });
    assert.deepEqual(await get('/api/v1/alarms/a1/journal'), { status: 200, body: await alarms.journal('a1') });
    assert.deepEqual(await get('/api/v1/alarms/statistics?operators=2'), {
      status: 200,
      body: await alarms.statistics({ operators: 2 }),
    });
    assert.equal((await get('/api/v1/alarms/nobody')).status, 404);
    assert.equal((await get('/api/v1/alarms?status=open')).status, 400);
  });

  it('raise an alarm and command it', async () => {
    const raised = await post<AlarmView>('/api/v1/alarms', { source: 'fan', title: 'Fan failed', level: 'Major' });
    assert.deepEqual([raised.status, raised.body.state], [201, 'unacknowledged']);
    const path = `/api/v1/alarms/${raised.body.id}`;
    const steps: [path: string, body: object, state: string][] = [
      ['acknowledge', { by: 'ann', note: 'on my way' }, 'acknowledged'],
      ['notes', { by: 'ann', text: 'bearing worn' }, 'acknowledged'],
      ['shelve', { by: 'ann', forMs: 60_000 }, 'shelved'],
      ['unshelve', { by: 'ann' }, 'unacknowledged'],
      ['suppress', { by: 'ann', reason: 'standstill' }, 'suppressed'],
      ['unsuppress', { by: 'ann' }, 'unacknowledged'],
      ['out-of-service', { by: 'ann' }, 'outOfService'],
      ['return-to-service', { by: 'ann' }, 'unacknowledged'],
      ['clear', { by: 'fan' }, 'returned'],
      ['resolve', { by: 'ann' }, 'normal'],
    ];
    for (const [command, body, state] of steps) {
      const answer = await post<AlarmView>(`${path}/${command}`, body);
      assert.deepEqual([command, answer.status, answer.body.state], [command, 200, state]);
    }
    assert.equal((await client.alarms.get(raised.body.id)).note, 'bearing worn');
  });

  it('refuse a command that lacks what it needs', async () => {
    const answer = await post<{ error: { code: string; message: string } }>('/api/v1/alarms/a1/shelve', { by: 'ann' });
    assert.equal(answer.status, 400);
    assert.match(answer.body.error.message, /body\.forMs: found nothing/);
  });

  describe('in the form of VoltageEMS', () => {
    it('raise (TC-ALARMSRV-001) and acknowledge (TC-ALARMSRV-002)', async () => {
      const raised = await post<Record<string, unknown>>('/alarmsrv/alarms', {
        title: 'High Temperature Alert',
        description: 'Temperature exceeded threshold',
        level: 'Warning',
        source: 'sensor_001',
        metadata: { current_value: 85.5, threshold: 80, unit: '°C' },
      });
      assert.equal(raised.status, 201);
      assert.deepEqual([raised.body.level, raised.body.status], ['Warning', 'Active']);
      const path = `/alarmsrv/alarms/${String(raised.body.id)}`;
      const acknowledged = await post<Record<string, unknown>>(`${path}/acknowledge`, {
        acknowledged_by: 'operator_001',
        notes: 'Investigating temperature sensor',
      });
      assert.equal(acknowledged.status, 200);
      const { body } = await get<Record<string, unknown>>(path);
      assert.deepEqual(body, acknowledged.body);
      assert.deepEqual(
        [body.status, body.acknowledged_by, body.notes],
        ['Acknowledged', 'operator_001', 'Investigating temperature sensor'],
      );
      assert.equal(body.acknowledged_at, new Date(TIME).toISOString());
      assert.deepEqual(body.metadata, { current_value: 85.5, threshold: 80, unit: '°C' });
    });

    it('lists are bare; a resolved alarm is not active', async () => {
      const active = await get<{ id: string; title: string }[]>('/alarmsrv/alarms?status=active');
      assert.deepEqual(
        active.body.map(({ id }) => id),
        ['a1'],
      );
      const resolved = await post<Record<string, unknown>>('/alarmsrv/alarms/a1/resolve', {});
      assert.deepEqual([resolved.status, resolved.body.status], [200, 'Resolved']);
      assert.deepEqual((await get('/alarmsrv/alarms?status=active')).body, []);
    });
  });
});
