import assert from 'node:assert/strict';
import { ANY_POINT, compileExpression, ExpressionError, type PointScope } from '../../../site/expressions/index.js';
import type { CompileOptions } from '../../../site/expressions/index.js';
import { BAD, GOOD, parsePointAddress } from '../../../site/points.js';

/** Points of channel 1 by their names: a, b, c are T 1 … 3; on, off are S 1 and 2. */
const NAMES: Readonly<Record<string, string>> = { a: '1:T:1', b: '1:T:2', c: '1:T:3', on: '1:S:1', off: '1:S:2' };

export const SCOPE: PointScope = {
  ...ANY_POINT,
  alias: (name) => (Object.hasOwn(NAMES, name) ? parsePointAddress(NAMES[name] as string) : undefined),
};

/** An expression whose points are told by name; a value of undefined is one that cannot be read. */
export function start(source: string, options: Partial<CompileOptions> = {}) {
  const expression = compileExpression(source, { points: SCOPE, result: 'condition', timeZone: 'UTC', ...options });
  const evaluator = expression.start();
  const slots = new Map<string, number>(
    expression.points.map(({ channel, kind, id }, slot) => [`${channel}:${kind}:${id}`, slot]),
  );
  return {
    evaluator,
    at(now: number, values: Readonly<Record<string, number | undefined>> = {}): number | 'unknown' {
      for (const [name, value] of Object.entries(values)) {
        const slot = slots.get(NAMES[name] ?? name);
        assert.notEqual(slot, undefined, `${source} does not read ${name}`);
        evaluator.set(slot as number, value ?? NaN, value === undefined ? BAD : GOOD);
      }
      const result = evaluator.evaluate(now);
      return Number.isNaN(result) ? 'unknown' : result;
    },
  };
}

/** What one evaluation of a number gives. */
export function number(source: string, values: Readonly<Record<string, number | undefined>> = {}) {
  return start(source, { result: 'number' }).at(0, values);
}

/** What one evaluation of a condition gives. */
export function condition(source: string, values: Readonly<Record<string, number | undefined>> = {}) {
  const result = start(source).at(0, values);
  return result === 1 ? true : result === 0 ? false : result;
}

/** The error of a source that cannot be compiled. */
export function refusal(source: string, options: Partial<CompileOptions> = {}): ExpressionError {
  try {
    compileExpression(source, { points: SCOPE, result: 'condition', ...options });
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error(`${source} was compiled`);
}
