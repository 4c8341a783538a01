import type { ByteOrder } from '../../site/model.js';
import type { DataType } from '../../site/points.js';
import { ProtocolError } from '../driver.js';

/** Reads one number from wire bytes. NaN when the bytes make no number (a BCD digit above 9). */
export type Decoder = (bytes: Uint8Array, offset: number) => number;

/** Registers (two bytes each) that a data type takes; a string takes as many as its mapping says. */
export const REGISTERS: Readonly<Record<DataType, number>> = {
  bool: 1,
  uint16: 1,
  int16: 1,
  bcd16: 1,
  uint32: 2,
  int32: 2,
  float32: 2,
  bcd32: 2,
  uint64: 4,
  int64: 4,
  float64: 4,
  string: 1,
};

/**
 * Every byte order is made of two facts: whether the two bytes inside a register are swapped, and whether the
 * registers come least significant first. So one order can be applied to a value of any size.
 */
const BYTES_SWAPPED: ReadonlySet<ByteOrder> = new Set(['BA', 'DCBA', 'BADC', 'HGFEDCBA', 'BADCFEHG']);
const WORDS_REVERSED: ReadonlySet<ByteOrder> = new Set(['DCBA', 'CDAB', 'HGFEDCBA', 'GHEFCDAB']);

/** Where on the wire each byte of a value is, most significant byte first. */
export function wirePositions(order: ByteOrder, registers: number): number[] {
  const positions: number[] = [];
  for (let word = 0; word < registers; word++) {
    const register = WORDS_REVERSED.has(order) ? registers - 1 - word : word;
    const high = register * 2 + (BYTES_SWAPPED.has(order) ? 1 : 0);
    positions.push(high, high ^ 1);
  }
  return positions;
}

const scratch = new Uint8Array(8);
const scratchView = new DataView(scratch.buffer);
const decoders = new Map<string, Decoder>();

/** The decoder of a number's encoding. The same encoding gives the same function. `bool` is "not zero". */
export function decoderOf(type: Exclude<DataType, 'string'>, order: ByteOrder): Decoder {
  const key = `${type}/${order}`;
  let decoder = decoders.get(key);
  if (decoder === undefined) decoders.set(key, (decoder = makeDecoder(type, wirePositions(order, REGISTERS[type]))));
  return decoder;
}

/** The decoder of one bit (0 = least significant) of a register. */
export function bitDecoderOf(bit: number, order: ByteOrder): Decoder {
  const key = `bit${bit}/${order}`;
  let decoder = decoders.get(key);
  if (decoder === undefined) {
    const [high, low] = wirePositions(order, 1) as [number, number];
    const position = bit < 8 ? low : high;
    const shift = bit & 7;
    decoders.set(key, (decoder = (bytes, offset) => ((bytes[offset + position] as number) >> shift) & 1));
  }
  return decoder;
}

function makeDecoder(type: Exclude<DataType, 'string'>, positions: number[]): Decoder {
  const [a, b, c, d, e, f, g, h] = positions as [number, number, number, number, number, number, number, number];
  const word = (bytes: Uint8Array, o: number, high: number, low: number): number =>
    ((bytes[o + high] as number) << 8) | (bytes[o + low] as number);
  const upper = (bytes: Uint8Array, o: number): number => word(bytes, o, a, b) * 65536 + word(bytes, o, c, d);
  const lower = (bytes: Uint8Array, o: number): number => word(bytes, o, e, f) * 65536 + word(bytes, o, g, h);
  switch (type) {
    case 'bool':
      return (bytes, o) => (word(bytes, o, a, b) === 0 ? 0 : 1);
    case 'uint16':
      return (bytes, o) => word(bytes, o, a, b);
    case 'int16':
      return (bytes, o) => (word(bytes, o, a, b) << 16) >> 16;
    case 'bcd16':
      return (bytes, o) => fromBcd(word(bytes, o, a, b));
    case 'uint32':
      return upper;
    case 'int32':
      return (bytes, o) => upper(bytes, o) | 0;
    case 'bcd32':
      return (bytes, o) => fromBcd(word(bytes, o, a, b)) * 10_000 + fromBcd(word(bytes, o, c, d));
    case 'float32':
      return (bytes, o) => {
        scratchView.setUint32(0, upper(bytes, o));
        return scratchView.getFloat32(0);
      };
    // The high half times 2^32 is exact, so only the sum rounds: to the double that is nearest.
    case 'uint64':
      return (bytes, o) => upper(bytes, o) * 4_294_967_296 + lower(bytes, o);
    case 'int64':
      return (bytes, o) => (upper(bytes, o) | 0) * 4_294_967_296 + lower(bytes, o);
    case 'float64':
      return (bytes, o) => {
        scratchView.setUint32(0, upper(bytes, o));
        scratchView.setUint32(4, lower(bytes, o));
        return scratchView.getFloat64(0);
      };
  }
}

