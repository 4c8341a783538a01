import { assign, setup } from 'xstate';
import type { ErrorBody } from '../errors/error.js';
import type { PointKind } from '../site/points.js';

/** What a device answered to a write. */
export interface WriteResult {
  readonly written: number | string;
  readonly readBack: number | string | null;
  readonly confirmed: boolean;
  readonly answer: string;
  readonly roundTripMs: number;
}

/** One write of a control or adjustment point, from its acceptance to the device's answer. */
export type WriteRecord = {
  readonly writeId: string;
  readonly kind: PointKind;
  readonly id: number;
  readonly value: number | string;
  /** When it was accepted, ms since the Unix epoch. */
  readonly at: number;
} & (
  | { readonly status: 'pending' }
  | { readonly status: 'done'; readonly result: WriteResult }
  | { readonly status: 'failed'; readonly error: ErrorBody }
  /** The node went away before the device's answer was journaled: the device may or may not have it. */
  | { readonly status: 'interrupted' }
);

export interface ChannelContext {
  /** Names the configuration in force, `enabled` included; null before the first. */
  readonly revision: string | null;
  /** What the configuration says; an operator's start or stop holds until the configuration changes its mind. */
  readonly enabled: boolean;
  /** When the present state was entered, ms since the Unix epoch; 0 before the first event. */
  readonly since: number;
  /** Links that were lost, and attempts that failed right after a start. */
  readonly outages: number;
  /** Links that were opened again after an outage. */
  readonly reconnects: number;
  readonly lastError: { readonly at: number; readonly error: ErrorBody } | null;
  /** The last KEPT_WRITES writes, oldest first. */
  readonly writes: readonly WriteRecord[];
  /** What points of a virtual channel were set to, by `<kind>:<id>`; a later write of such a point counts too. */
  readonly held: Readonly<Record<string, number>>;
}

export type ChannelEvent =
  | { type: 'start'; at: number }
  | { type: 'stop'; at: number }
  | { type: 'pause'; at: number }
  | { type: 'resume'; at: number }
  | { type: 'reset'; at: number }
  /** From the beginning, as a device that is switched off and on again. */
  | { type: 'restart'; at: number }
  | { type: 'hold'; kind: PointKind; id: number; value: number; at: number }
  | { type: 'configure'; revision: string; enabled: boolean; at: number }
  | { type: 'write'; writeId: string; kind: PointKind; id: number; value: number | string; at: number }
  | { type: 'activated'; at: number }
  | { type: 'link.up'; at: number }
  | { type: 'link.down'; error: ErrorBody; at: number }
  | { type: 'link.failed'; error: ErrorBody; at: number }
  | { type: 'write.done'; writeId: string; result: WriteResult; at: number }
  | { type: 'write.failed'; writeId: string; error: ErrorBody; at: number };

export interface WriteOrder {
  readonly writeId: string;
  readonly kind: PointKind;
  readonly id: number;
  readonly value: number | string;
}

/** The value that a point of a virtual channel is to read as. */
export interface HoldOrder {
  readonly kind: PointKind;
  readonly id: number;
  readonly value: number;
}

/** Writes whose results are remembered, for a caller who asks again. */
export const KEPT_WRITES = 50;
/** Writes that may wait for the device at once. */
export const MAX_PENDING_WRITES = 32;

/** What every state that is meant to run has in common. */
const whileRunning = {
  stop: 'stopped',
  pause: 'paused',
  restart: { actions: 'useConfiguration', target: 'connecting', reenter: true },
  activated: { actions: 'interruptWrites', target: 'connecting', reenter: true },
  'link.failed': { actions: ['noteError', 'countOutage'], target: 'faulted' },
  configure: [
    { guard: 'turnedOff', actions: 'adopt', target: 'stopped' },
    { guard: 'differs', actions: ['adopt', 'useConfiguration'], target: 'connecting', reenter: true },
  ],
} as const;

/**
 * A device channel: whether it is to be read, and whether its link is there. The live part (link, polling, back-off)
 * reports only changes; readings never pass through here.
 *
 *     stopped ─start→ connecting ─link.up→ online ─link.down→ backingOff ─link.up→ online
 *     connecting, online, backingOff: ─pause→ paused ─resume→ connecting; ─link.failed→ faulted ─reset→ connecting
 */
