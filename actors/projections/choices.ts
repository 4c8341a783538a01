import type { Frame } from '../../site/points.js';

/** What of a frame is stored: all of its points, none, or those whose bit is set. */
export type Choice = 'all' | 'none' | Uint8Array;

const NONE = 0;
const ALL = 1;
const SOME = 2;

/**
 * Writes down what of each frame of a range of the stream was chosen, so that the range can be written once more exactly
 * as it was. Sequences that have no frame count as none. Binary: runs of `varint(count · 4 + op)`, op 0: so many frames
 * without a point, 1: so many whole ones, 2: one frame of `count` points, its bits behind it.
 */
export class ChoiceRecord {
  #bytes = new Uint8Array(64);
  #length = 0;
  /** The run that is not written yet. */
  #op = NONE;
  #run = 0;
  #next: number;
  #everything = true;

  /** @param from first sequence of the range */
  constructor(from: number) {
    this.#next = from;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#length;
  }

  add(sequence: number, choice: Choice, points: number): void {
    if (sequence > this.#next) this.#repeat(NONE, sequence - this.#next);
    this.#next = sequence + 1;
    if (choice !== 'all') this.#everything = false;
    if (typeof choice === 'string') {
      this.#repeat(choice === 'all' ? ALL : NONE, 1);
      return;
    }
    this.#endRun();
    this.#varint(points * 4 + SOME);
    this.#room(choice.length);
    this.#bytes.set(choice, this.#length);
    this.#length += choice.length;
  }

  /** Base64; undefined when everything was chosen. */
  finish(): string | undefined {
    if (this.#everything) return undefined;
    this.#endRun();
    return Buffer.from(this.#bytes.buffer, 0, this.#length).toString('base64');
  }

  #repeat(op: number, count: number): void {
    if (op !== this.#op) this.#endRun();
    this.#op = op;
    this.#run += count;
  }

  #endRun(): void {
    if (this.#run > 0) this.#varint(this.#run * 4 + this.#op);
    this.#run = 0;
  }

  #varint(value: number): void {
    this.#room(8);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#length++] = rest;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Reads such a record: what was chosen of each frame. Asked in the order of the stream. */
export class ChoiceReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** First sequence that the run holds, and the first behind it. */
  #from: number;
  #end: number;
  #choice: Choice = 'none';

  constructor(text: string, from: number) {
    this.#bytes = Buffer.from(text, 'base64');
    this.#from = from;
    this.#end = from;
  }

  /** What is not in the record was not chosen. */
  of(sequence: number): Choice {
    while (sequence >= this.#end && this.#at < this.#bytes.length) this.#nextRun();
    return sequence >= this.#from && sequence < this.#end ? this.#choice : 'none';
  }

  #nextRun(): void {
    const head = this.#varint();
    const count = Math.floor(head / 4);
    this.#from = this.#end;
    if (head % 4 === SOME) {
      const length = (count + 7) >>> 3;
      this.#choice = this.#bytes.subarray(this.#at, this.#at + length);
      this.#at += length;
      this.#end += 1;
      return;
    }
    this.#choice = head % 4 === ALL ? 'all' : 'none';
    this.#end += count;
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}

/** Whether the point of this index was chosen. */
export function isChosen(choice: Choice, index: number): boolean {
  if (typeof choice === 'string') return choice === 'all';
  return ((choice[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0;
}

/** The frame with only what was chosen of it; undefined when that is nothing. */
export function keepChosen(frame: Frame, choice: Choice): Frame | undefined {
  if (choice === 'all') return frame;
  if (choice === 'none') return undefined;
  const { keys, values, quality, ages, texts, leftOut } = frame;
  const kept: number[] = [];
  for (let index = 0; index < keys.length; index++) {
    if (isChosen(choice, index)) kept.push(index);
  }
  const count = kept.length;
  if (count === 0) return undefined;
  const part: Frame = {
    channel: frame.channel,
    epoch: frame.epoch,
    seq: frame.seq,
    time: frame.time,
    keys: new Uint32Array(count),
    values: new Float64Array(count),
    quality: new Uint8Array(count),
  };
  if (ages !== undefined) part.ages = new Uint32Array(count);
  if (leftOut !== undefined) part.leftOut = Uint8Array.from(kept, (index) => leftOut[index] as number);
  for (let to = 0; to < count; to++) {
    const from = kept[to] as number;
    part.keys[to] = keys[from] as number;
    part.values[to] = values[from] as number;
    part.quality[to] = quality[from] as number;
    if (part.ages !== undefined && ages !== undefined) part.ages[to] = ages[from] as number;
    const text = texts?.get(from);
    if (text !== undefined) (part.texts ??= new Map()).set(to, text);
  }
  return part;
}
