import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { LinkError, type Driver } from '../../../protocols/driver.js';
import { createModbusDriver, openLink } from '../../../protocols/modbus/driver.js';
import { SharedLinks } from '../../../protocols/modbus/shared-links.js';
import {
  RegisterBank,
  startModbusDevices,
  type ModbusDevice,
  type ModbusDevices,
} from '../../../protocols/modbus/simulator/index.js';
import { openStream } from '../../../protocols/modbus/transport.js';
import type { ModbusLimits } from '../../../site/model.js';
import { Readings } from '../../../site/readings.js';
import { modbusChannel, shown, type TestPoint } from '../../support/modbus.js';
import { freePort } from '../../support/temp.js';

describe('modbus driver against simulated devices', () => {
  let devices: ModbusDevices;
  let device: ModbusDevice;
  const drivers: Driver[] = [];

  beforeEach(async () => {
    const units = { 1: new RegisterBank(), 2: new RegisterBank(), 3: new RegisterBank() };
    devices = await startModbusDevices({ devices: [{ port: 0, units }] });
    device = devices.devices[0] as ModbusDevice;
  });
  afterEach(async () => {
    for (const driver of drivers.splice(0)) await driver.close();
    await devices.close();
  });

  /** A connected driver and its readings. */
  async function start(points: readonly TestPoint[], limits: Partial<ModbusLimits> = {}) {
    const channel = modbusChannel(device.port, points, limits);
    const driver = createModbusDriver(channel, { now: () => 1_700_000_000_000 });
    drivers.push(driver);
    await driver.connect();
    return { driver, channel, readings: new Readings(channel.points) };
  }

  it('reads all four areas and several units in one cycle', async () => {
    device.holding(1).setUint16(1, 1234);
    device.input(1).setInt16(7, -5);
    device.coils(1).set(2, true);
    device.discrete(2).set(9, true);
    device.holding(2).setFloat32(10, 1.5, 'CDAB');
    device.holding(2).setString(20, 'PV-1', 4);
    device.holding(2).setBit(30, 12, true);
    const { driver, readings } = await start([
      { address: 1, scale: 0.1, offset: 1 },
      { address: 7, functionCode: 4, dataType: 'int16' },
      { address: 2, functionCode: 1, dataType: 'bool', kind: 'S' },
      { address: 9, functionCode: 2, dataType: 'bool', kind: 'S', reverse: true, unitId: 2 },
      { address: 10, dataType: 'float32', byteOrder: 'CDAB', unitId: 2 },
      { address: 20, dataType: 'string', registers: 4, unitId: 2 },
      { address: 30, bit: 12, kind: 'S', dataType: 'bool', unitId: 2 },
      { address: 30, bit: 11, kind: 'S', dataType: 'bool', unitId: 2 },
    ]);
    const outcome = await driver.poll(readings);
    assert.deepEqual(shown(readings), [
      `${1234 * 0.1 + 1} good`,
      '-5 good',
      '1 good',
      '0 good',
      '1.5 good',
      'PV-1 good',
      '1 good',
      '0 good',
    ]);
    assert.equal(readings.times[0], 1_700_000_000_000);
    assert.deepEqual({ reads: outcome.reads, errors: outcome.errors }, { reads: 7, errors: 0 });
    assert.equal(outcome.roundTrips.length, 7);
  });

  it('keeps as many requests under way as the limit says, and no more', async () => {
    const points = Array.from({ length: 20 }, (_, index) => ({ address: index * 10 }));
    device.faults(1).delayMs = 5;
    for (const pipeline of [1, 4]) {
      device.peakInFlight = 0;
      const { driver, readings } = await start(points, { pipeline, maxGap: 0 });
      assert.equal((await driver.poll(readings)).reads, 20);
      assert.equal(device.peakInFlight, pipeline);
    }
  });

  it('reads answers that arrive in pieces of one byte', async () => {
    device.fragmentBytes = 1;
    device.holding(1).setUint16(0, 77);
    const { driver, readings } = await start([{ address: 0 }]);
    await driver.poll(readings);
    assert.deepEqual(shown(readings), ['77 good']);
  });

  it('learns what the device refuses, reads the rest in the same cycle, and asks for it no more', async () => {
    const points = Array.from({ length: 60 }, (_, index) => ({ address: index }));
    for (let address = 0; address < 60; address++) device.holding(1).setUint16(address, address + 100);
    device.holding(1).refuse(17);
    device.holding(1).refuse(40, 42);
    const { driver, readings } = await start(points);
    await driver.poll(readings);
    const expected = points.map(({ address }) =>
      address === 17 || (address >= 40 && address <= 42) ? 'never bad' : `${address + 100} good`,
    );
    assert.deepEqual(shown(readings), expected);

    const second = await driver.poll(readings);
    assert.deepEqual({ reads: second.reads, errors: second.errors }, { reads: 3, errors: 0 });
    assert.deepEqual(shown(readings), expected);

    await driver.connect();
    assert.equal((await driver.poll(readings)).errors, 0, 'also after a reconnection');
  });

  it('learns how many registers the device gives at once', async () => {
    device.faults(1).maxCount = 30;
    const { driver, readings } = await start(Array.from({ length: 100 }, (_, index) => ({ address: index })));
    await driver.poll(readings);
    assert.ok(shown(readings).every((text) => text === '0 good'));
    const second = await driver.poll(readings);
    assert.deepEqual({ reads: second.reads, errors: second.errors }, { reads: 4, errors: 0 });
  });

  it('marks the points of a function that the device lacks bad, without taking it to pieces', async () => {
    device.bank(2).faults.exception = 1;
    const { driver, readings } = await start([
      { address: 0 },
      ...Array.from({ length: 50 }, (_, index) => ({ address: index, unitId: 2 })),
    ]);
    const outcome = await driver.poll(readings);
    assert.equal(outcome.errors, 1);
    assert.equal(outcome.lastError?.details?.['name'], 'illegal function');
    assert.equal(shown(readings)[0], '0 good');
    assert.ok(
      shown(readings)
        .slice(1)
        .every((text) => text === 'never bad'),
    );
  });

  it('names exceptions and what they were about', async () => {
    device.holding(1).refuse(5, 5, 4);
    const { driver, readings } = await start([{ address: 5 }]);
    const { lastError } = await driver.poll(readings);
    assert.equal(lastError?.code, 'protocol.modbus_exception');
    assert.deepEqual(lastError.details, {
      exception: 4,
      name: 'server device failure',
      unitId: 1,
      functionCode: 3,
      address: 5,
      count: 1,
    });
  });

  it('leaves the others unharmed when one unit behind a gateway is silent', async () => {
    const points = [1, 2, 3].flatMap((unitId) => [
      { address: 0, unitId },
      { address: 100, unitId },
    ]);
    const { driver, readings } = await start(points, { responseTimeoutMs: 150 });
    await driver.poll(readings);
    device.faults(2).silent = true;
    const first = await driver.poll(readings);
    assert.equal(first.errors, 1, 'one timeout, not one for each block');
    assert.equal(first.lastError?.code, 'protocol.timeout');
    const good = ['0 good', '0 good'];
    assert.deepEqual(shown(readings), [...good, '0 stale', '0 stale', ...good]);

    const asked = device.requests;
    const second = await driver.poll(readings);
    assert.deepEqual({ reads: second.reads, errors: second.errors }, { reads: 4, errors: 0 });
    assert.equal(device.requests - asked, 4, 'the silent unit is left alone for a while');

    device.bank(2).heal();
    await driver.connect();
    await driver.poll(readings);
    assert.deepEqual(shown(readings), [...good, ...good, ...good]);
  });

  it('takes exception 0B for a unit that is away', async () => {
    device.faults(2).exception = 0x0b;
    const { driver, readings } = await start([
      { address: 0, unitId: 2 },
      { address: 50, unitId: 2 },
      { address: 0, unitId: 1 },
    ]);
    const outcome = await driver.poll(readings);
    assert.equal(outcome.errors, 1);
    assert.equal(outcome.lastError?.details?.['name'], 'gateway target device failed to respond');
    assert.deepEqual(shown(readings), ['never bad', 'never bad', '0 good']);
  });

  it('tries again within the cycle when told to', async () => {
    device.faults(1).exception = 6;
    const { driver, readings } = await start([{ address: 0 }], { retries: 2 });
    const asked = device.requests;
    assert.equal((await driver.poll(readings)).errors, 3);
    assert.equal(device.requests - asked, 3);
  });

  for (const answer of ['wrong-unit', 'wrong-function', 'short'] as const) {
    it(`refuses an answer that is ${answer}, and goes on`, async () => {
      const { driver, readings } = await start([{ address: 0 }, { address: 0, unitId: 2 }]);
      device.faults(1).answer = answer;
      const outcome = await driver.poll(readings);
      assert.equal(outcome.lastError?.code, 'protocol.bad_response');
      assert.deepEqual(shown(readings), ['never bad', '0 good']);
      device.bank(1).heal();
      await driver.poll(readings);
      assert.deepEqual(shown(readings), ['0 good', '0 good']);
    });
  }

  it('ignores answers with a wrong transaction id', async () => {
    device.faults(1).answer = 'wrong-transaction';
    device.holding(2).setUint16(0, 22);
    const { driver, readings } = await start([{ address: 0 }, { address: 0, unitId: 2 }], { responseTimeoutMs: 150 });
    assert.equal((await driver.poll(readings)).lastError?.code, 'protocol.timeout');
    assert.deepEqual(shown(readings), ['never bad', '22 good']);
  });

  for (const answer of ['oversized', 'wrong-protocol'] as const) {
    it(`gives the link up after an answer that is ${answer}`, async () => {
      device.faults(1).answer = answer;
      const { driver, readings } = await start([{ address: 0 }]);
      await assert.rejects(driver.poll(readings), LinkError);
    });
  }

  it('gives the link up when an answer breaks off', async () => {
    device.faults(1).answer = 'truncated';
    const { driver, readings } = await start([{ address: 0 }, { address: 0, unitId: 2 }], { responseTimeoutMs: 150 });
    await assert.rejects(driver.poll(readings), LinkError);
    device.bank(1).heal();
    await driver.connect();
    await driver.poll(readings);
    assert.deepEqual(shown(readings), ['0 good', '0 good']);
  });

  it('gives the link up when nothing answers any more', async () => {
    const { driver, readings } = await start([{ address: 0 }], { responseTimeoutMs: 150 });
    device.faults(1).silent = true;
    await assert.rejects(driver.poll(readings), { name: 'LinkError', code: 'protocol.link_lost' });
    await assert.rejects(driver.poll(readings), LinkError);
  });

  it('ends a cycle under way with LinkError when the device, or we, close the connection', async () => {
    const { driver, readings } = await start([{ address: 0 }]);
    device.faults(1).drop = true;
    await assert.rejects(driver.poll(readings), LinkError);
    device.bank(1).heal();
    device.faults(1).silent = true;
    await driver.connect();
    const poll = driver.poll(readings);
    await driver.close();
    await assert.rejects(poll, /closed here/);
    await driver.close();
  });

  it('says so when nothing listens, and gives a connection up that is being made', async () => {
    const nobody = createModbusDriver(modbusChannel(await freePort(), [{ address: 0 }]));
    await assert.rejects(nobody.connect(), { name: 'LinkError', message: /cannot connect to 127\.0\.0\.1:\d+/ });

    const hanging = createModbusDriver(modbusChannel(1, [{ address: 0 }]), {
      open: (signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new LinkError('given up')))),
    });
    const connecting = hanging.connect();
    await new Promise(setImmediate);
    await hanging.close();
    await assert.rejects(connecting, /given up/);
  });

  it('rests between requests when told to', async () => {
    const { driver, readings } = await start([{ address: 0 }, { address: 50 }, { address: 100 }], {
      pauseMs: 30,
      pipeline: 8,
    });
    const begun = performance.now();
    await driver.poll(readings);
    assert.ok(performance.now() - begun >= 55);
    assert.equal(device.peakInFlight, 1);
  });

  it('leaves no listeners behind, however many requests there were', async () => {
    const channel = modbusChannel(device.port, [{ address: 0 }, { address: 50 }], { pipeline: 2 });
    let stream: Duplex | undefined;
    const driver = createModbusDriver(channel, {
      open: async (signal) => (stream = await openStream(channel.transport, 1000, signal)),
    });
    drivers.push(driver);
    await driver.connect();
    const listeners = () => stream?.eventNames().map((name) => [name, stream?.listenerCount(name)]);
    const before = listeners();
    const readings = new Readings(channel.points);
    for (let cycle = 0; cycle < 200; cycle++) await driver.poll(readings);
    assert.deepEqual(listeners(), before);
    assert.equal(device.connections, 1);
  });

  it('reads the channels of a gateway over one connection, many requests under way', async () => {
    const shared = new SharedLinks(openLink);
    const channels = [1, 2, 3].map((unitId) => {
      device.holding(unitId).setUint16(1, unitId * 100);
      const channel = modbusChannel(device.port, [{ address: 1, unitId }], { pipeline: 8 }, true);
      const driver = createModbusDriver(channel, { shared });
      drivers.push(driver);
      return { driver, readings: new Readings(channel.points) };
    });
    await Promise.all(channels.map(({ driver }) => driver.connect()));
    for (let cycle = 0; cycle < 20; cycle++)
      await Promise.all(channels.map(({ driver, readings }) => driver.poll(readings)));
    assert.deepEqual(
      channels.map(({ readings }) => shown(readings)),
      [['100 good'], ['200 good'], ['300 good']],
    );
    assert.equal(device.connections, 1);
    assert.ok(device.requests >= 60);
    device.faults(2).silent = true;
    const [first, second, third] = channels.map(({ driver, readings }) => driver.poll(readings));
    await assert.rejects(second as Promise<unknown>, LinkError);
    assert.deepEqual([(await first)?.reads, (await third)?.reads], [1, 1]);
    device.dropConnections();
    await assert.rejects(channels[0]?.driver.poll(channels[0].readings) as Promise<unknown>, LinkError);
  });
});
