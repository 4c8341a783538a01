import { BAD, GOOD, OUT_OF_RANGE, STALE, type PointDefinition } from '../site/points.js';
import type { Readings } from '../site/readings.js';
import type { PollOutcome, ProtocolError } from './driver.js';

/** The quality that a source gives a value; whether it is within its limits is seen here. */
export type SourceQuality = typeof GOOD | typeof STALE | typeof BAD;

/**
 * Values that come by themselves, until the next cycle takes them: of each point the newest counts, in the order in
 * which they came.
 */
export class Arrivals {
  readonly #values: Float64Array;
  readonly #texts = new Map<number, string>();
  /** Source times, ms since the Unix epoch. */
  readonly #times: Float64Array;
  readonly #quality: Uint8Array;
  /** 1: came since the last cycle. */
  readonly #fresh: Uint8Array;
  readonly #order: number[] = [];
  /** When the last one came, ms of a clock that nobody sets; NaN: none has come since the link was opened. */
  readonly #cameAt: Float64Array;
  readonly #staleAfterMs: Float64Array;
  readonly #anyStale: boolean;
  #reads = 0;
  #errors = 0;
  #lastError: ProtocolError | undefined;

  /** `staleAfterMs` is parallel to the points; 0 = never. */
  constructor(points: readonly PointDefinition[], staleAfterMs: readonly number[]) {
    this.#values = new Float64Array(points.length);
    this.#times = new Float64Array(points.length);
    this.#quality = new Uint8Array(points.length);
    this.#fresh = new Uint8Array(points.length);
    this.#cameAt = new Float64Array(points.length).fill(NaN);
    this.#staleAfterMs = Float64Array.from(staleAfterMs);
    this.#anyStale = staleAfterMs.some((ms) => ms > 0);
  }

  /** Something has come that was understood. */
  count(): void {
    this.#reads += 1;
  }

  /** Something has come that makes no value. */
  failed(error: ProtocolError): void {
    this.#errors += 1;
    this.#lastError = error;
  }

  /** A raw value, text for points of type string only; `time` is its source time. */
  put(index: number, raw: number | string, time: number, quality: SourceQuality = GOOD): void {
    if (typeof raw === 'string') this.#texts.set(index, raw);
    else this.#values[index] = raw;
    this.#times[index] = time;
    this.#mark(index, quality);
  }

  /** The source has no value of the point now; the last one stays, as stale or bad. */
  putNone(index: number, quality: typeof STALE | typeof BAD): void {
    this.#mark(index, quality);
    this.#times[index] = NaN;
  }

  /** Nothing more of the point will come: its value, also one that waits for the next cycle, is no longer so. */
  putStale(index: number): void {
    if (this.#fresh[index] === 0) this.putNone(index, STALE);
    else if (this.#quality[index] !== BAD) this.#quality[index] = STALE;
  }

  /** Forgets what has come: the link was opened anew. */
  clear(): void {
    this.#fresh.fill(0);
    this.#order.length = 0;
    this.#cameAt.fill(NaN);
    this.#reads = this.#errors = 0;
    this.#lastError = undefined;
  }

  /** Moves what has come into the readings, and makes those stale of which nothing has come for too long. */
  take(readings: Readings): PollOutcome {
    for (const index of this.#order) this.#move(index, readings);
    this.#order.length = 0;
    if (this.#anyStale) this.#age(readings);
    const lastError = this.#lastError;
    const outcome = { reads: this.#reads, errors: this.#errors, roundTrips: [] };
    this.#reads = this.#errors = 0;
    this.#lastError = undefined;
    return lastError === undefined ? outcome : { ...outcome, lastError };
  }

  #mark(index: number, quality: SourceQuality): void {
    this.#quality[index] = quality;
    this.#cameAt[index] = performance.now();
    if (this.#fresh[index] === 1) return;
    this.#fresh[index] = 1;
    this.#order.push(index);
  }

  #move(index: number, readings: Readings): void {
    this.#fresh[index] = 0;
    const quality = this.#quality[index];
    const time = this.#times[index] as number;
    if (!Number.isNaN(time)) {
      const text = this.#texts.get(index);
      if (text === undefined) readings.setRaw(index, this.#values[index] as number, time);
      else readings.setText(index, text, time);
    }
    if (quality === BAD) readings.setBad(index);
    else if (quality === STALE) readings.setStale(index);
  }

  #age(readings: Readings): void {
    const now = performance.now();
    for (let index = 0; index < this.#staleAfterMs.length; index++) {
      const limit = this.#staleAfterMs[index] as number;
      // Not so for NaN: what has not come since the link was opened is stale or bad already.
      if (limit === 0 || !(now - (this.#cameAt[index] as number) > limit)) continue;
      const quality = readings.quality[index];
      if (quality === GOOD || quality === OUT_OF_RANGE) readings.setStale(index);
    }
  }
}
