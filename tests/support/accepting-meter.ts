import Type from 'typebox';
import { setup } from 'xstate';
import { defineKind } from '../../actors/runtime/kind.js';
import type { MintItem } from '../../site/minting/item.js';

type Reading = Omit<MintItem, 'meter'>;

const machine = setup({
  types: { events: {} as { type: 'submit'; items: readonly Reading[]; at: number } },
  actions: { accepted: (_, _params: { items: readonly Reading[] }) => undefined },
}).createMachine({
  id: 'meter',
  on: { submit: { actions: { type: 'accepted', params: ({ event }) => ({ items: event.items }) } } },
});

/** A meter that accepts whatever it is given. */
export const acceptingMeter = defineKind({
  kind: 'meter',
  version: 1,
  machine,
  commands: (command) => ({
    submit: command(Type.Object({ items: Type.Array(Type.Unsafe<Reading>({ type: 'object' })) })),
  }),
  effects: { accepted: () => undefined },
});
