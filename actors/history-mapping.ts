import Type from 'typebox';
import { StatewattError } from '../errors/error.js';
import { historyMappingMachine } from '../machines/history-mapping.js';
import type { MappingDefinition } from '../site/history/definition.js';
import { defineKind } from './runtime/kind.js';
import { ref, type ActorRef } from './runtime/system.js';

/** Checked where it came in, by the node that a caller asked. */
const definition = Type.Unsafe<MappingDefinition>({ type: 'object' });

/** The kind `history-mapping`: what a caller wants stored of some points, beside what the site file says. */
export const historyMappingKind = defineKind({
  kind: 'history-mapping',
  version: 1,
  machine: historyMappingMachine,
  commands: (command) => ({
    put: command(Type.Object({ definition }), ({ snapshot }) => snapshot.context),
    remove: command(Type.Object({}), ({ changed }) => {
      if (!changed) throw noMapping();
      return null;
    }),
  }),
  effects: {},
  policy: { snapshotEvery: 20 },
});

export type HistoryMappingKind = typeof historyMappingKind;

/** The actor of a mapping. @throws `actors.invalid_ref` */
export function historyMappingRef(id: string): ActorRef<HistoryMappingKind> {
  return ref(historyMappingKind, id);
}

function noMapping(): StatewattError {
  return new StatewattError('history.mapping_not_found', 'not_found', 'there is no such mapping');
}
