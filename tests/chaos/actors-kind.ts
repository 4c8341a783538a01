import Type from 'typebox';
import { appendFileSync } from 'node:fs';
import { assign, setup } from 'xstate';
import { defineKind, type Resource } from '../../actors/runtime/kind.js';
import { ref } from '../../actors/runtime/system.js';

const machine = setup({
  types: {
    context: {} as { total: number },
    events: {} as { type: 'activated'; at: number } | { type: 'add'; by: number; at: number },
  },
  actions: {
    add: assign({ total: ({ context, event }) => context.total + (event.type === 'add' ? event.by : 0) }),
    tellWorld: () => undefined,
  },
}).createMachine({
  id: 'counted',
  context: { total: 0 },
  initial: 'open',
  states: { open: { on: { activated: { actions: 'tellWorld' }, add: { actions: ['add', 'tellWorld'] } } } },
});

/**
 * An always-on counter with an outside effect for each entry of its journal: a line `key node` in a file that all nodes
 * append to. The order of the lines is the order in which the effects landed, whatever a node knows of NATS.
 */
export function countedKind(world: { file: string; node: string } | undefined) {
  return defineKind({
    kind: 'counted',
    version: 1,
    machine,
    commands: (command) => ({
      add: command(Type.Object({ by: Type.Integer() }), ({ snapshot }) => snapshot.context.total),
    }),
    resource: (): Resource => ({ close: () => Promise.resolve() }),
    effects: {
      tellWorld: ({ key }) => {
        if (world !== undefined) appendFileSync(world.file, `${key} ${world.node}\n`);
      },
    },
    policy: { alwaysOn: true, snapshotEvery: 50 },
  });
}

/** The actors of a run: `a0`, `a1`, … */
export function countedActors(count: number) {
  const kind = countedKind(undefined);
  return Array.from({ length: count }, (_, index) => ref(kind, `a${index}`));
}
