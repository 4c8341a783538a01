import assert from 'node:assert/strict';
import type { WithoutTime } from '../../../actors/runtime/kind.js';
import { forwarderMachine, type ForwarderContext, type ForwarderEvent } from '../../../machines/forwarder.js';
import { assertAllTaken, Walk } from '../../support/walk.js';

const error = { code: 'forward.unreachable', category: 'unavailable', message: 'gone' } as const;
const on = { type: 'configure', revision: 'r1', enabled: true } as const;
const failed = { type: 'link.failed', error, refused: null } as const;
const refused = { ...failed, refused: 'lake:1-7' } as const;
const running = ['connecting', 'online', 'backingOff'] as const;

type Sent = WithoutTime<ForwarderEvent>;

describe('forwarder machine', () => {
  const covered = new Set<unknown>();

  /** A forwarder brought to a state, the shortest way. */
  function forwarderIn(state: string): Walk<typeof forwarderMachine> {
    const walk = new Walk(forwarderMachine, covered);
    const way: Record<string, Sent[]> = {
      stopped: [],
      connecting: [on],
      online: [on, { type: 'link.up' }],
      backingOff: [on, { type: 'link.down', error }],
      paused: [on, { type: 'pause' }],
      faulted: [on, refused],
    };
    for (const event of way[state] ?? []) walk.send(event);
    assert.equal(walk.value, state);
    return walk;
  }
  const context = (walk: Walk<typeof forwarderMachine>) => walk.snapshot.context as ForwarderContext;
  const effects = (walk: Walk<typeof forwarderMachine>) => walk.actions.map((action) => action.type);

  after(() => assertAllTaken(forwarderMachine, covered));

  it('begins when it is configured so, and not when it is turned off', () => {
    const walk = forwarderIn('stopped');
    assert.equal(walk.send({ type: 'configure', revision: 'r0', enabled: false }), 'stopped');
    assert.equal(walk.send({ type: 'activated' }), 'stopped');
    assert.equal(walk.send(on), 'connecting');
    assert.deepEqual(effects(walk), ['open']);
    assert.equal(context(walk).since, walk.now);
  });

  it('counts outages and returns', () => {
    const walk = forwarderIn('online');
    assert.equal(walk.send({ type: 'link.down', error }), 'backingOff');
    assert.equal(walk.send({ type: 'link.up' }), 'online');
    const { outages, reconnects, lastError } = context(walk);
    assert.deepEqual([outages, reconnects, lastError?.error], [1, 1, error]);
    assert.deepEqual(effects(walk), []);
  });

  for (const state of running) {
    it(`${state}: pauses, begins anew, follows its configuration`, () => {
      const paused = forwarderIn(state);
      assert.equal(paused.send({ type: 'pause' }), 'paused');
      assert.deepEqual(effects(paused), ['close']);

      const moved = forwarderIn(state);
      assert.equal(moved.send({ type: 'activated' }), 'connecting');
      assert.deepEqual(effects(moved), ['open']);

      const changed = forwarderIn(state);
      changed.send(on);
      assert.equal(changed.value, state, 'the same configuration changes nothing');
      assert.equal(changed.send({ ...on, revision: 'r2' }), 'connecting');
      assert.deepEqual(effects(changed), ['close', 'open']);
      assert.equal(changed.send({ ...on, revision: 'r3', enabled: false }), 'stopped');
      assert.deepEqual(effects(changed), ['close']);

      const off = forwarderIn(state);
      assert.equal(off.send({ ...on, enabled: false }), 'stopped');

      const broken = forwarderIn(state);
      assert.equal(broken.send(failed), 'faulted');
      assert.deepEqual(effects(broken), ['close']);
    });
  }

  it('stays paused over a new activation and a new configuration, until it is resumed', () => {
    const walk = forwarderIn('paused');
    walk.send({ type: 'activated' });
    walk.send({ ...on, revision: 'r2' });
    walk.send({ type: 'link.up' });
    assert.equal(walk.value, 'paused');
    assert.equal(context(walk).revision, 'r2');
    assert.equal(walk.send({ type: 'resume' }), 'connecting');
    walk.send({ type: 'pause' });
    assert.equal(walk.send({ ...on, revision: 'r3', enabled: false }), 'stopped');
  });

  it('leaves out only a batch that was refused', () => {
    const walk = forwarderIn('faulted');
    assert.equal(context(walk).refused, 'lake:1-7');
    assert.equal(walk.send({ type: 'skip' }), 'connecting');
    assert.deepEqual(walk.actions, [
      { type: 'leaveOut', params: { token: 'lake:1-7' } },
      { type: 'open', params: undefined },
    ]);
    assert.deepEqual([context(walk).refused, context(walk).skipped], [null, 1]);
    walk.send(failed);
    assert.equal(walk.send({ type: 'skip' }), 'faulted', 'nothing was refused');
    assert.equal(walk.send({ type: 'resume' }), 'connecting');
  });

  it('leaves the fault when it is paused, or configured anew', () => {
    const paused = forwarderIn('faulted');
    assert.equal(paused.send({ type: 'pause' }), 'paused');
    assert.equal(context(paused).refused, null);
    const changed = forwarderIn('faulted');
    assert.equal(changed.send({ ...on, revision: 'r2' }), 'connecting');
    const off = forwarderIn('faulted');
    assert.equal(off.send({ ...on, revision: 'r2', enabled: false }), 'stopped');
  });
});
