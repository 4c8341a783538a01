import assert from 'node:assert/strict';
import fc from 'fast-check';
import Type from 'typebox';
import { assign, createMachine, emit, setup } from 'xstate';
import { defineKind, type Effects, type Kind, type Resource } from '../../../actors/runtime/kind.js';
import { ActorState, stateName, takeStep } from '../../../actors/runtime/state.js';
import type { EventBody, JournalEntry, SnapshotRecord } from '../../../bus/messages.js';
import { channelMachine } from '../../../machines/channel.js';
import { counterKind, counterMachine } from '../../support/counter.js';

const none = undefined;

function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Lives through the events and journals them, as an activation does. */
function live(kind: Kind, events: readonly EventBody[], snapshotAfter: number) {
  const state = ActorState.restore(kind, 'x', none, []);
  const entries: { seq: number; entry: JournalEntry }[] = [];
  let stored: SnapshotRecord | undefined;
  events.forEach((event, index) => {
    const at = 1_000 + index;
    let step;
    try {
      step = takeStep(kind, state.snapshot, event, at);
    } catch {
      return; // Poison: parked, and the actor goes on.
    }
    if (!step.changed) return;
    const seq = (index + 1) * 3;
    const commandId = `c${index}`;
    const entry = { event, effects: step.effects, at, machine: 1, commandId, traceparent: '', node: 'n' };
    entries.push(throughJson({ seq, entry }));
    state.accept(step, seq, commandId, event);
    if (entries.length === snapshotAfter) stored = throughJson(state.toSnapshot(kind, at));
  });
  return { state, entries, stored };
}

function assertReplayEqualsLive(kind: Kind, events: readonly EventBody[], snapshotAfter: number): void {
  const { state, entries, stored } = live(kind, events, snapshotAfter);
  const after = entries.filter(({ seq }) => seq > (stored?.seq ?? 0));
  for (const restored of [ActorState.restore(kind, 'x', stored, after), ActorState.restore(kind, 'x', none, entries)]) {
    assert.deepEqual(restored.snapshot.value, state.snapshot.value);
    assert.deepEqual(restored.snapshot.context, state.snapshot.context);
    assert.equal(restored.seq, state.seq);
    assert.deepEqual(restored.toSnapshot(kind, 0), state.toSnapshot(kind, 0));
  }
}

const channelEffects = {
  openLink: () => none,
  holdPoint: () => none,
  closeLink: () => none,
  useConfiguration: () => none,
  writePoint: () => none,
} satisfies Effects<typeof channelMachine, Resource>;

const channel = defineKind({
  kind: 'channel',
  version: 1,
  machine: channelMachine,
  commands: () => ({}),
  effects: channelEffects,
});

