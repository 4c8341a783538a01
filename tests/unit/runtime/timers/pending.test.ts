import assert from 'node:assert/strict';
import { createMachine, emit, raise, sendTo, spawnChild, fromPromise } from 'xstate';
import type { Kind } from '../../../../actors/runtime/kind.js';
import { ActorState, takeStep } from '../../../../actors/runtime/state.js';
import { PendingTimers } from '../../../../actors/runtime/timers/pending.js';
import { CANCEL_TIMER, SET_TIMER } from '../../../../actors/runtime/timers/records.js';
import type { EffectRecord, EventBody, JournalEntry } from '../../../../bus/messages.js';
import { sleeperKind } from '../../../support/sleeper.js';

const none = undefined;
const wakeUp = 'xstate.after.nap.sleeper.asleep';
const set = (id: string | null, delayMs: number): EffectRecord => ({
  type: SET_TIMER,
  params: { id, event: { type: id ?? 'nameless' }, delayMs },
});
const cancel = (id: string): EffectRecord => ({ type: CANCEL_TIMER, params: { id } });

describe('delayed events of a machine', () => {
  const fresh = ActorState.restore(sleeperKind, 'x', none, []);
  const step = (event: EventBody) => takeStep(sleeperKind, fresh.snapshot, event, 1_000);

  it('become records of timers: a delayed transition, a delayed raise, a delayed send to itself', () => {
    assert.deepEqual(step({ type: 'sleep', ms: 50 }).effects, [
      { type: SET_TIMER, params: { id: wakeUp, event: { type: wakeUp }, delayMs: 50 } },
    ]);
    assert.deepEqual(step({ type: 'remind', ms: 7, text: 'tea' }).effects, [
      { type: SET_TIMER, params: { id: 'reminder', event: { type: 'reminded', text: 'tea', at: 0 }, delayMs: 7 } },
    ]);
    assert.deepEqual(step({ type: 'alarm', ms: -3 }).effects, [
      { type: SET_TIMER, params: { id: null, event: { type: 'reminded', text: 'alarm', at: 0 }, delayMs: 0 } },
    ]);
    assert.deepEqual(step({ type: 'forget' }).effects, [cancel('reminder')]);
  });

  it('without a delay are a part of the step', () => {
    const { snapshot, effects } = step({ type: 'shout' });
    assert.deepEqual([(snapshot.context as { heard: string[] }).heard, effects], [['now'], []]);
  });

  it('refuse a delay that is none, and what would live in the process only', () => {
    for (const ms of [NaN, Infinity, 'soon']) {
      assert.throws(() => step({ type: 'alarm', ms }), { code: 'kind.bad_delay' });
    }
    const actions = [
      emit({ type: 'noise' }),
      sendTo(({ self }) => self, { type: 'x' }),
      spawnChild(fromPromise(() => Promise.resolve())),
    ];
    for (const action of actions) {
      const kind = { ...sleeperKind, machine: createMachine({ on: { go: { actions: action } } }) };
      const { snapshot } = ActorState.restore(kind, 'x', none, []);
      assert.throws(() => takeStep(kind, snapshot, { type: 'go' }, 1), { code: 'kind.unsupported' });
    }
  });
});

describe('PendingTimers', () => {
  it('counts from the entry’s time and names a timer by its place in the journal', () => {
    const timers = new PendingTimers();
    const changes = timers.apply({ seq: 9, at: 100, effects: [{ type: 'other', params: null }, set('a', 5)] });
    const timer = { key: '9-1', id: 'a', event: { type: 'a' }, due: 105 };
    assert.deepEqual([changes, timers.all()], [{ set: [timer], cancelled: [] }, [timer]]);
    assert.deepEqual(new PendingTimers(timers.all()).get('9-1'), timer);
  });

  it('one set again under its id replaces the one before; those without an id do not', () => {
    const timers = new PendingTimers();
    timers.apply({ seq: 1, at: 0, effects: [set('a', 5), set(null, 5)] });
    const { set: added, cancelled } = timers.apply({ seq: 2, at: 0, effects: [set('a', 6), set(null, 6)] });
    assert.deepEqual([added.map(({ key }) => key), cancelled], [['2-0', '2-1'], ['1-0']]);
    assert.deepEqual(
      timers.all().map(({ key }) => key),
      ['1-1', '2-0', '2-1'],
    );
  });

  it('orders nothing for what was set and cancelled in one entry', () => {
    const timers = new PendingTimers();
    assert.deepEqual(timers.apply({ seq: 1, at: 0, effects: [set('a', 5), cancel('a')] }), { set: [], cancelled: [] });
    assert.equal(timers.size, 0);
  });

  it('ends with its firing, which is not to be cancelled', () => {
    const timers = new PendingTimers();
    timers.apply({ seq: 1, at: 0, effects: [set('a', 5), set('b', 5)] });
    const effects = timers.withoutVain([cancel('a'), cancel('b'), cancel('c')], '1-0');
    assert.deepEqual(effects, [cancel('b')]);
    assert.deepEqual(timers.apply({ seq: 2, at: 5, effects, timer: '1-0' }), { set: [], cancelled: ['1-1'] });
    assert.equal(timers.size, 0);
  });
});

