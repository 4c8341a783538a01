import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { LinkError, type Driver } from '../../../protocols/driver.js';
import { encodeNumber, encodeString } from '../../../protocols/modbus/codec.js';
import { createModbusDriver, openLink } from '../../../protocols/modbus/driver.js';
import { SharedLinks } from '../../../protocols/modbus/shared-links.js';
import { BYTE_ORDERS, type ModbusChannel, type ModbusTransport } from '../../../site/model.js';
import { Readings } from '../../../site/readings.js';
import { modbusChannel, shown, type TestPoint } from '../../support/modbus.js';
import { startPymodbus, type PymodbusDevice, type PymodbusOptions } from '../../support/pymodbus.js';
import { eventually, tempFolder } from '../../support/temp.js';

const SAMPLES = {
  uint16: 54_321,
  int16: -12_345,
  uint32: 4_000_000_001,
  int32: -2_000_000_001,
  uint64: 2 ** 53 - 1,
  int64: -(2 ** 53 - 1),
  float32: Math.fround(-273.15),
  float64: Math.PI,
  bcd16: 9_753,
  bcd32: 86_420_975,
} as const;

/** Wire bytes as a table of registers. */
function registers(address: number, wire: Uint8Array): Record<number, number> {
  const table: Record<number, number> = {};
  for (let index = 0; index < wire.length; index += 2)
    table[address + index / 2] = ((wire[index] as number) << 8) | (wire[index + 1] as number);
  return table;
}