describe('ActorState', () => {
  const counter = counterKind();

  it('replayed, the counter is what it was, for any events', () => {
    const event = fc.oneof(
      fc.record({ type: fc.constant('add'), by: fc.integer() }),
      fc.record({ type: fc.constant('announce'), text: fc.string() }),
      fc.constant({ type: 'explode' }),
      fc.constant({ type: 'nonsense' }),
      fc.constant({ type: 'lock' }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.nat({ max: 60 }), (events, snapshotAfter) =>
        assertReplayEqualsLive(counter, events, snapshotAfter),
      ),
    );
  });

  it('replayed, a channel is what it was, for any events', () => {
    const error = fc.constant({ code: 'modbus.timeout', category: 'timeout', message: 'no answer' });
    const writeId = fc.constantFrom('w1', 'w2', 'w3', 'w4');
    const event: fc.Arbitrary<EventBody> = fc.oneof(
      fc.constantFrom('start', 'stop', 'pause', 'resume', 'reset', 'activated', 'link.up').map((type) => ({ type })),
      fc.record({
        type: fc.constant('configure'),
        revision: fc.constantFrom('r1', 'r2', 'r3'),
        enabled: fc.boolean(),
      }),
      fc.record({ type: fc.constantFrom('link.down', 'link.failed'), error }),
      fc.record({
        type: fc.constant('write'),
        writeId,
        kind: fc.constantFrom('C', 'A'),
        id: fc.nat(),
        value: fc.oneof(fc.integer(), fc.string()),
      }),
      fc.record({
        type: fc.constant('write.done'),
        writeId,
        result: fc.constant({ written: 1, readBack: null, confirmed: false, answer: 'ok', roundTripMs: 1.5 }),
      }),
      fc.record({ type: fc.constant('write.failed'), writeId, error }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120 }), fc.nat({ max: 60 }), (events, snapshotAfter) =>
        assertReplayEqualsLive(channel, events, snapshotAfter),
      ),
    );
  });

  it('gives the machine the journal’s time, not the event’s', () => {
    const clock = defineKind({
      kind: 'clock',
      version: 1,
      machine: setup({
        types: { context: {} as { at: number }, events: {} as { type: 'tick'; at: number } },
        actions: { note: assign({ at: ({ event }) => event.at }) },
      }).createMachine({ context: { at: 0 }, on: { tick: { actions: 'note' } } }),
      commands: (command) => ({ tick: command(Type.Object({})) }),
      effects: {},
    });
    const state = ActorState.restore(clock, 'x', none, []);
    const step = takeStep(clock, state.snapshot, { type: 'tick', at: 99 }, 7);
    assert.deepEqual(step.snapshot.context, { at: 7 });
  });

  it('remembers the last 256 command ids, over snapshots too', () => {
    const state = ActorState.restore(counter, 'x', none, []);
    for (let index = 0; index < 300; index++) {
      state.accept(takeStep(counter, state.snapshot, { type: 'add', by: 1 }, index), index + 1, `c${index}`, {
        type: 'add',
      });
    }
    state.accept(takeStep(counter, state.snapshot, { type: 'add', by: 1 }, 300), 301, none, { type: 'add' });
    assert.deepEqual(
      [state.knows('c43'), state.knows('c44'), state.knows('c299'), state.knows(none)],
      [false, true, true, false],
    );
    const restored = ActorState.restore(counter, 'x', throughJson(state.toSnapshot(counter, 0)), []);
    assert.deepEqual([restored.knows('c43'), restored.knows('c44'), restored.seq], [false, true, 301]);
  });

  it('starts a new actor with the input of its id', () => {
    const named = defineKind({
      kind: 'named',
      version: 1,
      machine: setup({
        types: { context: {} as { name: string }, input: {} as { name: string } },
      }).createMachine({ context: ({ input }) => input }),
      commands: () => ({}),
      input: (id) => ({ name: id }),
      effects: {},
    });
    assert.deepEqual(ActorState.restore(named, 'seven', none, []).snapshot.context, { name: 'seven' });
  });
});

describe('takeStep', () => {
  const counter = counterKind();
  const before = ActorState.restore(counter, 'x', none, []).snapshot;

  it('is pure: the state before stays as it was', () => {
    const step = takeStep(counter, before, { type: 'add', by: 2 }, 1);
    assert.deepEqual([before.context, step.snapshot.context], [{ total: 0 }, { total: 2 }]);
    assert.equal(step.changed, true);
  });

  it('names the effects with their params', () => {
    const step = takeStep(counter, before, { type: 'announce', text: 'hello' }, 1);
    assert.deepEqual(step.effects, [{ type: 'announce', params: { text: 'hello' } }]);
    assert.equal(step.changed, true);
  });

  it('says that an unknown event changed nothing', () => {
    const step = takeStep(counter, before, { type: 'nonsense' }, 1);
    assert.deepEqual([step.changed, step.effects, step.snapshot === before], [false, [], true]);
  });

  it('throws what an assignment or a guard throws', () => {
    assert.throws(() => takeStep(counter, before, { type: 'explode' }, 1), /boom/);
  });

  it('refuses an action that would live in the process only', () => {
    const machine = createMachine({ on: { shout: { actions: emit({ type: 'noise' }) } } });
    const kind = { ...counter, kind: 'shouter', machine };
    const start = ActorState.restore(kind, 'x', none, []).snapshot;
    assert.throws(() => takeStep(kind, start, { type: 'shout' }, 1), { code: 'kind.unsupported' });
  });
});

describe('stateName', () => {
  it('puts parallel and nested states on one line', () => {
    const machine = createMachine({
      type: 'parallel',
      states: {
        link: { initial: 'up', states: { up: {}, down: {} } },
        shelving: { initial: 'on', states: { on: { initial: 'timed', states: { timed: {} } } } },
      },
    });
    const { snapshot } = ActorState.restore({ ...counterKind(), machine }, 'x', none, []);
    assert.equal(stateName(snapshot), 'link.up & shelving.on.timed');
    assert.equal(
      stateName(ActorState.restore({ ...counterKind(), machine: counterMachine }, 'x', none, []).snapshot),
      'open',
    );
  });
});
