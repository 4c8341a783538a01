import { childActions, defineKind } from 'statewatt';
import Type from 'typebox';
import { setup } from 'xstate';

const machine = setup({
  types: { events: {} as { type: 'sell'; product: string; at: number } },
  actions: childActions,
}).createMachine({
  id: 'shop',
  on: {
    sell: { actions: { type: 'spawnChild', params: ({ event }) => ({ ref: `stock/${event.product}` }) } },
  },
});

export const shop = defineKind({
  kind: 'shop',
  version: 1,
  machine,
  commands: (command) => ({ sell: command(Type.Object({ product: Type.String() }), () => 'sold here') }),
  effects: {},
  supervise: { strategy: 'one-for-one', intensity: 3, windowMs: 60_000 },
});
