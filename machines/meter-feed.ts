import { assign, setup } from 'xstate';
import type { MeterSource } from '../site/metering/readings.js';

export interface MeterFeedContext {
  /** What the meter is read from; null: nothing. */
  readonly source: MeterSource | null;
  /** The site file says so. */
  readonly bySite: boolean;
}

export type MeterFeedEvent =
  { type: 'follow'; source: MeterSource | null; bySite: boolean; at: number } | { type: 'activated'; at: number };

/**
 * Follows the counter of a channel for one meter, whose actor says of what and keeps what was counted.
 *
 *     idle ⇄ following
 */
export const meterFeedMachine = setup({
  types: { context: {} as MeterFeedContext, events: {} as MeterFeedEvent },
  guards: {
    hasSource: ({ event }) => event.type === 'follow' && event.source !== null,
  },
  actions: {
    adopt: assign(({ event }) => (event.type === 'follow' ? { source: event.source, bySite: event.bySite } : {})),
    watch: (_, _params: { source: MeterSource | null }) => undefined,
    unwatch: () => undefined,
  },
}).createMachine({
  id: 'meter-feed',
  context: { source: null, bySite: false },
  initial: 'idle',
  states: {
    idle: { on: { follow: { guard: 'hasSource', actions: 'adopt', target: 'following' } } },
    following: {
      entry: { type: 'watch', params: ({ context }) => ({ source: context.source }) },
      on: {
        activated: { target: 'following', reenter: true },
        follow: [
          { guard: 'hasSource', actions: 'adopt', target: 'following', reenter: true },
          { actions: ['adopt', 'unwatch'], target: 'idle' },
        ],
      },
    },
  },
});
