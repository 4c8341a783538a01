import assert from 'node:assert/strict';
import { checkedValue } from '../../../node/write-value.js';
import type { PointDefinition } from '../../../site/points.js';
import { testPointDefinition } from '../../support/realtime-store.js';

const number: PointDefinition = { ...testPointDefinition('A', 1), name: 'Limit', min: -5, max: 10 };
const state = testPointDefinition('C', 1, 'bool');
const text = testPointDefinition('A', 2, 'string');
const check = (point: PointDefinition, value: number | boolean | string) => checkedValue(point, '1:A:1', value);

describe('checkedValue', () => {
  it('takes states as numbers and truths', () => {
    assert.deepEqual(
      [0, 1, false, true].map((value) => check(state, value)),
      [0, 1, 0, 1],
    );
    for (const value of [2, -1, 0.5, NaN, '1', '']) {
      assert.throws(() => check(state, value), { code: 'points.invalid_value', message: /takes 0, 1, false or true/ });
    }
  });

  it('takes numbers within the limits, the limits included', () => {
    for (const value of [-5, 0, 9.99, 10]) assert.equal(check(number, value), value);
    for (const value of [-5.01, 10.01, 1e300]) {
      assert.throws(
        () => check(number, value),
        (error: { code: string; message: string; details: unknown }) => {
          assert.equal(error.code, 'points.out_of_range');
          assert.equal(error.message, `1:A:1 (Limit) takes -5 to 10 kW, not ${value}`);
          assert.deepEqual(error.details, { min: -5, max: 10, found: value });
          return true;
        },
      );
    }
  });

  it('takes any number where there are no limits, and says which one there is', () => {
    assert.equal(check(testPointDefinition('A', 1), -1e12), -1e12);
    const atLeast: PointDefinition = { ...testPointDefinition('A', 1), unit: '', min: 0 };
    assert.throws(() => check(atLeast, -1), {
      message: /takes at least 0, not -1$/,
      details: { min: 0, max: null, found: -1 },
    });
    const atMost: PointDefinition = { ...testPointDefinition('A', 1), max: 3 };
    assert.throws(() => check(atMost, 4), { message: /takes at most 3 kW, not 4$/ });
  });

  it('takes no truths, texts, infinities for numbers', () => {
    for (const value of [true, '5', NaN, Infinity, -Infinity]) {
      assert.throws(() => check(number, value), { code: 'points.invalid_value', message: /takes a number, not / });
    }
  });

  it('takes texts for text points only', () => {
    assert.equal(check(text, 'on'), 'on');
    assert.equal(check(text, ''), '');
    for (const value of [1, true]) assert.throws(() => check(text, value), { message: /takes a text, not / });
  });
});
