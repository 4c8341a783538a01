import assert from 'node:assert/strict';
import { migrateFrom2, upcastFrom2 } from '../../../actors/rule/evolution.js';
import { testRule } from '../../support/rules.js';

describe('what rules of version 2 wrote', () => {
  const actions = [
    {
      type: 'raiseAlarm',
      on: 'fires',
      onFailure: 'stop',
      alarm: { source: 'a', level: 'Info', title: 'A' },
    },
    { type: 'clearAlarm', on: 'returns', onFailure: 'stop', source: 'a' },
  ] as const;
  const state = (value: string) => ({ status: 'active', value, context: { rule: testRule({ actions }), executed: 3 } });

  it('has the alarms of an active rule standing', () => {
    assert.deepEqual(migrateFrom2(state('active')).context.standing, ['a']);
    const { standing, left, withdrawals, withdrawn, executed } = migrateFrom2(state('waiting')).context;
    assert.deepEqual([standing, left, withdrawals, withdrawn, executed], [[], [], [], 0, 3]);
  });

  it('withdraws no alarm when it is read again', () => {
    for (const type of ['configure', 'update', 'remove', 'disable']) {
      assert.deepEqual(upcastFrom2({ type, at: 1 }), { type, at: 1, keepsAlarms: true });
    }
    assert.deepEqual(upcastFrom2({ type: 'enable', at: 1 }), { type: 'enable', at: 1 });
  });
});
