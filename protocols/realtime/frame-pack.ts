import { GOOD, keyId, type Frame } from '../../site/points.js';

/** In the irregular columns: the point has the frame's own time. */
const TIME_OF_FRAME = 0;
/** In the irregular columns: the value could not be read, its last value and time stay. */
const TIME_KEPT = -1;

const ARRAY_HEADER = 5; // 0xdd, count as uint32
const NUMBER = 9; // 0xcb, IEEE 754 double
const SMALL = 5; // 0xce uint32 or 0xd2 int32
const TEXT_HEADER = 5; // 0xdb, length as uint32

let buffer = Buffer.allocUnsafe(64 * 1024);
let view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
let offset = 0;

/**
 * A frame's points as MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) for the apply script:
 * `[T, S, C, A, irregular, texts]`, where T … A are flat `id, value, …` of what was read, `irregular` is flat
 * `kind 1…4, id, quality, own time | 0 | -1, …` of what is not good or not of the frame's time, and `texts` is flat
 * `kind, id, text, …`.
 *
 * Numbers travel as doubles and Redis formats them (C's `%.6f`, exactly rounded): formatting here took more than
 * twice the time of this process per point.
 */
export function packFrame(frame: Frame): Buffer {
  const { keys, values, quality, ages, texts, time } = frame;
  const counts = [0, 0, 0, 0];
  let irregular = 0;
  for (let index = 0; index < keys.length; index++) {
    const isText = texts?.has(index) === true;
    const unread = !isText && !Number.isFinite(values[index]);
    if (!isText && !unread) (counts[(keys[index] as number) >>> 30] as number) += 1;
    if (unread || quality[index] !== GOOD || (ages !== undefined && ages[index] !== 0)) irregular += 1;
  }
  offset = 0;
  reserve(keys.length * (SMALL + NUMBER) + irregular * (3 * SMALL + NUMBER) + 7 * ARRAY_HEADER);

  putArray(6);
  for (let kind = 0; kind < 4; kind++) {
    const count = counts[kind] as number;
    putArray(2 * count);
    if (count === 0) continue;
    const isState = kind === 1 || kind === 2;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as number;
      if (key >>> 30 !== kind || texts?.has(index) === true) continue;
      const value = values[index] as number;
      if (!Number.isFinite(value)) continue;
      putUint(keyId(key));
      if (isState) putInt(Math.round(value));
      else putDouble(value);
    }
  }
  putArray(4 * irregular);
  for (let index = 0; irregular > 0 && index < keys.length; index++) {
    const age = ages?.[index] ?? 0;
    const unread = texts?.has(index) !== true && !Number.isFinite(values[index]);
    if (!unread && quality[index] === GOOD && age === 0) continue;
    putPoint(keys[index] as number);
    putUint(quality[index] as number);
    putDouble(unread ? TIME_KEPT : age === 0 ? TIME_OF_FRAME : time - age);
  }
  putArray(3 * (texts?.size ?? 0));
  if (texts !== undefined) {
    for (const [index, text] of texts) {
      reserve(2 * SMALL + TEXT_HEADER + 3 * text.length);
      putPoint(keys[index] as number);
      putText(text);
    }
  }
  return Buffer.from(buffer.subarray(0, offset));
}

/** Room for `bytes` more. */
function reserve(bytes: number): void {
  if (offset + bytes <= buffer.length) return;
  const larger = Buffer.allocUnsafe(2 * (offset + bytes));
  buffer.copy(larger, 0, 0, offset);
  buffer = larger;
  view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

function putArray(count: number): void {
  buffer[offset] = 0xdd;
  view.setUint32(offset + 1, count);
  offset += ARRAY_HEADER;
}

/** Kind as 1 … 4 (Lua's indexes), then id. */
function putPoint(key: number): void {
  putUint((key >>> 30) + 1);
  putUint(keyId(key));
}

function putUint(value: number): void {
  buffer[offset] = 0xce;
  view.setUint32(offset + 1, value);
  offset += SMALL;
}

function putInt(value: number): void {
  buffer[offset] = 0xd2;
  view.setInt32(offset + 1, value);
  offset += SMALL;
}

function putDouble(value: number): void {
  buffer[offset] = 0xcb;
  // What rounds to zero is written 0.000000, without a sign.
  view.setFloat64(offset + 1, value <= 0 && value >= -0.5e-6 ? 0 : value);
  offset += NUMBER;
}

function putText(text: string): void {
  const length = buffer.write(text, offset + TEXT_HEADER, 'utf8');
  buffer[offset] = 0xdb;
  view.setUint32(offset + 1, length);
  offset += TEXT_HEADER + length;
}
