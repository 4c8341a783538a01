import { defineKind } from 'statewatt';
import Type from 'typebox';
import { assign, setup } from 'xstate';
import type { Order } from './transfer.js';

interface DeskContext {
  /** The transfers that were accepted and have not come to their end, by id. */
  readonly open: Readonly<Record<string, Order>>;
  readonly finished: number;
}

type Transfer = { readonly transfer: string } & Order;

const machine = setup({
  types: {
    context: {} as DeskContext,
    events: {} as
      | { type: 'activated'; at: number }
      | ({ type: 'accept'; at: number } & Transfer)
      | { type: 'finished'; transfer: string; at: number },
  },
  guards: {
    isOpen: ({ context, event }) => event.type === 'finished' && event.transfer in context.open,
  },
  actions: {
    note: assign(({ context, event }) => {
      if (event.type !== 'accept') return {};
      const { transfer, from, to, amount } = event;
      return { open: { ...context.open, [transfer]: { from, to, amount } } };
    }),
    strike: assign(({ context, event }) => {
      if (event.type !== 'finished') return {};
      const { [event.transfer]: _finished, ...open } = context.open;
      return { open, finished: context.finished + 1 };
    }),
    begin: (_, _params: { transfers: Readonly<Record<string, Order>> }) => undefined,
  },
}).createMachine({
  id: 'desk',
  context: { open: {}, finished: 0 },
  on: {
    accept: {
      actions: [
        'note',
        {
          type: 'begin',
          params: ({ event: { transfer, from, to, amount } }) => ({ transfers: { [transfer]: { from, to, amount } } }),
        },
      ],
    },
    finished: { guard: 'isOpen', actions: 'strike' },
    // A crash may have come between the note and the beginning. To begin twice is to begin once.
    activated: { actions: { type: 'begin', params: ({ context }) => ({ transfers: context.open }) } },
  },
});

/** The kind `desk`: takes orders and knows which transfers are under way. */
export function deskKind(begin: (transfer: string, order: Order) => Promise<void>) {
  return defineKind({
    kind: 'desk',
    version: 1,
    machine,
    commands: (command) => ({
      accept: command(
        Type.Object({
          transfer: Type.String(),
          from: Type.String(),
          to: Type.String(),
          amount: Type.Integer({ minimum: 1 }),
        }),
        () => 'accepted' as const,
      ),
      finished: command(Type.Object({ transfer: Type.String() }), () => null),
    }),
    effects: {
      begin: async ({ params }) => {
        await Promise.all(Object.entries(params.transfers).map(([transfer, order]) => begin(transfer, order)));
      },
    },
    policy: {
      alwaysOn: true,
      restart: { intensity: 1_000, windowMs: 60_000, backoffMs: { initial: 100, max: 2_000 } },
    },
  });
}
