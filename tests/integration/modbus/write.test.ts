import assert from 'node:assert/strict';
import { ProtocolError, type Driver } from '../../../protocols/driver.js';
import { createModbusDriver } from '../../../protocols/modbus/driver.js';
import {
  RegisterBank,
  startModbusDevices,
  type ModbusDevice,
  type ModbusDevices,
} from '../../../protocols/modbus/simulator/index.js';
import { Readings } from '../../../site/readings.js';
import { modbusChannel, type TestPoint } from '../../support/modbus.js';

describe('modbus writes to simulated devices', () => {
  let devices: ModbusDevices;
  let device: ModbusDevice;
  let driver: Driver;

  beforeEach(async () => {
    devices = await startModbusDevices({ devices: [{ port: 0, units: { 1: new RegisterBank() } }] });
    device = devices.devices[0] as ModbusDevice;
  });
  afterEach(async () => {
    await driver.close();
    await devices.close();
  });

  /** A connected driver and its readings. */
  async function start(points: readonly TestPoint[]) {
    const channel = modbusChannel(device.port, points);
    driver = createModbusDriver(channel);
    await driver.connect();
    return { driver, channel, readings: new Readings(channel.points) };
  }

  const WRITABLE: readonly TestPoint[] = [
    { kind: 'C', address: 3, functionCode: 1, writeFunctionCode: 5, dataType: 'bool' },
    { kind: 'C', address: 4, functionCode: 1, writeFunctionCode: 15, dataType: 'bool', reverse: true },
    { kind: 'A', address: 10, writeFunctionCode: 6, dataType: 'int16', scale: 0.1 },
    { kind: 'A', address: 20, writeFunctionCode: 6, dataType: 'float32', byteOrder: 'CDAB' },
    { kind: 'C', address: 30, writeFunctionCode: 6, bit: 9, dataType: 'bool' },
    { kind: 'A', address: 40, writeFunctionCode: 16, dataType: 'string', registers: 3 },
    { kind: 'A', address: 50, writeFunctionCode: 16, dataType: 'uint16', min: 0, max: 100, unit: '%' },
    { kind: 'A', address: 60 },
  ];

  async function writer() {
    const { driver, channel } = await start(WRITABLE);
    return (id: number, value: number | string) => {
      const point = channel.points[id - 1];
      assert.ok(point);
      return driver.write(point, value);
    };
  }

  it('sets coils and registers and reads them back', async () => {
    const write = await writer();
    const done = { confirmed: true, answer: 'ok' };
    const { roundTripMs, ...coil } = await write(1, 1);
    assert.deepEqual(coil, { written: 1, readBack: 1, ...done });
    assert.ok(roundTripMs > 0);
    assert.equal(device.coils(1).get(3), true);
    assert.equal((await write(2, 0)).confirmed, true);
    assert.equal(device.coils(1).get(4), true, 'reversed');
    assert.equal((await write(3, -12.34)).written, -123 * 0.1);
    assert.equal(device.holding(1).getNumber(10, 'int16', 'AB'), -123);
    assert.equal((await write(4, 2.5)).readBack, 2.5);
    assert.equal(device.holding(1).getNumber(20, 'float32', 'CDAB'), 2.5);
    assert.equal((await write(6, 'auto')).readBack, 'auto');
  });

  it('changes one bit of a register and no other, whatever else is written at the same time', async () => {
    device.holding(1).setUint16(30, 0x8001);
    const write = await writer();
    const results = await Promise.all([write(5, 1), write(3, 1), write(5, 0), write(5, 1)]);
    assert.ok(results.every(({ confirmed }) => confirmed));
    assert.equal(device.holding(1).getUint16(30), 0x8201);
    assert.equal((await write(5, 0)).written, 0);
    assert.equal(device.holding(1).getUint16(30), 0x8001);
  });

  it('says when the device holds something else afterwards', async () => {
    device.bank(1).onWrite = () => {
      setImmediate(() => device.holding(1).setUint16(50, 40));
    };
    device.faults(1).delayMs = 5;
    const write = await writer();
    const { written, readBack, confirmed } = await write(7, 90);
    assert.deepEqual({ written, readBack, confirmed }, { written: 90, readBack: 40, confirmed: false });
  });

  it('says when a write that the device took cannot be read back', async () => {
    device.bank(1).onWrite = () => {
      setImmediate(() => device.holding(1).refuse(50));
    };
    device.faults(1).delayMs = 5;
    const write = await writer();
    const { readBack, confirmed, answer } = await write(7, 90);
    assert.deepEqual([readBack, confirmed, answer], [null, false, 'ok, but not read back: illegal data address']);
  });

  it('passes the device’s refusal on', async () => {
    device.bank(1).onWrite = () => 4;
    const write = await writer();
    await assert.rejects(write(7, 1), (error: unknown) => {
      assert.ok(error instanceof ProtocolError);
      assert.equal(error.details?.['name'], 'server device failure');
      assert.equal(error.details?.['functionCode'], 16);
      return true;
    });
  });

  it('refuses before sending what cannot be written', async () => {
    const write = await writer();
    const asked = device.requests;
    await assert.rejects(write(3, 4000), { code: 'protocol.value_out_of_range', message: /-32768 to 32767/ });
    await assert.rejects(write(7, 101), { code: 'protocol.value_out_of_range', message: /allowed 0 to 100 %/ });
    await assert.rejects(write(1, 2), { code: 'protocol.invalid_value', message: /allowed 0 or 1/ });
    await assert.rejects(write(6, 'too long'), { code: 'protocol.value_out_of_range' });
    await assert.rejects(write(3, 'x'), { code: 'protocol.invalid_value' });
    await assert.rejects(write(8, 1), { code: 'protocol.read_only' });
    assert.equal(device.requests, asked);
  });

  it('is served while a cycle is under way', async () => {
    device.faults(1).delayMs = 5;
    const points = [...WRITABLE, ...Array.from({ length: 10 }, (_, index) => ({ address: 1000 + index * 50 }))];
    const { driver, channel, readings } = await start(points);
    const order: string[] = [];
    const poll = driver.poll(readings).then(() => order.push('poll'));
    const write = driver.write(channel.points[0] as (typeof channel.points)[number], 1).then(() => order.push('write'));
    await Promise.all([poll, write]);
    assert.deepEqual(order, ['write', 'poll']);
  });
});
