import { randomUUID } from 'node:crypto';
import { StatewattError, toStatewattError } from '../../errors/error.js';
import { decodeBase58, encodeBase58 } from '../../site/metering/base58.js';
import type { MeterRecord, ReadingProblem, ReadingVerdict, SubmittedReading } from '../../site/metering/readings.js';
import { readingLimits, type Tokenization } from '../../site/metering/tokenization.js';
import type { WorkerPool } from '../../workers/pool.js';
import { SIGNATURE_VALID } from '../../workers/signatures.js';
import { verifyOnPool } from '../../workers/verify.js';
import { MAX_READINGS, type ReadingResult } from '../client/metering.js';
import { MAX_READINGS_OF_COMMAND, meterRef, type MeterKind } from '../meter.js';
import type { ActorSystem } from '../runtime/system.js';
import { olderReadings, type ReadingArchive } from './older-readings.js';
import { parseReading, type ParsedReading } from './reading-form.js';
import type { Registrations } from './registrations.js';

export interface ReadingServiceParts {
  readonly system: ActorSystem;
  readonly kind: MeterKind;
  readonly pool: WorkerPool;
  readonly registrations: Registrations;
  readonly settings: () => Tokenization;
  /** What became of readings that meters remember no more; without it they are rejected. */
  readonly archive?: ReadingArchive;
  readonly now?: () => number;
}

/** Readings under way at once in a node; more are refused as busy. */
const MAX_UNDER_WAY = 4 * MAX_READINGS;
const BUSY_RETRY_MS = 500;
/** Meters that are asked at the same time. */
const METERS_AT_ONCE = 64;
/** A meter with many readings before these answers within this. */
const DEADLINE_MS = 20_000;

/** A reading on its way, and what is known of it. */
interface Work {
  readonly index: number;
  readonly reading: ParsedReading;
  /** The key with which its signature is valid; undefined: none that is known. */
  key?: string;
}

/** A reading with what became of it, for those who listen. */
export interface Judged {
  readonly reading: ParsedReading;
  readonly result: ReadingResult;
}

/**
 * Takes readings from outside: form, registration and signature here, the rest by the meters' actors, each of which has the
 * last word about its own. Signatures are verified on the pool's threads.
 */
export class ReadingService {
  readonly #parts: ReadingServiceParts;
  readonly #now: () => number;
  #underWay = 0;

