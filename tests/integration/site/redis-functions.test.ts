import assert from 'node:assert/strict';
import { RegisterBank, startModbusDevices, type ModbusDevices } from '../../../protocols/modbus/simulator/index.js';
import type { SiteProcess } from '../../support/site-process.js';
import { eventually } from '../../support/temp.js';
import { Bed, CASE_TIMEOUT_MS, modbusChannel, registerTables } from './bed.js';

type Json = Record<string, unknown>;

const TEMPLATE = `
id: test_template
name: Performance test
parameters:
  - { name: capacity }
  - { name: efficiency, min: 0, max: 1 }
points:
  - { name: output }
  - { name: setpoint, kind: A, min: 0, max: '\${capacity}' }
`;
const STATION = { capacity_mw: 100, voltage_kv: 35, location: 'Site A' };
const MODELS = 1_000;

describe('Redis Functions of a running site', function () {
  this.timeout(CASE_TIMEOUT_MS);
  let bank: RegisterBank;
  let devices: ModbusDevices;
  let bed: Bed;
  let site: SiteProcess;

  const fcall = async (name: string, ...args: string[]) =>
    JSON.parse((await bed.reader.call('FCALL', name, '1', ...args)) as string) as Json;
  const result = (id: unknown) =>
    eventually(
      async () => {
        const found = await fcall('statewatt_result', id as string);
        return found.status === 'accepted' ? undefined : found;
      },
      { within: 30_000, what: `the result of ${String(id)}` },
    );
  const send = async (method: string, path: string, body: Json) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${site.url}${path}`, { method, headers, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Json };
  };

  before(async () => {
    bank = new RegisterBank();
    devices = await startModbusDevices({ devices: [{ port: 0, units: { 1: bank } }] });
    bed = await Bed.open();
    site = await bed.run({
      'site.yaml': `site: functions\ntemplates: [test_template.yaml]\nchannels:${modbusChannel(1001, devices.devices[0]?.port as number)}`,
      'test_template.yaml': TEMPLATE,
      ...registerTables(1001),
    });
    await bed.untilTrue(
      'the library is there',
      () =>
        bed.reader.call('FCALL_RO', 'statewatt_version', '0').then(
          () => true,
          () => false,
        ),
      2_000,
    );
  });
  after(async () => {
    await bed?.close();
    await devices?.close();
  });

  it('TC-MODSRV-001: model creation and template expansion', async () => {
    const model = { model_id: 'model_001', name: 'Test Power Station', template_id: 'power_station_template' };
    const made = await send('POST', '/modsrv/models', { ...model, parameters: STATION });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const stored = await fcall('model_get', 'model_001');
    assert.equal(stored.name, 'Test Power Station');
    assert.equal((stored.parameters as Json).capacity_mw, 100);
    const points = (await fcall('model_get_points', 'model_001')) as unknown as Json[];
    assert.ok(points.length > 0);
    assert.ok(points.some(({ name }) => (name as string).includes('voltage')));
  });

  it('TC-MODSRV-002: model update operations', async () => {
    const model = { model_id: 'model_002', name: 'Power Station', template_id: 'power_station_template' };
    await send('POST', '/modsrv/models', { ...model, parameters: STATION });
    const parameters = { capacity_mw: 150, voltage_kv: 35, location: 'Site B' };
    const changed = await send('PUT', '/modsrv/models/model_002', { name: 'Updated Power Station', parameters });
    assert.equal(changed.status, 200, JSON.stringify(changed.body));
    const stored = await fcall('model_get', 'model_002');
    assert.equal(stored.name, 'Updated Power Station');
    assert.deepEqual(stored.parameters, parameters);
  });

  it('TC-ALARMSRV-001 and -002: an alarm is in Redis as soon as it is raised, and acknowledged', async () => {
    const raised = await send('POST', '/alarmsrv/alarms', {
      ...{ title: 'High Temperature Alert', description: 'Temperature exceeded threshold', level: 'Warning' },
      ...{ source: 'sensor_001', metadata: { current_value: 85.5, threshold: 80, unit: '°C' } },
    });
    assert.equal(raised.status, 201, JSON.stringify(raised.body));
    const id = raised.body.id as string;
    const stored = await fcall('alarm_get', id);
    assert.deepEqual([stored.title, stored.level, stored.status], ['High Temperature Alert', 'Warning', 'Active']);
    const body = { acknowledged_by: 'operator_001', notes: 'Investigating temperature sensor' };
    const acknowledged = await send('POST', `/alarmsrv/alarms/${id}/acknowledge`, body);
    assert.equal(acknowledged.status, 200, JSON.stringify(acknowledged.body));
    const seen = await fcall('alarm_get', id);
    assert.deepEqual([seen.status, seen.acknowledged_by], ['Acknowledged', 'operator_001']);
    assert.equal(typeof seen.acknowledged_at, 'string');
  });

  it('alarms and models written by functions are those of every other face', async () => {
    const { alarm_id: alarm, id: stored } = await fcall(
      'store_alarm',
      'pump-7',
      '{"title":"Dry","source":"pump","level":"Major"}',
    );
    assert.equal((await result(stored)).status, 'done');
    await result((await fcall('acknowledge_alarm', 'pump-7', 'ada', 'on my way')).id);
    const shown = (await (await fetch(`${site.url}/api/v1/alarms/${String(alarm)}`)).json()) as Json;
    assert.deepEqual([shown.state, shown.acknowledgedBy, shown.note], ['acknowledged', 'ada', 'on my way']);
    const refused = await result((await fcall('model_upsert', 'odd', '{"template_id":"test_template"}')).id);
    assert.equal((refused.error as Json).code, 'models.invalid');
    await assert.rejects(fcall('model_get', 'odd'), /NOTFOUND/);
    const text = '{"template_id":"test_template","parameters":{"capacity":10,"efficiency":0.9}}';
    assert.equal((await result((await fcall('model_upsert', 'unit', text)).id)).status, 'done');
    assert.equal((await result((await fcall('model_set_value', 'unit', 'setpoint', '7.5')).id)).status, 'done');
    await bed.until('modsrv:model:unit:action', 'setpoint', '7.500000', 1_000);
    const high = await result((await fcall('model_set_value', 'unit', 'setpoint', '11')).id);
    assert.equal((high.error as Json).code, 'points.out_of_range');
    assert.equal((await result((await fcall('model_delete', 'unit')).id)).status, 'done');
    assert.equal((await fetch(`${site.url}/api/v1/models/unit`)).status, 404);
    assert.equal(await bed.reader.exists('modsrv:model:unit'), 0);
  });

  it('rules written by functions are those of every other face, and what they do is seen', async () => {
    const text = JSON.stringify({
      name: 'High',
      condition: { expression: 'comsrv:1001:T:1 > 80', data_sources: ['comsrv:1001:T:1'] },
      actions: [{ action_type: 'create_alarm', parameters: { title: 'High', level: 'Minor' } }],
    });
    const { id: upsert, rule_id: rule } = await fcall('rule_upsert', 'high', text);
    assert.deepEqual([rule, (await result(upsert)).status], ['high', 'done']);
    const stored = await fcall('rule_get', 'high');
    assert.deepEqual([stored.name, stored.enabled, stored.state], ['High', true, 'waiting']);
    await assert.rejects(fcall('rule_get_execution', 'high'), /NOTFOUND there is no execution of the rule high/);
    const looked = await result((await fcall('rule_evaluate', 'high')).id);
    assert.deepEqual([looked.status, looked.triggered, looked.rule_id], ['done', false, 'high']);
    assert.equal((await fcall('rule_get_execution', 'high')).triggered, false);
    const taken = await result((await fcall('rule_execute_actions', 'high')).id);
    assert.deepEqual([taken.status, taken.execution_id, (taken.actions as Json[]).length], ['done', 2, 1]);
    const shown = async () => (await fcall('rule_get_execution', 'high')).actions as Json[];
    await bed.untilTrue('the action is done', async () => (await shown())[0]?.status === 'done', 2_000);
    await bed.untilTrue(
      'the alarm',
      async () => {
        const alarms = (await (await fetch(`${site.url}/alarmsrv/alarms?status=active`)).json()) as Json[];
        return alarms.some(({ title }) => title === 'High');
      },
      1_000,
    );
    // By itself: the register passes the threshold.
    bank.holding.setUint16(1, 100);
    await bed.untilTrue('it fires', async () => (await fcall('rule_get', 'high')).state === 'active', 2_000);
    assert.equal((await fcall('rule_get_execution', 'high')).triggered, true);
    const listed = (await fcall('rule_list', '{}')) as unknown as Json[];
    assert.deepEqual(
      listed.map(({ id }) => id),
      ['high'],
    );
    const wrong = JSON.stringify({ ...(JSON.parse(text) as Json), condition: { expression: '1001:T:9 > 80' } });
    assert.equal(((await result((await fcall('rule_upsert', 'odd', wrong)).id)).error as Json).code, 'rules.invalid');
    await assert.rejects(fcall('rule_get', 'odd'), /NOTFOUND/);
    const response = await fetch(`${site.url}/rulesrv/rules/high`, { method: 'DELETE' });
    assert.equal(response.status, 200);
    await assert.rejects(fcall('rule_get', 'high'), /NOTFOUND there is no rule high/);
    assert.equal((await result((await fcall('rule_upsert', 'high', text)).id)).status, 'done');
    assert.equal((await result((await fcall('rule_delete', 'high')).id)).status, 'done');
    assert.equal((await fetch(`${site.url}/api/v1/rules/high`)).status, 404);
    assert.equal((await result((await fcall('rule_upsert', 'kept', text)).id)).status, 'done');
  });

  it('TC-REDIS-001: 1000 models at once: more than 500 upserts and 1000 reads a second', async () => {
    const data = JSON.stringify({
      ...{ name: 'Performance Test Model', template_id: 'test_template' },
      parameters: { capacity: 1000, efficiency: 0.95 },
    });
    const ids = Array.from({ length: MODELS }, (_, index) => `perf_model_${String(index).padStart(4, '0')}`);
    const timed = async (work: (id: string) => Promise<Json>) => {
      const begun = performance.now();
      const answers = await Promise.all(ids.map(work));
      return { answers, perSecond: (MODELS / (performance.now() - begun)) * 1_000 };
    };
    const upserts = await timed((id) => fcall('model_upsert', id, data));
    assert.ok(upserts.answers.every(({ status }) => status === 'accepted'));
    assert.ok(upserts.perSecond > 500, `${upserts.perSecond} upserts a second`);
    const reads = await timed((id) => fcall('model_get', id));
    assert.ok(reads.answers.every(({ name }) => name === 'Performance Test Model'));
    assert.ok(reads.perSecond > 1_000, `${reads.perSecond} reads a second`);
    for (const { id } of upserts.answers) assert.equal((await result(id)).status, 'done');
    assert.equal(await bed.reader.scard('statewatt:pending:model'), 0);
    assert.equal((await fcall('model_get', 'perf_model_0999')).model_id, 'perf_model_0999');
  });

  it('all is there again after Redis came back empty', async () => {
    await bed.redis.stop();
    await bed.redis.start();
    await bed.untilTrue(
      'models and alarms',
      async () => {
        const [library, models] = [await bed.reader.call('FUNCTION', 'LIST'), await bed.reader.scard('modsrv:models')];
        return (
          (library as unknown[]).length === 1 &&
          models === MODELS + 2 &&
          (await bed.reader.zcard('alarmsrv:alarms')) === 4 &&
          (await bed.reader.smembers('rulesrv:rules')).join() === 'kept'
        );
      },
      5_000,
    );
    assert.equal((await fcall('alarm_get', 'pump-7')).status, 'Acknowledged');
    assert.equal((await fcall('model_get', 'model_002')).name, 'Updated Power Station');
    assert.equal((await result((await fcall('model_delete', 'model_002')).id)).status, 'done');
  });
});
