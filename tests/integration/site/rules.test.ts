import assert from 'node:assert/strict';
import { Bed, CASE_TIMEOUT_MS, MAPPING, modbusChannel, POINTS } from './bed.js';
import { MAKES, type Make } from './devices.js';

/** A device whose register is hundredths of a degree. */
const TABLES = {
  '1001/telemetry.csv': `${POINTS}1,Temperature,0.01,0.0,℃,false,float\n`,
  '1001/mapping/telemetry_mapping.csv': `${MAPPING}1,1,3,1,uint16,AB,\n`,
};

type Body = Record<string, unknown>;

describe('rules in the words of VoltageEMS, from the value to the alarm', function () {
  this.timeout(CASE_TIMEOUT_MS);
  let bed: Bed;
  beforeEach(async () => {
    bed = await Bed.open();
  });
  afterEach(() => bed.close());

  /** As a client without a body sends it: no content type either. */
  async function post(path: string, body?: object): Promise<{ status: number; body: Body }> {
    const sent =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const answer = await fetch(bed.site.url + path, { method: 'POST', ...sent });
    return { status: answer.status, body: (await answer.json()) as Body };
  }
  const rule = (name: string, expression: string, parameters: Body) => ({
    name,
    description: name,
    condition: { expression, data_sources: ['comsrv:1001:T:1'] },
    actions: [{ action_type: 'create_alarm', parameters }],
    enabled: true,
  });

  it('TC-RULESRV-001: rule creation and evaluation', async () => {
    // The channel is known and not polled: its values come from the test, through Redis.
    await bed.run({ 'site.yaml': `channels:${modbusChannel(1001, 1)}    enabled: false\n`, ...TABLES });
    await bed.reader.hset('comsrv:1001:T', '1', '75.500000');
    const parameters = { title: 'High Temperature', level: 'Warning', description: 'Temperature threshold exceeded' };
    const made = await post('/rulesrv/rules', rule('Temperature Threshold Rule', 'comsrv:1001:T:1 > 80.0', parameters));
    assert.equal(made.status, 201);
    const { id } = made.body as { id: string };
    const before = await post(`/rulesrv/rules/${id}/evaluate`);
    assert.deepEqual([before.status, before.body.triggered], [200, false]);

    await bed.reader.hset('comsrv:1001:T', '1', '85.750000');
    const evaluated = await post(`/rulesrv/rules/${id}/evaluate`);
    assert.equal(evaluated.status, 200);
    const recorded = (await bed.reader.call('FCALL', 'rule_get_execution', '1', id)) as string;
    const execution = JSON.parse(recorded) as Body;
    assert.deepEqual([execution.triggered, typeof execution.executed_at], [true, 'string']);
    assert.deepEqual(execution.values, { 'comsrv:1001:T:1': 85.75 });
    const asked = await bed.site.get<Body>(`/rulesrv/rules/${id}/execution`);
    assert.deepEqual([asked.execution_id, asked.executed_at], [execution.execution_id, execution.executed_at]);
    await bed.untilTrue(
      'the alarm',
      async () => {
        const [alarm] = await bed.site.get<Body[]>('/alarmsrv/alarms?status=active');
        return alarm?.title === 'High Temperature' && alarm.level === 'Warning';
      },
      1_000,
    );
  });

  it('TC-E2E-001: device to alarm pipeline', async () => {
    const device = bed.keep(await (MAKES[1] as Make).start({ holding: { 1: 9500 } }));
    await bed.run({ 'site.yaml': `channels:${modbusChannel(1001, device.port)}`, ...TABLES });
    const parameters = {
      title: 'Critical Temperature Alert',
      level: 'Critical',
      description: 'Temperature critically high',
    };
    const made = await post(
      '/rulesrv/rules',
      rule('Critical Temperature Monitor', 'comsrv:1001:T:1 > 90.0', parameters),
    );
    assert.equal(made.status, 201);
    await bed.untilTrue(
      'the alarm',
      async () => {
        const alarms = await bed.site.get<Body[]>('/alarmsrv/alarms?status=active');
        const alarm = alarms.find(({ title }) => String(title).includes('Critical Temperature'));
        return alarm?.level === 'Critical' && alarm.status === 'Active';
      },
      5_000,
    );
    await bed.untilTrue(
      'the reading in history',
      async () => {
        const { rows } = await bed.site.get<{ rows: { value: number }[] }>(
          '/api/v1/points/comsrv:1001:T:1/history?resolution=raw',
        );
        return (rows.at(-1)?.value ?? 0) >= 95;
      },
      5_000,
    );
  });
});
