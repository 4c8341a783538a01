import { assign, setup } from 'xstate';
import type { MappingDefinition } from '../site/history/definition.js';

export interface HistoryMappingContext {
  /** null: there is no such mapping. */
  readonly definition: MappingDefinition | null;
  /** When it was made or changed last, ms since the Unix epoch; 0 before that. */
  readonly updatedAt: number;
}

/** The last event tells all: what is in the journal last is what holds. */
export type HistoryMappingEvent =
  { type: 'put'; definition: MappingDefinition; at: number } | { type: 'remove'; at: number };

/** A mapping of what history stores, as a caller has made it. */
export const historyMappingMachine = setup({
  types: { context: {} as HistoryMappingContext, events: {} as HistoryMappingEvent },
  guards: { isThere: ({ context }) => context.definition !== null },
  actions: {
    adopt: assign(({ event }) => ({
      definition: event.type === 'put' ? event.definition : null,
      updatedAt: event.at,
    })),
  },
}).createMachine({
  id: 'history-mapping',
  context: { definition: null, updatedAt: 0 },
  initial: 'known',
  states: {
    known: {
      on: {
        put: { actions: 'adopt' },
        remove: { guard: 'isThere', actions: 'adopt' },
      },
    },
  },
});
