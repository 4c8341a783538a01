import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningNode } from '../../../node/node.js';
import { RegisterBank, startModbusDevices, type ModbusDevices } from '../../../protocols/modbus/simulator/index.js';
import { startTestNode } from '../../support/node.js';
import { eventually, tempFolder } from '../../support/temp.js';

const PATIENCE = { within: 40_000 };
/** Together 90,000 requests a second, which the device answers in this process too. */
const CHANNELS = 300;
const POINTS = [1, 2, 3]
  .map(
    (id) =>
      `{ id: ${id}, name: P${id}, function_code: 3, register_address: ${id * 100}, data_type: uint16, deadband: 1 }`,
  )
  .join(', ');

function site(port: number): string {
  const channel = (id: number) => `
  - { id: ${id}, protocol: modbus, address: "127.0.0.1:${port}", polling: { interval_ms: 10 }, points: [${POINTS}] }`;
  return `site: Too much
defaults: { max_concurrent_connections: 100 }
channels:${Array.from({ length: CHANNELS }, (_, at) => channel(at + 1)).join('')}
rules:
  - { id: high, condition: '${CHANNELS}:T:1 > 50', actions: [{ type: alarm, level: Major }] }
`;
}

describe('a node that cannot keep up with the intervals of its channels', function () {
  this.timeout(120_000);
  const bank = new RegisterBank();
  let devices: ModbusDevices;
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let node: RunningNode;
  before(async () => {
    devices = await startModbusDevices({ devices: [{ port: 0, units: { 1: bank } }] });
    folder = await tempFolder();
    await writeFile(join(folder.path, 'site.yaml'), site(devices.devices[0]?.port as number));
    ({ node } = await startTestNode(folder.path));
  });
  after(async () => {
    await node.stop();
    await devices.close();
    await folder.remove();
  });

  it('misses cycles and counts them; alarms and queries go on', async () => {
    const missed = async () => {
      const channels = await node.client.channels();
      return channels.reduce((sum, { stats }) => sum + stats.missedCycles, 0);
    };
    const before = await missed();
    await eventually(async () => ((await missed()) > before + CHANNELS ? true : undefined), PATIENCE);
    const metrics = await (await fetch(`${node.url}/metrics`)).text();
    const [, waiting = 'none'] = /^statewatt_polls_waiting (\d+)$/m.exec(metrics) ?? [];
    assert.ok(Number(waiting) <= CHANNELS, `${waiting} polls wait: one of a channel at most`);
    const begun = process.cpuUsage();
    bank.holding.setUint16(100, 60);
    await eventually(async () => {
      const { alarms } = await node.client.alarms.list({});
      return alarms.length > 0 ? true : undefined;
    }, PATIENCE);
    const { points } = await node.client.points({ channel: CHANNELS });
    assert.equal(points.length, 3);
    // Of this process, which is never idle: other work on the machine does not count.
    const { user, system } = process.cpuUsage(begun);
    const took = (user + system) / 1_000;
    assert.ok(took < 6_000, `from the register to the alarm and a query: ${took} ms`);
  });
});
