import assert from 'node:assert/strict';
import { Bed, CASE_TIMEOUT_MS, MAPPING, modbusChannel, POINTS, registerTables } from './bed.js';
import { MAKES } from './devices.js';

describe('comsrv: from a device to Redis', function () {
  this.timeout(CASE_TIMEOUT_MS);
  let bed: Bed;
  beforeEach(async () => {
    bed = await Bed.open();
  });
  afterEach(() => bed.close());

  for (const make of MAKES) {
    it(`TC-COMSRV-001: Modbus TCP data collection, from ${make.name}`, async () => {
      const device = bed.keep(await make.start({ holding: { 1: 1234 }, coils: { 2: true } }));
      await bed.run({
        'site.yaml': `channels:${modbusChannel(1001, device.port)}`,
        ...registerTables(1001),
        '1001/signal.csv': `${POINTS}2,Coil,1.0,0.0,,false,bool\n`,
        '1001/mapping/signal_mapping.csv': `${MAPPING}2,1,1,2,bool,,\n`,
      });
      await bed.until('comsrv:1001:T', 1, '1234.000000', 500);
      await bed.until('comsrv:1001:S', 2, '1', 500);
      // Not a value from before: what the device changes comes as well.
      await device.set({ holding: { 1: 4321 }, coils: { 2: false } });
      await bed.until('comsrv:1001:T', 1, '4321.000000', 500);
      await bed.until('comsrv:1001:S', 2, '0', 500);
    });

    it(`TC-COMSRV-003: multi-channel concurrent operations, with ${make.name}`, async () => {
      const values = [1111, 2222, 3333];
      const devices = await Promise.all(
        values.map(async (value) => bed.keep(await make.start({ holding: { 1: value } }))),
      );
      const channels = [1001, 1002, 1003];
      await bed.run({
        'site.yaml': `channels:${devices.map(({ port }, index) => modbusChannel(1001 + index, port)).join('')}`,
        ...registerTables(1001),
        ...registerTables(1002),
        ...registerTables(1003),
      });
      for (const [index, channel] of channels.entries()) {
        await bed.until(`comsrv:${channel}:T`, 1, `${values[index]}.000000`, 1_000);
      }
      // None is mixed with another, nor becomes so while all go on.
      const framesBefore = await bed.reader.hget('comsrv:1003:frame', 'seq');
      await bed.untilTrue(
        'ten more cycles',
        async () => Number(await bed.reader.hget('comsrv:1003:frame', 'seq')) >= Number(framesBefore) + 10,
        1_000,
      );
      const read = await Promise.all(channels.map((channel) => bed.reader.hgetall(`comsrv:${channel}:T`)));
      assert.deepEqual(read, [{ 1: '1111.000000' }, { 1: '2222.000000' }, { 1: '3333.000000' }]);
    });
  }
});
