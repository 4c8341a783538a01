import assert from 'node:assert/strict';
import Type from 'typebox';
import { assign, createMachine, fromPromise, setup } from 'xstate';
import { DEFAULT_POLICY, defineKind, type Kind } from '../../../actors/runtime/kind.js';
import { childActions } from '../../../actors/runtime/supervision/effects.js';
import { DEFAULT_SUPERVISION } from '../../../actors/runtime/supervision/policy.js';
import { counterKind, counterMachine } from '../../support/counter.js';

const rest = { kind: 'thing', version: 1, commands: () => ({}), effects: {} };

describe('defineKind', () => {
  it('refuses a machine whose action has no effect', () => {
    assert.throws(() => defineKind({ ...rest, machine: counterMachine }), {
      code: 'kind.effect_missing',
      message: 'kind "thing" has no effect for: announce',
    });
    const entered = createMachine({ initial: 'a', states: { a: { exit: 'wave', on: { go: { actions: 'shout' } } } } });
    assert.throws(() => defineKind({ ...rest, machine: entered }), /no effect for: wave, shout/);
  });

  it('refuses an effect that the machine does not name', () => {
    const effects = { announce: () => undefined, anounce: () => undefined };
    assert.throws(() => defineKind({ ...rest, machine: counterMachine, effects }), {
      code: 'kind.effect_unknown',
      message: 'kind "thing" has effects that its machine does not name: anounce; it names announce',
    });
  });

  it('refuses an action without a name, which would be lost', () => {
    const machine = createMachine({ initial: 'a', states: { a: { entry: () => undefined } } });
    assert.throws(() => defineKind({ ...rest, machine }), /state "\(machine\)\.a" has an action without a name/);
    const moved = createMachine({ on: { go: { actions: () => undefined } } });
    assert.throws(() => defineKind({ ...rest, machine: moved }), { code: 'kind.unsupported' });
  });

  it('takes assignments, named and not, as the machine’s own', () => {
    const machine = setup({ actions: { note: assign({}) } }).createMachine({ entry: ['note', assign({})] });
    assert.equal(defineKind({ ...rest, machine }).kind, 'thing');
  });

  it('refuses what lives in a process: invoked actors, however deep', () => {
    const work = fromPromise(() => Promise.resolve());
    const invoking = createMachine({
      initial: 'a',
      states: { a: { initial: 'b', states: { b: { invoke: { src: work } } } } },
    });
    assert.throws(() => defineKind({ ...rest, machine: invoking }), {
      code: 'kind.unsupported',
      message: 'kind "thing": state "(machine).a.b" invokes an actor; make it an effect whose result is an event',
    });
  });

  it('takes delayed transitions, but no delay without a definition', () => {
    const delayed = createMachine({ initial: 'a', states: { a: { after: { 100: 'b', nap: 'b' } }, b: {} } });
    assert.throws(() => defineKind({ ...rest, machine: delayed }), {
      code: 'kind.unsupported',
      message: 'kind "thing": state "(machine).a" waits for "nap", a delay that setup does not name',
    });
    const machine = delayed.provide({ delays: { nap: 5 } });
    assert.equal(defineKind({ ...rest, machine }).kind, 'thing');
  });

  it('keeps the runtime’s names for the runtime', () => {
    const machine = createMachine({});
    for (const name of ['statewatt.halt', 'child.failed']) {
      assert.throws(
        () => defineKind({ ...rest, machine, commands: (command) => ({ [name]: command(Type.Object({})) }) }),
        { code: 'kind.reserved', message: `kind "thing": command "${name}" is the runtime’s own` },
      );
    }
    const spawning = setup({ actions: childActions }).createMachine({
      on: { go: { actions: { type: 'spawnChild', params: { ref: 'thing/b' } } } },
    });
    assert.throws(() => defineKind({ ...rest, machine: spawning }), /no effect for: spawnChild, stopChild/);
    assert.throws(
      () => defineKind({ ...rest, machine: spawning, supervise: {}, effects: { spawnChild: () => undefined } }),
      { code: 'kind.reserved' },
    );
    const kind: Kind = defineKind({ ...rest, machine: spawning, supervise: { strategy: 'one-for-all' } });
    assert.deepEqual(kind.supervise, { ...DEFAULT_SUPERVISION, strategy: 'one-for-all' });
  });

  it('fills in the default policy, input and answer', () => {
    const machine = createMachine({ initial: 'on', states: { on: {} } });
    const kind: Kind = defineKind({
      ...rest,
      machine,
      commands: (command) => ({ look: command(Type.Object({})) }),
      policy: { snapshotEvery: 7 },
    });
    assert.deepEqual(kind.policy, { ...DEFAULT_POLICY, snapshotEvery: 7 });
    assert.equal(kind.input('x'), undefined);
    const turn = { command: {}, commandId: 'c', changed: false, snapshot: { value: 'on' } as never };
    assert.equal(kind.commands.look?.reply(turn), 'on');
  });

  it('checks commands by their schema, all mistakes at once', () => {
    const { add } = counterKind().commands;
    assert.equal(add?.validate({ type: 'add', by: 1 }), true);
    assert.equal(add?.validate({ type: 'add', by: 'x' }), false);
    assert.equal(add?.validate({ type: 'add' }), false);
    assert.match(add?.validate.errors?.[0]?.message ?? '', /required property 'by'|required properties by/);
  });
});
