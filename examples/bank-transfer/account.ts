import { defineKind } from 'statewatt';
import Type from 'typebox';
import { assign, setup } from 'xstate';

/** The three bookings that a transfer can make: from the payer, to the payee, and back to the payer. */
export const LEGS = ['debit', 'credit', 'refund'] as const;
export type Leg = (typeof LEGS)[number];

/** What came of a booking; the same however often it is asked for. */
export interface Booked {
  readonly booked: boolean;
  /** Cents. */
  readonly balance: number;
}

interface Book {
  readonly transfer: string;
  readonly leg: Leg;
  readonly amount: number;
}

interface AccountContext {
  /** Cents; negative when overdrawn. */
  readonly balance: number;
  /** Cents that the balance may lie below zero. */
  readonly overdraft: number;
  /** Signed cents by transfer and leg; 0 = refused. A booking that is asked for again finds its answer here. */
  readonly bookings: Readonly<Record<string, number>>;
}

function bookingId({ transfer, leg }: Pick<Book, 'transfer' | 'leg'>): string {
  return `${transfer}:${leg}`;
}

/** Books what may be booked and remembers the refusal of what may not. */
function book(account: AccountContext, { transfer, leg, amount }: Book, mayBook: boolean): Partial<AccountContext> {
  const signed = leg === 'debit' ? -amount : amount;
  const covered = leg !== 'debit' || account.balance + signed >= -account.overdraft;
  const booked = mayBook && covered ? signed : 0;
  return {
    balance: account.balance + booked,
    bookings: { ...account.bookings, [bookingId({ transfer, leg })]: booked },
  };
}

const machine = setup({
  types: {
    context: {} as AccountContext,
    events: {} as
      | { type: 'open'; overdraft: number; at: number }
      | { type: 'close'; at: number }
      | ({ type: 'book'; at: number } & Book),
  },
  guards: {
    isNew: ({ context, event }) => event.type === 'book' && !(bookingId(event) in context.bookings),
  },
  actions: {
    setOverdraft: assign(({ event }) => (event.type === 'open' ? { overdraft: event.overdraft } : {})),
    book: assign(({ context, event }) => (event.type === 'book' ? book(context, event, true) : {})),
    // Money that goes back to where it came from is never turned away.
    refuse: assign(({ context, event }) => (event.type === 'book' ? book(context, event, event.leg === 'refund') : {})),
  },
}).createMachine({
  id: 'account',
  context: { balance: 0, overdraft: 0, bookings: {} },
  initial: 'unopened',
  states: {
    unopened: {
      on: {
        open: { target: 'open', actions: 'setOverdraft' },
        book: { guard: 'isNew', actions: 'refuse' },
      },
    },
    open: {
      on: {
        close: 'closed',
        book: { guard: 'isNew', actions: 'book' },
      },
    },
    closed: {
      on: { book: { guard: 'isNew', actions: 'refuse' } },
    },
  },
});

/** An account. It decides by itself, one booking at a time, so no lock is needed. */
export const account = defineKind({
  kind: 'account',
  version: 1,
  machine,
  commands: (command) => ({
    open: command(Type.Object({ overdraft: Type.Integer({ minimum: 0 }) })),
    close: command(Type.Object({})),
    book: command(
      Type.Object({
        transfer: Type.String(),
        leg: Type.Unsafe<Leg>({ type: 'string', enum: [...LEGS] }),
        amount: Type.Integer({ minimum: 1 }),
      }),
      ({ command, snapshot }): Booked => ({
        booked: snapshot.context.bookings[bookingId(command)] !== 0,
        balance: snapshot.context.balance,
      }),
    ),
  }),
  effects: {},
});