export const channelMachine = setup({
  types: { context: {} as ChannelContext, events: {} as ChannelEvent },
  guards: {
    turnedOn: ({ context, event }) => event.type === 'configure' && event.enabled && !context.enabled,
    turnedOff: ({ context, event }) => event.type === 'configure' && !event.enabled && context.enabled,
    differs: ({ context, event }) => event.type === 'configure' && event.revision !== context.revision,
    canWrite: ({ context, event }) =>
      event.type === 'write' &&
      findWrite(context, event.writeId) === undefined &&
      context.writes.filter((write) => write.status === 'pending').length < MAX_PENDING_WRITES,
    awaited: ({ context, event }) =>
      (event.type === 'write.done' || event.type === 'write.failed') &&
      findWrite(context, event.writeId)?.status === 'pending',
  },
  actions: {
    enter: assign({ since: ({ event }) => (event as { at?: number }).at ?? 0 }),
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
    noteWrite: assign(({ context, event }) => {
      if (event.type !== 'write') return {};
      const { writeId, kind, id, value, at } = event;
      return { writes: keepLast([...context.writes, { writeId, kind, id, value, at, status: 'pending' }]) };
    }),
    noteWriteResult: assign(({ context, event }) => {
      if (event.type !== 'write.done' && event.type !== 'write.failed') return {};
      const outcome =
        event.type === 'write.done'
          ? ({ status: 'done', result: event.result } as const)
          : ({ status: 'failed', error: event.error } as const);
      const written = findWrite(context, event.writeId);
      const holds = event.type === 'write.done' && written !== undefined && holdKey(written) in context.held;
      return {
        writes: context.writes.map((write) => (write.writeId === event.writeId ? { ...write, ...outcome } : write)),
        ...(holds && typeof written.value === 'number'
          ? { held: { ...context.held, [holdKey(written)]: written.value } }
          : {}),
      };
    }),
    keep: assign(({ context, event }) =>
      event.type === 'hold' ? { held: { ...context.held, [holdKey(event)]: event.value } } : {},
    ),
    interruptWrites: assign({
      // A write is never done a second time on its own: whoever asked for it decides.
      writes: ({ context }) =>
        context.writes.map((write) => (write.status === 'pending' ? { ...write, status: 'interrupted' } : write)),
    }),

    // Effects; actors/channel.ts carries them out.
    openLink: (_, _params: { readonly held: ChannelContext['held'] }) => undefined,
    holdPoint: (_, _params: HoldOrder) => undefined,
    closeLink: () => undefined,
    useConfiguration: () => undefined,
    writePoint: (_, _params: WriteOrder) => undefined,
  },
}).createMachine({
  id: 'channel',
  context: {
    revision: null,
    enabled: false,
    since: 0,
    outages: 0,
    reconnects: 0,
    lastError: null,
    writes: [],
    held: {},
  },
  initial: 'stopped',
  on: {
    activated: { actions: 'interruptWrites' },
    'write.done': { guard: 'awaited', actions: 'noteWriteResult' },
    'write.failed': { guard: 'awaited', actions: 'noteWriteResult' },
    hold: {
      actions: ['keep', { type: 'holdPoint', params: ({ event: { kind, id, value } }) => ({ kind, id, value }) }],
    },
  },
  states: {
    stopped: {
      entry: ['enter', 'closeLink'],
      on: {
        start: 'connecting',
        restart: 'connecting',
        configure: [
          { guard: 'turnedOn', actions: 'adopt', target: 'connecting' },
          { guard: 'differs', actions: 'adopt' },
        ],
      },
    },
    connecting: {
      entry: ['enter', { type: 'openLink', params: ({ context }) => ({ held: context.held }) }],
      on: {
        ...whileRunning,
        'link.up': 'online',
        'link.down': { actions: ['noteError', 'countOutage'], target: 'backingOff' },
      },
    },
    online: {
      entry: 'enter',
      on: {
        ...whileRunning,
        'link.down': { actions: ['noteError', 'countOutage'], target: 'backingOff' },
        write: {
          guard: 'canWrite',
          actions: [
            'noteWrite',
            {
              type: 'writePoint',
              params: ({ event: { writeId, kind, id, value } }) => ({ writeId, kind, id, value }),
            },
          ],
        },
      },
    },
    backingOff: {
      entry: 'enter',
      on: { ...whileRunning, 'link.up': { actions: 'countReconnect', target: 'online' } },
    },
    paused: {
      entry: ['enter', 'closeLink'],
      on: {
        resume: 'connecting',
        start: 'connecting',
        restart: 'connecting',
        stop: 'stopped',
        configure: [
          { guard: 'turnedOff', actions: 'adopt', target: 'stopped' },
          { guard: 'differs', actions: 'adopt' },
        ],
      },
    },
    /** Trying again cannot help until somebody has changed something. */
    faulted: {
      entry: ['enter', 'closeLink'],
      on: {
        reset: 'connecting',
        start: 'connecting',
        restart: 'connecting',
        stop: 'stopped',
        configure: [
          { guard: 'turnedOff', actions: 'adopt', target: 'stopped' },
          { guard: 'differs', actions: 'adopt', target: 'connecting' },
        ],
      },
    },
  },
});

/** The record of a write that is still remembered. */
export function findWrite(context: ChannelContext, writeId: string): WriteRecord | undefined {
  return context.writes.find((write) => write.writeId === writeId);
}

/** A point in `held`. */
export function holdKey({ kind, id }: { readonly kind: PointKind; readonly id: number }): string {
  return `${kind}:${id}`;
}

/** Forgets the oldest that has its answer. */
function keepLast(writes: readonly WriteRecord[]): readonly WriteRecord[] {
  if (writes.length <= KEPT_WRITES) return writes;
  const oldest = writes.findIndex((write) => write.status !== 'pending');
  return writes.filter((_, index) => index !== oldest);
}
