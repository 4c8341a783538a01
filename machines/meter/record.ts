import type {
  HeldReading,
  MeterRecord,
  MeterRegister,
  MeterSource,
  MeterState,
  ReadingLimits,
  ReadingVerdict,
  SubmittedReading,
} from '../../site/metering/readings.js';
import { NO_USAGE, type Usage } from './anomaly.js';

/** Whose a meter is, and how its readings are known to be its own. */
export interface Registration {
  /** base58; null where a channel of the site reads the meter. */
  readonly publicKey: string | null;
  readonly source: MeterSource | null;
  readonly wallet: string;
  readonly user: string;
  /** The site file says so, and nobody else. */
  readonly bySite?: boolean;
}

export interface MeterContext {
  readonly id: string;
  readonly registration: (Registration & { readonly at: number }) | null;
  readonly formerKeys: MeterRecord['formerKeys'];
  readonly revoked: MeterRecord['revoked'];
  readonly register: MeterRegister | null;
  readonly last: MeterRecord['last'];
  /** The last readings that were accepted or held, ascending: machines/meter/window.ts. */
  readonly recent: readonly string[];
  readonly held: readonly HeldReading[];
  readonly readings: number;
  readonly energy: string;
  readonly tokens: string;
  readonly usage: Usage;
  /** What the last submission that changed anything was answered. */
  readonly answered: { readonly submission: string; readonly verdicts: readonly ReadingVerdict[] } | null;
  readonly revision: number;
}

export interface SubmitEvent {
  readonly type: 'submit';
  /** Names the submission, so that its answer is known from others. */
  readonly submission: string;
  readonly limits: ReadingLimits;
  readonly readings: readonly SubmittedReading[];
  readonly at: number;
}

/** What the counter of a channel showed at a boundary of its intervals. */
export interface CountEvent {
  readonly type: 'count';
  /** The boundary, ms since the Unix epoch. */
  readonly end: number;
  /** µWh. */
  readonly register: string;
  /** It lies on the line between the values before and after. */
  readonly estimated?: boolean;
  readonly limits: ReadingLimits;
  readonly at: number;
}

/** Another counter has taken the place of a channel's. */
export interface ReplaceEvent {
  readonly type: 'replace';
  /** What the former showed last, and the other one first, µWh. */
  readonly from: string;
  readonly to: string;
  /** When that was, ms since the Unix epoch. */
  readonly seen: number;
  readonly at: number;
}

export type MeterEvent =
  | ({ type: 'register'; at: number } & Registration)
  | { type: 'rotate'; publicKey: string; at: number }
  | { type: 'revoke'; by: string; reason: string; at: number }
  | { type: 'reassign'; wallet: string; user: string; at: number }
  | { type: 'configure'; source: MeterSource; wallet: string; user: string; at: number }
  | { type: 'detach'; at: number }
  | SubmitEvent
  | CountEvent
  | ReplaceEvent
  | { type: 'release'; sequence: number; by: string; at: number }
  | { type: 'refuse'; sequence: number; by: string; at: number };

export function unregistered(id: string): MeterContext {
  return {
    id,
    registration: null,
    formerKeys: [],
    revoked: null,
    register: null,
    last: null,
    recent: [],
    held: [],
    readings: 0,
    energy: '0',
    tokens: '0',
    usage: NO_USAGE,
    answered: null,
    revision: 0,
  };
}

/** A meter as everybody outside sees it; undefined before it is registered. */
export function meterRecord(context: MeterContext): MeterRecord | undefined {
  const { id, registration, formerKeys, revoked, register, last, held, readings, energy, tokens, revision } = context;
  if (registration === null) return undefined;
  const { publicKey, source, wallet, user, at } = registration;
  const state: MeterState = revoked === null ? 'active' : 'revoked';
  return {
    ...{ id, state, publicKey, source, register, wallet, user, registeredAt: at, formerKeys, revoked, last },
    ...{ readings, energy, tokens, held: held.length, revision },
  };
}

/** Former keys kept at most; a meter that gives out more is not rotated but broken. */
const MAX_FORMER_KEYS = 4;
/** Readings signed with a former key are taken for so long after the rotation. */
export const KEY_GRACE_MS = 86_400_000;

/** The keys that count beside a new one. */
export function formerAfter(context: MeterContext, at: number): MeterContext['formerKeys'] {
  const former = context.formerKeys.filter(({ until }) => until > at);
  const publicKey = context.registration?.publicKey;
  return publicKey === undefined || publicKey === null
    ? former
    : [...former, { publicKey, until: at + KEY_GRACE_MS }].slice(-MAX_FORMER_KEYS);
}
