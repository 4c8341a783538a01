/**
 * Points: the values of a channel. The four kinds are those of telecontrol practice: T telemetry (measured numbers),
 * S signal (measured states), C control (states to command), A adjustment (numbers to command).
 */
export const POINT_KINDS = ['T', 'S', 'C', 'A'] as const;
export type PointKind = (typeof POINT_KINDS)[number];

/** Largest point id: a point key packs the kind in two bits above it. */
export const MAX_POINT_ID = 0x3fff_ffff;

export const QUALITIES = ['good', 'stale', 'bad', 'out-of-range'] as const;
/**
 * good: read and within range. stale: the last good value, its source cannot be read now. bad: never read, or the
 * device refuses it, or its bytes make no number. out-of-range: read, but outside the point's limits.
 */
export type Quality = (typeof QUALITIES)[number];
/** A quality's number in frames and in history; the index in QUALITIES. */
export const GOOD = 0;
export const STALE = 1;
export const BAD = 2;
export const OUT_OF_RANGE = 3;

/** How a point's raw value is encoded at the device. */
export const DATA_TYPES = [
  'bool',
  'uint16',
  'int16',
  'uint32',
  'int32',
  'uint64',
  'int64',
  'float32',
  'float64',
  'bcd16',
  'bcd32',
  'string',
] as const;
export type DataType = (typeof DATA_TYPES)[number];

/** One row of a point table: what the value means, whatever the protocol. */
export interface PointDefinition {
  readonly kind: PointKind;
  /** 1 … MAX_POINT_ID, unique within the kind of a channel. */
  readonly id: number;
  readonly name: string;
  readonly unit: string;
  readonly dataType: DataType;
  /** T and A: value = raw · scale + offset. */
  readonly scale: number;
  readonly offset: number;
  /** S and C: the state is inverted. */
  readonly reverse: boolean;
  /** Engineering units; a change smaller than this is not reported. 0 reports every cycle. */
  readonly deadband: number;
  /** Engineering limits: outside, a reading has quality out-of-range and a write is refused. */
  readonly min?: number;
  readonly max?: number;
}

/** A point's address in one number: kind in the top two bits, id below. Cheap as a map key and in a frame. */
export function pointKey(kind: PointKind, id: number): number {
  return ((POINT_KINDS.indexOf(kind) << 30) | id) >>> 0;
}
export function keyKind(key: number): PointKind {
  return POINT_KINDS[key >>> 30] as PointKind;
}
export function keyId(key: number): number {
  return key & MAX_POINT_ID;
}

/** Whether a kind's values are states (0/1) rather than numbers. */
export function isState(kind: PointKind): boolean {
  return kind === 'S' || kind === 'C';
}

/**
 * All reported points of one channel in one cycle, column by column (the arrays have the same length).
 * `(channel, epoch, seq)` names a frame for ever: epoch rises with each activation of the channel, seq with each
 * frame of an epoch.
 */
export interface Frame {
  channel: number;
  epoch: number;
  seq: number;
  /** Source time of the cycle, ms since the Unix epoch. */
  time: number;
  keys: Uint32Array;
  /** Engineering values (64-bit integers above 2^53 are rounded to the nearest double). NaN when never read. */
  values: Float64Array;
  quality: Uint8Array;
  /** Ms by which each value's source time is older than `time`; absent when all are of the cycle. */
  ages?: Uint32Array;
  /** Text of string points, by index in the columns. */
  texts?: Map<number, string>;
  /** 1: who told the value has found that history is not to store it. Absent: nothing of that sort is known of any. */
  leftOut?: Uint8Array;
}

/** How far the frames of a channel have come: the newest that was taken. */
export interface FramePosition {
  readonly epoch: number;
  readonly seq: number;
}

/** Whether a frame, or what is as of it, comes behind the other one of the same channel. */
export function isBehind(one: FramePosition, other: FramePosition): boolean {
  return one.epoch === other.epoch ? one.seq < other.seq : one.epoch < other.epoch;
}

/** What readers see of a channel. */
export interface ChannelReading {
  readonly points: PointValue[];
  /** The frame that was applied last; undefined: there was none, or it is not known. */
  readonly asOf?: FramePosition | undefined;
}

/** One point as readers see it. */
export interface PointValue {
  channel: number;
  kind: PointKind;
  id: number;
  /** null when never read; string points carry text. */
  value: number | string | null;
  quality: Quality;
  /** Source time, ms since the Unix epoch; null when never read. */
  time: number | null;
}

/** A point's address in text, as VoltageEMS writes it: `comsrv:1001:T:1`. The prefix may be left out. */
export interface PointAddress {
  channel: number;
  kind: PointKind;
  id: number;
}

const ADDRESS = /^(?:comsrv:)?(\d{1,10}):([TSCA]):(\d{1,10})$/;

/** Parses `comsrv:1001:T:1` or `1001:T:1`; undefined when it is no address. */
export function parsePointAddress(text: string): PointAddress | undefined {
  const match = ADDRESS.exec(text);
  if (match === null) return undefined;
  const channel = Number(match[1]);
  const id = Number(match[3]);
  if (channel > 0xffff_ffff || id < 1 || id > MAX_POINT_ID) return undefined;
  return { channel, kind: match[2] as PointKind, id };
}

export function formatPointAddress(address: PointAddress): string {
  return `comsrv:${address.channel}:${address.kind}:${address.id}`;
}
