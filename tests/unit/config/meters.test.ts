import assert from 'node:assert/strict';
import { describeChanges } from '../../../site/config/versions/describe.js';
import { linesOf, loadFiles } from '../../support/config.js';
import { WALLET } from '../../support/meter.js';

const CHANNELS = `channels:
  - id: 1001
    protocol: virtual
    simulation: { patterns: [{ type: constant, point_id: 3, value: 1 }] }
    points: [{ id: 3, name: Energy }, { id: 4, name: Text, data_type: string }]
meters:`;

const meter = (change: string, id = 'GRID'): string =>
  `\n  - { id: ${id}, channel: 1001, wallet: ${WALLET}, user: anna, ${change} }`;

describe('meters of the site file', () => {
  it('are the counters of channels, ascending by id', async () => {
    const site = await loadFiles({
      'site.yaml': `${CHANNELS}${meter('point: 3, unit: Wh, rollover: 100000, interval_secs: 3600')}${meter('point: 3', 'A')}\n`,
    });
    const owner = { wallet: WALLET, user: 'anna' };
    assert.deepEqual(site.meters, [
      { id: 'A', source: { channel: 1001, point: 3, unit: 'kWh' }, ...owner },
      { id: 'GRID', source: { channel: 1001, point: 3, unit: 'Wh', rollover: 100_000, intervalSecs: 3_600 }, ...owner },
    ]);
    const without = await loadFiles({ 'site.yaml': `${CHANNELS}${meter('point: 3', 'A')}\n` });
    assert.deepEqual(
      describeChanges(site, without).items.map(({ section, id, change }) => [section, id, change]),
      [['meters', 'GRID', 'removed']],
    );
  });

  it('are refused, each with what was found and what is allowed', async () => {
    for (const [change, ...parts] of [
      ['point: 9', 'meters[0].point', 'comsrv:1001:T:9', '3, 4'],
      ['point: 4', 'meters[0].point', 'a point that holds a number'],
      ['point: 3, unit: J', 'meters[0].unit', 'Wh, kWh, MWh or GWh'],
      ['point: 3, interval_secs: 7', 'meters[0].interval_secs', '7', 'a divisor of a day'],
      ['point: 3, rollover: 1.0e+30', 'meters[0].rollover', '18 TWh'],
    ] as const) {
      const text = (await linesOf({ 'site.yaml': `${CHANNELS}${meter(change)}\n` })).join('\n');
      for (const part of parts) assert.ok(text.includes(part), `${change}: ${text}`);
    }
    const twice = await linesOf({ 'site.yaml': `${CHANNELS}${meter('point: 3')}${meter('point: 3')}\n` });
    assert.match(twice.join('\n'), /meters\[1\]\.id: found "GRID", which meters\[0\] has too/);
    const wallet = `${CHANNELS}\n  - { id: A, channel: 1001, point: 3, user: a, wallet: ${'O'.repeat(40)} }\n`;
    assert.match((await linesOf({ 'site.yaml': wallet })).join('\n'), /meters\[0\]\.wallet: .*base58 of 32 bytes/);
  });
});
