import assert from 'node:assert/strict';
import { anomalyOf, NO_USAGE, withReading, type Usage } from '../../../machines/meter/anomaly.js';

const HOUR = 3_600_000;
const RULE = { deviations: 3, minReadings: 2 };

function usageOf(...energies: bigint[]): Usage {
  return energies.reduce((usage, energy) => withReading(usage, energy, HOUR), NO_USAGE);
}

describe('What is usual for a meter', () => {
  it('is mean and variance of its power', () => {
    const usage = usageOf(2n, 4n, 4n, 4n, 5n, 5n, 7n, 9n);
    assert.ok(Math.abs(usage.mean - 5) < 1e-12 && Math.abs(usage.variance - 4) < 1e-12);
    assert.equal(withReading(NO_USAGE, 1n, HOUR / 4).mean, 4);
  });

  it('is followed as it changes', () => {
    let usage = usageOf(...Array.from({ length: 2_000 }, () => 10n));
    for (let index = 0; index < 4_000; index++) usage = withReading(usage, 20n, HOUR);
    assert.ok(Math.abs(usage.mean - 20) < 0.1);
  });

  it('tells what lies far above it, never what lies below', () => {
    const usage = usageOf(...Array.from({ length: 10 }, (_, index) => BigInt(100 + (index % 2) * 20)));
    assert.equal(anomalyOf(usage, 140n, HOUR, RULE), undefined);
    assert.match(anomalyOf(usage, 141n, HOUR, RULE) ?? '', /3 deviations above its mean/);
    assert.match(anomalyOf(usage, 36n, HOUR / 4, RULE) ?? '', /is usual/);
    assert.equal(anomalyOf(usage, 0n, HOUR, RULE), undefined);
    assert.equal(anomalyOf(usage, 10_000n, HOUR, { ...RULE, deviations: 0 }), undefined);
    assert.equal(anomalyOf(usageOf(1n), 10_000n, HOUR, RULE), undefined);
  });
});
