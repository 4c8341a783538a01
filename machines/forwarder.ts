import { assign, setup } from 'xstate';
import type { ErrorBody } from '../errors/error.js';

export interface ForwarderContext {
  /** Names the configuration in force, `enabled` included; null before the first. */
  readonly revision: string | null;
  readonly enabled: boolean;
  /** When the present state was entered, ms since the Unix epoch; 0 before the first event. */
  readonly since: number;
  /** Times that the target went away, or did not answer right after a start. */
  readonly outages: number;
  /** Times that it was there again after an outage. */
  readonly reconnects: number;
  readonly lastError: { readonly at: number; readonly error: ErrorBody } | null;
  /** The batch that the target has refused for good, by its token; null when there is none. */
  readonly refused: string | null;
  /** Such batches that an operator had left out. */
  readonly skipped: number;
}

export type ForwarderEvent =
  | { type: 'pause'; at: number }
  | { type: 'resume'; at: number }
  /** Leave out the batch that was refused. */
  | { type: 'skip'; at: number }
  | { type: 'configure'; revision: string; enabled: boolean; at: number }
  | { type: 'activated'; at: number }
  | { type: 'link.up'; at: number }
  | { type: 'link.down'; error: ErrorBody; at: number }
  /** Trying again cannot help; `refused` names the batch that is the reason, if one is. */
  | { type: 'link.failed'; error: ErrorBody; refused: string | null; at: number };

/** What every state that is meant to run has in common. */
const whileRunning = {
  pause: 'paused',
  activated: { target: 'connecting', reenter: true },
  'link.failed': { actions: ['noteError', 'countOutage'], target: 'faulted' },
  configure: [
    { guard: 'turnedOff', actions: 'adopt', target: 'stopped' },
    { guard: 'differs', actions: ['adopt', 'close'], target: 'connecting', reenter: true },
  ],
} as const;

/**
 * A target that readings are forwarded to: whether it is to be served, and whether it can be reached. The live part
 * reads the stream and sends; it tells only of changes, readings never pass through here.
 *
 *     stopped ─configure→ connecting ─link.up→ online ─link.down→ backingOff ─link.up→ online
 *     connecting, online, backingOff: ─pause→ paused ─resume→ connecting; ─link.failed→ faulted ─resume, skip→ connecting
 */
export const forwarderMachine = setup({
  types: { context: {} as ForwarderContext, events: {} as ForwarderEvent },
  guards: {
    turnedOn: ({ context, event }) => event.type === 'configure' && event.enabled && !context.enabled,
    turnedOff: ({ context, event }) => event.type === 'configure' && !event.enabled && context.enabled,
    differs: ({ context, event }) => event.type === 'configure' && event.revision !== context.revision,
    hasRefused: ({ context }) => context.refused !== null,
  },
  actions: {
    enter: assign({
      since: ({ event }) => (event as { at?: number }).at ?? 0,
      refused: ({ event }) => (event.type === 'link.failed' ? event.refused : null),
    }),
    adopt: assign(({ event }) =>
      event.type === 'configure' ? { revision: event.revision, enabled: event.enabled } : {},
    ),
    noteError: assign(({ event }) =>
      event.type === 'link.down' || event.type === 'link.failed'
        ? { lastError: { at: event.at, error: event.error } }
        : {},
    ),
    countOutage: assign({ outages: ({ context }) => context.outages + 1 }),
    countReconnect: assign({ reconnects: ({ context }) => context.reconnects + 1 }),
    countSkip: assign({ skipped: ({ context }) => context.skipped + 1 }),

    // Effects; actors/forwarder.ts carries them out.
    open: () => undefined,
    close: () => undefined,
    leaveOut: (_, _params: { readonly token: string | null }) => undefined,
  },
}).createMachine({
  id: 'forwarder',
  context: {
    revision: null,
    enabled: false,
    since: 0,
    outages: 0,
    reconnects: 0,
    lastError: null,
    refused: null,
    skipped: 0,
  },
  initial: 'stopped',
  states: {
    stopped: {
      entry: ['enter', 'close'],
      on: {
        configure: [
          { guard: 'turnedOn', actions: 'adopt', target: 'connecting' },
          { guard: 'differs', actions: 'adopt' },
        ],
      },
    },
    connecting: {
      entry: ['enter', 'open'],
      on: {
        ...whileRunning,
        'link.up': 'online',
        'link.down': { actions: ['noteError', 'countOutage'], target: 'backingOff' },
      },
    },
    online: {
      entry: 'enter',
      on: { ...whileRunning, 'link.down': { actions: ['noteError', 'countOutage'], target: 'backingOff' } },
    },
    backingOff: {
      entry: 'enter',
      on: { ...whileRunning, 'link.up': { actions: 'countReconnect', target: 'online' } },
    },
    /** Nothing is sent; the stream keeps what is to be sent for as long as it keeps anything. */
    paused: {
      entry: ['enter', 'close'],
      on: {
        resume: 'connecting',
        configure: [
          { guard: 'turnedOff', actions: 'adopt', target: 'stopped' },
          { guard: 'differs', actions: 'adopt' },
        ],
      },
    },
    /** Trying again cannot help until somebody has changed something. */
    faulted: {
      entry: ['enter', 'close'],
      on: {
        pause: 'paused',
        resume: 'connecting',
        skip: {
          guard: 'hasRefused',
          actions: ['countSkip', { type: 'leaveOut', params: ({ context }) => ({ token: context.refused }) }],
          target: 'connecting',
        },
        configure: [
          { guard: 'turnedOff', actions: 'adopt', target: 'stopped' },
          { guard: 'differs', actions: 'adopt', target: 'connecting' },
        ],
      },
    },
  },
});
