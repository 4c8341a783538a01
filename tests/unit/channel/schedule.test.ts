import assert from 'node:assert/strict';
import { Schedule } from '../../../actors/channel/schedule.js';

describe('Schedule', () => {
  it('gives cycles on a grid of the interval', () => {
    const schedule = new Schedule(1000, 7);
    const first = schedule.after(123_456);
    assert.ok(first > 123_456 && first <= 124_456);
    assert.equal(schedule.after(first), first + 1000);
    assert.equal(schedule.after(first - 1), first);
    assert.equal(schedule.after(first + 999), first + 1000);
  });

  it('gives whole milliseconds whatever the interval', () => {
    for (const interval of [1, 7, 333, 1000, 86_400_000]) {
      const schedule = new Schedule(interval, 4_294_967_295);
      assert.ok(Number.isInteger(schedule.phaseMs) && schedule.phaseMs >= 0 && schedule.phaseMs < interval);
      assert.ok(Number.isInteger(schedule.after(98_765)));
    }
  });

  it('spreads neighbouring channels over the interval', () => {
    const tenths = new Set<number>();
    for (let channel = 1001; channel < 1031; channel++) {
      tenths.add(Math.floor(new Schedule(1000, channel).phaseMs / 100));
    }
    assert.equal(tenths.size, 10);
  });

  it('leaves half an interval at least after a cycle off the grid', () => {
    const schedule = new Schedule(1000, 3);
    for (let now = 5_000; now < 7_000; now += 37) {
      const next = schedule.afterFirst(now);
      assert.ok(next - now > 500 && next - now <= 1500, `${next - now}`);
      assert.equal((next - schedule.phaseMs) % 1000, 0);
    }
  });
});
