import assert from 'node:assert/strict';
import type { HistoryRow } from '../../../actors/client/schemas.js';
import { appendLive, longestStep, summarize, toColumns } from '../../../facade/web/src/state/trend-data.js';

const T0 = 1_700_000_000_000;

/** One good row a second, values 0, 1, 2 …, without those of the given indexes. */
function rawRows(count: number, missing: readonly number[] = []): HistoryRow[] {
  return Array.from({ length: count }, (_, index) => ({
    time: T0 + index * 1000,
    value: index,
    quality: 'good' as const,
  })).filter((_, index) => !missing.includes(index));
}

describe('web page: trend data', () => {
  it('draws through up to two missing cycles and breaks the line at more', () => {
    const lost = toColumns({ rows: rawRows(100, [40, 41]), resolution: 'raw' }, 3000);
    assert.ok(!lost.values.includes(null));
    const gone = toColumns({ rows: rawRows(100, [40, 41, 42]), resolution: 'raw' }, 3000);
    assert.deepEqual(gone.values.slice(39, 42), [39, null, 43]);
    assert.ok((gone.times[40] as number) > (gone.times[39] as number));
    assert.ok((gone.times[40] as number) < (gone.times[41] as number));
  });

  it('knows how long a working device is silent: three cycles, and a minute with a deadband', () => {
    const every = (ms: number) => Array.from({ length: 20 }, (_, index) => ({ time: T0 + index * ms }));
    assert.equal(longestStep([], { pollingIntervalMs: 1000 }), 3000);
    assert.equal(longestStep(every(1000), { pollingIntervalMs: 1000 }), 3000);
    assert.equal(longestStep(every(5000), { pollingIntervalMs: 1000 }), 15_000, 'its cycles take five seconds');
    assert.equal(longestStep(every(5000), { pollingIntervalMs: 1000, deadband: 0.5 }), 63_000);
  });

  it('breaks the line where the quality is stale or bad, not where it is out of range', () => {
    const rows = rawRows(6);
    (rows[1] as HistoryRow).quality = 'stale';
    (rows[2] as HistoryRow).quality = 'bad';
    (rows[3] as HistoryRow).quality = 'out-of-range';
    assert.deepEqual(toColumns({ rows, resolution: 'raw' }, 3000).values, [0, null, null, 3, 4, 5]);
  });

  it('puts a rollup in the middle of its interval and breaks at a missing one', () => {
    const rows = [0, 1, 3].map((minute) => ({ time: T0 + minute * 60_000, value: 5, min: 4, max: 6, count: 60 }));
    const columns = toColumns({ rows, resolution: '1m' }, 3000);
    assert.deepEqual(
      columns.times,
      [30, 90, 150, 210].map((second) => T0 / 1000 + second),
    );
    assert.deepEqual(columns.values, [5, 5, null, 5]);
    assert.deepEqual(columns.lows, [4, 4, null, 4]);
  });

  it('appends live values, drops what left the range, and ignores what it has', () => {
    const columns = toColumns({ rows: rawRows(10), resolution: 'raw' }, 3000);
    const point = { value: 10, quality: 'good' as const, time: T0 + 10_000 };
    assert.equal(appendLive(columns, point, T0 + 4_000, 3000), true);
    assert.equal(appendLive(columns, point, T0 + 4_000, 3000), false);
    assert.deepEqual(columns.values, [4, 5, 6, 7, 8, 9, 10]);
    assert.equal(columns.highs.length, 7);
  });

  it('shows a lost link as one break, and its end as the next value', () => {
    const columns = toColumns({ rows: rawRows(3), resolution: 'raw' }, 3000);
    const stale = { value: 2, quality: 'stale' as const, time: T0 + 2_000 };
    assert.equal(appendLive(columns, stale, T0, 3000), true);
    assert.equal(appendLive(columns, stale, T0, 3000), false);
    assert.equal(appendLive(columns, { value: 7, quality: 'good', time: T0 + 60_000 }, T0, 3000), true);
    assert.deepEqual(columns.values, [0, 1, 2, null, 7]);
  });

  it('breaks the line before a live value that comes late, though nothing said that the link was lost', () => {
    const columns = toColumns({ rows: rawRows(2), resolution: 'raw' }, 3000);
    appendLive(columns, { value: 9, quality: 'good', time: T0 + 5_000 }, T0, 3000);
    assert.deepEqual(columns.values, [0, 1, null, 9]);
  });

  it('sums up values and the gaps between them', () => {
    const columns = toColumns({ rows: rawRows(200, [50, 51, 52, 53]), resolution: 'raw' }, 3000);
    assert.deepEqual(summarize({ ...columns, values: [null, ...columns.values.slice(1, -1), null] }), {
      min: 1,
      max: 198,
      mean: (Array.from({ length: 199 }, (_, i) => i).reduce((a, b) => a + b, 0) - 50 - 51 - 52 - 53) / 194,
      count: 194,
      gaps: 1,
    });
    assert.equal(summarize({ times: [1], values: [null], lows: [null], highs: [null] }), undefined);
  });
});
