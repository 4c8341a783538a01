import assert from 'node:assert/strict';
import { start } from './support.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

describe('expressions: held', () => {
  it('is true once its condition has been true for long enough, and says when that will be', () => {
    const rule = start('held(a > 80, 10s)');
    assert.equal(rule.at(5_000, { a: 70 }), 0);
    assert.equal(rule.evaluator.wakeAt, Infinity);
    assert.equal(rule.at(6_000, { a: 90 }), 0);
    assert.equal(rule.evaluator.wakeAt, 16_000);
    assert.equal(rule.at(15_999), 0);
    assert.equal(rule.at(16_000), 1);
    assert.equal(rule.evaluator.wakeAt, Infinity);
    assert.equal(rule.at(17_000, { a: 80 }), 0);
  });

  it('begins anew after a break, and after what is unknown', () => {
    for (const [pause, between] of [
      [70, 0],
      [undefined, 'unknown'],
    ] as const) {
      const rule = start('held(a > 80, 10s)');
      rule.at(0, { a: 90 });
      assert.equal(rule.at(9_000, { a: pause }), between);
      assert.equal(rule.at(9_500, { a: 90 }), 0);
      assert.equal(rule.at(19_499), 0);
      assert.equal(rule.at(19_500), 1);
    }
  });

  it('moves on though another side has decided already', () => {
    const rule = start('b > 0 and held(a > 80, 10s)');
    rule.at(0, { a: 90, b: 0 });
    assert.equal(rule.at(10_000, { b: 1 }), 1);
  });

  it('does not go back when the clock does', () => {
    const rule = start('held(a > 80, 10s)');
    rule.at(100_000, { a: 90 });
    assert.equal(rule.at(110_000), 1);
    assert.equal(rule.at(40_000), 1);
  });
});

describe('expressions: windows', () => {
  it('avg weighs each value by how long it held', () => {
    const rule = start('avg(a, 60s)', { result: 'number' });
    assert.equal(rule.at(0, { a: 10 }), 'unknown');
    assert.equal(rule.at(29_000), 'unknown');
    assert.equal(rule.at(30_000, { a: 40 }), 10);
    assert.equal(rule.at(40_000), (30 * 10 + 10 * 40) / 40);
    assert.equal(rule.evaluator.wakeAt, 41_000);
    // At 70 s the slots of the seconds 11 … 70 are in the window.
    assert.equal(rule.at(70_000), (19 * 10 + 40 * 40) / 59);
    assert.equal(rule.at(10 * HOUR), 40);
  });

  it('avg leaves out what is unknown, and is unknown while most of the window is', () => {
    const rule = start('avg(a, 60s)', { result: 'number' });
    rule.at(0, { a: 10 });
    rule.at(35_000, { a: undefined });
    assert.equal(rule.at(59_000), 10);
    assert.equal(rule.at(67_000), 'unknown');
    rule.at(70_000, { a: 30 });
    assert.equal(rule.at(101_000), 30);
  });

  it('lowest and highest are those of the values in force', () => {
    const rule = start('highest(a, 1m) - lowest(a, 1m)', { result: 'number' });
    rule.at(0, { a: 5 });
    rule.at(10_000, { a: 9 });
    rule.at(10_100, { a: 2 });
    assert.equal(rule.at(40_000, { a: 3 }), 7);
    assert.equal(rule.at(70_500), 1, 'the 9 and the 5 are out');
    assert.equal(rule.at(101_000), 0);
  });

  it('rate is the change per second over its window', () => {
    const rule = start('rate(a, 10s)', { result: 'number' });
    assert.equal(rule.at(0, { a: 100 }), 'unknown');
    for (let second = 1; second <= 20; second++) {
      const rate = rule.at(second * SECOND, { a: 100 - second * 3 });
      if (second < 5) assert.equal(rate, 'unknown');
      // A value holds until the next, so the window may begin up to one value late.
      else assert.ok(Math.abs((rate as number) + 3) < 0.3, `${rate} at ${second} s`);
    }
    assert.equal(rule.at(60_000), 0);
    assert.equal(rule.at(61_000, { a: undefined }), 'unknown');
  });

  it('rate has a window of a minute when none is given', () => {
    const rule = start('rate(a)', { result: 'number' });
    rule.at(0, { a: 0 });
    assert.equal(rule.at(29_999, { a: 0 }), 'unknown');
    assert.equal(rule.at(30_000, { a: 60 }), 2);
  });

  it('keep a state for each evaluation that was started', () => {
    const one = start('avg(a, 60s) + avg(b, 60s)', { result: 'number' });
    one.at(0, { a: 1, b: 2 });
    assert.equal(one.at(30_000), 3);
    const other = start('avg(a, 60s) + avg(b, 60s)', { result: 'number' });
    assert.equal(other.at(30_000, { a: 1, b: 2 }), 'unknown');
  });
});

describe('expressions: time of day', () => {
  const at = (text: string) => Date.parse(text);

  it('between includes its first minute, not its last, and goes across midnight', () => {
    const day = start('between(08:00, 18:00)');
    assert.equal(day.at(at('2026-03-02T07:59:59.999Z')), 0);
    assert.equal(day.evaluator.wakeAt, at('2026-03-02T08:00:00Z'));
    assert.equal(day.at(at('2026-03-02T08:00:00Z')), 1);
    assert.equal(day.evaluator.wakeAt, at('2026-03-02T18:00:00Z'));
    assert.equal(day.at(at('2026-03-02T18:00:00Z')), 0);
    const night = start('between(22:00, 06:00)');
    assert.equal(night.at(at('2026-03-02T21:59:00Z')), 0);
    assert.equal(night.at(at('2026-03-02T23:59:00Z')), 1);
    assert.equal(night.at(at('2026-03-03T05:59:59Z')), 1);
    assert.equal(night.at(at('2026-03-03T06:00:00Z')), 0);
  });

  it('follows the time zone through a change of clocks', () => {
    const rule = start('between(08:00, 09:00)', { timeZone: 'Europe/Berlin' });
    assert.equal(rule.at(at('2026-03-28T07:30:00Z')), 1, 'winter: UTC+1');
    assert.equal(rule.at(at('2026-03-29T06:30:00Z')), 1, 'summer: UTC+2');
    assert.equal(rule.at(at('2026-03-29T07:30:00Z')), 0);
    assert.equal(start('between(05:30, 05:45)', { timeZone: 'Asia/Kolkata' }).at(at('2026-01-01T00:10:00Z')), 1);
  });

  it('weekday is 1 on Monday and 7 on Sunday, by the local date', () => {
    const monday = at('2026-03-02T12:00:00Z');
    for (let day = 0; day < 7; day++) {
      assert.equal(start('weekday()', { result: 'number' }).at(monday + day * 24 * HOUR), day + 1);
    }
    const tokyo = start('weekday()', { result: 'number', timeZone: 'Asia/Tokyo' });
    assert.equal(tokyo.at(at('2026-03-01T14:59:00Z')), 7);
    assert.equal(tokyo.evaluator.wakeAt, at('2026-03-01T15:00:00Z'));
    assert.equal(tokyo.at(at('2026-03-01T15:00:00Z')), 1);
  });
});
