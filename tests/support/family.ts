import Type from 'typebox';
import { assign, setup } from 'xstate';
import { defineKind, type Resource } from '../../actors/runtime/kind.js';
import { childActions } from '../../actors/runtime/supervision/effects.js';
import type { ChildFailed, ChildStart } from '../../actors/runtime/supervision/family.js';
import type { Supervision } from '../../actors/runtime/supervision/policy.js';

type ParentEvent =
  | ({ type: 'spawn'; at: number } & ChildStart)
  | { type: 'dismiss'; ref: string; at: number }
  | { type: 'close'; at: number }
  | (ChildFailed & { at: number });

const parentMachine = setup({
  types: { context: {} as { heard: readonly string[]; deaf: boolean }, events: {} as ParentEvent, input: {} as string },
  guards: { listens: ({ context }) => !context.deaf },
  actions: {
    ...childActions,
    hear: assign({
      heard: ({ context, event }) => (event.type === 'child.failed' ? [...context.heard, event.ref] : context.heard),
    }),
  },
}).createMachine({
  // An id that begins with "listener" takes `child.failed`; the others leave it to their own supervisor.
  context: ({ input }) => ({ heard: [], deaf: !input.startsWith('listener') }),
  initial: 'open',
  states: {
    open: {
      on: {
        spawn: {
          actions: {
            type: 'spawnChild',
            params: ({ event: { ref, restart } }) => (restart === undefined ? { ref } : { ref, restart }),
          },
        },
        dismiss: { actions: { type: 'stopChild', params: ({ event }) => ({ ref: event.ref }) } },
        close: 'closed',
        'child.failed': { guard: 'listens', actions: 'hear' },
      },
    },
    closed: { type: 'final' },
  },
});

/** A parent of any children; `spawn` and `dismiss` are commands of its. */
export function parentKind<Name extends string>(kind: Name, supervise: Partial<Supervision> = {}) {
  return defineKind({
    kind,
    version: 1,
    machine: parentMachine,
    input: (id) => id,
    commands: (command) => ({
      spawn: command(
        Type.Object({ ref: Type.String(), restart: Type.Optional(Type.Unsafe<'permanent' | 'temporary'>({})) }),
        ({ snapshot }) => snapshot.context.heard,
      ),
      close: command(Type.Object({}), ({ snapshot }) => snapshot.value),
      dismiss: command(Type.Object({ ref: Type.String() }), ({ snapshot }) => snapshot.context.heard),
    }),
    effects: {},
    supervise: { backoffMs: { initial: 20, max: 50 }, ...supervise },
    policy: { restart: { intensity: 1, windowMs: 60_000, backoffMs: { initial: 10, max: 20 } } },
  });
}

const workerMachine = setup({
  types: { context: {} as { done: number; lives: number }, events: {} as { type: 'activated' | 'work'; at: number } },
  actions: {
    live: assign({ lives: ({ context }) => context.lives + 1 }),
    work: assign({ done: ({ context }) => context.done + 1 }),
  },
}).createMachine({
  context: { done: 0, lives: 0 },
  on: { activated: { actions: 'live' }, work: { actions: 'work' } },
});

/** A child that counts its lives. */
export const worker = defineKind({
  kind: 'worker',
  version: 1,
  machine: workerMachine,
  commands: (command) => ({
    work: command(Type.Object({}), ({ snapshot }) => ({ ...snapshot.context })),
  }),
  resource: (): Resource => ({ close: () => Promise.resolve() }),
  effects: {},
  policy: { alwaysOn: true, restart: { intensity: 3, windowMs: 60_000, backoffMs: { initial: 10, max: 20 } } },
});