  constructor(parts: ReadingServiceParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /** Readings that are being looked at. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * @returns a result for each, in their order, and those with a form, for who listens
   * @throws `readings.busy`, `workers.busy`, `workers.stopped`, `readings.too_many`, before anything is taken
   */
  async submit(values: readonly unknown[]): Promise<{ results: ReadingResult[]; judged: Judged[] }> {
    if (values.length > MAX_READINGS) throw tooMany(values.length);
    if (this.#underWay > 0 && this.#underWay + values.length > MAX_UNDER_WAY) throw busy(this.#underWay);
    this.#underWay += values.length;
    try {
      return await this.#submit(values);
    } finally {
      this.#underWay -= values.length;
    }
  }

  async #submit(values: readonly unknown[]): Promise<{ results: ReadingResult[]; judged: Judged[] }> {
    const results = new Array<ReadingResult>(values.length);
    const all: Work[] = [];
    for (const [index, value] of values.entries()) {
      try {
        all.push({ index, reading: parseReading(value) });
      } catch (error) {
        results[index] = malformed(value, toStatewattError(error));
      }
    }
    const valid = await this.#verify(all, results);
    await this.#ask(valid, results);
    return { results, judged: all.map(({ index, reading }) => ({ reading, result: results[index] as ReadingResult })) };
  }

  /** Those that their meters are to be asked about; the others get their result. */
  async #verify(all: readonly Work[], results: ReadingResult[]): Promise<Work[]> {
    const { registrations } = this.#parts;
    const unknown = new Set(
      all.map(({ reading }) => reading.meter).filter((id) => registrations.get(id) === undefined),
    );
    const failed = await registrations.refresh(unknown);
    await this.#findKeys(all);
    // What is remembered may be behind; before anything is rejected its meter is asked.
    const doubted = all.filter((work) => this.#problemOf(work) !== undefined);
    const again = new Set(doubted.map(({ reading }) => reading.meter).filter((id) => !unknown.has(id)));
    if (again.size > 0) {
      for (const [meter, error] of await registrations.refresh(again)) failed.set(meter, error);
      await this.#findKeys(doubted.filter(({ reading }) => again.has(reading.meter)));
    }
    return all.filter((work) => {
      const { meter, sequence } = work.reading;
      const failure = failed.get(meter);
      const problem = this.#problemOf(work);
      if (failure !== undefined) results[work.index] = failedResult(work.reading, failure);
      else if (problem !== undefined) {
        const [code, message] = problem;
        results[work.index] = { meter, sequence, verdict: 'rejected', code, message };
      } else return true;
      return false;
    });
  }

  /** Notes the key of each whose signature is valid: the meter's own, else a former one. */
  async #findKeys(works: readonly Work[]): Promise<void> {
    const now = this.#now();
    const own = works.filter((work) => work.key === undefined && this.#keysOf(work, now).length > 0);
    for (let nth = 0, left = own; left.length > 0; nth++) {
      const tried = left.map((work) => ({ work, key: this.#keysOf(work, now)[nth] as string }));
      const verdicts = await verifyOnPool(
        this.#parts.pool,
        tried.map(({ work: { reading }, key }) => ({
          publicKey: decodeBase58(key, 32) ?? new Uint8Array(0),
          signature: reading.signature,
          message: reading.message,
        })),
      );
      for (const [at, { work, key }] of tried.entries()) if (verdicts[at] === SIGNATURE_VALID) work.key = key;
      left = left.filter((work) => work.key === undefined && this.#keysOf(work, now).length > nth + 1);
    }
  }

  #keysOf({ reading }: Work, now: number): string[] {
    const record = this.#parts.registrations.get(reading.meter);
    if (record === undefined || record.publicKey === null) return [];
    return [
      record.publicKey,
      ...record.formerKeys.filter(({ until }) => until > now).map(({ publicKey }) => publicKey),
    ];
  }

  /** What is wrong with a reading as far as its registration tells; in the order of all checks. */
  #problemOf({ reading, key }: Work): readonly [ReadingProblem, string] | undefined {
    const record = this.#parts.registrations.get(reading.meter);
    if (record === undefined) return ['readings.unknown_meter', 'no meter of this id is registered'];
    return problemOf(record, reading.wallet, key);
  }

  /** Has the meters judge their readings, each in the order of its sequences. */
  async #ask(works: readonly Work[], results: ReadingResult[]): Promise<void> {
    const byMeter = new Map<string, Work[]>();
    for (const work of works) {
      const group = byMeter.get(work.reading.meter);
      if (group === undefined) byMeter.set(work.reading.meter, [work]);
      else group.push(work);
    }
    const groups = byMeter.entries();
    const ask = async (): Promise<void> => {
      for (const [meter, group] of groups) await this.#askMeter(meter, group, results);
    };
    await Promise.all(Array.from({ length: Math.min(METERS_AT_ONCE, byMeter.size) }, ask));
  }

  async #askMeter(meter: string, group: Work[], results: ReadingResult[]): Promise<void> {
    const { system, kind, settings } = this.#parts;
    const limits = readingLimits(settings());
    group.sort((a, b) => a.reading.sequence - b.reading.sequence || a.index - b.index);
    for (let from = 0; from < group.length; from += MAX_READINGS_OF_COMMAND) {
      const chunk = group.slice(from, from + MAX_READINGS_OF_COMMAND);
      try {
        const verdicts = await system.ask(
          meterRef(kind, meter),
          {
            type: 'submit',
            submission: randomUUID(),
            limits,
            readings: chunk.map(submitted),
            receivedAt: this.#now(),
          },
          { deadline: DEADLINE_MS },
        );
        for (const [at, { index }] of chunk.entries()) {
          results[index] = { meter, ...(verdicts[at] as ReadingVerdict) };
        }
        await this.#lookUpOlder(meter, chunk, results);
      } catch (thrown) {
        // The readings behind would be accepted before those, which then never could be.
        const error = toStatewattError(thrown);
        for (const { index, reading } of group.slice(from)) results[index] = failedResult(reading, error);
        return;
      }
    }
  }

  /** A reading that was taken so long ago that its meter has forgotten it is answered by the archive. */
  async #lookUpOlder(meter: string, chunk: readonly Work[], results: ReadingResult[]): Promise<void> {
    const { archive } = this.#parts;
    if (archive === undefined) return;
    const older = chunk.filter(({ index }) => results[index]?.code === 'readings.not_monotonic');
    if (older.length === 0) return;
    const readings = older.map(({ reading }) => reading);
    const known = await olderReadings(archive, meter, readings);
    for (const { index, reading } of older)
      results[index] = known.get(reading.sequence) ?? (results[index] as ReadingResult);
  }
}

function problemOf(
  record: MeterRecord,
  wallet: string | undefined,
  key: string | undefined,
): readonly [ReadingProblem, string] | undefined {
  if (record.revoked !== null) {
    const { by, reason } = record.revoked;
    return ['readings.revoked_meter', `the meter was revoked by ${by}: ${reason}`];
  }
  if (wallet !== undefined && wallet !== record.wallet) {
    return ['readings.wallet_mismatch', `the reading is for the wallet ${wallet}; the meter’s is another one`];
  }
  if (key !== undefined) return undefined;
  return record.publicKey === null
    ? ['readings.bad_signature', 'the meter is read by a channel of the site, not from outside']
    : ['readings.bad_signature', 'the signature is not that of the meter’s key over this reading'];
}

function submitted({ reading, key }: Work): SubmittedReading {
  const { sequence, start, end, energy, wallet, signature } = reading;
  return {
    ...{ sequence, start, end, energy: energy.toString() },
    ...(wallet === undefined ? {} : { wallet }),
    ...(key === undefined ? {} : { key }),
    signature: encodeBase58(signature),
  };
}

function malformed(value: unknown, error: StatewattError): ReadingResult {
  const { meter, sequence } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  return {
    meter: typeof meter === 'string' ? meter.slice(0, 64) : null,
    sequence: Number.isSafeInteger(sequence) ? (sequence as number) : null,
    verdict: 'rejected',
    code: error.code,
    message: error.message,
  };
}

/** What became of it is not known. */
function failedResult({ meter, sequence }: ParsedReading, { code, message }: StatewattError): ReadingResult {
  return { meter, sequence, verdict: 'failed', code, message };
}

function busy(underWay: number): StatewattError {
  return new StatewattError(
    'readings.busy',
    'busy',
    `${underWay} readings are being looked at; at most ${MAX_UNDER_WAY} are at once`,
    { retryAfterMs: BUSY_RETRY_MS },
  );
}

function tooMany(found: number): StatewattError {
  return new StatewattError(
    'readings.too_many',
    'invalid',
    `${found} readings in one request; allowed: ${MAX_READINGS}`,
    { details: { found, allowed: MAX_READINGS } },
  );
}
