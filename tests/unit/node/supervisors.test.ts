import assert from 'node:assert/strict';
import type { SupervisorView } from '../../../actors/runtime/supervision/view.js';
import { viewPartitionSupervisor } from '../../../node/supervisors.js';

const window = { of: 'self', windowMs: 1_000 } as const;

describe('the view of a partition’s supervisor', () => {
  it('counts all that were given up, and shows the first; the fullest budgets first', () => {
    const refs = Array.from({ length: 30 }, (_, index) => `worker/${index}`);
    const supervisor: SupervisorView = {
      partition: 3,
      node: 'n1',
      actors: 40,
      restarts: 7,
      escalations: 2,
      failed: refs,
      budgets: [
        ...refs.map((ref) => ({ ref, crashes: 1, intensity: 5, ...window })),
        { ref: 'crew/a', crashes: 1, intensity: 0, ...window },
        { ref: 'crew/b', crashes: 3, intensity: 5, ...window },
      ],
    };
    const view = viewPartitionSupervisor(supervisor);
    assert.deepEqual([view.failed, view.failedActors], [30, refs.slice(0, 20)]);
    assert.equal(view.budgets.length, 20);
    assert.deepEqual(
      view.budgets.slice(0, 3).map(({ ref }) => ref),
      ['crew/a', 'crew/b', 'worker/0'],
    );
    assert.deepEqual([view.partition, view.node, view.actors, view.restarts, view.escalations], [3, 'n1', 40, 7, 2]);
  });
});