/** Four binary coded decimal digits; NaN when one is above 9. */
function fromBcd(word: number): number {
  const thousands = word >> 12;
  const hundreds = (word >> 8) & 15;
  const tens = (word >> 4) & 15;
  const ones = word & 15;
  if (thousands > 9 || hundreds > 9 || tens > 9 || ones > 9) return NaN;
  return thousands * 1000 + hundreds * 100 + tens * 10 + ones;
}

function toBcd(value: number): number {
  return (
    (Math.floor(value / 1000) << 12) |
    (Math.floor((value % 1000) / 100) << 8) |
    (Math.floor((value % 100) / 10) << 4) |
    (value % 10)
  );
}

/** The text of `registers` registers: UTF-8, up to the first NUL, without blanks at its end. */
export function decodeString(bytes: Uint8Array, offset: number, registers: number, order: ByteOrder): string {
  const text = Buffer.alloc(registers * 2);
  const swap = BYTES_SWAPPED.has(order) ? 1 : 0;
  for (let index = 0; index < text.length; index++) text[index] = bytes[offset + (index ^ swap)] as number;
  const end = text.indexOf(0);
  return text.toString('utf8', 0, end < 0 ? text.length : end).trimEnd();
}

/** Smallest and largest raw value of each encoding, as text because 64-bit limits are no exact doubles. */
const RANGES: Readonly<Record<Exclude<DataType, 'string'>, readonly [number, number, string]>> = {
  bool: [0, 1, '0 or 1'],
  uint16: [0, 65_535, '0 to 65535'],
  int16: [-32_768, 32_767, '-32768 to 32767'],
  uint32: [0, 4_294_967_295, '0 to 4294967295'],
  int32: [-2_147_483_648, 2_147_483_647, '-2147483648 to 2147483647'],
  // The largest doubles below 2^64 and 2^63.
  uint64: [0, 18_446_744_073_709_549_568, '0 to 18446744073709551615'],
  int64: [-9_223_372_036_854_775_808, 9_223_372_036_854_774_784, '-9223372036854775808 to 9223372036854775807'],
  float32: [-3.4028234663852886e38, 3.4028234663852886e38, '-3.4028235e38 to 3.4028235e38'],
  float64: [-Number.MAX_VALUE, Number.MAX_VALUE, 'any finite number'],
  bcd16: [0, 9_999, '0 to 9999'],
  bcd32: [0, 99_999_999, '0 to 99999999'],
};

/**
 * The wire bytes of a raw value; integer encodings round to the nearest.
 * @throws ProtocolError `protocol.value_out_of_range` saying the allowed range
 */
export function encodeNumber(type: Exclude<DataType, 'string'>, order: ByteOrder, raw: number): Uint8Array {
  const float = type === 'float32' || type === 'float64';
  // `+ 0` makes -0 a plain 0.
  const value = float ? raw : Math.round(raw) + 0;
  const [min, max, allowed] = RANGES[type];
  if (!(value >= min && value <= max)) {
    throw new ProtocolError(
      'protocol.value_out_of_range',
      `raw value ${raw} does not fit ${type}: allowed ${allowed}`,
      {
        fatal: true,
        details: { found: raw, dataType: type, allowed },
      },
    );
  }
  switch (type) {
    case 'bool':
    case 'uint16':
    case 'int16':
      scratchView.setInt16(0, value);
      break;
    case 'bcd16':
      scratchView.setUint16(0, toBcd(value));
      break;
    case 'uint32':
    case 'int32':
      scratchView.setInt32(0, value);
      break;
    case 'bcd32':
      scratchView.setUint16(0, toBcd(Math.floor(value / 10_000)));
      scratchView.setUint16(2, toBcd(value % 10_000));
      break;
    case 'float32':
      scratchView.setFloat32(0, value);
      break;
    case 'uint64':
    case 'int64':
      scratchView.setBigInt64(0, BigInt(value));
      break;
    case 'float64':
      scratchView.setFloat64(0, value);
      break;
  }
  const positions = wirePositions(order, REGISTERS[type]);
  const wire = new Uint8Array(positions.length);
  for (let index = 0; index < wire.length; index++) wire[positions[index] as number] = scratch[index] as number;
  return wire;
}

/**
 * The wire bytes of a text, filled up with NUL.
 * @throws ProtocolError `protocol.value_out_of_range` when it is longer than the registers hold
 */
export function encodeString(text: string, registers: number, order: ByteOrder): Uint8Array {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > registers * 2) {
    throw new ProtocolError(
      'protocol.value_out_of_range',
      `text of ${bytes.length} bytes does not fit: allowed are ${registers * 2} bytes`,
      { fatal: true, details: { found: bytes.length, dataType: 'string', allowed: registers * 2 } },
    );
  }
  const wire = new Uint8Array(registers * 2);
  const swap = BYTES_SWAPPED.has(order) ? 1 : 0;
  for (let index = 0; index < bytes.length; index++) wire[index ^ swap] = bytes[index] as number;
  return wire;
}
