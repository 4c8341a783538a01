import Type from 'typebox';
import { assign, setup } from 'xstate';
import { defineKind } from '../kind.js';
import { PARTITION_SUPERVISOR } from './supervisor-ref.js';

interface Context {
  /** Refs of the spawned actors of the partition that are to live, in the order in which they came. */
  readonly kept: readonly string[];
}

type Event = { type: 'keep'; ref: string; at: number } | { type: 'drop'; ref: string; at: number };

const machine = setup({
  types: { context: {} as Context, events: {} as Event },
  guards: { isKept: ({ context, event }) => context.kept.includes(event.ref) },
  actions: {
    keep: assign({ kept: ({ context, event }) => [...context.kept, event.ref] }),
    drop: assign({ kept: ({ context, event }) => context.kept.filter((ref) => ref !== event.ref) }),
  },
}).createMachine({
  id: PARTITION_SUPERVISOR,
  context: { kept: [] },
  initial: 'supervising',
  states: {
    supervising: {
      on: {
        keep: [{ guard: 'isKept' }, { actions: 'keep' }],
        drop: { guard: 'isKept', actions: 'drop' },
      },
    },
  },
});

/**
 * The root of a partition's actors. It remembers those that others have spawned there, so that whoever takes the
 * partition over brings those of an always-on kind to life: their parents may live elsewhere and know nothing of it.
 */
export const partitionSupervisor = defineKind({
  kind: PARTITION_SUPERVISOR,
  version: 1,
  machine,
  commands: (command) => {
    const one = Type.Object({ ref: Type.String() });
    return { keep: command(one), drop: command(one) };
  },
  effects: {},
});

/** The refs in a partition supervisor's context. */
export function keptRefs(context: unknown): readonly string[] {
  return (context as Context | undefined)?.kept ?? [];
}
