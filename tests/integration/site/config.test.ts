import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Bed, CASE_TIMEOUT_MS, MAPPING, POINTS } from './bed.js';
import { MAKES } from './devices.js';

const TWO = `${POINTS}1,Temperature,1.0,0.0,℃,false,float\n2,Pressure,0.1,0.0,bar,false,float\n`;
const THREE = `${TWO}3,Flow Rate,0.01,0.0,L/min,false,float\n`;
const TABLE = 'comsrv:1001:config:telemetry';

describe('configuration, to Redis', function () {
  this.timeout(CASE_TIMEOUT_MS);
  let bed: Bed;
  beforeEach(async () => {
    bed = await Bed.open();
  });
  afterEach(() => bed.close());

  async function untilPoints(count: number, figureMs: number): Promise<void> {
    await bed.untilTrue(`${count} points`, async () => (await bed.reader.hlen(TABLE)) === count, figureMs);
  }

  async function row(id: number): Promise<unknown> {
    return JSON.parse((await bed.field(TABLE, id)) ?? 'null');
  }

  const flowRate = {
    point_id: 3,
    signal_name: 'Flow Rate',
    scale: 0.01,
    offset: 0,
    unit: 'L/min',
    reverse: false,
    data_type: 'float32',
  };

  it('TC-CONFIG-001: CSV hot-reload, the table named on its own', async () => {
    await bed.run({
      'telemetry.csv': TWO,
      'site.yaml': `
file_watch_enabled: true
channels:
  - id: 1001
    protocol: virtual
    polling_config: { interval_ms: 100 }
    table_config:
      four_telemetry_files: { telemetry_file: "${join(bed.folder, 'telemetry.csv')}" }
    simulation_config:
      patterns:
        - SineWave: { point_id: 1, amplitude: 10.0, frequency: 1.0, phase: 0.0, offset: 20.0 }
`,
    });
    await untilPoints(2, 2_000);
    await bed.write({ 'telemetry.csv': THREE });
    await untilPoints(3, 2_000);
    assert.deepEqual(await row(3), flowRate);
  });

  for (const make of MAKES) {
    it(`TC-CONFIG-001: CSV hot-reload of a channel that reads from ${make.name}`, async () => {
      const device = bed.keep(await make.start({ holding: { 1: 20, 2: 500, 3: 1250 } }));
      const mapping = `${MAPPING}1,1,3,1,uint16,AB,\n2,1,3,2,uint16,AB,\n`;
      const site = await bed.run({
        'site.yaml': `
file_watch_enabled: true
channels:
  - id: 1001
    protocol: modbus
    transport_config: { address: "127.0.0.1:${device.port}" }
    polling_config: { interval_ms: 100, batch_size: 50 }
`,
        '1001/telemetry.csv': TWO,
        '1001/mapping/telemetry_mapping.csv': mapping,
      });
      await untilPoints(2, 2_000);
      await bed.until('comsrv:1001:T', 2, '50.000000', 500);

      // A table cut off in the middle of a line is not put into force: what was there goes on.
      await bed.write({ '1001/telemetry.csv': `${TWO}3,Flow R` });
      // The watch may have seen it empty first, as it was being written.
      await site.healthWhen('the edit is refused', ({ parts }) => {
        const { status, detail = '' } = parts.configuration ?? {};
        return status !== 'up' && /telemetry\.csv:4/.test(detail);
      });
      assert.equal(await bed.reader.hlen(TABLE), 2);
      await device.set({ holding: { 1: 21 } });
      await bed.until('comsrv:1001:T', 1, '21.000000', 500);

      await bed.write({
        '1001/telemetry.csv': THREE,
        '1001/mapping/telemetry_mapping.csv': `${mapping}3,1,3,3,uint16,AB,\n`,
      });
      await untilPoints(3, 2_000);
      assert.deepEqual(await row(3), flowRate);
      await bed.until('comsrv:1001:T', 3, '12.500000', 500);
      await site.healthWhen('the edit is in force', ({ parts }) => parts.configuration?.status === 'up');

      // And a row that goes takes its value along.
      await bed.write({ '1001/telemetry.csv': TWO, '1001/mapping/telemetry_mapping.csv': mapping });
      await untilPoints(2, 2_000);
      await bed.untilTrue(
        'its value is gone',
        async () => (await bed.reader.hexists('comsrv:1001:T', '3')) === 0,
        2_000,
      );
    });
  }
});
