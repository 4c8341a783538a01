import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compileExpression, ExpressionError } from '../../../site/expressions/index.js';
import { GOOD, STALE } from '../../../site/points.js';
import { SCOPE } from './support.js';

/** An expression as text, and what it means to a plain reader; null is unknown. */
interface Sample {
  readonly text: string;
  readonly value: (points: readonly (number | null)[]) => number | null;
}
interface Test {
  readonly text: string;
  readonly value: (points: readonly (number | null)[]) => boolean | null;
}

const SLOTS = ['a', 'b', 'c'];

const both = (a: number | null, b: number | null, join: (a: number, b: number) => number) =>
  a === null || b === null ? null : finite(join(a, b));
const finite = (value: number) => (Number.isNaN(value) ? null : value);

const { sample, test } = fc.letrec<{ sample: Sample; test: Test }>((tie) => ({
  sample: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer({ min: 0, max: 50 }).map((n): Sample => ({ text: String(n), value: () => n })),
    fc.nat({ max: 2 }).map((n): Sample => ({ text: SLOTS[n] as string, value: (points) => points[n] ?? null })),
    fc.tuple(fc.constantFrom('+', '-', '*', '/', '%'), tie('sample'), tie('sample')).map(([op, a, b]): Sample => ({
      text: `(${a.text} ${op} ${b.text})`,
      value: (p) =>
        both(a.value(p), b.value(p), (x, y) => {
          if (op === '+') return x + y;
          if (op === '-') return x - y;
          if (op === '*') return x * y;
          return y === 0 ? NaN : op === '/' ? x / y : x % y;
        }),
    })),
    tie('sample').map((a): Sample => ({
      text: `-(${a.text})`,
      value: (p) => both(a.value(p), 0, (x) => -x),
    })),
    fc.tuple(fc.constantFrom('min', 'max'), tie('sample'), tie('sample')).map(([name, a, b]): Sample => ({
      text: `${name}(${a.text}, ${b.text})`,
      value: (p) => both(a.value(p), b.value(p), (x, y) => (name === 'min' ? Math.min(x, y) : Math.max(x, y))),
    })),
    fc.tuple(tie('test'), tie('sample'), tie('sample')).map(([t, a, b]): Sample => ({
      text: `if(${t.text}, ${a.text}, ${b.text})`,
      value: (p) => {
        const is = t.value(p);
        return is === null ? null : is ? a.value(p) : b.value(p);
      },
    })),
    fc.tuple(tie('sample'), tie('sample')).map(([a, b]): Sample => ({
      text: `coalesce(${a.text}, ${b.text})`,
      value: (p) => a.value(p) ?? b.value(p),
    })),
  ),
  test: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.boolean().map((is): Test => ({ text: String(is), value: () => is })),
    fc
      .tuple(fc.constantFrom('<', '<=', '>', '>=', '==', '!='), tie('sample'), tie('sample'))
      .map(([op, a, b]): Test => ({
        text: `(${a.text} ${op} ${b.text})`,
        value: (p) => {
          const [x, y] = [a.value(p), b.value(p)];
          if (x === null || y === null) return null;
          const same =
            x === y || (Number.isFinite(x - y) && Math.abs(x - y) <= 1e-9 * Math.max(1, Math.abs(x), Math.abs(y)));
          const less = !same && x < y;
          if (op === '==') return same;
          if (op === '!=') return !same;
          if (op === '<') return less;
          if (op === '<=') return less || same;
          return op === '>' ? !less && !same : !less;
        },
      })),
    fc.tuple(fc.constantFrom('and', 'or', '&&', '||'), tie('test'), tie('test')).map(([op, a, b]): Test => ({
      text: `(${a.text} ${op} ${b.text})`,
      value: (p) => {
        const decides = op === 'or' || op === '||';
        const [x, y] = [a.value(p), b.value(p)];
        if (x === decides || y === decides) return decides;
        return x === null || y === null ? null : !decides;
      },
    })),
    tie('test').map((a): Test => ({
      text: `not (${a.text})`,
      value: (p) => {
        const is = a.value(p);
        return is === null ? null : !is;
      },
    })),
    tie('sample').map((a): Test => ({ text: `known(${a.text})`, value: (p) => a.value(p) !== null })),
  ),
}));

const points = fc.array(
  fc.option(fc.oneof(fc.integer({ min: -50, max: 50 }), fc.double({ noNaN: true, min: -1e6, max: 1e6 }))),
  {
    minLength: 3,
    maxLength: 3,
  },
);

function evaluate(source: string, result: 'number' | 'condition', values: readonly (number | null)[]): number {
  const expression = compileExpression(source, { points: SCOPE, result });
  const evaluator = expression.start();
  expression.points.forEach(({ id }, slot) => {
    const value = values[id - 1] ?? null;
    evaluator.set(slot, value ?? 1, value === null ? STALE : GOOD);
  });
  return evaluator.evaluate(0);
}

describe('expressions: any of them', () => {
  it('gives what a plain evaluator gives', () => {
    fc.assert(
      fc.property(sample, points, (expression, values) => {
        assert.equal(evaluate(expression.text, 'number', values) + 0, (expression.value(values) ?? NaN) + 0);
      }),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(test, points, (expression, values) => {
        const expected = expression.value(values);
        assert.equal(evaluate(expression.text, 'condition', values), expected === null ? NaN : Number(expected));
      }),
      { numRuns: 1_000 },
    );
  });

  it('binds without parentheses as the plain reader of JavaScript does', () => {
    const flat = fc.array(fc.tuple(fc.constantFrom('+', '-', '*', '/'), fc.integer({ min: 1, max: 9 })), {
      minLength: 1,
      maxLength: 12,
    });
    /** Two passes: products first, then sums. */
    const plain = (rest: readonly (readonly [string, number])[]): number => {
      const terms: number[] = [1];
      for (const [op, n] of rest) {
        const last = terms.pop() as number;
        if (op === '*') terms.push(last * n);
        else if (op === '/') terms.push(last / n);
        else terms.push(last, op === '-' ? -n : n);
      }
      return terms.reduce((sum, term) => sum + term, 0);
    };
    fc.assert(
      fc.property(flat, (rest) => {
        const text = `1${rest.map(([op, n]) => ` ${op} ${n}`).join('')}`;
        const [got, expected] = [evaluate(text, 'number', []), plain(rest)];
        assert.ok(Math.abs(got - expected) < 1e-9, `${text} = ${got}, not ${expected}`);
      }),
    );
  });

  it('that is nonsense is an ExpressionError with a place inside it, never anything else', () => {
    const word = fc.constantFrom(
      ...['a', 'b', 'on', '1', '5m', '08:00', 'avg', 'held', 'quality', 'good', '(', ')', ',', '"', "'", '\n', ' '],
      ...['+', '-', '*', '/', '<', '>=', '==', '=', '!', 'and', 'or', 'not', 'true', '1001:T:1', 'comsrv:', '§', '😀'],
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), fc.constantFrom('', ' '), (words, gap) => {
        const source = words.join(gap);
        try {
          compileExpression(source, { points: SCOPE, result: 'condition' }).start().evaluate(0);
        } catch (error) {
          assert.ok(error instanceof ExpressionError, String(error));
          const line = source.split('\n')[error.line - 1];
          assert.ok(line !== undefined && error.column >= 1 && error.column <= line.length + 1, error.message);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
