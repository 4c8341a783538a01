import { signal } from '@preact/signals';
import type { PointView } from '../../../../actors/client/schemas.js';
import type { Api } from '../api.js';
import { appendLive, emptyColumns, longestStep, toColumns, type Reporting, type TrendColumns } from './trend-data.js';

/** The point that is drawn. */
export interface TrendPoint extends Reporting {
  address: string;
}

/** live: the last `spanMs` until now, moving; fixed: what was zoomed to. Times in ms since the Unix epoch. */
export type TrendRange = { type: 'live'; spanMs: number } | { type: 'fixed'; from: number; to: number };

export type TrendStatus =
  | { state: 'empty' | 'loading' }
  | { state: 'shown'; resolution: string; truncated: boolean }
  | { state: 'failed'; message: string };

export const SPANS = [
  { label: '15 min', spanMs: 15 * 60_000 },
  { label: '1 h', spanMs: 3_600_000 },
  { label: '1 d', spanMs: 86_400_000 },
] as const;

/** History is asked again this often while the range is live: heals what live values missed, moves rollups on. */
const REFRESH_EVERY_MS = 30_000;
const RETRY_AFTER_MS = 3_000;
/** Below this a zoom shows single values of the quickest devices; further makes no sense. */
const LEAST_SPAN_MS = 1_000;

/** The trend of one point: history of the range, and live values after it. */
export class TrendStore {
  readonly point = signal<TrendPoint | undefined>(undefined);
  readonly range = signal<TrendRange>({ type: 'live', spanMs: SPANS[0].spanMs });
  readonly status = signal<TrendStatus>({ state: 'empty' });
  /** A new object at each change. */
  readonly columns = signal<TrendColumns>(emptyColumns());

  readonly #api: Api;
  #asking: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Of what is shown: 'raw' takes live values. */
  #resolution = '';
  #longestMs = 0;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Shows this point, starting with the last 15 minutes unless a live range was chosen before. */
  select(point: TrendPoint | undefined): void {
    if (point?.address === this.point.value?.address) return;
    this.point.value = point;
    if (this.range.value.type === 'fixed') this.range.value = { type: 'live', spanMs: SPANS[0].spanMs };
    this.#clear();
    this.refresh();
  }

  show(range: TrendRange): void {
    if (range.type === 'fixed' && range.to - range.from < LEAST_SPAN_MS) return;
    this.range.value = range;
    this.refresh();
  }

  /** The shown range in ms since the Unix epoch; a live one ends at `now`. */
  window(now: number): { from: number; to: number } {
    const range = this.range.value;
    return range.type === 'fixed' ? { from: range.from, to: range.to } : { from: now - range.spanMs, to: now };
  }

  /** Moves by a fraction of the range (negative: back in time), or scales it about its middle. Both make it fixed. */
  move(fraction: number, scale = 1): void {
    const now = this.#now();
    const { from, to } = this.window(now);
    const middle = (from + to) / 2 + fraction * (to - from);
    const half = ((to - from) / 2) * scale;
    this.show({ type: 'fixed', from: middle - half, to: Math.min(middle + half, now) });
  }

  /** Takes a value as it arrives from the device. */
  live(point: Pick<PointView, 'address' | 'value' | 'quality' | 'time'>): void {
    const range = this.range.value;
    if (point.address !== this.point.value?.address || range.type === 'fixed' || this.#resolution !== 'raw') return;
    const columns = this.columns.value;
    if (appendLive(columns, point, this.window(this.#now()).from, this.#longestMs)) this.columns.value = { ...columns };
  }

  /** Asks for history now; what is shown stays until the answer. */
  refresh(): void {
    this.pause();
    const point = this.point.value;
    if (point === undefined) return;
    const asking = new AbortController();
    this.#asking = asking;
    void this.#load(point, asking);
  }

  pause(): void {
    this.#asking?.abort();
    clearTimeout(this.#timer);
  }

  async #load(point: TrendPoint, asking: AbortController): Promise<void> {
    const { from, to } = this.window(this.#now());
    // A live range ends a little after now: rows of the running second belong to it.
    const shift = this.range.value.type === 'live' ? 1_000 : 0;
    if (this.status.value.state === 'empty') this.status.value = { state: 'loading' };
    try {
      const page = await this.#api.history(
        { address: point.address, from: from + shift, to: to + shift },
        asking.signal,
      );
      if (asking.signal.aborted) return;
      const newer = this.columns.value;
      this.#longestMs = longestStep(page.rows, point);
      const columns = toColumns(page, this.#longestMs);
      // History runs behind by its batches: live values that it does not have yet are kept.
      if (page.resolution === 'raw' && this.#resolution === 'raw' && this.range.value.type === 'live')
        keepNewer(columns, newer);
      this.#resolution = page.resolution;
      this.columns.value = columns;
      this.status.value = { state: 'shown', resolution: page.resolution, truncated: page.nextCursor !== null };
      if (this.range.value.type === 'live') this.#timer = setTimeout(() => this.refresh(), REFRESH_EVERY_MS);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.status.value = { state: 'failed', message: error instanceof Error ? error.message : String(error) };
      this.#timer = setTimeout(() => this.refresh(), RETRY_AFTER_MS);
    }
  }

  #clear(): void {
    this.columns.value = emptyColumns();
    this.#resolution = '';
    this.status.value = { state: 'empty' };
  }

  #now(): number {
    return Date.now() + this.#api.skewMs;
  }
}

/** Appends to `columns` what `shown` has after its end. */
function keepNewer(columns: TrendColumns, shown: TrendColumns): void {
  const last = columns.times.at(-1) ?? -Infinity;
  const start = shown.times.findIndex((time) => time > last);
  if (start === -1) return;
  columns.times.push(...shown.times.slice(start));
  columns.values.push(...shown.values.slice(start));
  columns.lows.push(...shown.lows.slice(start));
  columns.highs.push(...shown.highs.slice(start));
}
