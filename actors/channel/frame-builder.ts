import type { Frame } from '../../site/points.js';
import type { Readings } from '../../site/readings.js';

/** Every this often all points are reported, changed or not: a reader who missed a frame is right again by then. */
export const FULL_FRAME_EVERY_MS = 60_000;

/**
 * Turns a channel's readings into frames. A point with a deadband is left out while it has the same quality and moved
 * less than its deadband since it was last reported; one whose values come by themselves (`pushed`) is left out until
 * another reading of it has come.
 */
export class FrameBuilder {
  readonly #channel: number;
  readonly #epoch: number;
  readonly #readings: Readings;
  readonly #pushed: boolean;
  /** Whether a frame may leave points out. */
  readonly #chooses: boolean;
  readonly #reportedTimes: Float64Array;
  readonly #reportedValues: Float64Array;
  readonly #reportedQuality: Uint8Array;
  readonly #reportedTexts = new Map<number, string>();
  #fullAt = -Infinity;
  #seq: number;

  /** `seq` goes on from an earlier builder of the same epoch. */
  constructor(channel: number, epoch: number, readings: Readings, seq = 0, pushed = false) {
    this.#channel = channel;
    this.#epoch = epoch;
    this.#readings = readings;
    this.#seq = seq;
    this.#pushed = pushed;
    this.#chooses = pushed || readings.points.some((point) => point.deadband > 0);
    this.#reportedTimes = new Float64Array(readings.points.length);
    this.#reportedValues = new Float64Array(readings.points.length);
    this.#reportedQuality = new Uint8Array(readings.points.length);
  }

  /** Whether anything was reported yet. */
  get begun(): boolean {
    return this.#fullAt !== -Infinity;
  }

  get seq(): number {
    return this.#seq;
  }

  /** The frame of a cycle at `time` (ms since the Unix epoch); undefined when there is nothing to report. */
  build(time: number): Frame | undefined {
    const count = this.#readings.points.length;
    if (count === 0) return undefined;
    const full = !this.#chooses || time - this.#fullAt >= FULL_FRAME_EVERY_MS || time < this.#fullAt;
    if (full) {
      this.#fullAt = time;
      return this.#frame(time, undefined);
    }
    const chosen: number[] = [];
    for (let index = 0; index < count; index++) if (this.#worthReporting(index)) chosen.push(index);
    if (chosen.length === 0) return undefined;
    return this.#frame(time, chosen.length === count ? undefined : Uint32Array.from(chosen));
  }

  #worthReporting(index: number): boolean {
    const { points, quality, values, texts } = this.#readings;
    if (quality[index] !== this.#reportedQuality[index]) return true;
    if (this.#pushed && this.#isAsReported(index)) return false;
    const deadband = (points[index] as { deadband: number }).deadband;
    if (deadband === 0) return true;
    if (texts.has(index)) return texts.get(index) !== this.#reportedTexts.get(index);
    // Written so that a value that was never read (NaN) counts as unchanged.
    return Math.abs((values[index] as number) - (this.#reportedValues[index] as number)) >= deadband;
  }

  /** The very reading that was reported: the source may give two values the same time. */
  #isAsReported(index: number): boolean {
    const { times, values, texts } = this.#readings;
    return (
      times[index] === this.#reportedTimes[index] &&
      Object.is(values[index], this.#reportedValues[index]) &&
      texts.get(index) === this.#reportedTexts.get(index)
    );
  }

  #frame(time: number, chosen: Uint32Array | undefined): Frame {
    const { keys, values, quality, times, texts } = this.#readings;
    const frame: Frame = {
      channel: this.#channel,
      epoch: this.#epoch,
      seq: ++this.#seq,
      time,
      keys: chosen === undefined ? keys : pick(keys, chosen, Uint32Array),
      values: chosen === undefined ? values.slice() : pick(values, chosen, Float64Array),
      quality: chosen === undefined ? quality.slice() : pick(quality, chosen, Uint8Array),
    };
    const ages = agesOf(times, chosen, time);
    if (ages !== undefined) frame.ages = ages;
    if (texts.size > 0) frame.texts = textsOf(texts, chosen);
    this.#remember(chosen);
    return frame;
  }

  #remember(chosen: Uint32Array | undefined): void {
    if (!this.#chooses) return;
    const { values, quality, times, texts } = this.#readings;
    if (chosen === undefined) {
      this.#reportedTimes.set(times);
      this.#reportedValues.set(values);
      this.#reportedQuality.set(quality);
    } else {
      for (const index of chosen) {
        this.#reportedTimes[index] = times[index] as number;
        this.#reportedValues[index] = values[index] as number;
        this.#reportedQuality[index] = quality[index] as number;
      }
    }
    for (const [index, text] of texts) this.#reportedTexts.set(index, text);
  }
}

function pick<A extends Uint32Array | Float64Array | Uint8Array>(
  column: A,
  chosen: Uint32Array,
  Column: new (length: number) => A,
): A {
  const picked = new Column(chosen.length);
  for (let index = 0; index < chosen.length; index++) picked[index] = column[chosen[index] as number] as number;
  return picked;
}

/** undefined when every value is of the frame's time; never-read points count as such. */
function agesOf(times: Float64Array, chosen: Uint32Array | undefined, time: number): Uint32Array | undefined {
  const count = chosen?.length ?? times.length;
  let ages: Uint32Array | undefined;
  for (let index = 0; index < count; index++) {
    const read = times[chosen === undefined ? index : (chosen[index] as number)] as number;
    if (read === 0 || read >= time) continue;
    ages ??= new Uint32Array(count);
    ages[index] = Math.min(time - read, 0xffff_ffff);
  }
  return ages;
}

function textsOf(texts: ReadonlyMap<number, string>, chosen: Uint32Array | undefined): Map<number, string> {
  if (chosen === undefined) return new Map(texts);
  const picked = new Map<number, string>();
  chosen.forEach((from, to) => {
    const text = texts.get(from);
    if (text !== undefined) picked.set(to, text);
  });
  return picked;
}
