import { StatewattError } from '../../errors/error.js';

/**
 * The canonical byte form of a meter reading: what a meter signs with ed25519 (RFC 8032), and nothing else is verified.
 * docs/readings.md describes it for those who build meters, with test vectors.
 *
 * Seven lines of ASCII, each ended by one line feed (0x0A):
 *
 *     statewatt:meter-reading     separates the domain: no other text that is signed begins so
 *     1                           version of this form
 *     METER_001                   the meter, as it is registered
 *     1763733600000               start of the interval, inclusive, ms since the Unix epoch
 *     1763734500000               end of the interval, exclusive
 *     1250000000                  energy of the interval in µWh (1 kWh = 1,000,000,000)
 *     42                          sequence, rises with each reading of the meter
 *
 * Numbers are decimal, without sign, point, exponent, leading zeros. A line feed can be in none of the fields, so two
 * different readings never have the same bytes. The wallet is not signed: to whom a meter belongs is a matter of its
 * registration, and may change without the meter.
 */
export interface MeterReading {
  /** `METER_ID`. */
  readonly meter: string;
  /** ms since the Unix epoch. */
  readonly start: number;
  /** ms since the Unix epoch, after `start`. */
  readonly end: number;
  /** µWh. */
  readonly energy: bigint;
  /** 0 … 2^53 − 1. */
  readonly sequence: number;
}

export const READING_DOMAIN = 'statewatt:meter-reading';
export const READING_VERSION = 1;
export const METER_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
/** Energy that one reading may state at most: what an unsigned 64-bit integer holds. */
export const MAX_READING_ENERGY = 2n ** 64n - 1n;

/** @throws `readings.invalid`: a field that has no canonical form */
export function readingBytes(reading: MeterReading): Uint8Array {
  const { meter, start, end, energy, sequence } = reading;
  if (!METER_ID.test(meter)) {
    throw invalid(
      'meter',
      `${JSON.stringify(meter.slice(0, 80))} is no meter id; wanted: 1 to 64 of A–Z a–z 0–9 . _ : -, a letter or digit first`,
    );
  }
  checkCount('start', start);
  checkCount('end', end);
  checkCount('sequence', sequence);
  if (end <= start) throw invalid('end', `the interval ends at ${end}, which is not after its start ${start}`);
  if (energy < 0n || energy > MAX_READING_ENERGY) {
    throw invalid('energy', `the energy is ${energy} µWh; allowed: 0 to ${MAX_READING_ENERGY}`);
  }
  return Buffer.from(
    `${READING_DOMAIN}\n${READING_VERSION}\n${meter}\n${start}\n${end}\n${energy}\n${sequence}\n`,
    'latin1',
  );
}

function checkCount(field: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw invalid(field, `${field} is ${value}; wanted: a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  }
}

function invalid(field: string, message: string): StatewattError {
  return new StatewattError('readings.invalid', 'invalid', message, { details: { field } });
}
