import { assign, setup } from 'xstate';
import { counted, merged, type Notice, type NotificationMessage, type Tally } from '../site/notifications/message.js';

export interface NotifierContext {
  /** Journal sequence up to which alarms have been heard of; null before the first. */
  readonly position: number | null;
  /** Until when messages are counted, for how long in all, and how many were sent in it. */
  readonly windowEnd: number;
  readonly windowMs: number;
  readonly sent: number;
  /** What waits to be told in one message, and until when (ms since the Unix epoch). */
  readonly held: Tally | null;
  readonly dueAt: number;
  /** In all: changes that were told one by one, and in digests. */
  readonly told: number;
  readonly gathered: number;
}

/** Alarms have changed: the journal's entries up to `upTo`. */
export interface HeardEvent {
  readonly type: 'heard';
  readonly upTo: number;
  /** To be told now, in their order; no more than may be sent in a window. */
  readonly notices: readonly Notice[];
  /** Those behind them. */
  readonly surplus: Tally | null;
  /** Those that wait for the end of the quiet hours, and when that is. */
  readonly quiet: Tally | null;
  readonly quietUntil: number | null;
  /** Messages that may be sent in a window: a minute. */
  readonly perWindow: number;
  readonly windowMs: number;
  readonly at: number;
}

export type NotifierEvent =
  | HeardEvent
  /** What comes behind this journal sequence is to be told; of no consequence when it is known where to go on. */
  | { readonly type: 'begin'; readonly upTo: number; readonly at: number }
  | { readonly type: 'activated'; readonly at: number }
  /** The target is not there any more: what waits is forgotten, and a return of it begins anew. */
  | { readonly type: 'forget'; readonly at: number };

const NOTHING = {
  position: null,
  windowEnd: 0,
  windowMs: 0,
  sent: 0,
  held: null,
  dueAt: 0,
  told: 0,
  gathered: 0,
} as const;

const chart = setup({
  types: { context: {} as NotifierContext, events: {} as NotifierEvent },
  delays: { due: ({ context, event }) => Math.max(0, context.dueAt - event.at) },
  guards: {
    isNew: ({ context, event }) => event.type === 'heard' && event.upTo > (context.position ?? -1),
    unknown: ({ context }) => context.position === null,
    holds: ({ context }) => context.held !== null,
    /** What comes is to be told before what is held already. */
    isEarlier: ({ context, event }) =>
      event.type === 'heard' &&
      event.upTo > (context.position ?? -1) &&
      afterHearing(context, event).context.dueAt !== context.dueAt,
  },
  actions: {
    begin: assign(({ event }) => (event.type === 'begin' ? { position: event.upTo } : {})),
    forget: assign(({ context: { told, gathered } }) => ({ ...NOTHING, told, gathered })),

    // Effects; actors/notifier.ts carries them out.
    deliver: (_, _message: NotificationMessage) => undefined,
    follow: (_, _from: { position: number | null }) => undefined,
    rest: () => undefined,
  },
});

const hear = chart.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'heard') return;
  const { context: next, messages } = afterHearing(context, event);
  enqueue.assign(next);
  for (const message of messages) enqueue({ type: 'deliver', params: message });
});
const digest = chart.enqueueActions(({ context, event, enqueue }) => {
  const { held } = context;
  if (held === null) return;
  enqueue({ type: 'deliver', params: { type: 'digest', at: event.at, ...held } });
  enqueue.assign({
    ...{ held: null, dueAt: 0, windowEnd: event.at + context.windowMs, sent: 1 },
    gathered: context.gathered + held.count,
  });
});
/** Reads the journal from there on. */
const follow = {
  type: 'follow',
  params: ({ context }: { context: NotifierContext }) => ({ position: context.position }),
} as const;

/**
 * Tells one target of alarms: each change by itself as long as the window's bound allows, then all that is too much as
 * one message at its end. So a flood of alarms is no flood of messages.
 *
 *     idle ─too many, or quiet hours→ holding ─the window, or the quiet, is over: one digest→ idle
 */
export const notifierMachine = chart.createMachine({
  id: 'notifier',
  context: NOTHING,
  initial: 'idle',
  on: {
    activated: { actions: follow },
    begin: { guard: 'unknown', actions: 'begin' },
    forget: { target: '.idle', actions: ['forget', 'rest'] },
  },
  states: {
    idle: {
      always: { guard: 'holds', target: 'holding' },
      on: { heard: { guard: 'isNew', actions: hear } },
    },
    holding: {
      on: {
        heard: [
          { guard: 'isEarlier', actions: hear, target: 'holding', reenter: true },
          { guard: 'isNew', actions: hear },
        ],
      },
      after: { due: { target: 'idle', actions: digest } },
    },
  },
});

interface Heard {
  readonly context: Omit<NotifierContext, 'gathered'>;
  readonly messages: readonly NotificationMessage[];
}

/** As many as the window still allows are told one by one; the rest is held until it is over. */
function afterHearing(context: NotifierContext, event: HeardEvent): Heard {
  const { at, upTo, notices, surplus, quiet, quietUntil, perWindow, windowMs } = event;
  const isOver = at >= context.windowEnd;
  const windowEnd = isOver ? at + windowMs : context.windowEnd;
  const before = isOver ? 0 : context.sent;
  const now = notices.slice(0, Math.max(0, perWindow - before));
  const late = notices.slice(now.length).reduce<Tally | null>(counted, null);
  const rest = late === null ? surplus : merged(late, surplus);
  let { held, dueAt } = context;
  if (rest !== null) {
    dueAt = held === null ? windowEnd : Math.min(dueAt, windowEnd);
    held = merged(held, rest);
  }
  if (quiet !== null && quietUntil !== null) {
    dueAt = held === null ? quietUntil : Math.min(dueAt, quietUntil);
    held = merged(held, quiet);
  }
  const sent = before + now.length;
  return {
    context: { position: upTo, windowEnd, windowMs, sent, held, dueAt, told: context.told + now.length },
    messages: now.map((notice) => ({ type: 'alarm', at, ...notice })),
  };
}
