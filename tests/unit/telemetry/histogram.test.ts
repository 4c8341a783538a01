import assert from 'node:assert/strict';
import { Histogram } from '../../../telemetry/histogram.js';

describe('a histogram', () => {
  it('counts each span of time in the first bucket that holds it', () => {
    const histogram = new Histogram([0.1, 1]);
    for (const seconds of [0, 0.1, 0.11, 1, 1.01, 50]) histogram.observe(seconds);
    assert.deepEqual(histogram.counts, [2, 2, 2]);
    assert.equal(histogram.count, 6);
    assert.ok(Math.abs(histogram.sum - 52.22) < 1e-9);
  });

  it('takes the time since a moment', () => {
    const histogram = new Histogram();
    histogram.since(performance.now() - 3_000);
    assert.equal(histogram.count, 1);
    assert.ok(histogram.sum >= 3 && histogram.sum < 30, String(histogram.sum));
  });
});
