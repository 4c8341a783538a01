import assert from 'node:assert/strict';
import { startModbusDevices, RegisterBank } from '../../../protocols/modbus/simulator/index.js';
import { openLink } from '../../support/link.js';
import { freePort } from '../../support/temp.js';
import { Bed, CASE_TIMEOUT_MS, MAPPING, modbusChannel, POINTS, registerTables } from './bed.js';
import { MAKES } from './devices.js';

describe('gateway, faults and load', function () {
  this.timeout(CASE_TIMEOUT_MS);
  let bed: Bed;
  beforeEach(async () => {
    bed = await Bed.open();
  });
  afterEach(() => bed.close());

  const status = async (path: string): Promise<number> => {
    const answer = await fetch(bed.site.url + path);
    await answer.arrayBuffer();
    return answer.status;
  };

  it('TC-GATEWAY-001 and TC-FAULT-001: the services behind one port, without Redis for a while', async () => {
    await bed.run({ 'site.yaml': 'channels: []' });
    for (const [name, port] of [
      ['comsrv', 6000],
      ['modsrv', 6001],
      ['alarmsrv', 6002],
      ['rulesrv', 6003],
      ['hissrv', 6004],
      ['netsrv', 6006],
    ] as const) {
      const answer = await fetch(`${bed.site.url}/${name}/health`);
      assert.equal(answer.status, 200);
      assert.deepEqual(await answer.json(), { status: 'healthy', service: { name, port } });
    }

    assert.equal(await status('/health'), 200);
    bed.reader.on('error', () => undefined); // It connects again by itself.
    await bed.redis.stop();
    await bed.untilTrue('503 without Redis', async () => (await status('/health')) === 503, 2_000);
    assert.equal(await status('/comsrv/health'), 503);
    await bed.redis.start();
    await bed.untilTrue('200 with Redis again', async () => (await status('/health')) === 200, 5_000);
    const raised = await fetch(`${bed.site.url}/alarmsrv/alarms`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'Test', description: 'After the fault', level: 'Warning', source: 'test' }),
    });
    assert.equal(raised.status, 201);
  });

  it('TC-FAULT-002: a device behind a network that is cut', async () => {
    const [, simulator] = MAKES;
    assert.ok(simulator);
    const device = bed.keep(await simulator.start({ holding: { 1: 1000 } }));
    const link = await openLink(device.port);
    bed.keep({ stop: () => link.close() });
    const port = Number(link.address.split(':')[1]);
    await bed.run({ 'site.yaml': `channels:${modbusChannel(1001, port)}`, ...registerTables(1001) });
    await bed.until('comsrv:1001:T', 1, '1000.000000', 1_000);
    link.shut();
    await device.set({ holding: { 1: 2000 } });
    await bed.until('comsrv:1001:T:q', 1, 'stale', 5_000);
    assert.equal(await bed.field('comsrv:1001:T', 1), '1000.000000', 'the last good value stays');
    link.open();
    await bed.until('comsrv:1001:T', 1, '2000.000000', 3_000);
    await bed.until('comsrv:1001:stats', 'reconnect_count', '1', 2_000);
    assert.ok(Number(await bed.field('comsrv:1001:stats', 'connection_errors')) > 0);
  });

  it('TC-PERF-001: fifty devices at once', async () => {
    const count = 50;
    const specs: { port: number; units: Record<number, RegisterBank> }[] = [];
    for (let n = 0; n < count; n++) {
      const bank = new RegisterBank();
      bank.holding.setUint16(1, n * 100);
      specs.push({ port: await freePort(), units: { 1: bank } });
    }
    const devices = await startModbusDevices({ devices: specs });
    bed.keep({ stop: () => devices.close() });
    const files: Record<string, string> = {};
    let channels = '';
    for (const [n, { port }] of specs.entries()) {
      channels += modbusChannel(1000 + n, port);
      files[`${1000 + n}/telemetry.csv`] = `${POINTS}1,Register,1.0,0.0,,false,float\n`;
      files[`${1000 + n}/mapping/telemetry_mapping.csv`] = `${MAPPING}1,1,3,1,uint16,AB,\n`;
    }
    const defaults = 'defaults: { max_concurrent_connections: 100 }\n';
    await bed.run({ 'site.yaml': `${defaults}channels:${channels}`, ...files });
    const reads = async (): Promise<number> => {
      const all = specs.map((_, n) => bed.field(`comsrv:${1000 + n}:stats`, 'total_reads'));
      return (await Promise.all(all)).reduce((sum, text) => sum + Number(text ?? 0), 0);
    };
    for (let n = 0; n < count; n++) await bed.until(`comsrv:${1000 + n}:T`, 1, `${n * 100}.000000`, 5_000);
    // The case wants more than 100 reads a second; that is a fifth of what the channels are to do.
    const [before, begun] = [await reads(), performance.now()];
    await bed.untilTrue('a thousand reads more', async () => (await reads()) - before > 1_000, 10_000);
    assert.ok(performance.now() - begun < 50_000);
  });
});
