import assert from 'node:assert/strict';
import { Bed, CASE_TIMEOUT_MS, MAPPING, modbusChannel, POINTS, registerTables } from './bed.js';
import { MAKES } from './devices.js';

describe('Modbus TCP, from the device to Redis', function () {
  this.timeout(CASE_TIMEOUT_MS);
  let bed: Bed;
  beforeEach(async () => {
    bed = await Bed.open();
  });
  afterEach(() => bed.close());

  for (const make of MAKES) {
    it(`TC-MODBUS-001: communication robustness, with ${make.name}`, async () => {
      const device = bed.keep(
        await make.start({
          holding: { 1: 1234, 2: 5678 },
          input: { 1: 9999 },
          coils: { 1: true },
          discrete: { 1: false },
        }),
      );
      await bed.run({
        'site.yaml': `channels:${modbusChannel(1001, device.port)}`,
        '1001/telemetry.csv': `${POINTS}1,Temperature,1.0,0.0,℃,false,float\n2,Pressure,1.0,0.0,bar,false,float\n3,Flow Rate,1.0,0.0,L/min,false,float\n`,
        '1001/mapping/telemetry_mapping.csv': `${MAPPING}1,1,3,1,uint16,AB,\n2,1,3,2,uint16,AB,\n3,1,4,1,uint16,AB,\n`,
        '1001/signal.csv': `${POINTS}1,Pump Status,1.0,0.0,,false,bool\n2,Door Open,1.0,0.0,,false,bool\n`,
        '1001/mapping/signal_mapping.csv': `${MAPPING}1,1,1,1,bool,,\n2,1,2,1,bool,,\n`,
      });
      await bed.until('comsrv:1001:T', 1, '1234.000000', 3_000);
      assert.deepEqual(await bed.reader.hgetall('comsrv:1001:T'), {
        1: '1234.000000',
        2: '5678.000000',
        3: '9999.000000',
      });
      assert.deepEqual(await bed.reader.hgetall('comsrv:1001:S'), { 1: '1', 2: '0' });
      // Several cycles on, the same: no cycle reads one block in place of another.
      await bed.untilTrue('ten cycles', async () => Number(await bed.field('comsrv:1001:frame', 'seq')) >= 10, 3_000);
      assert.equal(await bed.field('comsrv:1001:T', 3), '9999.000000');
      assert.deepEqual(await bed.reader.hgetall('comsrv:1001:T:q'), {}, 'every value is good');
    });

    it(`TC-MODBUS-002: error handling, with ${make.name}`, async () => {
      const first = bed.keep(await make.start({ holding: { 1: 1000 } }));
      await bed.run({ 'site.yaml': `channels:${modbusChannel(1001, first.port)}`, ...registerTables(1001) });
      await bed.until('comsrv:1001:T', 1, '1000.000000', 500);

      await first.stop();
      await bed.until('comsrv:1001:T:q', 1, 'stale', 2_000);
      // Long enough that the pauses between attempts have grown to their bound.
      await bed.untilTrue(
        'five failed attempts',
        async () => Number(await bed.field('comsrv:1001:stats', 'connection_errors')) >= 5,
        10_000,
      );
      assert.equal(await bed.field('comsrv:1001:T', 1), '1000.000000', 'the last good value stays');
      await bed.until('comsrv:1001:status', 'online', '0', 2_000);

      bed.keep(await make.start({ holding: { 1: 2000 } }, first.port));
      await bed.until('comsrv:1001:T', 1, '2000.000000', 3_000);
      assert.equal(await bed.field('comsrv:1001:T:q', 1), undefined, 'it is good again');
      assert.ok(Number(await bed.field('comsrv:1001:status', 'error_count')) > 0);
      await bed.until('comsrv:1001:stats', 'reconnect_count', '1', 2_000);
      await bed.until('comsrv:1001:status', 'online', '1', 2_000);
    });
  }
});
