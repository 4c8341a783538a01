import assert from 'node:assert/strict';
import { RestartBudget } from '../../../actors/runtime/supervision/restart-budget.js';

const policy = { intensity: 3, windowMs: 1_000, backoffMs: { initial: 100, max: 300 } };

describe('RestartBudget', () => {
  it('restarts later each time, at most the limit, and gives up after the intensity', () => {
    const budget = new RestartBudget(policy, () => 1);
    assert.deepEqual(budget.crashed(0), { restart: true, delayMs: 100 });
    assert.deepEqual(budget.crashed(1), { restart: true, delayMs: 200 });
    assert.deepEqual(budget.crashed(2), { restart: true, delayMs: 300 });
    assert.deepEqual(budget.crashed(3), { restart: false });
  });

  it('spreads the delays over the upper half of each step', () => {
    assert.deepEqual(new RestartBudget(policy, () => 0).crashed(0), { restart: true, delayMs: 50 });
    assert.deepEqual(new RestartBudget(policy, () => 0.5).crashed(0), { restart: true, delayMs: 75 });
    const verdict = new RestartBudget(policy).crashed(0);
    assert.ok(verdict.restart && verdict.delayMs >= 50 && verdict.delayMs <= 100);
  });

  it('forgets crashes that are out of the window', () => {
    const budget = new RestartBudget(policy, () => 1);
    for (const at of [0, 1, 2]) budget.crashed(at);
    assert.deepEqual(budget.crashed(1_002), { restart: true, delayMs: 100 });
  });

  it('forgets all at a reset', () => {
    const budget = new RestartBudget(policy, () => 1);
    for (const at of [0, 1, 2, 3]) budget.crashed(at);
    budget.reset();
    assert.deepEqual(budget.crashed(4), { restart: true, delayMs: 100 });
  });
});
