import { createHash } from 'node:crypto';
import { keyId } from '../../site/points.js';
import type { SequencedFrame } from './types.js';

/** Bytes of a row without a text. */
const ROW_BYTES = 4 + 1 + 4 + 8 + 8 + 1 + 1 + 8 + 8;
const TWO_32 = 2 ** 32;

/** The digest of a token that each of its rows carries: 64 bits, as two halves. */
export interface BatchDigest {
  readonly low: number;
  readonly high: number;
  /** Decimal. */
  readonly text: string;
}

export function digestOf(token: string): BatchDigest {
  const bytes = createHash('sha256').update(token).digest();
  return { low: bytes.readUInt32LE(0), high: bytes.readUInt32LE(4), text: bytes.readBigUInt64LE(0).toString() };
}

/**
 * All points of the frames as ClickHouse's RowBinary, in the order of RAW_COLUMNS (schema.ts): UInt32 channel, Int8
 * kind, UInt32 point, Int64 time in ms, Float64 value, Int8 quality, a null flag and the text (varint length, UTF-8),
 * UInt64 sequence, UInt64 batch; little endian.
 */
export function encodeRows(frames: readonly SequencedFrame[], batch: BatchDigest): { bytes: Buffer; rows: number } {
  let rows = 0;
  let size = 0;
  for (const { frame } of frames) {
    rows += frame.keys.length;
    // At most three bytes of UTF-8 for a UTF-16 unit, and five of length.
    if (frame.texts !== undefined) for (const text of frame.texts.values()) size += 5 + text.length * 3;
  }
  const bytes = Buffer.allocUnsafe(size + rows * ROW_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (const { frame, streamSequence } of frames) {
    const { channel, keys, values, quality, ages, texts } = frame;
    const count = keys.length;
    const sequenceHigh = Math.floor(streamSequence / TWO_32);
    for (let index = 0; index < count; index++) {
      const key = keys[index] as number;
      const time = sourceTime(frame.time, ages, index);
      const text = texts?.get(index);
      view.setUint32(at, channel, true);
      view.setUint8(at + 4, key >>> 30);
      view.setUint32(at + 5, keyId(key), true);
      view.setUint32(at + 9, time % TWO_32, true);
      view.setInt32(at + 13, Math.floor(time / TWO_32), true);
      view.setFloat64(at + 17, text === undefined ? (values[index] as number) : NaN, true);
      view.setUint8(at + 25, quality[index] as number);
      at += 26;
      if (text === undefined) {
        view.setUint8(at, 1);
        at += 1;
      } else {
        view.setUint8(at, 0);
        at = writeText(bytes, at + 1, text);
      }
      view.setUint32(at, streamSequence % TWO_32, true);
      view.setUint32(at + 4, sequenceHigh, true);
      view.setUint32(at + 8, batch.low, true);
      view.setUint32(at + 12, batch.high, true);
      at += 16;
    }
  }
  return { bytes: bytes.subarray(0, at), rows };
}

/** When the value at `index` was read, whole ms since the Unix epoch. */
export function sourceTime(frameTime: number, ages: Uint32Array | undefined, index: number): number {
  return Math.round(ages === undefined ? frameTime : frameTime - (ages[index] as number));
}

function writeText(bytes: Buffer, at: number, text: string): number {
  let length = Buffer.byteLength(text, 'utf8');
  let end = at;
  while (length >= 0x80) {
    bytes[end++] = (length & 0x7f) | 0x80;
    length >>>= 7;
  }
  bytes[end++] = length;
  return end + bytes.write(text, end, 'utf8');
}
