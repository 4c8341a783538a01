import assert from 'node:assert/strict';
import { createNoise, createNormal, createRandom, streamSeed } from '../../../protocols/virtual/random.js';

function statistics(values: number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

describe('seeded randomness', () => {
  it('is uniform in [0, 1) and repeats from its seed', () => {
    const random = createRandom(42);
    const values = Array.from({ length: 20_000 }, random);
    assert.ok(values.every((value) => value >= 0 && value < 1));
    const { mean, deviation } = statistics(values);
    assert.ok(Math.abs(mean - 0.5) < 0.01 && Math.abs(deviation - Math.sqrt(1 / 12)) < 0.01);
    const again = createRandom(42);
    assert.deepEqual(Array.from({ length: 100 }, again), values.slice(0, 100));
  });

  it('gives every name a stream of its own', () => {
    assert.equal(streamSeed(1, 'clouds'), streamSeed(1, 'clouds'));
    const seeds = [streamSeed(1, 'clouds'), streamSeed(2, 'clouds'), streamSeed(1, 'wind'), streamSeed(11, 'clouds')];
    assert.equal(new Set(seeds).size, seeds.length);
  });

  it('is normal with mean 0 and deviation 1', () => {
    const normal = createNormal(createRandom(1));
    const { mean, deviation } = statistics(Array.from({ length: 20_000 }, normal));
    assert.ok(Math.abs(mean) < 0.03 && Math.abs(deviation - 1) < 0.03, `${mean} ± ${deviation}`);
  });

  it('makes noise of the wanted deviation and memory', () => {
    const noise = createNoise(5, 'test', 2, 10, 1);
    const values = Array.from({ length: 100_000 }, () => {
      noise.next();
      return noise.value;
    });
    const { mean, deviation } = statistics(values);
    assert.ok(Math.abs(mean) < 0.15 && Math.abs(deviation - 2) < 0.15, `${mean} ± ${deviation}`);
    // The correlation over one memory time is 1/e.
    const lagged = values.slice(10).reduce((sum, value, index) => sum + value * (values[index] as number), 0);
    assert.ok(Math.abs(lagged / values.length / deviation ** 2 - Math.exp(-1)) < 0.05);
  });
});
