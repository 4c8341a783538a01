import { join, type Framing, type OnFrame } from './framing.js';
import { MAX_PDU } from './pdu.js';

/** Transaction, protocol, length (two bytes each), unit (Modbus Messaging on TCP/IP V1.0b, section 3.1.3). */
const HEADER = 7;
/** A PDU has at least function code and one byte more. */
const MIN_LENGTH = 3;
const MAX_LENGTH = MAX_PDU + 1;

/** Modbus TCP framing. Holds at most one unfinished frame (259 bytes). */
export class MbapFraming implements Framing {
  readonly concurrent = true;
  readonly settleMs = 0;
  #pending: Uint8Array | undefined;

  frame(transaction: number, unitId: number, pdu: Uint8Array): Uint8Array {
    const frame = Buffer.allocUnsafe(HEADER + pdu.length);
    const length = pdu.length + 1;
    frame[0] = transaction >> 8;
    frame[1] = transaction & 255;
    frame[2] = 0;
    frame[3] = 0;
    frame[4] = length >> 8;
    frame[5] = length & 255;
    frame[6] = unitId;
    frame.set(pdu, HEADER);
    return frame;
  }

  push(chunk: Uint8Array, onFrame: OnFrame): string | undefined {
    const bytes = join(this.#pending, chunk);
    this.#pending = undefined;
    let offset = 0;
    while (bytes.length - offset >= HEADER) {
      const protocol = word(bytes, offset + 2);
      const length = word(bytes, offset + 4);
      if (protocol !== 0) return `a frame has protocol ${protocol}: allowed is 0`;
      if (length < MIN_LENGTH || length > MAX_LENGTH) {
        return `a frame has length ${length}: allowed are ${MIN_LENGTH} to ${MAX_LENGTH}`;
      }
      const end = offset + 6 + length;
      if (end > bytes.length) break;
      onFrame(word(bytes, offset), bytes[offset + 6] as number, bytes, offset + HEADER, end);
      offset = end;
    }
    if (offset < bytes.length) this.#pending = Uint8Array.from(bytes.subarray(offset));
    return undefined;
  }

  /** The rest of a frame that began before its request was given up will not come: what follows would be misread. */
  expire(): string | undefined {
    return this.#pending === undefined ? undefined : `a frame broke off after ${this.#pending.length} bytes`;
  }
}

function word(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}
