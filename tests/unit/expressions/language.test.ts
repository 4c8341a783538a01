import assert from 'node:assert/strict';
import { ANY_POINT, compileExpression } from '../../../site/expressions/index.js';
import { BAD, GOOD, OUT_OF_RANGE, STALE } from '../../../site/points.js';
import { condition, number, start } from './support.js';

describe('expressions: values', () => {
  it('reads a point by its address, with and without its prefix, as one', () => {
    const expression = compileExpression('comsrv:1001:T:1 > 80.0 and 1001:T:1 < 90 and 7:S:2', {
      points: ANY_POINT,
      result: 'condition',
    });
    assert.deepEqual(expression.points, [
      { channel: 1001, kind: 'T', id: 1 },
      { channel: 7, kind: 'S', id: 2 },
    ]);
    const evaluator = expression.start();
    evaluator.set(0, 85.75, GOOD);
    evaluator.set(1, 1, GOOD);
    assert.equal(evaluator.evaluate(0), 1);
    evaluator.set(0, 75.5, GOOD);
    assert.equal(evaluator.evaluate(0), 0);
  });

  it('binds as arithmetic and logic are used to', () => {
    const cases: [string, number][] = [
      ['1 + 2 * 3', 7],
      ['(1 + 2) * 3', 9],
      ['10 - 4 - 3', 3],
      ['100 / 10 / 2', 5],
      ['7 % 4', 3],
      ['-2 * -3', 6],
      ['-(-2)', 2],
      ['1.5e3 + 2e-1', 1500.2],
      ['2 -1', 1],
    ];
    for (const [source, expected] of cases) assert.equal(number(source), expected, source);
    assert.equal(condition('true or true and false'), true);
    assert.equal(condition('not false and false'), false);
    assert.equal(condition('not (false and false)'), true);
    assert.equal(condition('!false && true || false'), true);
    assert.equal(condition('1 + 1 == 2 AND NOT 1 > 2'), true);
    assert.equal(condition('a\n >\t80', { a: 81 }), true);
  });

  it('takes states as conditions and as 0 and 1', () => {
    assert.equal(condition('on and not off', { on: 1, off: 0 }), true);
    assert.equal(condition('on == 1', { on: 1 }), true);
    assert.equal(condition('on == true', { on: 0 }), false);
    assert.equal(condition('on != off', { on: 1, off: 0 }), true);
    assert.equal(number('on * 2.5', { on: 1 }), 2.5);
  });

  it('compares numbers with a tolerance of a billionth', () => {
    assert.equal(condition('a == 0.3', { a: 0.1 + 0.2 }), true);
    assert.equal(condition('a > 0.3', { a: 0.1 + 0.2 }), false);
    assert.equal(condition('a >= 1e12', { a: 1e12 - 1 }), true);
    assert.equal(condition('a != 5', { a: 5.000001 }), true);
    assert.equal(condition('a == b', { a: Infinity, b: Infinity }), true);
    assert.equal(condition('a < b', { a: 1, b: Infinity }), true);
  });
});

