import { toStatewattError } from '../../errors/error.js';
import type { LedgerRow } from '../../site/minting/ledger.js';
import type { ReadingResult } from '../client/metering.js';
import type { ParsedReading } from './reading-form.js';

/** Where readings stand that a meter remembers no more. */
export interface ReadingArchive {
  rows(meter: string, sequences: readonly number[]): Promise<LedgerRow[]>;
  /** Sequence of the last one; undefined: there is none. */
  last(meter: string): Promise<number | undefined>;
}

/**
 * What is said of readings of one meter whose sequences are not new, and which it does not remember: those that were taken
 * long ago get their first verdict. The others were never taken.
 *
 * @returns by sequence; where the archive is away, or has not come as far, that it is not known
 */
export async function olderReadings(
  archive: ReadingArchive,
  meter: string,
  readings: readonly ParsedReading[],
): Promise<Map<number, ReadingResult>> {
  const results = new Map<number, ReadingResult>();
  try {
    const sequences = readings.map(({ sequence }) => sequence);
    // The last one first: what it says must hold for rows that are read after it.
    const last = await archive.last(meter);
    const rows = new Map((await archive.rows(meter, sequences)).map((row) => [row.sequence, row]));
    for (const reading of readings) {
      const row = rows.get(reading.sequence);
      if (row !== undefined) results.set(reading.sequence, firstVerdict(reading, row));
      else if (last === undefined || last < reading.sequence) {
        const message = 'what became of it is not in the ledger yet; send it again';
        results.set(reading.sequence, { ...nameOf(reading), verdict: 'failed', code: 'ledger.behind', message });
      }
    }
  } catch (thrown) {
    const { code, message } = toStatewattError(thrown);
    for (const reading of readings) {
      results.set(reading.sequence, { ...nameOf(reading), verdict: 'failed', code, message });
    }
  }
  return results;
}

function firstVerdict(reading: ParsedReading, { start, end, energy, status, tokens }: LedgerRow): ReadingResult {
  if (start !== reading.start || end !== reading.end || BigInt(energy) !== reading.energy) {
    const message = `another reading has the sequence ${reading.sequence}: ${energy} µWh from ${start} to ${end}`;
    return { ...nameOf(reading), verdict: 'rejected', code: 'readings.conflict', message };
  }
  if (status === 'refused') return { ...nameOf(reading), verdict: 'refused', duplicate: true };
  return { ...nameOf(reading), verdict: status === 'held' ? 'held' : 'accepted', tokens, duplicate: true };
}

function nameOf({ meter, sequence }: ParsedReading): Pick<ReadingResult, 'meter' | 'sequence'> {
  return { meter, sequence };
}
