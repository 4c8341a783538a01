import type { EnergyUnit } from './register.js';

/** Readings of meters as they are submitted, decided and kept: all plain JSON. Energy is decimal text of µWh. */

/** By what a meter decides about readings; stands in each event, so that a replay decides as the first time. */
export interface ReadingLimits {
  /** µWh that one reading may state at most. */
  readonly maxEnergy: string;
  readonly maxAgeMs: number;
  /** Ms that the end of a reading may lie after its arrival. */
  readonly futureSkewMs: number;
  readonly rate: { readonly ratio: string; readonly decimals: number };
  readonly anomaly: {
    /** Standard deviations above the meter's mean from which a reading is held; 0: never. */
    readonly deviations: number;
    /** Readings before the mean is known. */
    readonly minReadings: number;
  };
}

/** A reading on its way to its meter. */
export interface SubmittedReading {
  readonly sequence: number;
  /** ms since the Unix epoch, inclusive. */
  readonly start: number;
  /** ms since the Unix epoch, exclusive. */
  readonly end: number;
  /** µWh. */
  readonly energy: string;
  /** The wallet that the sender believes it is for, base58. */
  readonly wallet?: string;
  /** The public key with which its signature was verified, base58; missing where a channel of the site read it. */
  readonly key?: string;
  /** As it was verified, base58; kept as evidence. */
  readonly signature?: string;
  /** Of readings of a channel's counter. */
  readonly marks?: readonly ReadingMark[];
}

/**
 * What is to be known of a reading of a channel's counter. gap: it is of more than one interval, as the counter could not be
 * read at a boundary between. estimated: the counter was not read near the end of the interval; its value there lies on the
 * line between those before and after. rollover: the counter began anew at its limit. replaced: another counter has taken
 * its place; what both have counted is added.
 */
export const READING_MARKS = ['gap', 'estimated', 'rollover', 'replaced'] as const;
export type ReadingMark = (typeof READING_MARKS)[number];

/** Why a reading is rejected, in the order in which it is looked at. */
export const READING_PROBLEMS = [
  'readings.invalid',
  'readings.unknown_meter',
  'readings.revoked_meter',
  'readings.wallet_mismatch',
  'readings.bad_signature',
  'readings.conflict',
  'readings.not_monotonic',
  'readings.in_future',
  'readings.too_old',
  'readings.above_maximum',
  'readings.too_much',
  'readings.overlap',
  'readings.too_many_held',
] as const;
export type ReadingProblem = (typeof READING_PROBLEMS)[number];

/** What became of a reading. */
export type ReadingVerdict =
  | { readonly sequence: number; readonly verdict: 'accepted'; readonly tokens: string; readonly duplicate?: true }
  /** It waits for a person. */
  | { readonly sequence: number; readonly verdict: 'held'; readonly tokens: string; readonly duplicate?: true }
  /** A person has refused it. */
  | { readonly sequence: number; readonly verdict: 'refused'; readonly duplicate: true }
  | {
      readonly sequence: number;
      readonly verdict: 'rejected';
      readonly code: ReadingProblem;
      readonly message: string;
    };

/** A reading that tokens are owed for (or, held, may be): what the journal says of it. */
export interface AcceptedReading {
  readonly sequence: number;
  readonly start: number;
  readonly end: number;
  /** µWh. */
  readonly energy: string;
  /** Base units. */
  readonly tokens: string;
  /** Whose the meter was when the reading came. */
  readonly wallet: string;
  readonly user: string;
  /** Of readings of a channel's counter. */
  readonly marks?: readonly ReadingMark[];
}

/** A reading that waits for a person. */
export interface HeldReading extends AcceptedReading {
  /** When it came, ms since the Unix epoch. */
  readonly at: number;
  readonly reason: string;
}

/** Where the readings of a meter of the site come from: the counter of a channel. */
export interface MeterSource {
  readonly channel: number;
  /** Telemetry point that counts energy. */
  readonly point: number;
  readonly unit: EnergyUnit;
  /** Where the counter begins anew, in its unit; missing: it does not. */
  readonly rollover?: number;
  /** From one reading to the next, a divisor of a day; missing: 900. */
  readonly intervalSecs?: number;
}

/** The counter of a channel as of the last boundary at which it was counted. */
export interface MeterRegister {
  /** What it showed, µWh. */
  readonly energy: string;
  /** The boundary, ms since the Unix epoch: the next reading begins there. */
  readonly at: number;
  /** What counters that have been replaced since then had counted, µWh. */
  readonly carried: string;
  /** When the counter was replaced last, ms since the Unix epoch; null: never. */
  readonly replacedAt: number | null;
  readonly replacements: number;
}

export type MeterState = 'active' | 'revoked';

/** A meter as everybody outside sees it. */
export interface MeterRecord {
  readonly id: string;
  readonly state: MeterState;
  /** ed25519, base58; null: its readings come from a channel of the site. */
  readonly publicKey: string | null;
  readonly source: MeterSource | null;
  /** null: no counter of a channel was read yet. */
  readonly register: MeterRegister | null;
  /** Who gets the tokens, base58. */
  readonly wallet: string;
  /** Whose it is. */
  readonly user: string;
  readonly registeredAt: number;
  /** Former keys that are still taken, and until when. */
  readonly formerKeys: readonly { readonly publicKey: string; readonly until: number }[];
  readonly revoked: { readonly at: number; readonly by: string; readonly reason: string } | null;
  /** Of the last reading that was accepted or held. */
  readonly last: { readonly sequence: number; readonly end: number } | null;
  /** Readings accepted (released ones too), their energy (µWh) and tokens (base units). */
  readonly readings: number;
  readonly energy: string;
  readonly tokens: string;
  /** Readings that wait for a person. */
  readonly held: number;
  /** Rises with every change. */
  readonly revision: number;
}
