import Type from 'typebox';
import { assign, setup } from 'xstate';
import { defineKind } from '../../actors/runtime/kind.js';
import { durable, type DurableRun, type EffectPolicy } from '../../actors/runtime/outbox/effect.js';

/** What a test breaks and mends. */
export interface Fault {
  broken: boolean;
}

/** A kind that adds, throws while it is broken, and has one durable effect. */
export function fragileKind(
  fault: Fault,
  run: (run: DurableRun<{ text: string }>) => Promise<void> = async () => undefined,
  policy: Partial<EffectPolicy> = {},
) {
  const machine = setup({
    types: {
      context: {} as { total: number },
      events: {} as { type: 'add'; by: number; at: number } | { type: 'say'; text: string; at: number },
    },
    actions: {
      add: assign({
        total: ({ context, event }) => {
          if (fault.broken) throw new Error('broken');
          return context.total + (event.type === 'add' ? event.by : 0);
        },
      }),
      say: (_, _params: { text: string }) => undefined,
    },
  }).createMachine({
    context: { total: 0 },
    on: {
      add: { actions: 'add' },
      say: { actions: { type: 'say', params: ({ event }) => ({ text: event.text }) } },
    },
  });
  return defineKind({
    kind: 'fragile',
    version: 1,
    machine,
    commands: (command) => ({
      add: command(Type.Object({ by: Type.Integer() }), ({ snapshot }) => snapshot.context.total),
      say: command(Type.Object({ text: Type.String() })),
    }),
    effects: { say: durable(run, policy) },
  });
}
