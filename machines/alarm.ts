import { assign, not, setup } from 'xstate';
import type { AlarmChange, AlarmRecord, AlarmState } from '../site/alarms.js';
import {
  adopted,
  begun,
  changed,
  entered,
  isHigher,
  isWithinDeadband,
  unheardOf,
  type AlarmContext,
  type AlarmEvent,
  type RaiseEvent,
} from './alarm/record.js';

/** The change of an alarm that everybody outside hears of, with the alarm as it is after it. */
export interface Announcement {
  readonly alarm: AlarmRecord;
}

const chart = setup({
  types: { context: {} as AlarmContext, events: {} as AlarmEvent, input: {} as { id: string } },
  delays: {
    onDelay: ({ context }) => context.settings.onDelayMs,
    // An acknowledgement meanwhile does not begin it anew.
    offDelay: ({ context: { alarm, settings }, event }) =>
      Math.max(0, (alarm.clearedAt ?? 0) + settings.offDelayMs - event.at),
    escalation: ({ context }) => context.settings.escalateAfterMs,
    shelving: ({ context: { alarm }, event }) => Math.max(0, (alarm.hidden?.until ?? 0) - event.at),
  },
  guards: {
    known: ({ context }) => context.alarm.revision > 0,
    condition: ({ context }) => context.alarm.condition,
    waits: ({ event }) => event.type === 'raise' && (event.onDelayMs ?? 0) > 0,
    isHigher: ({ context, event }) => event.type === 'raise' && isHigher(context, event),
    clears: ({ context, event }) => event.type === 'clear' && !isWithinDeadband(context.settings, event.value),
    clearsLater: ({ context, event }) =>
      event.type === 'clear' && !isWithinDeadband(context.settings, event.value) && context.settings.offDelayMs > 0,
    escalates: ({ context: { settings } }) => settings.escalateAfterMs > 0 && settings.escalations > 0,
    escalatesAgain: ({ context: { alarm, settings } }) => alarm.escalations < settings.escalations,
  },
  actions: {
    adopt: assign(({ context, event }) => adopted(context, event as RaiseEvent)),
    begin: assign(({ context, event }) => begun(context, event.at)),
    conditionGone: assign(({ context, event }) => ({
      alarm: { ...context.alarm, condition: false, clearedAt: event.at },
    })),
    conditionBack: assign(({ context }) => ({ alarm: { ...context.alarm, condition: true, clearedAt: null } })),
    acknowledge: assign(({ context, event }) =>
      'by' in event ? { alarm: { ...context.alarm, acknowledgedAt: event.at, acknowledgedBy: event.by } } : {},
    ),
    keepNote: assign(({ context, event }) => {
      const note = event.type === 'note' ? event.text : 'note' in event ? event.note : undefined;
      return note === undefined ? {} : { alarm: { ...context.alarm, note } };
    }),
    hide: assign(({ context, event }) => {
      if (event.type !== 'shelve' && event.type !== 'suppress' && event.type !== 'outOfService') return {};
      const until = event.type === 'shelve' ? event.at + event.forMs : null;
      return { alarm: { ...context.alarm, hidden: { by: event.by, reason: event.reason ?? null, until } } };
    }),
    show: assign(({ context }) => ({ alarm: { ...context.alarm, hidden: null } })),
    countEscalation: assign(({ context }) => ({
      alarm: { ...context.alarm, escalations: context.alarm.escalations + 1 },
    })),
    change: assign(({ context, event }, { what }: { what: AlarmChange }) => changed(context, what, event)),
    enter: assign(({ context, event }, { state }: { state: AlarmState }) =>
      // XState's own first event has no time: the alarm is not heard of yet.
      'at' in event ? entered(context, state, event.at) : {},
    ),

    // An effect; actors/alarm.ts carries it out.
    announce: (_, _announcement: Announcement) => undefined,
  },
});

const announce = {
  type: 'announce',
  params: ({ context }: { context: AlarmContext }) => ({ alarm: context.alarm }),
} as const;
const change = (what: AlarmChange) => ({ type: 'change', params: { what } }) as const;
const enter = (state: AlarmState) => [{ type: 'enter', params: { state } } as const, announce] as const;

const UNACKNOWLEDGED = '#alarm.unacknowledged';
const NORMAL = '#alarm.normal';

/** A new episode, annunciated. */
const raise = { target: UNACKNOWLEDGED, actions: ['adopt', 'begin', change('raised')] } as const;
/** It became more severe while it stood: annunciated again. */
const raiseHigher = {
  guard: 'isHigher',
  target: UNACKNOWLEDGED,
  reenter: true,
  actions: ['adopt', change('raised')],
} as const;

/** What operators may do while the alarm is not hidden. */
const whileShown = {
  shelve: { guard: 'known', target: '#alarm.shelved', actions: ['hide', change('shelved')] },
  suppress: { guard: 'known', target: '#alarm.suppressed', actions: ['hide', change('suppressed')] },
  outOfService: { guard: 'known', target: '#alarm.outOfService', actions: ['hide', change('outOfService')] },
} as const;

/** Done with, by an operator: gone and acknowledged at once. */
const resolve = {
  target: NORMAL,
  actions: ['conditionGone', 'acknowledge', 'keepNote', change('resolved')],
} as const;

