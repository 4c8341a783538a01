import type { Frame, PointKind, Quality } from '../../site/points.js';
import type { HistoryConfig } from '../../site/model.js';

export type HistoryResolution = 'raw' | '1m' | '1h' | '1d';

export interface HistoryQuery {
  channel: number;
  kind: PointKind;
  id: number;
  /** Inclusive, ms since the Unix epoch; default one hour before `to`. An interval that overlaps the range counts. */
  from?: number;
  /** Exclusive; default now. */
  to?: number;
  /** Default auto: the finest tier that still keeps the range and needs at most `limit` rows. */
  resolution?: HistoryResolution | 'auto';
  /** 1 … 10000, default 1000. */
  limit?: number;
  /** `nextCursor` of the page before; the range and resolution of the first page go on. */
  cursor?: string;
}

/** Raw rows carry value and quality; rollup rows carry mean (value), min, max, first, last, count of good values. */
export interface HistoryRow {
  /** Source time, or start of the interval (UTC), ms since the Unix epoch. */
  time: number;
  value: number | string | null;
  quality?: Quality;
  min?: number;
  max?: number;
  first?: number;
  last?: number;
  count?: number;
}

export interface HistoryPage {
  channel: number;
  kind: PointKind;
  id: number;
  resolution: HistoryResolution;
  from: number;
  to: number;
  /** Ascending by time. */
  rows: HistoryRow[];
  nextCursor: string | null;
}

export interface SequencedFrame {
  /** Sequence of the frame in its stream. */
  streamSequence: number;
  frame: Frame;
}

/** What is inserted in one go. The token names exactly these frames for ever. */
export interface HistoryBatch {
  token: string;
  /** When it began to be announced, ms of `performance.now()`; absent: nobody else writes. */
  announcedAt?: number;
  frames: readonly SequencedFrame[];
}

export const AGGREGATES = ['avg', 'min', 'max', 'first', 'last', 'count', 'sum', 'twa'] as const;
/** `twa` is the mean weighted by how long each value held; the others are of the values that were stored. */
export type Aggregate = (typeof AGGREGATES)[number];
/** What stands where no good value was stored: no row, null, the value before, or a line between its neighbours. */
export type Fill = 'none' | 'null' | 'previous' | 'linear';

export interface SeriesPoint {
  channel: number;
  kind: PointKind;
  id: number;
}

export interface SeriesQuery {
  points: readonly SeriesPoint[];
  /** Inclusive, ms since the Unix epoch; default one hour before `to`. A bucket that overlaps the range is whole. */
  from?: number;
  /** Exclusive; default now. */
  to?: number;
  /** `10s`, `15m`, `6h`, or the calendar's `1d`, `1w` (from Monday), `1mo`. */
  every: string;
  /** Of days, weeks and months: an IANA name; default UTC. */
  timeZone?: string;
  /** Default avg. */
  aggregates?: readonly Aggregate[];
  /** Default none. */
  fill?: Fill;
  /** Longest gap that is filled, and longest time that a value counts in `twa`; default ten buckets. */
  maxGap?: string;
  /** Rows of all points together, 1 … 10000, default 1000. */
  limit?: number;
  cursor?: string;
}

/** One bucket: its start (ms since the Unix epoch), and the aggregates that were asked for. */
export interface SeriesRow extends Partial<Record<Aggregate, number | null>> {
  time: number;
  /** The values were not stored but filled in. */
  filled?: true;
}

export interface SeriesPage {
  from: number;
  to: number;
  every: string;
  timeZone: string;
  aggregates: Aggregate[];
  /** The tier that was read; `twa` is always of raw values. */
  resolution: HistoryResolution;
  /** As the points were asked for; rows ascending by time. */
  series: (SeriesPoint & { rows: SeriesRow[] })[];
  nextCursor: string | null;
}

export const EXPORT_FORMATS = ['csv', 'parquet'] as const;
/** How a model sees a stored point: value · scale + offset, and out of range outside its limits. */
export interface SeenPoint {
  /** Names it in the file: letters, digits, `_`, `-` and `:`. */
  address: string;
  scale: number;
  offset: number;
  min?: number;
  max?: number;
}

export interface ExportQuery {
  /** When one of them is `seen`, the file has addresses in place of channels, kinds and ids. */
  points: readonly (SeriesPoint & { seen?: SeenPoint })[];
  /** Inclusive, ms since the Unix epoch. */
  from: number;
  /** Exclusive. */
  to: number;
  resolution: HistoryResolution;
  format: (typeof EXPORT_FORMATS)[number];
}

/** A value that somebody else has kept until now. */
export interface ImportedRow {
  channel: number;
  kind: PointKind;
  id: number;
  /** Source time, whole ms since the Unix epoch. */
  time: number;
  value: number | string | null;
  quality: Quality;
}

/** What became of the rows of an import. */
export interface ImportResult {
  rows: number;
  /** Now in history as imported. */
  stored: number;
  /** Of those stored, had been imported before (or came twice), and hold what came last. */
  replaced: number;
  /** Not stored, as history has measured them itself. */
  measured: number;
}

export interface HistoryHealth {
  status: 'up' | 'degraded' | 'down';
  detail: string;
  facts?: Record<string, string | number | boolean | null>;
}

/**
 * Points over time. Every method throws `history.unavailable` (retryable) while the database cannot be reached or
 * will not take more.
 */
export interface HistoryStore {
  /**
   * Creates what is missing and sets how long each tier is kept. Call once before anything else.
   *
   * @throws `history.schema_newer` when the database was written by a newer version of this program
   */
  prepare(config: HistoryConfig): Promise<void>;
  /**
   * Inserts all points of the frames, once in effect: after a failure, or a kill of any process, the same batch with
   * the same token completes what is missing of it, in the raw tier and in every rollup. A caller with a failed batch
   * repeats it before it goes on to the next.
   */
  insert(batch: HistoryBatch): Promise<{ rows: number }>;
  /**
   * Adds values that come late or from elsewhere; answered when they are in every tier. Repeating it, whole or in part,
   * after whatever failure, gives each point and time one value.
   */
  import(rows: readonly ImportedRow[]): Promise<ImportResult>;
  /** How long each tier is kept, from now on; what is past its time goes. */
  keep(config: HistoryConfig): Promise<void>;
  /** @throws `history.invalid_query` */
  query(query: HistoryQuery): Promise<HistoryPage>;
  /** @throws `history.invalid_query` */
  series(query: SeriesQuery): Promise<SeriesPage>;
  /**
   * A file, piece by piece; never the whole of it is in memory. Ending the iteration, or the signal, ends it.
   *
   * @throws `history.invalid_query`
   */
  export(query: ExportQuery, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Never throws. */
  health(): Promise<HistoryHealth>;
  close(): Promise<void>;
}
