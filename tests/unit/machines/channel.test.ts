import assert from 'node:assert/strict';
import type { WithoutTime } from '../../../actors/runtime/kind.js';
import {
  channelMachine,
  findWrite,
  KEPT_WRITES,
  MAX_PENDING_WRITES,
  type ChannelContext,
  type ChannelEvent,
} from '../../../machines/channel.js';
import { assertAllTaken, Walk } from '../../support/walk.js';

const error = { code: 'protocol.link_lost', category: 'unavailable', message: 'gone' } as const;
const result = { written: 1, readBack: 1, confirmed: true, answer: 'ok', roundTripMs: 2 };
const running = ['connecting', 'online', 'backingOff'] as const;

type Sent = WithoutTime<ChannelEvent>;

describe('channel machine', () => {
  const covered = new Set<unknown>();

  /** A channel brought to a state, the shortest way. */
  function channelIn(state: string): Walk<typeof channelMachine> {
    const walk = new Walk(channelMachine, covered);
    const way: Record<string, Sent[]> = {
      stopped: [],
      connecting: [{ type: 'start' }],
      online: [{ type: 'start' }, { type: 'link.up' }],
      backingOff: [{ type: 'start' }, { type: 'link.down', error }],
      paused: [{ type: 'start' }, { type: 'pause' }],
      faulted: [{ type: 'start' }, { type: 'link.failed', error }],
    };
    for (const event of way[state] ?? []) walk.send(event);
    assert.equal(walk.value, state);
    return walk;
  }
  const context = (walk: Walk<typeof channelMachine>) => walk.snapshot.context as ChannelContext;
  const effects = (walk: Walk<typeof channelMachine>) => walk.actions.map((action) => action.type);
  const write = (writeId: string): Sent => ({ type: 'write', writeId, kind: 'A', id: 3, value: 7 });

  after(() => assertAllTaken(channelMachine, covered));

  it('begins stopped and starts only when told to, or configured so', () => {
    const walk = channelIn('stopped');
    assert.equal(walk.send({ type: 'link.up' }), 'stopped');
    assert.equal(walk.send({ type: 'configure', revision: 'r1', enabled: true }), 'connecting');
    assert.deepEqual(effects(walk), ['openLink']);
    assert.equal(context(walk).since, walk.now);
  });

  it('keeps an operator’s stop through a change of configuration that does not turn it on anew', () => {
    const walk = channelIn('stopped');
    walk.send({ type: 'configure', revision: 'r1', enabled: true });
    assert.equal(walk.send({ type: 'stop' }), 'stopped');
    assert.deepEqual(effects(walk), ['closeLink']);
    assert.equal(walk.send({ type: 'configure', revision: 'r2', enabled: true }), 'stopped');
    assert.equal(walk.send({ type: 'activated' }), 'stopped');
    assert.deepEqual(effects(walk), []);
    assert.equal(context(walk).revision, 'r2');
    assert.equal(walk.send({ type: 'configure', revision: 'r3', enabled: false }), 'stopped');
    assert.equal(walk.send({ type: 'configure', revision: 'r4', enabled: true }), 'connecting');
  });

  it('goes online, backs off when the link is lost, and counts both ways', () => {
    const walk = channelIn('online');
    assert.equal(context(walk).reconnects, 0);
    assert.equal(walk.send({ type: 'link.down', error }), 'backingOff');
    assert.deepEqual(context(walk).lastError, { at: walk.now, error });
    assert.equal(context(walk).outages, 1);
    assert.equal(walk.send({ type: 'link.up' }), 'online');
    assert.equal(context(walk).reconnects, 1);
    assert.equal(context(walk).since, walk.now);
  });

  for (const state of running) {
    it(`${state}: stops, pauses, fails, and opens the link anew at an activation`, () => {
      assert.equal(channelIn(state).send({ type: 'stop' }), 'stopped');
      const paused = channelIn(state);
      assert.equal(paused.send({ type: 'pause' }), 'paused');
      assert.deepEqual(effects(paused), ['closeLink']);
      const faulted = channelIn(state);
      assert.equal(faulted.send({ type: 'link.failed', error }), 'faulted');
      assert.deepEqual(effects(faulted), ['closeLink']);
      const activated = channelIn(state);
      assert.equal(activated.send({ type: 'activated' }), 'connecting');
      assert.deepEqual(effects(activated), ['openLink']);
    });

    it(`${state}: uses a new configuration at once, ignores the one it has, stops when it is disabled`, () => {
      const walk = channelIn(state);
      assert.equal(walk.send({ type: 'configure', revision: 'r1', enabled: true }), 'connecting');
      assert.deepEqual(effects(walk), ['useConfiguration', 'openLink']);
      const before = walk.snapshot;
      walk.send({ type: 'configure', revision: 'r1', enabled: true });
      assert.equal(walk.snapshot, before);
      const disabled = channelIn(state);
      disabled.send({ type: 'configure', revision: 'r1', enabled: true });
      for (const event of state === 'online' ? [{ type: 'link.up' } as const] : []) disabled.send(event);
      if (state === 'backingOff') disabled.send({ type: 'link.down', error });
      assert.equal(disabled.send({ type: 'configure', revision: 'r2', enabled: false }), 'stopped');
    });
  }

  it('paused: stays so through activations and configuration, resumes, starts or stops when told', () => {
    const walk = channelIn('paused');
    assert.equal(walk.send({ type: 'activated' }), 'paused');
    assert.equal(walk.send({ type: 'configure', revision: 'r1', enabled: true }), 'paused');
    assert.equal(walk.send({ type: 'resume' }), 'connecting');
    assert.equal(channelIn('paused').send({ type: 'start' }), 'connecting');
    assert.equal(channelIn('paused').send({ type: 'stop' }), 'stopped');
    walk.send({ type: 'pause' });
    assert.equal(walk.send({ type: 'configure', revision: 'r2', enabled: false }), 'stopped');
  });

  it('faulted: waits for a reset, a start, or another configuration', () => {
    assert.equal(channelIn('faulted').send({ type: 'activated' }), 'faulted');
    assert.equal(channelIn('faulted').send({ type: 'reset' }), 'connecting');
    assert.equal(channelIn('faulted').send({ type: 'start' }), 'connecting');
    assert.equal(channelIn('faulted').send({ type: 'stop' }), 'stopped');
    const walk = channelIn('faulted');
    assert.equal(walk.send({ type: 'configure', revision: 'r1', enabled: true }), 'connecting');
    walk.send({ type: 'link.failed', error });
    assert.equal(walk.send({ type: 'configure', revision: 'r2', enabled: false }), 'stopped');
  });

  it('takes a write only online, once, and remembers the device’s answer', () => {
    for (const state of ['stopped', 'connecting', 'backingOff', 'paused', 'faulted']) {
      const walk = channelIn(state);
      const before = walk.snapshot;
      walk.send(write('w'));
      assert.equal(walk.snapshot, before, state);
    }
    const walk = channelIn('online');
    walk.send(write('w'));
    assert.deepEqual(walk.actions, [{ type: 'writePoint', params: { writeId: 'w', kind: 'A', id: 3, value: 7 } }]);
    assert.equal(findWrite(context(walk), 'w')?.status, 'pending');
    walk.send(write('w'));
    assert.deepEqual(walk.actions, []);
    walk.send({ type: 'write.done', writeId: 'w', result });
    const done = findWrite(context(walk), 'w');
    assert.deepEqual(done, {
      writeId: 'w',
      kind: 'A',
      id: 3,
      value: 7,
      at: walk.now - 2_000,
      status: 'done',
      result,
    });
    const before = walk.snapshot;
    walk.send({ type: 'write.failed', writeId: 'w', error });
    walk.send({ type: 'write.done', writeId: 'unknown', result });
    assert.equal(walk.snapshot, before);
  });

  it('takes the answer of a write that was under way when the link went, and of a refused one', () => {
    const walk = channelIn('online');
    walk.send(write('w'));
    walk.send({ type: 'link.down', error });
    walk.send({ type: 'write.failed', writeId: 'w', error });
    const record = findWrite(context(walk), 'w');
    assert.equal(record?.status === 'failed' && record.error.code, error.code);
  });

  it('never repeats a write on its own: an activation leaves it interrupted', () => {
    const walk = channelIn('online');
    walk.send(write('w'));
    walk.send({ type: 'activated' });
    assert.equal(findWrite(context(walk), 'w')?.status, 'interrupted');
    assert.deepEqual(effects(walk), ['openLink']);
  });

  it('bounds the writes that wait and the answers that it remembers', () => {
    const walk = channelIn('online');
    for (let each = 0; each <= MAX_PENDING_WRITES; each++) walk.send(write(`p${each}`));
    assert.equal(context(walk).writes.length, MAX_PENDING_WRITES);
    for (let each = 0; each < MAX_PENDING_WRITES - 1; each++) {
      walk.send({ type: 'write.done', writeId: `p${each + 1}`, result });
    }
    for (let each = 0; each < 2 * KEPT_WRITES; each++) {
      walk.send(write(`${each}`));
      walk.send({ type: 'write.done', writeId: `${each}`, result });
    }
    assert.equal(context(walk).writes.length, KEPT_WRITES);
    assert.equal(findWrite(context(walk), 'p0')?.status, 'pending');
    assert.equal(context(walk).writes.at(-1)?.writeId, `${2 * KEPT_WRITES - 1}`);
  });

  it('keeps what points were set to, in any state, and what was written to them since', () => {
    const hold = (value: number): Sent => ({ type: 'hold', kind: 'A', id: 3, value });
    for (const state of ['stopped', 'online', 'faulted']) {
      const walk = channelIn(state);
      assert.equal(walk.send(hold(4)), state);
      assert.deepEqual(walk.actions, [{ type: 'holdPoint', params: { kind: 'A', id: 3, value: 4 } }]);
      assert.deepEqual(context(walk).held, { 'A:3': 4 });
    }
    const walk = channelIn('online');
    walk.send(write('w1'));
    walk.send({ type: 'write.done', writeId: 'w1', result });
    assert.deepEqual(context(walk).held, {}, 'nobody has set that one');
    walk.send(hold(4));
    walk.send(write('w2'));
    walk.send({ type: 'write.failed', writeId: 'w2', error });
    walk.send({ type: 'write', writeId: 'w3', kind: 'A', id: 3, value: 'text' });
    walk.send({ type: 'write.done', writeId: 'w3', result });
    assert.deepEqual(context(walk).held, { 'A:3': 4 });
    walk.send(write('w4'));
    walk.send({ type: 'write.done', writeId: 'w4', result });
    assert.deepEqual(context(walk).held, { 'A:3': 7 });
    assert.equal(walk.send({ type: 'activated' }), 'connecting');
    assert.deepEqual(walk.actions, [{ type: 'openLink', params: { held: { 'A:3': 7 } } }]);
  });

  it('begins from the beginning in every state', () => {
    for (const state of ['stopped', 'paused', 'faulted']) {
      const walk = channelIn(state);
      assert.equal(walk.send({ type: 'restart' }), 'connecting');
      assert.deepEqual(effects(walk), ['openLink']);
    }
    for (const state of running) {
      const walk = channelIn(state);
      assert.equal(walk.send({ type: 'restart' }), 'connecting');
      assert.deepEqual(effects(walk), ['useConfiguration', 'openLink']);
    }
  });
});
