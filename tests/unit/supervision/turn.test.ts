import assert from 'node:assert/strict';
import type { EffectRecord, JournalEntry } from '../../../bus/messages.js';
import { makeRef } from '../../../bus/subjects.js';
import type { Kind } from '../../../actors/runtime/kind.js';
import { ActorState, takeStep } from '../../../actors/runtime/state.js';
import { asControl, type Control } from '../../../actors/runtime/supervision/control.js';
import type { Supervision } from '../../../actors/runtime/supervision/policy.js';
import {
  familyStep,
  controlTurn,
  isJournaled,
  startChildren,
  type ControlTurn,
} from '../../../actors/runtime/supervision/turn.js';
import { parentKind } from '../../support/family.js';

/** A parent whose journal is kept here, so that a replay of it can be compared. */
class Parent {
  readonly ref;
  readonly kind: Kind;
  readonly entries: { seq: number; entry: JournalEntry }[] = [];
  state: ActorState;

  constructor(id: string, supervise: Partial<Supervision> = {}) {
    this.ref = makeRef('crew', id);
    this.kind = parentKind('crew', {
      intensity: 2,
      windowMs: 1_000,
      backoffMs: { initial: 100, max: 150 },
      ...supervise,
    });
    this.state = ActorState.restore(this.kind, id, undefined, []);
  }

  spawn(...refs: string[]): void {
    for (const ref of refs) this.event({ type: 'spawn', ref });
  }

  event(event: { type: string; ref: string; restart?: string }, at = 0): void {
    const step = familyStep(this.ref, this.state.family, takeStep(this.kind, this.state.snapshot, event, at));
    this.#accept({ event, step });
  }

  hear(control: Control, at = 0): ControlTurn | undefined {
    assert.ok(isJournaled(control));
    const turn = controlTurn(this.kind, this.ref, this.state, control, at, 1);
    if (turn !== undefined) this.#accept(turn);
    return turn;
  }

  crash(child: string, at = 0): ControlTurn {
    return this.hear(
      { type: 'statewatt.crashed', child, error: { code: 'x.y', message: 'broken' } },
      at,
    ) as ControlTurn;
  }

  start(at = 0): ControlTurn {
    const turn = startChildren(this.state, at);
    this.#accept(turn);
    return turn;
  }

  /** What a new activation would find. */
  replayed(): ActorState {
    const entries = JSON.parse(JSON.stringify(this.entries)) as typeof this.entries;
    return ActorState.restore(this.kind, this.ref.id, undefined, entries);
  }

  #accept({ event, step }: ControlTurn): void {
    const seq = this.entries.length + 1;
    const { effects, at } = step;
    const entry = { event, effects, at, machine: 1, traceparent: '', node: 'n' };
    this.entries.push({ seq, entry });
    this.state.accept(step, seq, undefined, event);
  }
}

function told(effects: readonly EffectRecord[]): [string, string][] {
  return effects.map(({ type, params }) => [type, (params as { ref: string }).ref]);
}

const delays = (turn: ControlTurn) => turn.step.effects.map(({ params }) => (params as { delayMs: number }).delayMs);

