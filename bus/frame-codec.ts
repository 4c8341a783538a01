import { StatewattError } from '../errors/error.js';
import type { Frame } from '../site/points.js';

/**
 * A frame on the wire, little endian:
 *
 *     u8  version (1)   u8 flags   u16 reserved   u32 channel
 *     f64 epoch         f64 time   u32 seq        u32 count
 *     u32 keys[count]   f64 values[count]   u8 quality[count]
 *     flags & 1: u32 ages[count]
 *     flags & 2: u16 texts, then per text: u32 index, u16 bytes, UTF-8
 *     flags & 4: u8 leftOut[count]
 *
 * 13 bytes a point. Columns, not rows: a reader that wants values only touches values. What is added comes last, so that
 * a reader that does not know it reads the rest.
 */
export const FRAME_SCHEMA = 1;
const HEADER_BYTES = 32;
const HAS_AGES = 1;
const HAS_TEXTS = 2;
const HAS_LEFT_OUT = 4;

/** Limits of the 16-bit fields of texts. */
const MAX_TEXTS = 0xffff;
const MAX_TEXT_BYTES = 0xffff;

/** @throws `bus.bad_frame` when it has more texts, or a longer text, than the format can say */
export function encodeFrame(frame: Frame): Uint8Array {
  const count = frame.keys.length;
  const texts = frame.texts;
  let flags = 0;
  let size = HEADER_BYTES + count * 13;
  if (frame.ages !== undefined) {
    flags |= HAS_AGES;
    size += count * 4;
  }
  const textBytes: [number, Buffer][] = [];
  if (texts !== undefined && texts.size > 0) {
    flags |= HAS_TEXTS;
    size += 2;
    if (texts.size > MAX_TEXTS) throw badFrame(`${texts.size} texts, ${MAX_TEXTS} at most`);
    for (const [index, text] of texts) {
      const bytes = Buffer.from(text, 'utf8');
      if (bytes.length > MAX_TEXT_BYTES) throw badFrame(`a text of ${bytes.length} bytes, ${MAX_TEXT_BYTES} at most`);
      textBytes.push([index, bytes]);
      size += 6 + bytes.length;
    }
  }
  if (frame.leftOut !== undefined) {
    flags |= HAS_LEFT_OUT;
    size += count;
  }
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FRAME_SCHEMA);
  view.setUint8(1, flags);
  view.setUint32(4, frame.channel, true);
  view.setFloat64(8, frame.epoch, true);
  view.setFloat64(16, frame.time, true);
  view.setUint32(24, frame.seq, true);
  view.setUint32(28, count, true);
  let at = HEADER_BYTES;
  at = writeColumn(bytes, at, frame.keys);
  at = writeColumn(bytes, at, frame.values);
  at = writeColumn(bytes, at, frame.quality);
  if (frame.ages !== undefined) at = writeColumn(bytes, at, frame.ages);
  if (textBytes.length > 0) {
    view.setUint16(at, textBytes.length, true);
    at += 2;
    for (const [index, text] of textBytes) {
      view.setUint32(at, index, true);
      view.setUint16(at + 4, text.length, true);
      bytes.set(text, at + 6);
      at += 6 + text.length;
    }
  }
  if (frame.leftOut !== undefined) writeColumn(bytes, at, frame.leftOut);
  return bytes;
}

/** @throws `bus.bad_frame` when the bytes are no frame; nothing is read past them. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const view = openFrame(bytes);
  const flags = view.getUint8(1);
  const count = view.getUint32(28, true);
  const needed = HEADER_BYTES + count * (13 + ((flags & HAS_AGES) !== 0 ? 4 : 0));
  if (bytes.length < needed) throw badFrame(`${bytes.length} bytes, ${count} points need ${needed}`);
  let at = HEADER_BYTES;
  const keys = new Uint32Array(readColumn(bytes, at, count * 4));
  at += count * 4;
  const values = new Float64Array(readColumn(bytes, at, count * 8));
  at += count * 8;
  const quality = new Uint8Array(readColumn(bytes, at, count));
  at += count;
  const frame: Frame = {
    channel: view.getUint32(4, true),
    epoch: view.getFloat64(8, true),
    time: view.getFloat64(16, true),
    seq: view.getUint32(24, true),
    keys,
    values,
    quality,
  };
  if ((flags & HAS_AGES) !== 0) {
    frame.ages = new Uint32Array(readColumn(bytes, at, count * 4));
    at += count * 4;
  }
  if ((flags & HAS_TEXTS) !== 0) [frame.texts, at] = readTexts(bytes, view, at);
  if ((flags & HAS_LEFT_OUT) !== 0) {
    if (bytes.length < at + count) throw badFrame(`${bytes.length} bytes, ${at + count} are needed`);
    frame.leftOut = new Uint8Array(readColumn(bytes, at, count));
  }
  return frame;
}

/** Which frame the bytes are, without decoding its columns. @throws `bus.bad_frame` */
export function frameName(bytes: Uint8Array): { channel: number; epoch: number; seq: number } {
  const view = openFrame(bytes);
  return { channel: view.getUint32(4, true), epoch: view.getFloat64(8, true), seq: view.getUint32(24, true) };
}

function openFrame(bytes: Uint8Array): DataView {
  if (bytes.length < HEADER_BYTES) throw badFrame(`${bytes.length} bytes, at least ${HEADER_BYTES} are needed`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== FRAME_SCHEMA) throw badFrame(`version ${view.getUint8(0)}, this reads ${FRAME_SCHEMA}`);
  return view;
}

/** Every platform that Node runs on is little endian, so columns are copied as they are. */
function writeColumn(target: Uint8Array, at: number, column: Uint32Array | Float64Array | Uint8Array): number {
  target.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
  return at + column.byteLength;
}

/** A copy, because a typed array needs its start aligned and a message's bytes start anywhere. */
function readColumn(bytes: Uint8Array, at: number, length: number): ArrayBuffer {
  const start = bytes.byteOffset + at;
  return bytes.buffer.slice(start, start + length) as ArrayBuffer;
}

/** The texts, and where they end. */
function readTexts(bytes: Uint8Array, view: DataView, start: number): [Map<number, string>, number] {
  const texts = new Map<number, string>();
  let at = start;
  if (at + 2 > bytes.length) throw badFrame('its texts are cut off');
  const count = view.getUint16(at, true);
  at += 2;
  for (let text = 0; text < count; text++) {
    if (at + 6 > bytes.length) throw badFrame('its texts are cut off');
    const index = view.getUint32(at, true);
    const length = view.getUint16(at + 4, true);
    at += 6;
    if (at + length > bytes.length) throw badFrame('its texts are cut off');
    texts.set(index, Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('utf8'));
    at += length;
  }
  return [texts, at];
}

function badFrame(what: string): StatewattError {
  return new StatewattError('bus.bad_frame', 'invalid', `no frame: ${what}`);
}
