import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  RegisterBank,
  startModbusDevices,
  type BankWrite,
  type ModbusDevice,
  type ModbusDevices,
} from '../../../protocols/modbus/simulator/index.js';

const run = promisify(execFile);

/** A client that is not ours (libmodbus). Answers the values by address, as it prints them. */
async function mbpoll(port: number, ...args: string[]): Promise<Record<string, string>> {
  const { stdout } = await run('mbpoll', ['-0', '-1', '-p', String(port), ...args]);
  const values: Record<string, string> = {};
  for (const [, address = '', value = ''] of stdout.matchAll(/^\[(\d+)\]:\s+(\S+)/gm)) values[address] = value;
  return values;
}

describe('simulated modbus devices read by mbpoll', () => {
  let devices: ModbusDevices;
  let device: ModbusDevice;

  before(async () => {
    devices = await startModbusDevices({
      devices: [{ port: 0, units: { 1: new RegisterBank(), 9: new RegisterBank({ size: 100 }) } }],
    });
    device = devices.devices[0] as ModbusDevice;
  });
  after(() => devices.close());

  it('gives all four areas', async () => {
    device.holding(1).setUint16(10, 4711);
    device.input(1).setFloat32(20, 1.25);
    device.coils(1).set(30, true);
    device.discrete(9).set(41, true);
    assert.deepEqual(await mbpoll(device.port, '-r', '10', '-c', '2', '127.0.0.1'), { 10: '4711', 11: '0' });
    assert.deepEqual(await mbpoll(device.port, '-B', '-t', '3:float', '-r', '20', '127.0.0.1'), { 20: '1.25' });
    assert.deepEqual(await mbpoll(device.port, '-t', '0', '-r', '29', '-c', '3', '127.0.0.1'), {
      29: '0',
      30: '1',
      31: '0',
    });
    assert.deepEqual(await mbpoll(device.port, '-a', '9', '-t', '1', '-r', '40', '-c', '2', '127.0.0.1'), {
      40: '0',
      41: '1',
    });
  });

  it('takes writes, single and many, and tells of them first', async () => {
    const writes: BankWrite[] = [];
    device.bank(1).onWrite = (write) => void writes.push(write);
    await mbpoll(device.port, '-r', '50', '127.0.0.1', '123');
    await mbpoll(device.port, '-r', '60', '127.0.0.1', '1', '2', '3');
    await mbpoll(device.port, '-t', '0', '-r', '70', '127.0.0.1', '1');
    await mbpoll(device.port, '-t', '0', '-r', '80', '127.0.0.1', '1', '0', '1');
    assert.deepEqual(
      writes.map(({ functionCode, address, values }) => [functionCode, address, values.join()]),
      [
        [6, 50, '123'],
        [16, 60, '1,2,3'],
        [5, 70, '1'],
        [15, 80, '1,0,1'],
      ],
    );
    assert.equal(device.holding(1).getUint16(62), 3);
    assert.deepEqual(
      [80, 81, 82].map((address) => device.coils(1).get(address)),
      [true, false, true],
    );
  });

  it('refuses addresses that do not exist, and units that are not there', async () => {
    await assert.rejects(mbpoll(device.port, '-a', '9', '-r', '99', '-c', '2', '127.0.0.1'), /Illegal data address/);
    await assert.rejects(mbpoll(device.port, '-a', '5', '-r', '1', '127.0.0.1'), /Target device failed to respond/);
  });
});