describe('expressions: the unknown', () => {
  it('goes through arithmetic and comparison', () => {
    assert.equal(number('a + 1', { a: undefined }), 'unknown');
    assert.equal(condition('a > 1', { a: undefined }), 'unknown');
    assert.equal(condition('a != 1', { a: undefined }), 'unknown');
    assert.equal(number('1 / a', { a: 0 }), 'unknown');
    assert.equal(number('1 % a', { a: 0 }), 'unknown');
    assert.equal(number('sqrt(a)', { a: -1 }), 'unknown');
    assert.equal(number('min(a, 1)', { a: undefined }), 'unknown');
  });

  it('is decided by and and or only when the other side decides it', () => {
    const table: [string, boolean | 'unknown'][] = [
      ['a > 0 and false', false],
      ['a > 0 and true', 'unknown'],
      ['false and a > 0', false],
      ['a > 0 or true', true],
      ['a > 0 or false', 'unknown'],
      ['true or a > 0', true],
      ['not a > 0', 'unknown'],
      ['all(true, a > 0, false)', false],
      ['all(true, a > 0)', 'unknown'],
      ['any(false, a > 0, true)', true],
      ['any(false, a > 0)', 'unknown'],
      ['if(a > 0, 1, 2) > 0', 'unknown'],
      ['known(a)', false],
      ['coalesce(a, 5) == 5', true],
      ['known(coalesce(a, a))', false],
    ];
    for (const [source, expected] of table) assert.equal(condition(source, { a: undefined }), expected, source);
  });

  it('is what a stale or bad value is, and one never told; one outside its limits was read', () => {
    for (const [quality, expected] of [
      [GOOD, 1],
      [OUT_OF_RANGE, 1],
      [STALE, NaN],
      [BAD, NaN],
    ] as const) {
      const { evaluator } = start('a > 80');
      assert.equal(evaluator.evaluate(0), NaN);
      evaluator.set(0, 90, quality);
      assert.equal(evaluator.evaluate(0), expected);
    }
  });

  it('can be asked for by quality, which is always known', () => {
    const { evaluator } = start('quality(a) == stale or quality(a) == "out-of-range" or out_of_range == quality(a)');
    assert.equal(evaluator.evaluate(0), 0);
    evaluator.set(0, 1, STALE);
    assert.equal(evaluator.evaluate(0), 1);
    evaluator.set(0, 1, OUT_OF_RANGE);
    assert.equal(evaluator.evaluate(0), 1);
    evaluator.set(0, 1, GOOD);
    assert.equal(evaluator.evaluate(0), 0);
    assert.equal(condition('quality(a) != good', { a: undefined }), true);
    assert.equal(condition('quality(a) != good', { a: 1 }), false);
  });
});

describe('expressions: functions', () => {
  it('of numbers', () => {
    assert.equal(number('abs(-3)'), 3);
    assert.equal(number('round(2.5)'), 3);
    assert.equal(number('sqrt(16)'), 4);
    assert.equal(number('min(3, 1, 2) + max(3, 1, 2)'), 4);
    assert.equal(number('clamp(12, 0, 10) + clamp(-1, 0, 10) + clamp(5, 0, 10)'), 15);
    assert.equal(number('if(a > 1, 10, 20)', { a: 2 }), 10);
    assert.equal(number('if(a > 1, 10, 20)', { a: 0 }), 20);
    assert.equal(number('coalesce(a, b, 7)', { a: undefined, b: 2 }), 2);
    assert.equal(number('count(a > 1, b > 1, c > 1)', { a: 2, b: 0, c: 2 }), 2);
    assert.equal(number('count(a > 1, b > 1)', { a: 2, b: undefined }), 'unknown');
  });

  it('hysteresis: on at one threshold, off at the other, either way round', () => {
    const high = start('hysteresis(a, 80, 70)');
    assert.deepEqual(
      [60, 75, 80, 75, 70, 75].map((a) => high.at(0, { a })),
      [0, 0, 1, 1, 0, 0],
    );
    const low = start('hysteresis(a, 20, 30)');
    assert.deepEqual(
      [40, 25, 20, 25, undefined, 25, 30, 25].map((a) => low.at(0, { a })),
      [0, 0, 1, 1, 'unknown', 1, 0, 0],
    );
  });

  it('a deadband holds a comparison until the value has gone back by it', () => {
    const above = start('a > 80', { deadband: 2 });
    assert.deepEqual(
      [79, 81, 79, 78.5, undefined, 79, 78, 79, 80].map((a) => above.at(0, { a })),
      [0, 1, 1, 1, 'unknown', 1, 0, 0, 0],
    );
    const below = start('a <= 10', { deadband: 1 });
    assert.deepEqual(
      [10.5, 10, 11, 11.1, 10.5].map((a) => below.at(0, { a })),
      [0, 1, 1, 0, 0],
    );
    const equal = start('a == 80', { deadband: 2 });
    assert.deepEqual(
      [80, 79].map((a) => equal.at(0, { a })),
      [1, 0],
    );
  });
});
