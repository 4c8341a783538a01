import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createModbusDriver } from '../../../protocols/modbus/driver.js';
import { RegisterBank, startModbusDevices } from '../../../protocols/modbus/simulator/index.js';
import { Readings } from '../../../site/readings.js';
import { modbusChannel, shown } from '../../support/modbus.js';
import { freePort, tempFolder } from '../../support/temp.js';

describe('simulated modbus devices in a process', () => {
  let folder: { path: string; remove: () => Promise<void> };
  before(async () => (folder = await tempFolder()));
  after(() => folder.remove());

  const start = async (description: object) => {
    const file = join(folder.path, 'devices.json');
    await writeFile(file, JSON.stringify(description));
    return spawn(process.execPath, ['dist/protocols/modbus/simulator/main.js', file]);
  };

  it('serves what the description says and stops in order', async () => {
    const values = [{ area: 'holding', address: 7, dataType: 'int32', value: -99 }];
    const child = await start({ devices: [{ port: 0, count: 3, units: { 4: values } }] });
    const exited = once(child, 'exit');
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { ports } = JSON.parse(line) as { ports: number[] };
    assert.equal(new Set(ports).size, 3);
    for (const port of ports) {
      const channel = modbusChannel(port, [{ address: 7, dataType: 'int32', unitId: 4 }]);
      const readings = new Readings(channel.points);
      const driver = createModbusDriver(channel);
      await driver.connect();
      await driver.poll(readings);
      assert.deepEqual(shown(readings), ['-99 good']);
      await driver.close();
    }
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  });

  it('says what is wrong with a description', async () => {
    const child = await start({ devices: [] });
    const [chunk] = (await once(child.stderr, 'data')) as [Buffer];
    assert.match(chunk.toString(), /devices\.json:\n {2}\/devices must NOT have fewer than 1 items/);
    if (child.exitCode === null) await once(child, 'exit');
    assert.equal(child.exitCode, 1);
  });

  it('says which port is taken, and leaves none running', async () => {
    const port = await freePort();
    const first = await startModbusDevices({ devices: [{ port, units: { 1: new RegisterBank() } }] });
    const both = { devices: [0, port].map((wanted) => ({ port: wanted, units: { 1: new RegisterBank() } })) };
    await assert.rejects(startModbusDevices(both), { code: 'simulator.port_taken', message: new RegExp(`:${port}`) });
    await first.close();
  });
});