describe('ActorState with timers', () => {
  const events: readonly EventBody[] = [
    { type: 'sleep', ms: 50 },
    { type: 'remind', ms: 7, text: 'tea' },
    { type: 'alarm', ms: 5 },
    { type: 'sleep', ms: 70 },
    { type: 'forget' },
    { type: 'alarm', ms: 6 },
  ];

  it('replayed, from entries or from a snapshot and the entries after it, waits for the same timers', () => {
    const state = ActorState.restore(sleeperKind, 'x', none, []);
    const entries: { seq: number; entry: JournalEntry }[] = [];
    const snapshots = [state.toSnapshot(sleeperKind, 0)];
    events.forEach((event, index) => {
      const at = 1_000 + index;
      const seq = index + 1;
      const step = state.step(sleeperKind, event, at);
      entries.push({ seq, entry: { event, effects: step.effects, at, machine: 1, traceparent: '', node: 'n' } });
      state.accept(step, seq, none, event);
      state.timers.apply({ seq, at, effects: step.effects });
      snapshots.push(state.toSnapshot(sleeperKind, at));
    });
    assert.deepEqual(
      state.timers.all().map(({ key, due }) => [key, due]),
      [
        ['3-0', 1_007],
        ['4-1', 1_073],
        ['6-0', 1_011],
      ],
    );
    const all = JSON.parse(JSON.stringify({ entries, snapshots })) as {
      entries: typeof entries;
      snapshots: typeof snapshots;
    };
    all.snapshots.forEach((stored, index) => {
      const restored = ActorState.restore(sleeperKind, 'x', index === 0 ? none : stored, all.entries.slice(index));
      assert.deepEqual(restored.timers.all(), state.timers.all(), `from ${index}`);
    });
  });

  it('replays a firing as one', () => {
    const effects = [set('a', 5)];
    const entry = { event: { type: 'alarm', ms: 5 }, effects, at: 1, machine: 1, traceparent: '', node: 'n' };
    const fired = { ...entry, event: { type: 'a' }, effects: [], timer: '1-0' };
    const restored = ActorState.restore(sleeperKind, 'x', none, [
      { seq: 1, entry },
      { seq: 2, entry: fired },
    ]);
    assert.equal(restored.timers.size, 0);
  });

  it('of an older machine, from an entry or a snapshot, waits as the present one would have set it', () => {
    const renamed = 'xstate.after.nap.sleeper.dozing';
    const kind: Kind = {
      ...sleeperKind,
      version: 2,
      upcast: { 1: (event) => (event.type === renamed ? { ...event, type: wakeUp } : event) },
      migrate: { 1: (state) => state },
    };
    const old = ActorState.restore(sleeperKind, 'x', none, []);
    const step = old.step(sleeperKind, { type: 'sleep', ms: 50 }, 1_000);
    const asWritten = JSON.stringify({ effects: step.effects, at: 1_000, machine: 1, traceparent: '', node: 'n' });
    const entry = JSON.parse(asWritten.replaceAll(wakeUp, renamed)) as JournalEntry;
    const entries = [{ seq: 1, entry: { ...entry, event: { type: 'sleep', ms: 50 } } }];
    const timer = { key: '1-0', id: wakeUp, event: { type: wakeUp }, due: 1_050 };
    assert.deepEqual(ActorState.restore(kind, 'x', none, entries).timers.all(), [timer]);
    old.accept(step, 1, none, { type: 'sleep' });
    const stored = {
      ...old.toSnapshot(sleeperKind, 1_000),
      timers: [{ ...timer, id: renamed, event: { type: renamed } }],
    };
    const restored = ActorState.restore(kind, 'x', stored, []);
    assert.deepEqual(restored.timers.all(), [timer]);
    const woken = restored.step(kind, { type: 'wake' }, 1_010);
    assert.deepEqual(woken.effects, [cancel(wakeUp)], 'leaving the state finds it');
  });

  it('starts the timers of the initial state with the first entry', () => {
    const machine = createMachine({
      initial: 'waiting',
      states: {
        waiting: { after: { 500: 'tired' }, on: { go: 'gone', hold: { actions: raise({ type: 'x' }, { delay: 9 }) } } },
        tired: {},
        gone: {},
      },
    });
    const kind = { ...sleeperKind, machine };
    const state = ActorState.restore(kind, 'x', none, []);
    const held = state.step(kind, { type: 'hold' }, 1_000);
    assert.deepEqual(
      held.effects.map(({ params }) => (params as { delayMs: number }).delayMs),
      [500, 9],
    );
    assert.equal(state.step(kind, { type: 'nonsense' }, 1_000).changed, false);
    const left = state.step(kind, { type: 'go' }, 1_000);
    assert.deepEqual(new PendingTimers().apply({ seq: 1, ...left }), { set: [], cancelled: [] });
    state.accept(held, 1, none, { type: 'hold' });
    assert.equal(state.step(kind, { type: 'hold' }, 1_001).effects.length, 1);
  });
});
