import assert from 'node:assert/strict';
import { startPlugin, type TestPlugin } from '../../support/grpc-channel.js';
import { Bed, CASE_TIMEOUT_MS } from './bed.js';

describe('gRPC, from the example’s plug-in to Redis and back', function () {
  this.timeout(CASE_TIMEOUT_MS);
  let bed: Bed;
  let plugin: TestPlugin;
  before(async () => {
    bed = await Bed.open();
    plugin = await startPlugin({ example: true });
  });
  after(async () => {
    await bed?.close();
    await plugin?.stop();
  });

  async function write(address: string, value: number): Promise<[number, unknown]> {
    const answer = await fetch(`${bed.site.url}/api/v1/points/${address}/write`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ value }),
    });
    const body = (await answer.json()) as { readBack?: unknown; confirmed?: unknown; error?: { code: string } };
    return [answer.status, body.error?.code ?? [body.readBack, body.confirmed]];
  }

  it('values are in Redis; the plug-in killed: stale; back: good again; both by stream and by poll', async () => {
    const channel = (id: number, mode: string) => `
  - id: ${id}
    protocol: grpc
    address: "${plugin.address}"
    mode: ${mode}
    polling: { interval_ms: 100 }
    points:
      - { id: 1, name: temperature, unit: °C }
      - { id: 1, kind: S, name: running }
      - { id: 1, kind: C, name: enabled }
      - { id: 1, kind: A, name: Set-point, source: setpoint, unit: °C }
`;
    await bed.run({ 'site.yaml': `channels:${channel(6001, 'stream')}${channel(6002, 'poll')}` });
    for (const id of [6001, 6002]) {
      await bed.until(`comsrv:${id}:A`, 1, '45.000000', 3_000);
      await bed.until(`comsrv:${id}:C`, 1, '1', 3_000);
    }
    await plugin.kill();
    for (const id of [6001, 6002]) {
      await bed.until(`comsrv:${id}:T:q`, 1, 'stale', 2_000);
      await bed.until(`comsrv:${id}:status`, 'online', '0', 2_000);
      assert.equal(await bed.field(`comsrv:${id}:A`, 1), '45.000000', 'the last good value stays');
    }
    await plugin.start();
    for (const id of [6001, 6002]) {
      await bed.until(`comsrv:${id}:status`, 'online', '1', 5_000);
      await bed.untilTrue('it is good again', async () => !(await bed.field(`comsrv:${id}:T:q`, 1)), 3_000);
    }
  });

  it('is written through HTTP, and answers what the device says', async () => {
    assert.deepEqual(await write('6001:A:1', 50), [200, [50, true]]);
    await bed.until('comsrv:6001:A', 1, '50.000000', 2_000);
    await bed.until('comsrv:6002:A', 1, '50.000000', 2_000);
    const [status, code] = await write('6002:A:1', 99);
    assert.equal(code, 'protocol.write_refused');
    assert.ok(status >= 400 && status < 500, String(status));
    assert.deepEqual(await write('6002:C:1', 0), [200, [0, true]]);
    await bed.until('comsrv:6001:C', 1, '0', 2_000);
  });
});
