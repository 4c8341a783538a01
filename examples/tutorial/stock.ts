import { defineKind, StatewattError } from 'statewatt';
import Type from 'typebox';
import { assign, setup } from 'xstate';

const machine = setup({
  types: {
    context: {} as { count: number },
    events: {} as { type: 'put'; count: number; at: number } | { type: 'take'; count: number; at: number },
  },
  guards: {
    hasEnough: ({ context, event }) => context.count >= event.count,
  },
  actions: {
    add: assign({ count: ({ context, event }) => context.count + event.count }),
    remove: assign({ count: ({ context, event }) => context.count - event.count }),
  },
}).createMachine({
  id: 'stock',
  context: { count: 0 },
  on: {
    put: { actions: 'add' },
    take: { guard: 'hasEnough', actions: 'remove' },
  },
});

export const stock = defineKind({
  kind: 'stock',
  version: 1,
  machine,
  commands: (command) => {
    const some = Type.Object({ count: Type.Integer({ minimum: 1 }) });
    return {
      put: command(some, ({ snapshot }) => snapshot.context.count),
      take: command(some, ({ snapshot, changed, command }) => {
        const { count } = snapshot.context;
        if (changed) return count;
        throw new StatewattError('stock.too_few', 'conflict', `${command.count} wanted, ${count} there`);
      }),
    };
  },
  effects: {},
});
