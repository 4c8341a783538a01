import Type from 'typebox';
import { setup } from 'xstate';
import { defineKind } from '../../actors/runtime/kind.js';
import { durable, type DurableRun, type EffectPolicy } from '../../actors/runtime/outbox/effect.js';

export interface Note {
  text: string;
}

const notifierMachine = setup({
  types: { events: {} as { type: 'note'; text: string; at: number } },
  actions: { notify: (_, _params: Note) => undefined },
}).createMachine({
  id: 'notifier',
  initial: 'on',
  states: {
    on: { on: { note: { actions: { type: 'notify', params: ({ event }) => ({ text: event.text }) } } } },
  },
});

/** A kind whose one command has one durable effect. */
export function notifierKind(run: (run: DurableRun<Note>) => Promise<void>, policy?: Partial<EffectPolicy>) {
  return defineKind({
    kind: 'notifier',
    version: 1,
    machine: notifierMachine,
    commands: (command) => ({ note: command(Type.Object({ text: Type.String() })) }),
    effects: { notify: durable(run, policy) },
  });
}
