// Conditions of rules: `node --expose-gc dist/load/rules/conditions.js [--rules N] [--seconds N]`. Each rule reads points of
// its own; every round tells each rule a new value and evaluates it, as a frame of its channel would.
import { parseArgs } from 'node:util';
import { ANY_POINT, compileExpression } from '../../site/expressions/index.js';
import { GOOD } from '../../site/points.js';

const { values: options } = parseArgs({
  options: { rules: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '2' } },
});
const rules = Number(options.rules);
const forMs = Number(options.seconds) * 1_000;

const SHAPES: readonly [string, (channel: number) => string][] = [
  ['one comparison', (c) => `comsrv:${c}:T:1 > 80.0`],
  ['three points, arithmetic', (c) => `${c}:T:1 + ${c}:T:2 > 80 and not ${c}:S:1 or abs(${c}:T:1) < 5`],
  ['hold and hysteresis', (c) => `held(hysteresis(${c}:T:1, 80, 70), 10s) and ${c}:S:1`],
  ['mean of 5 minutes', (c) => `avg(${c}:T:1, 5m) > 80`],
];

for (const [name, shape] of SHAPES) process.stdout.write(`${name.padEnd(26)}${measure(shape)}\n`);

function measure(shape: (channel: number) => string): string {
  const before = memory();
  const start = performance.now();
  const evaluators = Array.from({ length: rules }, (_, index) =>
    compileExpression(shape(index + 1), { points: ANY_POINT, result: 'condition', timeZone: 'UTC' }).start(),
  );
  const compiled = (rules / (performance.now() - start)) * 1_000;
  const kilobytes = (memory() - before) / 1024 / rules;
  const { rate, fired } = evaluate(evaluators);
  const pace = `${String(Math.round(rate)).padStart(9)} evaluations/s`;
  return `${pace}   ${Math.round(compiled)} compiled/s   ${kilobytes.toFixed(1)} KB each   (${fired} true)`;
}

function evaluate(evaluators: readonly ReturnType<ReturnType<typeof compileExpression>['start']>[]) {
  let now = Date.UTC(2026, 0, 1);
  let count = 0;
  let fired = 0;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < forMs) {
    now += 100;
    for (const [index, evaluator] of evaluators.entries()) {
      evaluator.set(0, (now / 100 + index) % 100, GOOD);
      fired += evaluator.evaluate(now) === 1 ? 1 : 0;
    }
    count += evaluators.length;
    elapsed = performance.now() - start;
  }
  return { rate: (count / elapsed) * 1_000, fired };
}

function memory(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
}
