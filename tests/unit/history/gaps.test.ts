import assert from 'node:assert/strict';
import { fillGaps, type GapOptions, type Known } from '../../../protocols/clickhouse/gaps.js';

const STARTS = [0, 10, 20, 30, 40, 50];
const known = (...entries: [number, number][]) =>
  new Map<number, Known>(entries.map(([time, avg]) => [time, { avg, count: 5 }]));
const filled = (values: Map<number, Known>, options: Partial<GapOptions>) =>
  fillGaps(STARTS, values, {
    fill: 'none',
    aggregates: ['avg'],
    outages: new Set(),
    maxGapMs: 1_000,
    ...options,
  }).map(({ time, avg }) => [time, avg]);

describe('gaps of a series', () => {
  const two = known([10, 1], [40, 4]);

  it('have no rows, or rows of null', () => {
    assert.deepEqual(filled(two, {}), [
      [10, 1],
      [40, 4],
    ]);
    assert.deepEqual(
      filled(two, { fill: 'null' }).map(([, avg]) => avg),
      [null, 1, null, null, 4, null],
    );
  });

  it('hold the value before, or lie on a line', () => {
    assert.deepEqual(
      filled(two, { fill: 'previous' }).map(([, avg]) => avg),
      [null, 1, 1, 1, 4, 4],
    );
    assert.deepEqual(
      filled(two, { fill: 'linear' }).map(([, avg]) => avg),
      [null, 1, 2, 3, 4, null],
    );
  });

  it('stay when they are too long, or an outage lies in them', () => {
    assert.deepEqual(
      filled(two, { fill: 'previous', maxGapMs: 10 }).map(([, avg]) => avg),
      [null, 1, 1, null, 4, 4],
    );
    assert.deepEqual(
      filled(two, { fill: 'linear', maxGapMs: 20 }).map(([, avg]) => avg),
      [null, 1, null, null, 4, null],
    );
    for (const [fill, outage, wanted] of [
      ['previous', 20, [null, 1, null, null, 4, 4]],
      ['previous', 10, [null, 1, null, null, 4, 4]],
      ['previous', 30, [null, 1, 1, null, 4, 4]],
      ['linear', 30, [null, 1, null, null, 4, null]],
      ['linear', 10, [null, 1, null, null, 4, null]],
    ] as const) {
      assert.deepEqual(
        filled(two, { fill, outages: new Set([outage]) }).map(([, avg]) => avg),
        wanted,
        `${fill}, outage at ${outage}`,
      );
    }
  });

  it('count nothing, and are marked when they are filled', () => {
    const rows = fillGaps([0, 10], known([0, 1]), {
      fill: 'previous',
      aggregates: ['avg', 'count', 'sum'],
      outages: new Set(),
      maxGapMs: 100,
    });
    assert.deepEqual(rows, [
      { time: 0, avg: 1, count: 5, sum: null },
      { time: 10, avg: 1, count: 0, sum: null, filled: true },
    ]);
  });
});
