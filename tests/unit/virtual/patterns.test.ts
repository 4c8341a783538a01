import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createSignal, WALK_TICK_MS } from '../../../protocols/virtual/patterns.js';
import type { VirtualPattern } from '../../../site/model.js';

const at = { kind: 'T', pointId: 1 } as const;
const walk: VirtualPattern = { ...at, type: 'random-walk', initialValue: 0, stepSize: 1, min: -50, max: 50 };

describe('virtual patterns', () => {
  it('sine: offset + amplitude · sin(2π·f·t + phase)', () => {
    const signal = createSignal(
      { ...at, type: 'sine', amplitude: 100, frequencyHz: 0.1, phase: Math.PI / 2, offset: 50 },
      1,
    );
    for (const [ms, value] of [
      [0, 150],
      [2500, 50],
      [5000, -50],
      [10_000, 150],
    ] as const)
      assert.ok(Math.abs(signal(ms) - value) < 1e-9, `${ms} ms: ${signal(ms)}`);
  });

  it('step: each value for its duration, in order, for ever', () => {
    const signal = createSignal({ ...at, type: 'step', values: [0, 100, 50, 75], durationMs: 500 }, 1);
    const seen = [0, 499, 500, 999, 1000, 1500, 1999, 2000, 2500].map(signal);
    assert.deepEqual(seen, [0, 0, 100, 100, 50, 75, 75, 0, 100]);
  });

  it('ramp: straight to its end, then stays there or repeats', () => {
    const ramp = { ...at, type: 'ramp', from: 10, to: 20, durationMs: 1000 } as const;
    const once = createSignal({ ...ramp, repeat: false }, 1);
    const again = createSignal({ ...ramp, repeat: true }, 1);
    assert.deepEqual([0, 250, 1000, 5250].map(once), [10, 12.5, 20, 20]);
    assert.deepEqual([0, 250, 1000, 5250].map(again), [10, 12.5, 10, 12.5]);
  });

  it('constant', () => {
    assert.equal(createSignal({ ...at, type: 'constant', value: 4.2 }, 1)(123_456), 4.2);
  });

  it('replay: a value holds until the next row', () => {
    const rows = [
      [100, 1],
      [300, 2],
      [600, 3],
    ] as const;
    const once = createSignal({ ...at, type: 'replay', rows, repeat: false }, 1);
    assert.deepEqual([0, 100, 299, 300, 599, 600, 99_999].map(once), [1, 1, 1, 2, 2, 3, 3]);
    // The last row holds 300 ms as the row before it, so row 1 comes again at 900 ms.
    const again = createSignal({ ...at, type: 'replay', rows, repeat: true }, 1);
    assert.deepEqual([600, 899, 900, 1099, 1100, 1400, 1700].map(again), [3, 3, 1, 1, 2, 3, 1]);
  });

  it('replay of one row is constant', () => {
    const signal = createSignal({ ...at, type: 'replay', rows: [[50, 7]], repeat: true }, 1);
    assert.deepEqual([0, 50, 10_000].map(signal), [7, 7, 7]);
  });

  describe('random walk', () => {
    it('starts at its initial value and moves by at most one step size a tick', () => {
      const signal = createSignal(walk, 7);
      let before = signal(0);
      assert.equal(before, 0);
      let moved = false;
      for (let tick = 1; tick < 5000; tick++) {
        const value = signal(tick * WALK_TICK_MS);
        assert.ok(Math.abs(value - before) <= 1);
        moved ||= value !== before;
        before = value;
      }
      assert.ok(moved);
    });

    it('never leaves its bounds, whatever they are, and reaches both sides', () => {
      fc.assert(
        fc.property(
          fc.double({ min: -1e3, max: 1e3, noNaN: true }),
          fc.double({ min: 0, max: 100, noNaN: true }),
          fc.double({ min: 0, max: 1e4, noNaN: true }),
          fc.double({ min: -2e3, max: 2e3, noNaN: true }),
          (min, width, stepSize, initialValue) => {
            const max = min + width;
            const signal = createSignal({ ...walk, min, max, stepSize, initialValue }, 3);
            for (let ms = 0; ms < 5000; ms += 100) {
              const value = signal(ms);
              // Reflection rounds within the last bits of the bounds.
              assert.ok(value >= min - 1e-9 && value <= max + 1e-9, `${value} outside ${min} … ${max}`);
            }
          },
        ),
      );
      const wide = createSignal({ ...walk, stepSize: 20 }, 3);
      const values = Array.from({ length: 2000 }, (_, tick) => wide(tick * WALK_TICK_MS));
      assert.ok(Math.min(...values) < -40 && Math.max(...values) > 40);
    });

    it('does not depend on how often it is asked, nor on the order', () => {
      const often = createSignal(walk, 7);
      const seldom = createSignal(walk, 7);
      for (let ms = 0; ms <= 60_000; ms += 10) often(ms);
      assert.equal(seldom(60_000), often(60_000));
      assert.equal(often(30_000), createSignal(walk, 7)(30_000));
    });

    it('has a stream of its own by seed and point', () => {
      const value = createSignal(walk, 7)(60_000);
      assert.equal(createSignal(walk, 7)(60_000), value);
      assert.notEqual(createSignal(walk, 8)(60_000), value);
      assert.notEqual(createSignal({ ...walk, pointId: 2 }, 7)(60_000), value);
      assert.notEqual(createSignal({ ...walk, kind: 'A' }, 7)(60_000), value);
    });
  });
});
