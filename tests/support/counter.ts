import Type from 'typebox';
import { assign, setup } from 'xstate';
import { defineKind, type Resource } from '../../actors/runtime/kind.js';

/** A small kind for tests of the runtime: counts, refuses, throws, and has one effect. */
export const counterMachine = setup({
  types: {
    context: {} as { total: number },
    events: {} as
      | { type: 'add'; by: number; at: number }
      | { type: 'announce'; text: string; at: number }
      | { type: 'lock'; at: number }
      | { type: 'explode'; at: number },
  },
  actions: {
    add: assign({ total: ({ context, event }) => context.total + (event.type === 'add' ? event.by : 0) }),
    explode: assign(() => {
      throw new Error('boom');
    }),
    announce: (_, _params: { text: string }) => undefined,
  },
}).createMachine({
  id: 'counter',
  context: { total: 0 },
  initial: 'open',
  states: {
    open: {
      on: {
        add: { actions: 'add' },
        announce: { actions: { type: 'announce', params: ({ event }) => ({ text: event.text }) } },
        explode: { actions: 'explode' },
        lock: 'locked',
      },
    },
    locked: {},
  },
});

export interface Announcement {
  readonly key: string;
  readonly text: string;
}

export function counterKind(announce: (announcement: Announcement) => void = () => undefined) {
  return defineKind({
    kind: 'counter',
    version: 1,
    machine: counterMachine,
    commands: (command) => ({
      add: command(Type.Object({ by: Type.Integer() }), ({ snapshot }) => snapshot.context.total),
      announce: command(Type.Object({ text: Type.String() })),
      explode: command(Type.Object({})),
      lock: command(Type.Object({}), ({ snapshot }) => snapshot.value),
    }),
    resource: (): Resource => ({ close: () => Promise.resolve() }),
    effects: {
      announce: ({ params, key }) => announce({ key, text: params.text }),
    },
    policy: {
      snapshotEvery: 10,
      mailboxCapacity: 100,
      restart: { intensity: 3, windowMs: 10_000, backoffMs: { initial: 10, max: 50 } },
    },
  });
}
