import assert from 'node:assert/strict';
import { affected, completeSupervision, DEFAULT_SUPERVISION } from '../../../actors/runtime/supervision/policy.js';

const children = ['worker/a', 'worker/b', 'worker/c', 'worker/d'].map((ref) => ({
  ref,
  restart: 'permanent' as const,
  down: ref === 'worker/c',
  restarts: 0,
}));

describe('supervision policies', () => {
  it('one-for-one starts the crashed child again, and no other', () => {
    assert.deepEqual(affected('one-for-one', { children }, 'worker/b'), ['worker/b']);
  });

  it('one-for-all starts all again, in the order of their start, but not those that are halted', () => {
    assert.deepEqual(affected('one-for-all', { children }, 'worker/b'), ['worker/a', 'worker/b', 'worker/d']);
  });

  it('rest-for-one starts the crashed one again and those after it', () => {
    assert.deepEqual(affected('rest-for-one', { children }, 'worker/b'), ['worker/b', 'worker/d']);
    assert.deepEqual(affected('rest-for-one', { children }, 'worker/d'), ['worker/d']);
  });

  it('a halted child that has crashed (an operator had started it) is started again', () => {
    assert.deepEqual(affected('one-for-one', { children }, 'worker/c'), ['worker/c']);
  });

  it('nobody is started again for a stranger', () => {
    assert.deepEqual(affected('one-for-all', { children }, 'worker/x'), []);
  });

  it('fills in what is left out, and refuses what cannot be', () => {
    assert.deepEqual(completeSupervision('k', {}), DEFAULT_SUPERVISION);
    assert.equal(completeSupervision('k', { strategy: 'one-for-all' }).strategy, 'one-for-all');
    const wrong = [
      { strategy: 'all' as 'one-for-all' },
      { intensity: -1 },
      { intensity: 100 },
      { windowMs: 0 },
      { backoffMs: { initial: 10, max: 5 } },
    ];
    for (const given of wrong)
      assert.throws(() => completeSupervision('k', given), { code: 'kind.invalid_supervision' });
  });
});
