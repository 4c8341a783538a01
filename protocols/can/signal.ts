import { layoutOf, type CanSignal } from '../../site/channels/can.js';

const TWO_32 = 2 ** 32;
const float = new DataView(new ArrayBuffer(8));

/** How to take one signal out of a frame's data. */
export class SignalReader {
  readonly bytes: number;
  readonly #signal: CanSignal;
  readonly #byte: number;
  readonly #bit: number;
  readonly #step: 1 | -1;

  constructor(signal: CanSignal) {
    const { byte, bit, step, bytes } = layoutOf(signal);
    this.#signal = signal;
    this.bytes = bytes;
    this.#byte = byte;
    this.#bit = bit;
    this.#step = step;
  }

  /** The raw value. `data` holds `bytes` bytes or more. Whole numbers beyond 2^53 are rounded to the nearest double. */
  read(data: Uint8Array): number {
    const { length, encoding } = this.#signal;
    // Two halves, each exact: bits 0 to 31 and the rest.
    let low = 0;
    let high = 0;
    let byte = this.#byte;
    let bit = this.#bit;
    for (let got = 0; got < length;) {
      const take = Math.min(8 - bit, length - got);
      const part = ((data[byte] as number) >> bit) & ((1 << take) - 1);
      if (got < 32) low += part * 2 ** got;
      else high += part * 2 ** (got - 32);
      got += take;
      byte += this.#step;
      bit = 0;
    }
    high += Math.floor(low / TWO_32);
    low %= TWO_32;
    if (encoding === 'float') return asFloat(high, low, length);
    if (encoding === 'signed') {
      if (length <= 32) return low >= 2 ** (length - 1) ? low - 2 ** length : low;
      if (high >= 2 ** (length - 33)) high -= 2 ** (length - 32);
    }
    return high * TWO_32 + low;
  }
}

/** IEEE 754, single or double precision. */
function asFloat(high: number, low: number, length: number): number {
  float.setUint32(0, length === 32 ? low : high);
  float.setUint32(4, low);
  return length === 32 ? float.getFloat32(0) : float.getFloat64(0);
}
