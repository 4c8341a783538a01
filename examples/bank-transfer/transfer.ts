import { defineKind, type Host, type Resource } from 'statewatt';
import Type from 'typebox';
import { assign, setup } from 'xstate';
import type { Booked, Leg } from './account.js';

/** What is to be moved; `amount` in cents. */
export interface Order {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

type Event =
  | { type: 'activated'; at: number }
  | ({ type: 'begin'; at: number } & Order)
  | { type: 'booked'; at: number }
  | { type: 'refused'; at: number };

/** What a transfer needs of the rest of the bank. */
export interface TransferPorts {
  /** Books one leg; asked again with the same transfer and leg, it answers the same and books nothing. */
  book(transfer: string, leg: Leg, order: Order): Promise<Booked>;
  /** Tells the desk that the transfer has come to its end. */
  finished(transfer: string): Promise<void>;
}

/**
 * A saga of two accounts: debit the payer, credit the payee; if the payee turns it away, give the money back.
 *
 * Each state's work begins on entry. An activation begins with `activated`, which enters the state again: what a crash
 * had cut short is done again, and the accounts know what they have booked already.
 */
const machine = setup({
  types: { context: {} as Order, events: {} as Event },
  actions: {
    take: assign(({ event }) =>
      event.type === 'begin' ? { from: event.from, to: event.to, amount: event.amount } : {},
    ),
    book: (_, _params: { leg: Leg; order: Order }) => undefined,
    finish: () => undefined,
  },
}).createMachine({
  id: 'transfer',
  context: { from: '', to: '', amount: 0 },
  initial: 'unbegun',
  states: {
    unbegun: { on: { begin: { target: 'debiting', actions: 'take' } } },
    debiting: {
      entry: { type: 'book', params: ({ context }) => ({ leg: 'debit', order: context }) },
      on: { activated: { target: 'debiting', reenter: true }, booked: 'crediting', refused: 'refused' },
    },
    crediting: {
      entry: { type: 'book', params: ({ context }) => ({ leg: 'credit', order: context }) },
      on: { activated: { target: 'crediting', reenter: true }, booked: 'done', refused: 'returning' },
    },
    returning: {
      entry: { type: 'book', params: ({ context }) => ({ leg: 'refund', order: context }) },
      on: { activated: { target: 'returning', reenter: true }, booked: 'returned' },
    },
    done: { entry: 'finish', on: { activated: { target: 'done', reenter: true } } },
    refused: { entry: 'finish', on: { activated: { target: 'refused', reenter: true } } },
    returned: { entry: 'finish', on: { activated: { target: 'returned', reenter: true } } },
  },
});

/** The live part of an activation: the way by which an effect's result comes back as an event. */
class Saga implements Resource {
  readonly host: Host<{ type: 'booked' | 'refused' }>;

  constructor(host: Host<{ type: 'booked' | 'refused' }>) {
    this.host = host;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The kind `transfer`, over the bank's ports. */
export function transferKind(ports: TransferPorts) {
  return defineKind({
    kind: 'transfer',
    version: 1,
    machine,
    commands: (command) => ({
      begin: command(Type.Object({ from: Type.String(), to: Type.String(), amount: Type.Integer({ minimum: 1 }) })),
    }),
    resource: (host) => new Saga(host),
    effects: {
      // One that fails crashes the activation; its supervisor starts the next one, which tries again.
      book: async ({ params, resource, ref }) => {
        const { booked } = await ports.book(ref.id, params.leg, params.order);
        await resource.host.send({ type: booked ? 'booked' : 'refused' });
      },
      finish: ({ ref }) => ports.finished(ref.id),
    },
    policy: {
      alwaysOn: true,
      // However long an account is out of reach, a transfer is not given up.
      restart: { intensity: 1_000, windowMs: 60_000, backoffMs: { initial: 100, max: 2_000 } },
    },
  });
}