describe('a parent', () => {
  it('remembers its children in the order of their start, and forgets those that it stops', () => {
    const parent = new Parent('p');
    parent.spawn('worker/a', 'worker/b', 'worker/c', 'worker/a');
    parent.event({ type: 'dismiss', ref: 'worker/b' });
    assert.deepEqual(
      parent.state.family.children.map(({ ref }) => ref),
      ['worker/a', 'worker/c'],
    );
  });

  it('has the crashed child started again, later each time, and counts it', () => {
    const parent = new Parent('p');
    parent.spawn('worker/a', 'worker/b');
    const first = parent.crash('worker/a');
    assert.deepEqual(told(first.step.effects), [['statewatt.restart', 'worker/a']]);
    assert.deepEqual(delays(first), [100]);
    assert.deepEqual(delays(parent.crash('worker/b')), [150]);
    assert.deepEqual(
      parent.state.family.children.map(({ restarts }) => restarts),
      [1, 1],
    );
    assert.ok(first.step.effects.every(({ durable }) => durable));
  });

  for (const [strategy, expected] of [
    ['one-for-all', ['worker/a', 'worker/b', 'worker/c']],
    ['rest-for-one', ['worker/b', 'worker/c']],
  ] as const) {
    it(`has its other children started again too: ${strategy}`, () => {
      const parent = new Parent('p', { strategy });
      parent.spawn('worker/a', 'worker/b', 'worker/c');
      assert.deepEqual(
        told(parent.crash('worker/b').step.effects),
        expected.map((ref) => ['statewatt.restart', ref]),
      );
    });
  }

  it('beyond its intensity crashes itself, all its children halted, and starts them with itself', () => {
    const parent = new Parent('p');
    parent.spawn('worker/a', 'worker/b');
    parent.crash('worker/a');
    parent.crash('worker/b');
    const last = parent.crash('worker/a');
    assert.deepEqual(told(last.step.effects), [
      ['statewatt.halt', 'worker/a'],
      ['statewatt.halt', 'worker/b'],
    ]);
    assert.ok(typeof last.then === 'object');
    assert.equal(last.then.crash.code, 'supervision.child_failed');
    assert.match(last.then.crash.message, /crew\/p: its child worker\/a crashed more than 2 times within 1 s.*broken/);
    assert.equal(parent.state.family.gaveUp, true);
    const again = parent.start();
    assert.deepEqual(told(again.step.effects), [
      ['statewatt.restart', 'worker/a'],
      ['statewatt.restart', 'worker/b'],
    ]);
    assert.equal(parent.state.family.gaveUp, false);
    // With a fresh window, as a supervisor that has been restarted.
    assert.deepEqual(told(parent.crash('worker/a').step.effects), [['statewatt.restart', 'worker/a']]);
  });

  it('forgets crashes that are out of its window', () => {
    const parent = new Parent('p');
    parent.spawn('worker/a');
    parent.crash('worker/a', 0);
    parent.crash('worker/a', 1);
    assert.deepEqual(told(parent.crash('worker/a', 1_001).step.effects), [['statewatt.restart', 'worker/a']]);
  });

  it('whose chart takes child.failed goes on: only that child is halted', () => {
    const parent = new Parent('listener', { intensity: 0 });
    parent.spawn('worker/a', 'worker/b');
    const turn = parent.crash('worker/a');
    assert.equal(turn.event.type, 'child.failed');
    assert.equal(turn.then, undefined);
    assert.deepEqual(told(turn.step.effects), [['statewatt.halt', 'worker/a']]);
    assert.deepEqual(
      parent.state.family.children.map(({ down }) => down),
      [true, false],
    );
    assert.deepEqual(parent.state.snapshot.context, { heard: ['worker/a'], deaf: false });
  });

  it('does not start a temporary child again, nor crash with it', () => {
    for (const id of ['deaf', 'listener']) {
      const parent = new Parent(id);
      parent.event({ type: 'spawn', ref: 'worker/t', restart: 'temporary' });
      const turn = parent.crash('worker/t');
      assert.deepEqual(told(turn.step.effects), [['statewatt.halt', 'worker/t']]);
      assert.equal(turn.then, undefined);
      assert.deepEqual(parent.state.family, { ...parent.state.family, children: [], gaveUp: false, crashes: [] });
    }
  });

  it('has a crashed actor halted that is no child of its any more', () => {
    assert.deepEqual(told(new Parent('p').crash('worker/x').step.effects), [['statewatt.halt', 'worker/x']]);
  });

  it('is what it was after a replay of its journal', () => {
    const parent = new Parent('listener', { strategy: 'rest-for-one' });
    parent.hear({ type: 'statewatt.adopt', by: 'crew/above', restart: 'permanent' });
    parent.spawn('worker/a', 'worker/b', 'worker/c');
    for (const at of [1, 2, 3, 4]) parent.crash('worker/b', at);
    parent.event({ type: 'dismiss', ref: 'worker/a' });
    const { family, snapshot } = parent.replayed();
    assert.deepEqual(family, parent.state.family);
    assert.deepEqual(snapshot.context, parent.state.snapshot.context);
    const stored = JSON.parse(JSON.stringify(parent.state.toSnapshot(parent.kind, 9))) as ReturnType<
      ActorState['toSnapshot']
    >;
    assert.deepEqual(ActorState.restore(parent.kind, parent.ref.id, stored, []).family, parent.state.family);
  });

  it('whose chart comes to its end stops its children', () => {
    const parent = new Parent('p');
    parent.spawn('worker/a', 'worker/b');
    parent.event({ type: 'close', ref: '' });
    assert.deepEqual(told(parent.entries.at(-1)?.entry.effects ?? []), [
      ['stopChild', 'worker/a'],
      ['stopChild', 'worker/b'],
    ]);
    assert.deepEqual(parent.replayed().family.children, []);
  });

  it('refuses a child that cannot be', () => {
    const parent = new Parent('p');
    assert.throws(() => parent.spawn('crew/p'), { code: 'supervision.invalid_child' });
    assert.throws(() => parent.spawn('Worker'), { code: 'actors.invalid_ref' });
    assert.throws(() => parent.event({ type: 'spawn', ref: 'worker/a', restart: 'ever' }), /allowed: \{"ref"/);
    parent.spawn(...Array.from({ length: 1_000 }, (_, index) => `worker/${index}`));
    assert.throws(() => parent.spawn('worker/more'), { code: 'supervision.too_many_children' });
  });
});

describe('a child', () => {
  const adopt: Control = { type: 'statewatt.adopt', by: 'crew/a', restart: 'permanent' };

  it('has one parent at a time', () => {
    const child = new Parent('c');
    child.hear(adopt);
    assert.equal(child.state.family.parent, 'crew/a');
    assert.equal(child.hear(adopt), undefined);
    assert.throws(() => child.hear({ ...adopt, by: 'crew/b' }), { code: 'supervision.has_parent' });
  });

  it('is stopped for good by its parent only, and its own children with it; spawned again, it lives again', () => {
    const child = new Parent('c');
    child.hear(adopt);
    child.spawn('worker/x', 'worker/y');
    assert.throws(() => child.hear({ type: 'statewatt.stop', by: 'crew/b' }), { code: 'supervision.not_parent' });
    const end = child.hear({ type: 'statewatt.stop', by: 'crew/a' });
    assert.equal(end?.then, 'end');
    assert.deepEqual(told(end?.step.effects ?? []), [
      ['stopChild', 'worker/x'],
      ['stopChild', 'worker/y'],
    ]);
    assert.deepEqual(child.state.family, { ...child.state.family, stopped: true, parent: null, children: [] });
    assert.equal(child.hear({ type: 'statewatt.stop', by: 'crew/a' }), undefined);
    const renewed = child.hear({ ...adopt, by: 'crew/b' });
    assert.equal(renewed?.then, 'renew');
    assert.deepEqual(child.state.family, { ...child.state.family, stopped: false, parent: 'crew/b' });
  });
});

describe('a word between parent and child', () => {
  it('is taken only as it must be', () => {
    assert.equal(asControl({ type: 'work' }), undefined);
    assert.equal(asControl({ type: 'statewatt.restart', by: 'crew/a' }), undefined);
    assert.equal(asControl({ type: 'statewatt.restart', by: 'crew/a', delayMs: -1 }), undefined);
    assert.equal(asControl({ type: 'statewatt.other', by: 'crew/a' }), undefined);
    const restart = { type: 'statewatt.restart', by: 'crew/a', delayMs: 5 };
    assert.equal(asControl(restart), restart);
  });
});
