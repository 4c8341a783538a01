import { defineKind, httpSink, natsSink, tellSink, type Bus } from 'statewatt';
import Type from 'typebox';
import { assign, setup } from 'xstate';

const stockMachine = setup({
  types: { context: {} as { reserved: number }, events: {} as { type: 'reserve'; count: number; at: number } },
  actions: { reserve: assign({ reserved: ({ context, event }) => context.reserved + event.count }) },
}).createMachine({ context: { reserved: 0 }, on: { reserve: { actions: 'reserve' } } });

export const stock = defineKind({
  kind: 'stock',
  version: 1,
  machine: stockMachine,
  commands: (command) => ({ reserve: command(Type.Object({ count: Type.Integer() })) }),
  effects: {},
});

interface Order {
  item: string;
  count: number;
}

const order = ({ event }: { event: Order }) => ({ item: event.item, count: event.count });

const orderMachine = setup({
  types: { events: {} as { type: 'place'; item: string; count: number; at: number } },
  actions: {
    reserve: (_, _params: Order) => undefined,
    announce: (_, _params: Order) => undefined,
    notify: (_, _params: Order) => undefined,
  },
}).createMachine({
  initial: 'open',
  states: {
    open: {
      on: {
        place: {
          target: 'placed',
          actions: [
            { type: 'reserve', params: order },
            { type: 'announce', params: order },
            { type: 'notify', params: order },
          ],
        },
      },
    },
    placed: {},
  },
});

/** Orders that are told to the stock, to a stream of NATS, and to the web hook of somebody else. */
export function orders(bus: Bus, hook: string, secret: string) {
  return defineKind({
    kind: 'order',
    version: 1,
    machine: orderMachine,
    commands: (command) => ({ place: command(Type.Object({ item: Type.String(), count: Type.Integer() })) }),
    effects: {
      reserve: tellSink({
        kind: stock,
        id: ({ item }: Order) => item,
        command: ({ count }: Order) => ({ type: 'reserve', count }),
      }),
      announce: natsSink({ bus, subject: ({ item }: Order) => `orders.${item}` }),
      notify: httpSink({
        url: hook,
        secret,
        policy: { attempts: 3, backoffMs: { initial: 50, max: 1_000 }, timeoutMs: 5_000 },
      }),
    },
  });
}
