import assert from 'node:assert/strict';
import {
  addExecution,
  nextAction,
  settleAction,
  skipPending,
  type Executions,
} from '../../../machines/rule/executions.js';
import type { Rule } from '../../../site/rules/rule.js';

const rule: Rule = {
  id: 'r',
  name: 'r',
  description: '',
  enabled: true,
  priority: 0,
  expression: '1:T:1 > 0',
  holdMs: 0,
  cooldownMs: 0,
  deadband: 0,
  actions: [
    { type: 'clearAlarm', source: 'a', on: 'fires', onFailure: 'stop' },
    { type: 'clearAlarm', source: 'b', on: 'fires', onFailure: 'stop' },
  ],
};
const none: Executions = { executions: [], executed: 0 };
const facts = { at: 1, trigger: 'fires', condition: true, values: { 'comsrv:1:T:1': 1 } } as const;
const statuses = ({ executions }: Executions): string[][] =>
  executions.map(({ steps }) => steps.map(({ status }) => status));

describe('executions of a rule', () => {
  it('have no action of a rule that is not known, or that has none', () => {
    assert.deepEqual(addExecution(none, null, 'fires', facts).executions[0]?.steps, []);
    assert.equal(nextAction(addExecution(none, rule, 'fires', facts), null), null);
    assert.equal(nextAction(none, rule), null);
  });

  it('stay as they are when nothing is waiting to be settled', () => {
    assert.equal(settleAction(none, rule, { status: 'done', at: 2 }), none);
  });

  it('leave out what has not been taken, and nothing else', () => {
    const first = addExecution(none, rule, 'fires', facts);
    const begun = settleAction(first, rule, { status: 'done', at: 2 });
    assert.deepEqual(statuses(begun), [['done', 'pending']]);
    const ended = settleAction(begun, rule, { status: 'done', at: 3 });
    const second = settleAction(addExecution(ended, rule, 'fires', facts), rule, { status: 'done', at: 4 });
    assert.deepEqual(statuses(skipPending(second)).sort(), [
      ['done', 'done'],
      ['done', 'skipped'],
    ]);
  });
});
