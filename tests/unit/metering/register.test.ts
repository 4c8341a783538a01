import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkSource } from '../../../site/metering/check-source.js';
import { parseKilowattHours } from '../../../site/metering/energy.js';
import { ENERGY_UNITS, registerEnergy, registerStep } from '../../../site/metering/register.js';

describe('The counter of a channel', () => {
  it('shows energy by the shortest decimal text of its value', () => {
    const cases: [number, 'Wh' | 'kWh' | 'MWh' | 'GWh', bigint | undefined][] = [
      [0, 'kWh', 0n],
      [12_345.678, 'kWh', 12_345_678_000_000n],
      [0.1, 'Wh', 100_000n],
      [0.1 + 0.2, 'kWh', 300_000_000n], // 0.30000000000000004
      [56.99999999999999, 'kWh', 57_000_000_000n],
      [1e-7, 'MWh', 100_000n],
      [5e-324, 'Wh', 0n],
      [1.5, 'MWh', 1_500_000_000_000n],
      [2.5, 'GWh', 2_500_000_000_000_000n],
      [1e19, 'kWh', undefined],
      [1e300, 'Wh', undefined],
      [-0.001, 'kWh', undefined],
      [NaN, 'kWh', undefined],
      [Infinity, 'kWh', undefined],
    ];
    for (const [value, unit, energy] of cases) assert.equal(registerEnergy(value, unit), energy, `${value} ${unit}`);
  });

  it('shows exactly what a decimal text says, and never less for more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999 }), fc.integer({ min: 0, max: 999_999 }), (whole, millionths) => {
        const text = `${whole}.${String(millionths).padStart(6, '0')}`;
        assert.equal(registerEnergy(Number(text), 'kWh'), parseKilowattHours(text));
      }),
    );
    const value = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(value, value, fc.constantFrom(...ENERGY_UNITS), (a, b, unit) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((each) => registerEnergy(each, unit));
        assert.ok(more === undefined || (less !== undefined && less <= more));
      }),
    );
  });

  it('counts on over its limit when it falls from near it to near 0, and not otherwise', () => {
    const steps: [bigint, bigint, bigint | undefined, bigint | undefined][] = [
      [10n, 15n, undefined, 5n],
      [10n, 10n, undefined, 0n],
      [10n, 9n, undefined, undefined],
      [995n, 5n, 1_000n, 10n],
      [950n, 50n, 1_000n, 100n],
      [950n, 51n, 1_000n, undefined],
      [500n, 0n, 1_000n, undefined],
      [1_001n, 0n, 1_000n, undefined],
    ];
    for (const [from, to, rollover, step] of steps) assert.equal(registerStep(from, to, rollover), step);
  });

  it('is a telemetry point that holds a number, with a limit and an interval that make sense', () => {
    const points = {
      find: ({ id }: { id: number }) => (id === 1 ? 'number' : id === 2 ? 'text' : undefined) as 'number' | undefined,
      alias: () => undefined,
      allowed: () => 'point 1',
    };
    const keys = (change: object): string[] =>
      checkSource({ channel: 1, point: 1, unit: 'kWh', ...change }, points).map(({ key }) => key);
    assert.deepEqual(keys({}), []);
    assert.deepEqual(keys({ rollover: 100_000, intervalSecs: 3_600 }), []);
    assert.deepEqual(keys({ point: 2 }), ['point']);
    assert.deepEqual(keys({ point: 3, rollover: 1e-12, intervalSecs: 7 }), ['point', 'rollover', 'intervalSecs']);
    assert.deepEqual(checkSource({ channel: 1, point: 9, unit: 'kWh' }, undefined), []);
  });
});
