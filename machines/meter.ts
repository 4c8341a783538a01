import { assign, setup } from 'xstate';
import type { AcceptedReading, HeldReading, MeterRecord } from '../site/metering/readings.js';
import { withReading } from './meter/anomaly.js';
import { afterSubmission, counted, decide, type Decision } from './meter/decide.js';
import { formerAfter, meterRecord, unregistered, type MeterContext, type MeterEvent } from './meter/record.js';
import { mark } from './meter/window.js';

/** Readings that tokens are owed for from now on. What is minted is made from these records of the journal alone. */
export interface Accepted {
  readonly items: readonly AcceptedReading[];
}

/** Readings that wait for a person. */
export interface Held {
  readonly items: readonly HeldReading[];
}

/** A held reading that a person has let through, or not. */
export interface Settled extends Accepted {
  readonly by: string;
}

/** The meter as it is after a change. */
export interface MeterAnnouncement {
  readonly meter: MeterRecord;
}

type Params = { context: MeterContext; event: MeterEvent };

/** What the guards have found about an event, for the actions of the same transition. */
const decisions = new WeakMap<MeterEvent, Decision>();

function decided({ context, event }: Params): Decision | undefined {
  if (event.type !== 'submit') return undefined;
  const decision = decide(context, event);
  decisions.set(event, decision);
  return decision;
}

function decisionOf(event: MeterEvent): Decision | undefined {
  return decisions.get(event);
}

function heldReading({ context, event }: Params): HeldReading | undefined {
  if (event.type !== 'release' && event.type !== 'refuse') return undefined;
  return context.held.find(({ sequence }) => sequence === event.sequence);
}

function settled(context: MeterContext, item: HeldReading): Pick<MeterContext, 'held' | 'revision'> {
  return { held: context.held.filter((each) => each !== item), revision: context.revision + 1 };
}

const chart = setup({
  types: { context: {} as MeterContext, events: {} as MeterEvent, input: {} as { id: string } },
  guards: {
    acceptsAndHolds: (params) => {
      const decision = decided(params);
      return decision !== undefined && decision.accepted.length > 0 && decision.held.length > 0;
    },
    accepts: ({ event }) => (decisionOf(event)?.accepted.length ?? 0) > 0,
    holds: ({ event }) => (decisionOf(event)?.held.length ?? 0) > 0,
    isHeld: (params) => heldReading(params) !== undefined,
    otherKey: ({ context, event }) =>
      event.type === 'rotate' &&
      context.registration?.source === null &&
      context.registration.publicKey !== event.publicKey,
    otherOwner: ({ context, event }) =>
      event.type === 'reassign' &&
      (context.registration?.wallet !== event.wallet || context.registration.user !== event.user),
  },
  actions: {
    register: assign(({ context, event }) => {
      if (event.type !== 'register') return {};
      const { publicKey, source, wallet, user, at } = event;
      return { registration: { publicKey, source, wallet, user, at }, revision: context.revision + 1 };
    }),
    rotate: assign(({ context, event }) => {
      if (event.type !== 'rotate' || context.registration === null) return {};
      return {
        registration: { ...context.registration, publicKey: event.publicKey },
        // A key that is taken into use again is no former one.
        formerKeys: formerAfter(context, event.at).filter(({ publicKey }) => publicKey !== event.publicKey),
        revision: context.revision + 1,
      };
    }),
    revoke: assign(({ context, event }) => {
      if (event.type !== 'revoke') return {};
      const { at, by, reason } = event;
      return { revoked: { at, by, reason }, revision: context.revision + 1 };
    }),
    reassign: assign(({ context, event }) => {
      if (event.type !== 'reassign' || context.registration === null) return {};
      const { wallet, user } = event;
      return { registration: { ...context.registration, wallet, user }, revision: context.revision + 1 };
    }),
    take: assign(({ context, event }) => {
      const decision = decisionOf(event);
      return event.type !== 'submit' || decision === undefined ? {} : afterSubmission(context, event, decision);
    }),
    letThrough: assign(({ context, event }) => {
      const item = heldReading({ context, event });
      if (item === undefined) return {};
      return {
        ...settled(context, item),
        ...counted(context, [item]),
        usage: withReading(context.usage, BigInt(item.energy), item.end - item.start),
        recent: mark(context.recent, item.sequence, 'a'),
      };
    }),
    turnAway: assign(({ context, event }) => {
      const item = heldReading({ context, event });
      return item === undefined ? {} : { ...settled(context, item), recent: mark(context.recent, item.sequence, 'r') };
    }),

    // Effects that others read in the journal; nothing is done by the actor itself.
    accepted: (_, _params: Accepted) => undefined,
    held: (_, _params: Held) => undefined,
    released: (_, _params: Settled) => undefined,
    refused: (_, _params: Settled) => undefined,
    announce: (_, _params: MeterAnnouncement) => undefined,
  },
});

const accepted = {
  type: 'accepted',
  params: ({ event }: Params) => ({ items: decisionOf(event)?.accepted ?? [] }),
} as const;
const held = { type: 'held', params: ({ event }: Params) => ({ items: decisionOf(event)?.held ?? [] }) } as const;
const announce = {
  type: 'announce',
  params: ({ context }: Params) => ({ meter: meterRecord(context) as MeterRecord }),
} as const;

function settledBy({ context, event }: Params): Settled {
  const item = heldReading({ context, event });
  return { items: item === undefined ? [] : [plain(item)], by: 'by' in event ? event.by : '' };
}

function plain({ sequence, start, end, energy, tokens, wallet, user }: HeldReading): AcceptedReading {
  return { sequence, start, end, energy, tokens, wallet, user };
}

/** What a person decides about a reading that waits; also after the meter was revoked. */
const settling = {
  // The effect comes first: it speaks of a reading that is gone from the meter after the assignment.
  release: { guard: 'isHeld', actions: [{ type: 'released', params: settledBy }, 'letThrough', announce] },
  refuse: { guard: 'isHeld', actions: [{ type: 'refused', params: settledBy }, 'turnAway', announce] },
} as const;

/**
 * One meter: whose it is, and which of its readings count.
 *
 *     unregistered ─register→ active ─revoke→ revoked
 *     active: rotate (another key), reassign (another owner), submit (readings), and in revoked too: release, refuse
 *
 * A submission of which no reading is taken changes nothing. What is taken stands in the journal once, as `accepted` when
 * tokens are owed for it, as `held` when a person has to look at it, later `released` or `refused`.
 */
export const meterMachine = chart.createMachine({
  id: 'meter',
  context: ({ input }) => unregistered(input.id),
  initial: 'unregistered',
  states: {
    unregistered: { on: { register: { target: 'active', actions: ['register', announce] } } },
    active: {
      on: {
        rotate: { guard: 'otherKey', actions: ['rotate', announce] },
        reassign: { guard: 'otherOwner', actions: ['reassign', announce] },
        revoke: { target: 'revoked', actions: ['revoke', announce] },
        submit: [
          { guard: 'acceptsAndHolds', actions: ['take', accepted, held, announce] },
          { guard: 'accepts', actions: ['take', accepted, announce] },
          { guard: 'holds', actions: ['take', held, announce] },
        ],
        ...settling,
      },
    },
    revoked: { on: settling },
  },
});
