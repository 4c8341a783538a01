import assert from 'node:assert/strict';
import { forwardingHealth } from '../../../node/forwarding-health.js';
import { FakeForwarding } from '../../support/fake-forwarding.js';

describe('health of forwarding', () => {
  const [cloud, lake] = new FakeForwarding(0).views;
  assert.ok(cloud && lake);
  const health = (change: Partial<typeof cloud.stats>) =>
    forwardingHealth([{ ...cloud, stats: { ...cloud.stats, ...change } }]);

  it('is not told of a node that sends nowhere', () => {
    assert.equal(forwardingHealth([]), undefined);
  });

  it('is up while targets are served', () => {
    assert.deepEqual(forwardingHealth([cloud, { ...cloud, state: 'paused' }]), {
      status: 'up',
      detail: '1 online, 1 paused',
      facts: { online: 1, paused: 1, sent: 2400, behind: 0, lost: 0 },
    });
  });

  it('names each target with a trouble, and how much waits for it', () => {
    const stats = { ...lake.stats, lastError: 'answered 400', behind: 7 };
    const { status, detail } = forwardingHealth([cloud, { ...lake, stats }, { ...cloud, state: 'backingOff' }]) ?? {};
    assert.equal(status, 'degraded');
    assert.equal(detail, 'lake faulted, 7 frames wait: answered 400; cloud backingOff: no reason known');
    assert.equal(health({ behind: 10_001 })?.detail, 'cloud is 10001 frames behind');
    assert.equal(health({ lost: 3 })?.detail, 'cloud: 3 frames were lost since the start');
    assert.equal(health({ behind: 10_000 })?.status, 'up');
  });
});
