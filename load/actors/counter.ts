import Type from 'typebox';
import { assign, setup } from 'xstate';
import { defineKind } from '../../actors/runtime/kind.js';

const machine = setup({
  types: { context: {} as { total: number }, events: {} as { type: 'add'; by: number; at: number } },
  actions: { add: assign({ total: ({ context, event }) => context.total + event.by }) },
}).createMachine({ id: 'counter', context: { total: 0 }, on: { add: { actions: 'add' } } });

/** The least that an actor can durably do: it adds. */
export const counter = defineKind({
  kind: 'counter',
  version: 1,
  machine,
  commands: (command) => ({
    add: command(Type.Object({ by: Type.Integer() }), ({ snapshot }) => snapshot.context.total),
  }),
  effects: {},
});
