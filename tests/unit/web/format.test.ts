import assert from 'node:assert/strict';
import {
  formatAge,
  formatInterval,
  formatLimits,
  formatTime,
  formatValue,
  timeAxisLabels,
} from '../../../facade/web/src/format.js';
import { formatRoute, parseRoute } from '../../../facade/web/src/route.js';

describe('web page: words and numbers', () => {
  it('tells an age in its largest telling unit, and none below zero', () => {
    assert.deepEqual([-500, 0, 59_999, 60_000, 3_599_999, 3_600_000, 47 * 3_600_000, 48 * 3_600_000].map(formatAge), [
      '0 s',
      '0 s',
      '59 s',
      '1 min',
      '59 min',
      '1 h',
      '47 h',
      '2 d',
    ]);
  });

  it('tells an interval as it is configured', () => {
    assert.deepEqual([250, 1000, 1500, 300_000].map(formatInterval), ['250 ms', '1 s', '1.5 s', '5 min']);
  });

  it('shows values with decimals by magnitude and thousands apart', () => {
    assert.equal(formatValue(0, 'T'), '0.000');
    assert.equal(formatValue(-4.25, 'A'), '-4.250');
    assert.equal(formatValue(230.126, 'T'), '230.13');
    assert.equal(formatValue(-1234567.89, 'T'), '-1\u2009234\u2009567.9');
    assert.equal(formatValue(0.00012, 'T'), '1.200e-4');
    assert.equal(formatValue(1.5e12, 'T'), '1.500e+12');
  });

  it('shows states, texts and values that were never read', () => {
    assert.equal(formatValue(1, 'S'), 'on');
    assert.equal(formatValue(0, 'C'), 'off');
    assert.equal(formatValue(1, 'T'), '1.000');
    assert.equal(formatValue('SN-0042', 'T'), 'SN-0042');
    assert.equal(formatValue(null, 'T'), '–');
  });

  it('names the day only when it is another one', () => {
    const now = new Date(2026, 4, 3, 12, 0, 0).getTime();
    assert.equal(formatTime(new Date(2026, 4, 3, 7, 5, 9).getTime(), now), '07:05:09');
    assert.equal(formatTime(new Date(2026, 4, 2, 23, 59, 59).getTime(), now), '2026-05-02 23:59:59');
  });

  it('tells the limits that there are', () => {
    assert.deepEqual(
      [{}, { min: 0 }, { max: 2.5 }, { min: -50, max: 50 }].map((limits) => formatLimits({ unit: 'kW', ...limits })),
      [undefined, 'at least 0 kW', 'at most 2.5 kW', '-50 to 50 kW'],
    );
    assert.equal(formatLimits({ unit: '', min: 0, max: 3 }), '0 to 3');
  });

  it('labels a time axis in 24 hours, with the date at the first tick and at each new day', () => {
    const tick = (day: number, hour: number) => new Date(2026, 4, day, hour).getTime() / 1_000;
    assert.deepEqual(timeAxisLabels([tick(2, 12), tick(2, 18), tick(3, 0), tick(3, 6)], 21_600), [
      '12:00\n2026-05-02',
      '18:00',
      '00:00\n2026-05-03',
      '06:00',
    ]);
    assert.deepEqual(timeAxisLabels([tick(2, 12)], 1), ['12:00:00\n2026-05-02']);
    assert.deepEqual(timeAxisLabels([tick(2, 0)], 86_400), ['2026-05-02']);
  });

  it('keeps what is shown in the address', () => {
    const hashes = ['#/', '#/1001', '#/1001/A:12', '#/alarms', '#/alarms/a%2F1', '#/rules/hot', '#/models/roof/power'];
    hashes.push('#/tokens/meter', '#/tokens/user/an%2Fna', '#/tokens/meter//M%3A1/42', '#/tokens/wallet/w1/M1/0');
    for (const hash of hashes) assert.equal(formatRoute(parseRoute(hash)), hash);
    assert.deepEqual(parseRoute('#/1001/Q:1'), { page: 'channels', channel: 1001, point: undefined });
    const all = { page: 'tokens', by: 'meter', id: undefined, reading: undefined };
    for (const hash of ['#/tokens', '#/tokens/x', '#/tokens/meter//M1/x', '#/tokens/meter//M1'])
      assert.deepEqual(parseRoute(hash), all);
    assert.deepEqual(parseRoute('#/alarms/a%2F1'), { page: 'alarms', id: 'a/1' });
    assert.deepEqual(parseRoute('#/alarms/%zz'), { page: 'alarms', id: '%zz' });
    for (const hash of ['', '#', '#/x', '#/1001/T', '#/1001/T:1/more'])
      assert.deepEqual(parseRoute(hash), { page: 'channels', channel: undefined, point: undefined });
  });
});
