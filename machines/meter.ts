import { assign, setup } from 'xstate';
import type { AcceptedReading, HeldReading, MeterRecord, MeterSource } from '../site/metering/readings.js';
import { withReading } from './meter/anomaly.js';
import { countName, countOf, replacedBy, type Count } from './meter/count.js';
import { afterSubmission, decide, withSums, type Decision } from './meter/decide.js';
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

/** What the meter is to be read from, for who reads it; null: nothing. */
export interface FeedOrder {
  readonly meter: string;
  readonly source: MeterSource | null;
  readonly bySite: boolean;
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
  return decisions.get(event) ?? counts.get(event)?.decision ?? undefined;
}

/** Whether a meter has another counter now; its interval and limit may change while it counts. */
function isOtherCounter(before: MeterSource | null | undefined, after: MeterSource): boolean {
  return !before || before.channel !== after.channel || before.point !== after.point || before.unit !== after.unit;
}

/** As `decisions`, of values of a channel's counter. */
const counts = new WeakMap<MeterEvent, Count>();

function counted({ context, event }: Params): Count | undefined {
  const count = event.type === 'count' ? countOf(context, event) : undefined;
  if (count !== undefined) counts.set(event, count);
  return count;
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
    isOfChannel: ({ event }) => event.type === 'register' && event.source !== null,
    isRead: ({ context }) => context.registration?.source !== null,
    otherConfiguration: ({ context: { registration }, event }) =>
      event.type === 'configure' &&
      registration !== null &&
      registration.publicKey === null &&
      !(
        registration.bySite === true &&
        registration.wallet === event.wallet &&
        registration.user === event.user &&
        JSON.stringify(registration.source) === JSON.stringify(event.source)
      ),
    isOfSite: ({ context }) => context.registration?.bySite === true,
    countsAndAccepts: (params) => (counted(params)?.decision?.accepted.length ?? 0) > 0,
    countsAndHolds: ({ event }) => (counts.get(event)?.decision?.held.length ?? 0) > 0,
    beginsToCount: ({ event }) => counts.get(event)?.decision === null,
    isReplaced: ({ context, event }) => event.type === 'replace' && replacedBy(context, event) !== undefined,
    isHeld: (params) => heldReading(params) !== undefined,
    otherKey: ({ context, event }) =>
      event.type === 'rotate' &&
      context.registration?.source === null &&
      context.registration.publicKey !== event.publicKey,
    otherOwner: ({ context, event }) =>
      event.type === 'reassign' &&
      context.registration?.bySite !== true &&
      (context.registration?.wallet !== event.wallet || context.registration.user !== event.user),
  },
  actions: {
    register: assign(({ context, event }) => {
      if (event.type !== 'register') return {};
      const { publicKey, source, wallet, user, at } = event;
      return { registration: { publicKey, source, wallet, user, at }, revision: context.revision + 1 };
    }),
    configure: assign(({ context: { registration, register, revision }, event }) => {
      if (event.type !== 'configure') return {};
      const { source, wallet, user, at } = event;
      return {
        registration: { publicKey: null, source, wallet, user, bySite: true, at: registration?.at ?? at },
        register: isOtherCounter(registration?.source, source) ? null : register,
        revision: revision + 1,
      };
    }),
    detach: assign(({ context: { registration, revision } }) => {
      if (registration === null) return {};
      const { bySite: _, ...rest } = registration;
      return { registration: { ...rest, source: null }, register: null, revision: revision + 1 };
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
      return event.type !== 'submit' || decision === undefined
        ? {}
        : afterSubmission(context, event.submission, decision);
    }),
    advance: assign(({ context, event }) => {
      const count = counts.get(event);
      if (event.type !== 'count' || count === undefined) return {};
      const { register, decision } = count;
      if (decision === null) return { register, revision: context.revision + 1 };
      return { ...afterSubmission(context, countName(event.end), decision), register };
    }),
    replace: assign(({ context, event }) => {
      const register = event.type === 'replace' ? replacedBy(context, event) : undefined;
      return register === undefined ? {} : { register, revision: context.revision + 1 };
    }),
    letThrough: assign(({ context, event }) => {
      const item = heldReading({ context, event });
      if (item === undefined) return {};
      return {
        ...settled(context, item),
        ...withSums(context, [item]),
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
    // Who reads the counter is told.
    feed: (_, _params: FeedOrder) => undefined,
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

const feed = {
  type: 'feed',
  params: ({ context: { id, registration, revoked } }: Params): FeedOrder => ({
    meter: id,
    source: revoked === null ? (registration?.source ?? null) : null,
    bySite: registration?.bySite === true,
  }),
} as const;

function settledBy({ context, event }: Params): Settled {
  const item = heldReading({ context, event });
  return { items: item === undefined ? [] : [plain(item)], by: 'by' in event ? event.by : '' };
}

function plain({ at: _at, reason: _reason, ...reading }: HeldReading): AcceptedReading {
  return reading;
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
 *     unregistered ─configure→ active, for meters of the site file: configure (as it stands there now), detach (no more)
 *     active, of a channel's counter: count (its value at a boundary), replace (another counter)
 *
 * A submission of which no reading is taken changes nothing. What is taken stands in the journal once, as `accepted` when
 * tokens are owed for it, as `held` when a person has to look at it, later `released` or `refused`.
 */
export const meterMachine = chart.createMachine({
  id: 'meter',
  context: ({ input }) => unregistered(input.id),
  initial: 'unregistered',
  states: {
    unregistered: {
      on: {
        register: [
          { guard: 'isOfChannel', target: 'active', actions: ['register', feed, announce] },
          { target: 'active', actions: ['register', announce] },
        ],
        configure: { target: 'active', actions: ['configure', feed, announce] },
      },
    },
    active: {
      on: {
        rotate: { guard: 'otherKey', actions: ['rotate', announce] },
        reassign: { guard: 'otherOwner', actions: ['reassign', announce] },
        configure: { guard: 'otherConfiguration', actions: ['configure', feed, announce] },
        detach: { guard: 'isOfSite', actions: ['detach', feed, announce] },
        revoke: [
          { guard: 'isRead', target: 'revoked', actions: ['revoke', feed, announce] },
          { target: 'revoked', actions: ['revoke', announce] },
        ],
        count: [
          { guard: 'countsAndAccepts', actions: ['advance', accepted, announce] },
          { guard: 'countsAndHolds', actions: ['advance', held, announce] },
          { guard: 'beginsToCount', actions: ['advance', announce] },
        ],
        replace: { guard: 'isReplaced', actions: ['replace', announce] },
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
