import { assign, setup } from 'xstate';
import type { ModelDefinition } from '../site/models/model.js';

/** What a point without a mapping was set to, and when (ms since the Unix epoch). */
export interface HeldValue {
  readonly value: number | string;
  readonly at: number;
}

/** Who says what a model is: the site file, which has the last word on its own, or a caller. */
export type ModelSource = 'site' | 'caller';

export interface ModelContext {
  /** null: there is no such model. */
  readonly definition: ModelDefinition | null;
  readonly source: ModelSource | null;
  /** Names the site file's definition; null for those of callers. */
  readonly revision: string | null;
  /** By point, of points without a mapping. */
  readonly held: Readonly<Record<string, HeldValue>>;
  /** ms since the Unix epoch; 0 before the first event. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** How often it was defined, changed or removed: readers tell by it which of two is newer. */
  readonly changes?: number;
}

/** What a caller may change; what is left out stays. */
export type ModelChanges = Partial<Omit<ModelDefinition, 'id' | 'template'>>;

export type ModelEvent =
  | { type: 'create'; definition: ModelDefinition; at: number }
  | { type: 'put'; definition: ModelDefinition; at: number }
  | { type: 'update'; changes: ModelChanges; at: number }
  | { type: 'configure'; definition: ModelDefinition; revision: string; at: number }
  | { type: 'remove'; source: ModelSource; at: number }
  | { type: 'hold'; point: string; value: number | string; at: number }
  | { type: 'activated'; at: number };

function next({ changes = 0 }: ModelContext): number {
  return changes + 1;
}

const nothing = { definition: null, source: null, revision: null, held: {} } as const;

/**
 * A model of equipment: what it is, and what its points without a mapping hold. Values of mapped points never pass
 * through here: the live part takes them from the channels' frames.
 *
 *     absent ─create, put, configure→ defined ─remove→ absent
 *     defined: update, put, hold, and configure, which makes a caller's model the site file's
 */
export const modelMachine = setup({
  types: { context: {} as ModelContext, events: {} as ModelEvent },
  guards: {
    differs: ({ context, event }) => event.type === 'configure' && event.revision !== context.revision,
    ofCallers: ({ context }) => context.source === 'caller',
    ofItsSource: ({ context, event }) => event.type === 'remove' && event.source === context.source,
  },
  actions: {
    adopt: assign(({ context, event }) => {
      if (event.type !== 'create' && event.type !== 'put' && event.type !== 'configure') return {};
      const known = context.definition !== null;
      const ofSite = event.type === 'configure';
      return {
        definition: event.definition,
        source: ofSite ? 'site' : 'caller',
        revision: ofSite ? event.revision : null,
        createdAt: known ? context.createdAt : event.at,
        updatedAt: event.at,
        changes: next(context),
      } as const;
    }),
    change: assign(({ context, event }) =>
      event.type === 'update' && context.definition !== null
        ? {
            definition: { ...context.definition, ...event.changes },
            updatedAt: event.at,
            changes: next(context),
          }
        : {},
    ),
    hold: assign(({ context, event }) =>
      event.type === 'hold' ? { held: { ...context.held, [event.point]: { value: event.value, at: event.at } } } : {},
    ),
    forget: assign(({ context, event }) => ({ ...nothing, updatedAt: event.at, changes: next(context) })),
    // What the live part does: it takes the whole model, one value, or that there is none any more.
    use: (_, _params: { context: ModelContext }) => undefined,
    note: (_, _params: { point: string; held: HeldValue }) => undefined,
    drop: (_, _params: { context: ModelContext }) => undefined,
  },
}).createMachine({
  id: 'model',
  context: { ...nothing, createdAt: 0, updatedAt: 0 },
  initial: 'absent',
  states: {
    absent: {
      on: {
        create: { actions: 'adopt', target: 'defined' },
        put: { actions: 'adopt', target: 'defined' },
        configure: { actions: 'adopt', target: 'defined' },
      },
    },
    defined: {
      entry: { type: 'use', params: ({ context }) => ({ context }) },
      on: {
        activated: { target: 'defined', reenter: true },
        configure: { guard: 'differs', actions: 'adopt', target: 'defined', reenter: true },
        put: { guard: 'ofCallers', actions: 'adopt', target: 'defined', reenter: true },
        update: { guard: 'ofCallers', actions: 'change', target: 'defined', reenter: true },
        hold: {
          actions: [
            'hold',
            { type: 'note', params: ({ event: { point, value, at } }) => ({ point, held: { value, at } }) },
          ],
        },
        remove: {
          guard: 'ofItsSource',
          actions: ['forget', { type: 'drop', params: ({ context }) => ({ context }) }],
          target: 'absent',
        },
      },
    },
  },
});
