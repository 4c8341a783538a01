import Type from 'typebox';
import { assign, cancel, raise, sendTo, setup } from 'xstate';
import { defineKind } from '../../actors/runtime/kind.js';
import { ref } from '../../actors/runtime/system.js';

type SleeperEvent =
  | { type: 'sleep'; ms: number; at: number }
  | { type: 'wake'; at: number }
  | { type: 'remind'; ms: number; text: string; at: number }
  | { type: 'forget'; at: number }
  | { type: 'alarm'; ms: number; at: number }
  | { type: 'shout'; at: number }
  | { type: 'mumble'; at: number }
  | { type: 'mumbled'; at: number }
  | { type: 'reminded'; text: string; at: number };

interface Sleeper {
  readonly ms: number;
  readonly woken: readonly number[];
  readonly heard: readonly string[];
}

/** A machine of timers: a delayed transition, delayed events to itself with and without an id, and what cancels them. */
export const sleeperMachine = setup({
  types: { context: {} as Sleeper, events: {} as SleeperEvent },
  delays: { nap: ({ context }) => context.ms },
  actions: {
    settle: assign({ ms: ({ event, context }) => (event.type === 'sleep' ? event.ms : context.ms) }),
    note: assign({ woken: ({ context, event }) => [...context.woken, event.at] }),
    hear: assign({
      heard: ({ context, event }) => (event.type === 'reminded' ? [...context.heard, event.text] : context.heard),
    }),
  },
}).createMachine({
  id: 'sleeper',
  context: { ms: 0, woken: [], heard: [] },
  initial: 'awake',
  states: {
    awake: { on: { sleep: { target: 'asleep', actions: 'settle' } } },
    asleep: {
      after: { nap: { target: 'awake', actions: 'note' } },
      on: {
        wake: 'awake',
        sleep: { target: 'asleep', reenter: true, actions: 'settle' },
      },
    },
  },
  on: {
    remind: {
      actions: raise(({ event }) => ({ type: 'reminded' as const, text: event.text, at: 0 }), {
        id: 'reminder',
        delay: ({ event }) => event.ms,
      }),
    },
    forget: { actions: cancel('reminder') },
    alarm: {
      actions: sendTo(
        ({ self }) => self,
        { type: 'reminded', text: 'alarm', at: 0 },
        { delay: ({ event }) => event.ms },
      ),
    },
    shout: { actions: raise({ type: 'reminded', text: 'now', at: 0 }) },
    mumble: { actions: raise({ type: 'mumbled', at: 0 }, { delay: 5 }) },
    reminded: { actions: 'hear' },
  },
});

const ms = Type.Number();

export const sleeperKind = defineKind({
  kind: 'sleeper',
  version: 1,
  machine: sleeperMachine,
  commands: (command) => ({
    sleep: command(Type.Object({ ms })),
    wake: command(Type.Object({})),
    remind: command(Type.Object({ ms, text: Type.String() })),
    forget: command(Type.Object({})),
    alarm: command(Type.Object({ ms })),
    shout: command(Type.Object({})),
    mumble: command(Type.Object({})),
  }),
  effects: {},
  policy: { snapshotEvery: 5, restart: { intensity: 3, windowMs: 10_000, backoffMs: { initial: 10, max: 50 } } },
});

export const sleeper = (id: string) => ref(sleeperKind, id);
