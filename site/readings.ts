import { BAD, GOOD, OUT_OF_RANGE, STALE, isState, pointKey } from './points.js';
import type { PointDefinition } from './points.js';

/**
 * The newest reading of every point of one channel, column by column, in the order of the channel's point table.
 * A driver writes raw values; scaling, reversal and range check happen here, once, for every protocol.
 */
export class Readings {
  readonly points: readonly PointDefinition[];
  readonly keys: Uint32Array;
  /** Engineering values; NaN before the first good reading. */
  readonly values: Float64Array;
  readonly quality: Uint8Array;
  /** Source time in ms since the Unix epoch; 0 before the first reading. */
  readonly times: Float64Array;
  /** Text of string points, by index. */
  readonly texts = new Map<number, string>();

  constructor(points: readonly PointDefinition[]) {
    this.points = points;
    this.keys = Uint32Array.from(points, (point) => pointKey(point.kind, point.id));
    this.values = new Float64Array(points.length).fill(NaN);
    this.quality = new Uint8Array(points.length).fill(BAD);
    this.times = new Float64Array(points.length);
  }

  /** A number or state as the device has it; `time` is when it was read. NaN and infinities make it bad. */
  setRaw(index: number, raw: number, time: number): void {
    const point = this.points[index] as PointDefinition;
    let value: number;
    if (isState(point.kind)) value = (raw !== 0) !== point.reverse ? 1 : 0;
    else value = raw * point.scale + point.offset;
    if (!Number.isFinite(value)) {
      this.quality[index] = BAD;
      return;
    }
    this.values[index] = value;
    this.times[index] = time;
    this.quality[index] =
      (point.min !== undefined && value < point.min) || (point.max !== undefined && value > point.max)
        ? OUT_OF_RANGE
        : GOOD;
  }

  setText(index: number, text: string, time: number): void {
    this.texts.set(index, text);
    this.values[index] = 0;
    this.times[index] = time;
    this.quality[index] = GOOD;
  }

  /** The device refuses this point, or its bytes make no value. The last value and its time stay. */
  setBad(index: number): void {
    this.quality[index] = BAD;
  }

  /** The point could not be read this time: a value that was read before becomes stale, otherwise it stays bad. */
  setStale(index: number): void {
    if (this.quality[index] !== BAD) this.quality[index] = STALE;
  }

  /** The link is gone: every value that was read before becomes stale. Answers whether anything changed. */
  markAllStale(): boolean {
    let changed = false;
    for (let index = 0; index < this.quality.length; index++) {
      if (this.quality[index] === GOOD || this.quality[index] === OUT_OF_RANGE) {
        this.quality[index] = STALE;
        changed = true;
      }
    }
    return changed;
  }
}

/** The raw value that writes the engineering `value`: the inverse of Readings.setRaw. */
export function toRaw(point: PointDefinition, value: number): number {
  if (isState(point.kind)) return (value !== 0) !== point.reverse ? 1 : 0;
  return (value - point.offset) / point.scale;
}