describe('modbus driver against pymodbus', function () {
  this.slow(5000);
  let device: PymodbusDevice;
  let driver: Driver | undefined;
  let folder: { path: string; remove: () => Promise<void> } | undefined;
  let socat: ChildProcess | undefined;
  /** It may end by itself once both ends of its line are closed. */
  let socatEnded: Promise<unknown> | undefined;

  afterEach(async () => {
    await driver?.close();
    await device.stop();
    socat?.kill();
    await socatEnded;
    await folder?.remove();
    driver = socat = socatEnded = folder = undefined;
  });

  async function connected(channel: ModbusChannel): Promise<Driver> {
    driver = createModbusDriver(channel);
    await driver.connect();
    return driver;
  }

  it('reads every type in every byte order', async () => {
    const points: TestPoint[] = [];
    const expected: string[] = [];
    let holding: Record<number, number> = {};
    for (const [type, value] of Object.entries(SAMPLES) as [keyof typeof SAMPLES, number][]) {
      for (const byteOrder of BYTE_ORDERS) {
        const address = points.length * 4;
        holding = { ...holding, ...registers(address, encodeNumber(type, byteOrder, value)) };
        points.push({ address, dataType: type, byteOrder });
        expected.push(`${value} good`);
      }
    }
    const text = registers(1000, encodeString('Inverter 7', 6, 'AB'));
    points.push({ address: 1000, dataType: 'string', registers: 6 });
    expected.push('Inverter 7 good');
    device = await startPymodbus({ units: { 1: { holding: { ...holding, ...text } } } });
    const channel = modbusChannel(device.port, points);
    const readings = new Readings(channel.points);
    const outcome = await (await connected(channel)).poll(readings);
    assert.deepEqual(shown(readings), expected);
    assert.equal(outcome.errors, 0);
  });

  it('reads all four areas of several units, pipelined', async () => {
    device = await startPymodbus({
      units: {
        1: { holding: { 1: 1234, 2: 5678 }, input: { 1: 9999 }, coils: { 1: true }, discrete: { 1: false, 2: true } },
        7: { coils: { 1999: 1 }, discrete: { 0: 1, 1999: 1 } },
      },
    });
    const points: TestPoint[] = [
      { address: 1 },
      { address: 2 },
      { address: 1, functionCode: 4 },
      { address: 1, functionCode: 1, dataType: 'bool', kind: 'S' },
      { address: 1, functionCode: 2, dataType: 'bool', kind: 'S' },
      { address: 2, functionCode: 2, dataType: 'bool', kind: 'S' },
      { address: 0, unitId: 7, functionCode: 2, dataType: 'bool', kind: 'S' },
      { address: 1999, unitId: 7, functionCode: 2, dataType: 'bool', kind: 'S' },
      { address: 1999, unitId: 7, functionCode: 1, dataType: 'bool', kind: 'S' },
    ];
    const channel = modbusChannel(device.port, points, { pipeline: 8, maxGap: 2000 });
    const readings = new Readings(channel.points);
    await connected(channel);
    await driver?.poll(readings);
    const expected = ['1234', '5678', '9999', '1', '0', '1', '1', '1', '1'];
    assert.deepEqual(
      shown(readings),
      expected.map((value) => `${value} good`),
    );
    await device.set(1, { holding: { 1: 4321 } });
    await driver?.poll(readings);
    assert.equal(shown(readings)[0], '4321 good');
  });

  it('writes what the device then holds', async () => {
    device = await startPymodbus();
    const channel = modbusChannel(device.port, [
      { kind: 'C', address: 5, functionCode: 1, writeFunctionCode: 5, dataType: 'bool' },
      { kind: 'C', address: 6, functionCode: 1, writeFunctionCode: 15, dataType: 'bool' },
      { kind: 'A', address: 10, writeFunctionCode: 6, dataType: 'int16', scale: 0.1 },
      { kind: 'A', address: 12, writeFunctionCode: 16, dataType: 'float32' },
      { kind: 'C', address: 14, writeFunctionCode: 6, bit: 3, dataType: 'bool' },
    ]);
    const { points } = channel;
    await connected(channel);
    for (const [index, value] of [1, 1, -1.5, 0.5, 1].entries()) {
      const point = points[index];
      assert.ok(point);
      const result = await driver?.write(point, value);
      assert.deepEqual([result?.confirmed, result?.answer, result?.readBack], [true, 'ok', value]);
    }
    assert.deepEqual(await device.read(1, 'coils', 5, 2), [1, 1]);
    assert.deepEqual(await device.read(1, 'holding', 10, 5), [0xffff - 14, 0, 0x3f00, 0, 8]);
  });

  it('adapts to the addresses that the device has', async () => {
    device = await startPymodbus({ units: { 1: { sparse: true, holding: { 0: 10, 1: 11, 3: 13, 4: 14, 9: 19 } } } });
    const channel = modbusChannel(
      device.port,
      [0, 1, 2, 3, 4, 8, 9].map((address) => ({ address })),
    );
    const readings = new Readings(channel.points);
    await connected(channel);
    await driver?.poll(readings);
    const expected = ['10 good', '11 good', 'never bad', '13 good', '14 good', 'never bad', '19 good'];
    assert.deepEqual(shown(readings), expected);
    assert.equal((await driver?.poll(readings))?.errors, 0);
  });

  it('loses the link with the device and finds it again', async () => {
    device = await startPymodbus({ units: { 1: { holding: { 1: 1000 } } } });
    const channel = modbusChannel(device.port, [{ address: 1 }]);
    const readings = new Readings(channel.points);
    const link = await connected(channel);
    await link.poll(readings);
    await device.stop();
    await assert.rejects(link.poll(readings), LinkError);
    await assert.rejects(link.connect(), LinkError);
    device = await startPymodbus({ port: device.port, units: { 1: { holding: { 1: 2000 } } } });
    await link.connect();
    await link.poll(readings);
    assert.deepEqual(shown(readings), ['2000 good']);
  });

  const RTU_POINTS: TestPoint[] = [
    { address: 1, dataType: 'float32' },
    { address: 1, functionCode: 4 },
    { address: 3, functionCode: 2, dataType: 'bool', kind: 'S' },
    { kind: 'C', address: 0, functionCode: 1, writeFunctionCode: 5, dataType: 'bool' },
    { kind: 'A', address: 20, writeFunctionCode: 16, dataType: 'int32' },
  ];
  const RTU_UNITS = {
    1: { holding: registers(1, encodeNumber('float32', 'ABCD', 6.25)), input: { 1: 77 }, discrete: { 3: true } },
  };

  async function worksOver(transport: ModbusTransport): Promise<void> {
    const channel = modbusChannel(transport, RTU_POINTS);
    const readings = new Readings(channel.points);
    const link = await connected(channel);
    await link.poll(readings);
    assert.deepEqual(shown(readings), ['6.25 good', '77 good', '1 good', '0 good', '0 good']);
    for (const [index, value] of [
      [3, 1],
      [4, -70_000],
    ] as const) {
      const point = channel.points[index];
      assert.ok(point);
      assert.equal((await link.write(point, value)).confirmed, true);
    }
    for (let cycle = 0; cycle < 5; cycle++) await link.poll(readings);
    assert.deepEqual(shown(readings), ['6.25 good', '77 good', '1 good', '1 good', '-70000 good']);
  }

  it('reads and writes RTU over TCP', async () => {
    device = await startPymodbus({ framer: 'rtu', units: RTU_UNITS });
    await worksOver({ type: 'rtu-over-tcp', host: '127.0.0.1', port: device.port });
  });

  /** A serial line of which pymodbus has the other end. Answers ours. */
  async function serialLine(units: PymodbusOptions['units']): Promise<ModbusTransport> {
    folder = await tempFolder();
    const [ours, theirs] = [join(folder.path, 'ours'), join(folder.path, 'theirs')];
    socat = spawn('socat', [`pty,raw,echo=0,link=${ours}`, `pty,raw,echo=0,link=${theirs}`], { stdio: 'ignore' });
    socatEnded = once(socat, 'exit');
    for (const path of [ours, theirs])
      await eventually(() =>
        access(path).then(
          () => true,
          () => undefined,
        ),
      );
    device = await startPymodbus({ serial: theirs, units });
    return { type: 'rtu', device: ours, baudRate: 19_200, dataBits: 8, stopBits: 1, parity: 'none' };
  }

  it('reads and writes RTU over a serial line', async () => {
    await worksOver(await serialLine(RTU_UNITS));
  });

  it('reads two channels of one serial line at the same time, and one goes on when the other is closed', async () => {
    const transport = await serialLine({ 1: { holding: { 1: 11 } }, 2: { holding: { 1: 22 } } });
    const shared = new SharedLinks(openLink);
    const both = [1, 2].map((unitId) => {
      const channel = modbusChannel(transport, [{ address: 1, unitId }], {}, true);
      return { driver: createModbusDriver(channel, { shared }), readings: new Readings(channel.points) };
    });
    try {
      await Promise.all(both.map((each) => each.driver.connect()));
      for (let cycle = 0; cycle < 5; cycle++) {
        const outcomes = await Promise.all(both.map((each) => each.driver.poll(each.readings)));
        assert.deepEqual(
          outcomes.map(({ errors }) => errors),
          [0, 0],
        );
      }
      assert.deepEqual(
        both.map(({ readings }) => shown(readings)),
        [['11 good'], ['22 good']],
      );
      await both[0]?.driver.close();
      assert.equal((await both[1]?.driver.poll(both[1].readings))?.errors, 0);
    } finally {
      for (const each of both) await each.driver.close();
    }
    assert.equal(shared.size, 0);
  });
});
