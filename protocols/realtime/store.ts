import type { AlarmRecord } from '../../site/alarms.js';
import type { ModelDefinition, ModelPoint } from '../../site/models/model.js';
import type { ChannelReading, Frame, PointKind, PointValue, Quality } from '../../site/points.js';
import type { ChannelConfig } from '../../site/model.js';

/**
 * The newest value of every point. Two implementations: MemoryStore in process, RedisStore for readers in other
 * processes.
 *
 * Time of a point: its own source time where a frame gave one (`ages`), else the time of its channel's newest frame.
 * So a point that a frame leaves out is unchanged (within its deadband) as of that frame.
 *
 * RedisStore keeps T and A to 6 decimals and S and C as integers; MemoryStore keeps values as they came.
 */
export interface RealtimeStore {
  /**
   * Applies frames in order. A frame that is not newer than what is stored for its channel (by epoch, then seq) is
   * skipped, so applying again is safe. A value that was never read, or has become unreadable (NaN), leaves the last
   * good value and its time in place and sets the quality.
   * @throws `realtime.unavailable`: nothing or some of the frames were applied; apply all of them again later.
   * `realtime.refused`: some frame can never be applied (a key of the wrong type); the others were.
   */
  apply(frames: readonly Frame[]): Promise<void>;
  /** All points ever seen of a channel, ascending by kind (T, S, C, A), then id; empty for an unknown channel. */
  read(channel: number): Promise<PointValue[]>;
  /** The same, with the frame that was applied last. */
  readChannel(channel: number): Promise<ChannelReading>;
  readPoint(channel: number, kind: PointKind, id: number): Promise<PointValue | undefined>;
  /**
   * Replaces the channel's point tables at once; values of points that are no longer in a table vanish, and do not
   * come back with a frame of before that arrives later.
   */
  setChannelConfig(channel: ChannelConfig): Promise<void>;
  /** The channel's state and counters for outside readers; fields that are not given stay. */
  setStatus(channel: number, status: StatusFields, stats: StatusFields): Promise<void>;
  /** What outside readers see of models; see redis-models.ts. */
  setModels(models: readonly StoredModel[]): Promise<void>;
  /**
   * Shows the definition, unless it is there already; the values that are there stay. For who has just changed a model
   * and is to find it at once, wherever the model lives.
   */
  showModel(model: DefinedModel): Promise<void>;
  /** Takes away the models that are shown and that `isGone` says are no more; answers how many. */
  sweepModels(isGone: (id: string) => Promise<boolean>): Promise<number>;
  /** What models can be made of, for outside readers: ids of templates. */
  setTemplates(ids: readonly string[]): Promise<void>;
  /** Shows alarms, each unless a newer one is there. */
  setAlarms(alarms: readonly AlarmRecord[]): Promise<void>;
  /** Takes away the alarms that are shown and that `isKnown` does not know. */
  retainAlarms(isKnown: (id: string) => boolean): Promise<void>;
  /** Shows rules, each unless a newer one is there. */
  setRules(rules: readonly StoredRule[]): Promise<void>;
  /** Takes away the rules that are shown and not among those that are known then. */
  retainRules(known: () => Promise<readonly string[]>): Promise<void>;
  health(): { up: boolean; detail: string };
  /** Rises each time that the store is reached anew: it may have come back empty. */
  readonly generation: number;
  close(): Promise<void>;
}

export type StatusFields = Record<string, string | number>;

/** The newest value of a model's point. */
export interface StoredModelValue {
  readonly point: string;
  readonly kind: PointKind;
  readonly value: number | string | null;
  readonly quality: Quality;
  readonly time: number | null;
}

/** Which of two definitions of a model is newer: the one made later, or changed more often. */
export interface ModelAge {
  /** ms since the Unix epoch. */
  readonly createdAt: number;
  readonly changes: number;
}

/** A model as it is defined. */
export interface DefinedModel {
  readonly id: string;
  readonly definition: ModelDefinition;
  readonly age: ModelAge;
  readonly points: readonly ModelPoint[];
}

/**
 * What has changed of a model: all of it, values only, or (definition null) it is gone. What is older than what is
 * stored is left out.
 */
export type StoredModel = { readonly id: string; readonly values: readonly StoredModelValue[] } & (
  DefinedModel | { readonly definition: null; readonly age: ModelAge } | { readonly definition?: undefined }
);

/** A rule as readers outside see it. */
export interface StoredRule {
  readonly id: string;
  /** Sequence of its actor's last entry in the journal. */
  readonly revision: number;
  /** When it changed last, ms since the Unix epoch. */
  readonly at: number;
  /** null: it is gone. */
  readonly rule: object | null;
  /** Its newest one; null: there is none. */
  readonly execution: object | null;
}
