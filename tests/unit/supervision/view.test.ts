import assert from 'node:assert/strict';
import { partitionOf, PARTITIONS } from '../../../bus/subjects.js';
import { ALONE } from '../../../actors/runtime/supervision/family.js';
import { DEFAULT_SUPERVISION } from '../../../actors/runtime/supervision/policy.js';
import { supervisorRef } from '../../../actors/runtime/supervision/supervisor-ref.js';
import { viewSupervisor, type Supervised } from '../../../actors/runtime/supervision/view.js';

const restart = { intensity: 3, windowMs: 1_000, backoffMs: { initial: 1, max: 1 } };
const well: Supervised = {
  ref: 'worker/a',
  state: 'open',
  restarts: 0,
  escalations: 0,
  crashes: 0,
  restart,
  supervise: undefined,
  family: ALONE,
};

describe('the supervisor of a partition', () => {
  it('lives in its partition', () => {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      assert.equal(partitionOf(supervisorRef(partition)), partition);
    }
    assert.throws(() => supervisorRef(PARTITIONS), /there is no partition 32, but 0 to 31/);
  });

  it('tells of actors, restarts, failures and of what of each intensity is used up', () => {
    const supervised: Supervised[] = [
      well,
      { ...well, ref: 'worker/c', state: 'failed', restarts: 3, crashes: 4 },
      { ...well, ref: 'worker/b', state: 'failed', restarts: 1 },
      {
        ...well,
        ref: 'crew/p',
        escalations: 1,
        supervise: DEFAULT_SUPERVISION,
        family: { ...ALONE, crashes: [1, 40_000, 60_500] },
      },
      { ...well, ref: 'crew/q', supervise: DEFAULT_SUPERVISION, family: { ...ALONE, crashes: [1] } },
    ];
    assert.deepEqual(viewSupervisor({ partition: 7, node: 'n1', supervised, now: 61_000 }), {
      partition: 7,
      node: 'n1',
      actors: 5,
      restarts: 4,
      escalations: 1,
      failed: ['worker/b', 'worker/c'],
      budgets: [
        { ref: 'worker/c', of: 'self', crashes: 4, intensity: 3, windowMs: 1_000 },
        { ref: 'crew/p', of: 'one-for-one', crashes: 2, intensity: 5, windowMs: 60_000 },
      ],
    });
  });
});
