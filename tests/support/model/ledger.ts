import Type from 'typebox';
import { assign, raise, setup } from 'xstate';
import { defineKind, type Host, type Kind, type Resource } from '../../../actors/runtime/kind.js';
import type { EventBody } from '../../../bus/messages.js';

/** A state that tells every order and number of events apart: how many there were, and a digest of them in order. */
export interface Ledger {
  readonly count: number;
  readonly digest: number;
}

export const EMPTY: Ledger = { count: 0, digest: 7 };

/** What one journaled event makes of a ledger. */
export function fold(ledger: Ledger, event: EventBody): Ledger {
  const number = typeof event.n === 'number' ? event.n : 0;
  return { count: ledger.count + 1, digest: (ledger.digest * 131 + event.type.length * 7 + number) % 1_000_003 };
}

type LedgerEvent =
  | { type: 'activated'; at: number }
  | { type: 'add'; n: number; at: number }
  | { type: 'order'; n: number; at: number }
  | { type: 'delivered'; n: number; at: number }
  | { type: 'remind'; n: number; at: number }
  | { type: 'reminded'; n: number; at: number }
  | { type: 'look'; at: number }
  | { type: 'explode'; at: number };

const machine = setup({
  types: { context: {} as Ledger, events: {} as LedgerEvent },
  actions: {
    write: assign(({ context, event }) => fold(context, event)),
    explode: assign(() => {
      throw new Error('boom');
    }),
    order: (_, _params: { n: number }) => undefined,
  },
}).createMachine({
  context: EMPTY,
  on: {
    activated: { actions: 'write' },
    add: { actions: 'write' },
    order: { actions: ['write', { type: 'order', params: ({ event }) => ({ n: event.n }) }] },
    delivered: { actions: 'write' },
    remind: {
      actions: ['write', raise(({ event }) => ({ type: 'reminded' as const, n: event.n, at: 0 }), { delay: 1_000 })],
    },
    reminded: { actions: 'write' },
    explode: { actions: 'explode' },
  },
});

interface Live extends Resource {
  readonly host: Host<{ type: string }>;
}

const number = Type.Object({ n: Type.Integer() });

/** Compiled once: what a process does with the effects is put into a copy of it. */
const template = defineKind({
  kind: 'ledger',
  version: 1,
  machine,
  commands: (command) => ({
    add: command(number, ({ snapshot }) => snapshot.context),
    order: command(number, ({ snapshot }) => snapshot.context),
    remind: command(number, ({ snapshot }) => snapshot.context),
    look: command(Type.Object({}), ({ snapshot }) => snapshot.context),
    explode: command(Type.Object({})),
  }),
  resource: (host): Live => ({ host, close: () => Promise.resolve() }),
  effects: { order: () => undefined },
  policy: {
    snapshotEvery: 3,
    mailboxCapacity: 20,
    passivateAfterMs: 0,
    restart: { intensity: 1_000, windowMs: 10_000, backoffMs: { initial: 10, max: 50 } },
  },
});

/**
 * An actor that writes down what it is told (`add`, `order`, `remind`), looks without a change (`look`), chokes
 * (`explode`), has an effect (`order`) that comes back as an event of its own (`delivered`), and a timer (`remind`) that
 * does so, too (`reminded`). Answers with its ledger.
 *
 * @param ordered told of each run of the effect; false when the process is dead by then, and nothing comes back
 */
export function ledgerKind(kind: string, alwaysOn: boolean, ordered: (key: string, n: number) => boolean): Kind {
  return {
    ...template,
    kind,
    policy: { ...template.policy, alwaysOn },
    effects: {
      order: ({ params, key, resource }) => {
        const { n } = params as { n: number };
        if (!ordered(key, n)) return;
        // It is refused when the activation ends meanwhile: then the delivery is lost, which is this kind's own affair.
        (resource as Live).host.send({ type: 'delivered', n } as { type: string }).catch(() => undefined);
      },
    },
  };
}