/** Hidden, its condition is followed all the same: on the way back it decides. */
const whileHidden = {
  raise: { guard: not('condition'), actions: ['adopt', change('heard'), announce] },
  clear: { guard: 'condition', actions: ['conditionGone', change('heard'), announce] },
} as const;
const back = (what: AlarmChange) =>
  [
    { guard: 'condition', target: UNACKNOWLEDGED, actions: ['show', 'begin', change(what)] },
    { target: NORMAL, actions: ['show', change(what)] },
  ] as const;

/**
 * One alarm, for as long as there is its source: the states of ANSI/ISA-18.2-2016. Delays are XState's own (`after`), so
 * the runtime makes them durable.
 *
 *     normal ─raise→ unacknowledged ─acknowledge→ acknowledged ─clear→ normal
 *                    unacknowledged ─clear→ returned ─acknowledge→ normal; returned ─raise→ unacknowledged
 *     all of them: ─shelve→ shelved, ─suppress→ suppressed, ─outOfService→ outOfService; back to unacknowledged when the
 *     condition is there, else to normal
 */
export const alarmMachine = chart.createMachine({
  id: 'alarm',
  context: ({ input }) => unheardOf(input.id),
  initial: 'normal',
  on: { note: { guard: 'known', actions: ['keepNote', change('noted'), announce] } },
  states: {
    normal: {
      entry: enter('normal'),
      initial: 'quiet',
      on: whileShown,
      states: {
        quiet: {
          on: {
            raise: [{ guard: 'waits', target: 'pending', actions: ['adopt', change('pending'), announce] }, raise],
          },
        },
        /** The condition is there, for less than the on delay. */
        pending: {
          on: { clear: { target: 'quiet', actions: ['conditionGone', change('withdrawn'), announce] } },
          after: { onDelay: { target: UNACKNOWLEDGED, actions: ['begin', change('raised')] } },
        },
      },
    },
    unacknowledged: {
      entry: enter('unacknowledged'),
      type: 'parallel',
      on: { ...whileShown, resolve },
      states: {
        condition: {
          initial: 'standing',
          states: {
            standing: {
              on: {
                raise: raiseHigher,
                clear: [
                  {
                    guard: 'clearsLater',
                    target: 'clearing',
                    actions: ['conditionGone', change('clearing'), announce],
                  },
                  { guard: 'clears', target: '#alarm.returned', actions: ['conditionGone', change('cleared')] },
                ],
                acknowledge: {
                  target: '#alarm.acknowledged.standing',
                  actions: ['acknowledge', 'keepNote', change('acknowledged')],
                },
              },
            },
            /** The condition is gone, for less than the off delay. */
            clearing: {
              on: {
                raise: [raiseHigher, { target: 'standing', actions: ['conditionBack', change('standing'), announce] }],
                acknowledge: {
                  target: '#alarm.acknowledged.clearing',
                  actions: ['acknowledge', 'keepNote', change('acknowledged')],
                },
              },
              after: { offDelay: { target: '#alarm.returned', actions: change('cleared') } },
            },
          },
        },
        escalation: {
          initial: 'asked',
          states: {
            asked: { always: [{ guard: 'escalates', target: 'waiting' }, 'done'] },
            waiting: {
              after: { escalation: { target: 'told', actions: ['countEscalation', change('escalated'), announce] } },
            },
            told: { always: [{ guard: 'escalatesAgain', target: 'waiting' }, 'done'] },
            done: {},
          },
        },
      },
    },
    acknowledged: {
      entry: enter('acknowledged'),
      initial: 'standing',
      on: { ...whileShown, resolve },
      states: {
        standing: {
          on: {
            raise: raiseHigher,
            clear: [
              { guard: 'clearsLater', target: 'clearing', actions: ['conditionGone', change('clearing'), announce] },
              { guard: 'clears', target: NORMAL, actions: ['conditionGone', change('cleared')] },
            ],
          },
        },
        clearing: {
          on: {
            raise: [raiseHigher, { target: 'standing', actions: ['conditionBack', change('standing'), announce] }],
          },
          after: { offDelay: { target: NORMAL, actions: change('cleared') } },
        },
      },
    },
    /** The condition is gone, and nobody has acknowledged that it was there. */
    returned: {
      entry: enter('returned'),
      on: {
        ...whileShown,
        resolve: { target: NORMAL, actions: ['acknowledge', 'keepNote', change('resolved')] },
        raise,
        acknowledge: { target: NORMAL, actions: ['acknowledge', 'keepNote', change('acknowledged')] },
      },
    },
    /** By an operator, for a time. */
    shelved: {
      entry: enter('shelved'),
      on: {
        ...whileHidden,
        ...whileShown,
        shelve: { target: 'shelved', reenter: true, actions: ['hide', change('shelved')] },
        unshelve: back('unshelved'),
      },
      after: { shelving: back('unshelved') },
    },
    /** By design: the plant is in a mode in which the alarm means nothing. */
    suppressed: {
      entry: enter('suppressed'),
      on: { ...whileHidden, outOfService: whileShown.outOfService, unsuppress: back('unsuppressed') },
    },
    /** For maintenance of the source. */
    outOfService: {
      entry: enter('outOfService'),
      on: { ...whileHidden, returnToService: back('returnedToService') },
    },
  },
});
