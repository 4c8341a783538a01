import assert from 'node:assert/strict';
import { chooseResolution } from '../../../protocols/clickhouse/resolution.js';
import { TIERS } from '../../../protocols/clickhouse/tiers.js';

const MINUTE = 60_000;
const DAY = 86_400_000;
const now = Date.UTC(2026, 5, 15, 12);
const keep = { rawDays: 30, minuteDays: 90, hourDays: 730, dayDays: 3650 };

const choose = (lengthMs: number, rawRows: number, limit = 1_000, from = now - lengthMs, texts = false) =>
  chooseResolution({ from, to: from + lengthMs, limit }, { rows: rawRows, texts }, keep, now);

describe('history resolution by itself', () => {
  it('is the finest that fits the limit', () => {
    assert.equal(choose(10 * MINUTE, 600), 'raw');
    assert.equal(choose(10 * MINUTE, 1_000), 'raw');
    assert.equal(choose(10 * MINUTE, 1_001), '1m');
    assert.equal(choose(DAY, 1_001), '1h');
    assert.equal(choose(DAY, 1_501, 1_500), '1m');
    assert.equal(choose(60 * DAY, 1_001, 100), '1d');
  });

  it('counts the interval in which the range begins', () => {
    const from = now - 10 * MINUTE + 1;
    assert.equal(chooseResolution({ from, to: now, limit: 10 }, { rows: 11, texts: false }, keep, now), '1m');
    assert.equal(chooseResolution({ from, to: now, limit: 9 }, { rows: 10, texts: false }, keep, now), '1h');
  });

  it('is one that still keeps the beginning of the range', () => {
    assert.equal(choose(MINUTE, 0, 1_000, now - 31 * DAY), '1m');
    assert.equal(choose(MINUTE, 0, 1_000, now - 91 * DAY), '1h');
    assert.equal(choose(MINUTE, 0, 1_000, now - 731 * DAY), '1d');
    assert.equal(choose(MINUTE, 0, 1_000, now - 9_999 * DAY), '1d');
  });

  it('is raw for texts, which no rollup holds', () => {
    assert.equal(choose(DAY, 1_001, 1_000, now - DAY, true), 'raw');
  });

  it('is the coarsest when none fits', () => {
    assert.equal(choose(700 * DAY, 1_001, 10), '1d');
  });
});

describe('history tiers', () => {
  it('put a time in the partition of its UTC day, month or year', () => {
    const time = Date.UTC(2026, 11, 31, 23, 59, 59, 999);
    assert.deepEqual(
      TIERS.map((tier) => [tier.resolution, tier.partitionOf(time), tier.partitionOf(time + 1)]),
      [
        ['raw', 20_261_231, 20_270_101],
        ['1m', 202_612, 202_701],
        ['1h', 2026, 2027],
        ['1d', 2026, 2027],
      ],
    );
  });
});
