import assert from 'node:assert/strict';
import { Bed, CASE_TIMEOUT_MS } from './bed.js';

describe('CAN, from a log to Redis', function () {
  this.timeout(CASE_TIMEOUT_MS);
  let bed: Bed;
  before(async () => {
    bed = await Bed.open();
  });
  after(() => bed?.close());

  it('values are in Redis; the log at its end: stale; begun again: good', async () => {
    const site = (repeat: boolean) => `
channels:
  - id: 7001
    protocol: can
    source: { log: pack.log, repeat: ${repeat} }
    polling: { interval_ms: 100 }
    points:
      - { id: 1, name: Voltage, unit: V, can_id: 0x1A0, start_bit: 0, length: 16, scale: 0.1 }
      - { id: 1, kind: S, name: Contactor, can_id: 0x18FF50E5, start_bit: 5, length: 1 }
`;
    const log = Array.from({ length: 10 }, (_, at) => `(1700000000.${at}00000) can0 1A0#8813\n`).join('');
    await bed.run({ 'pack.log': `${log}(1700000001.000000) can0 18FF50E5#20\n`, 'site.yaml': site(false) });
    await bed.until('comsrv:7001:T', 1, '500.000000', 3_000);
    await bed.until('comsrv:7001:S', 1, '1', 3_000);
    await bed.until('comsrv:7001:T:q', 1, 'stale', 3_000);
    await bed.write({ 'site.yaml': site(true) });
    await bed.untilTrue('it is good again', async () => !(await bed.field('comsrv:7001:T:q', 1)), 5_000);
    const { points } = await bed.site.get<{ points: { name: string; value: number; writable: boolean }[] }>(
      '/api/v1/points?channel=7001',
    );
    assert.deepEqual(
      points.map(({ name, value, writable }) => [name, value, writable]),
      [
        ['Voltage', 500, false],
        ['Contactor', 1, false],
      ],
    );
  });
});
