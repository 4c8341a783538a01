import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dryRun } from '../../../node/rule-dry-run.js';
import { ruleMachine } from '../../../machines/rule.js';
import type { HistoryQuery, HistoryRow } from '../../../protocols/clickhouse/types.js';
import { ANY_POINT, compileExpression } from '../../../site/expressions/index.js';
import { GOOD } from '../../../site/points.js';
import { RuleTrial } from '../../../site/rules/trial.js';
import { testRule } from '../../support/rules.js';
import { SimulatedActor } from '../../support/simulated-actor.js';

const POINT = 'comsrv:1:T:1';

/** A history in memory, in pages of three rows. */
function historyOf(rows: Readonly<Record<string, readonly HistoryRow[]>>) {
  return {
    query: ({ channel, kind, id, from = 0, to = Infinity, cursor }: HistoryQuery) => {
      const all = (rows[`${channel}:${kind}:${id}`] ?? []).filter(({ time }) => time >= from && time < to);
      const start = Number(cursor ?? 0);
      const next = start + 3 < all.length ? String(start + 3) : null;
      const page = { channel, kind, id, from, to, resolution: 'raw' as const };
      return Promise.resolve({ ...page, rows: all.slice(start, start + 3), nextCursor: next });
    },
  };
}
const good = (time: number, value: number): HistoryRow => ({ time, value, quality: 'good' });
const parts = (rows: Readonly<Record<string, readonly HistoryRow[]>>) => ({
  history: historyOf(rows),
  points: ANY_POINT,
  timeZone: 'UTC',
});
const T = 10_000_000;

describe('dry run of a rule', () => {
  it('tells when it would have fired, and with what', async () => {
    const rows = [
      [0, 70],
      [1_000, 90],
      [2_000, 95],
      [3_000, 60],
      [4_000, 99],
      [5_000, 10],
    ] as const;
    const past = rows.map(([at, value]) => good(T + at, value));
    const found = await dryRun(testRule(), { from: T, to: T + 6_000 }, parts({ '1:T:1': past }));
    assert.deepEqual(found, {
      ...{ from: T, to: T + 6_000, fired: 2, samples: 6, complete: true, reached: T + 6_000 },
      firings: [
        { at: T + 1_000, returnedAt: T + 3_000, values: { [POINT]: 90 } },
        { at: T + 4_000, returnedAt: T + 5_000, values: { [POINT]: 99 } },
      ],
    });
  });

  it('lets time pass between values, and knows what was before the span', async () => {
    const past = {
      '1:T:1': [good(T - 30_000, 90)],
      '2:T:1': [good(T - 1, 1), { time: T + 9, value: 1, quality: 'bad' as const }],
    };
    const held = testRule({ expression: 'held(1:T:1 > 80, 40s) and 2:T:1 > 0', holdMs: 5_000 });
    assert.equal((await dryRun(held, { from: T, to: T + 60_000 }, parts(past))).fired, 0, 'the second is bad');
    const first = testRule({ expression: 'held(1:T:1 > 80, 40s)', holdMs: 5_000 });
    const { firings } = await dryRun(first, { from: T, to: T + 60_000 }, parts(past));
    assert.deepEqual(firings, [{ at: T + 15_000, returnedAt: null, values: { [POINT]: 90 } }]);
    const before = await dryRun(testRule(), { from: T, to: T + 60_000 }, parts(past));
    assert.equal(before.fired, 0, 'it fired before the span');
  });

  it('refuses a span that is none, or too long', async () => {
    for (const span of [
      { from: 2, to: 1 },
      { from: 0, to: 32 * 86_400_000 },
    ]) {
      await assert.rejects(dryRun(testRule(), span, parts({})), { code: 'rules.invalid_span' });
    }
  });

  it('fires as the live rule does, for any values, hold times and cooldowns', () => {
    const steps = fc.array(
      fc.record({ wait: fc.integer({ min: 1, max: 5_000 }), value: fc.constantFrom(70, 90, NaN) }),
      {
        maxLength: 40,
      },
    );
    const waits = fc.constantFrom(0, 1_000, 3_000);
    fc.assert(
      fc.property(steps, waits, waits, (taken, holdMs, cooldownMs) => {
        const rule = testRule({ holdMs, cooldownMs });
        const live = new SimulatedActor(ruleMachine, undefined, T);
        live.send({ type: 'configure', revision: '1', rule, loop: null });
        const expression = compileExpression(rule.expression, { points: ANY_POINT, result: 'condition' });
        const trial = new RuleTrial(rule, expression, 0, 1_000);
        let at = T;
        let last: boolean | null = null;
        for (const { wait, value } of taken) {
          at += wait;
          live.wait(wait);
          trial.until(at);
          trial.set(0, value, GOOD);
          trial.at(at);
          const now = Number.isNaN(value) ? null : value > 80;
          if (now !== last) live.send({ type: 'condition', value: now, values: { [POINT]: value } });
          last = now;
        }
        const fired = live.snapshot.context.executions.filter(({ trigger }) => trigger === 'fires');
        assert.deepEqual(
          trial.firings.map((firing) => firing.at),
          fired.map((execution) => execution.at),
        );
      }),
      { numRuns: 200 },
    );
  });
});
