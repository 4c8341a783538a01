import { BAD, GOOD, OUT_OF_RANGE, STALE, type PointDefinition } from '../site/points.js';
import type { Readings } from '../site/readings.js';
import type { PollOutcome, ProtocolError } from './driver.js';

/** The quality that a source gives a value; whether it is within its limits is seen here. */
export type SourceQuality = typeof GOOD | typeof STALE | typeof BAD;

/** Values that are kept for frames of their own at most, over all points of a channel, beside the newest of each. */
export const MAX_KEPT = 10_000;

/** Values of different points that came one after the other, until a further one of some of them came. */
interface Kept {
  readonly indexes: readonly number[];
  readonly values: Float64Array;
  readonly times: Float64Array;
  readonly quality: Uint8Array;
  /** By index; only of points that have any. */
  readonly texts: ReadonlyMap<number, string>;
}

/**
 * Values that come by themselves, until the next cycle takes them, in the order in which they came. Of each point the
 * newest counts, unless the source says by `keep` that each of its values is to have a frame.
 */
export class Arrivals {
  readonly #values: Float64Array;
  readonly #texts = new Map<number, string>();
  /** Source times, ms since the Unix epoch. */
  readonly #times: Float64Array;
  readonly #quality: Uint8Array;
  /** 1: came since the last cycle. */
  readonly #fresh: Uint8Array;
  #order: number[] = [];
  /** Oldest first. */
  #kept: Kept[] = [];
  #keptValues = 0;
  #dropped = 0;
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

  /** Whether something has come that no cycle has taken. */
  get waiting(): boolean {
    return this.#order.length > 0 || this.#kept.length > 0;
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

  /**
   * Something newer comes of the point: what waits of it is taken first, in a frame of its own. When more than `MAX_KEPT`
   * values wait so, the oldest are given up and counted.
   */
  keep(index: number): void {
    if (this.#fresh[index] === 0) return;
    const indexes = this.#order;
    this.#kept.push({
      indexes,
      values: Float64Array.from(indexes, (each) => this.#values[each] as number),
      times: Float64Array.from(indexes, (each) => this.#times[each] as number),
      quality: Uint8Array.from(indexes, (each) => this.#quality[each] as number),
      texts: new Map(indexes.flatMap((each) => textOf(this.#texts, each))),
    });
    for (const each of indexes) this.#fresh[each] = 0;
    this.#order = [];
    this.#keptValues += indexes.length;
    while (this.#keptValues > MAX_KEPT) this.#dropped += this.#next()?.indexes.length ?? 0;
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
    this.#order = [];
    this.#kept = [];
    this.#keptValues = this.#dropped = 0;
    this.#cameAt.fill(NaN);
    this.#reads = this.#errors = 0;
    this.#lastError = undefined;
  }

  /**
   * Moves what has come into the readings, as much as one frame can tell, and makes those stale of which nothing has come
   * for too long. `more`: call it again for the next frame.
   */
  take(readings: Readings): PollOutcome {
    const kept = this.#next();
    if (kept === undefined) this.#moveNewest(readings);
    else moveKept(kept, readings);
    if (this.#anyStale) this.#age(readings);
    const outcome: PollOutcome = { reads: this.#reads, errors: this.#errors, roundTrips: [] };
    if (this.#lastError !== undefined) outcome.lastError = this.#lastError;
    if (this.waiting) outcome.more = true;
    if (this.#dropped > 0) outcome.dropped = this.#dropped;
    this.#reads = this.#errors = this.#dropped = 0;
    this.#lastError = undefined;
    return outcome;
  }

  /** As `take`; what came before the link was lost is told before that. @throws `lost`, once nothing waits any more */
  takeBefore(lost: ProtocolError | undefined, readings: Readings): PollOutcome {
    if (lost === undefined) return this.take(readings);
    if (!this.waiting) throw lost;
    return { ...this.take(readings), more: true };
  }

  #next(): Kept | undefined {
    const oldest = this.#kept.shift();
    this.#keptValues -= oldest?.indexes.length ?? 0;
    return oldest;
  }

  #mark(index: number, quality: SourceQuality): void {
    this.#quality[index] = quality;
    this.#cameAt[index] = performance.now();
    if (this.#fresh[index] === 1) return;
    this.#fresh[index] = 1;
    this.#order.push(index);
  }

  #moveNewest(readings: Readings): void {
    for (const index of this.#order) {
      this.#fresh[index] = 0;
      const raw = this.#texts.get(index) ?? (this.#values[index] as number);
      move(readings, index, raw, this.#times[index] as number, this.#quality[index] as number);
    }
    this.#order.length = 0;
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

function textOf(texts: ReadonlyMap<number, string>, index: number): [number, string][] {
  const text = texts.get(index);
  return text === undefined ? [] : [[index, text]];
}

function moveKept({ indexes, values, times, quality, texts }: Kept, readings: Readings): void {
  for (let at = 0; at < indexes.length; at++) {
    const index = indexes[at] as number;
    const raw = texts.get(index) ?? (values[at] as number);
    move(readings, index, raw, times[at] as number, quality[at] as number);
  }
}

/** Without a time there is no value, only another quality of the last one. */
function move(readings: Readings, index: number, raw: number | string, time: number, quality: number): void {
  if (!Number.isNaN(time)) {
    if (typeof raw === 'number') readings.setRaw(index, raw, time);
    else readings.setText(index, raw, time);
  }
  if (quality === BAD) readings.setBad(index);
  else if (quality === STALE) readings.setStale(index);
}
