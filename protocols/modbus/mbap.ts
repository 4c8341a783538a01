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

  /**
   * An answer that was cut short must not be completed with the first bytes of the next one. It shows in two ways: another
   * answer begins where the rest should, or what follows the completed frame is no header.
   */
  push(chunk: Uint8Array, onFrame: OnFrame, isAwaited?: (transaction: number) => boolean): string | undefined {
    if (this.#pending !== undefined && isAwaited !== undefined && beginsAnswer(chunk, isAwaited)) return this.expire();
    const bytes = join(this.#pending, chunk);
    this.#pending = undefined;
    let offset = 0;
    let wrong = wrongHeader(bytes, offset);
    while (wrong === undefined && bytes.length - offset >= HEADER) {
      const end = offset + 6 + word(bytes, offset + 4);
      if (end > bytes.length) break;
      wrong = wrongHeader(bytes, end);
      if (wrong !== undefined) break;
      onFrame(word(bytes, offset), bytes[offset + 6] as number, bytes, offset + HEADER, end);
      offset = end;
    }
    if (wrong !== undefined) return wrong;
    if (offset < bytes.length) this.#pending = Uint8Array.from(bytes.subarray(offset));
    return undefined;
  }

  /** The rest of a frame that began before its request was given up will not come: what follows would be misread. */
  expire(): string | undefined {
    return this.#pending === undefined ? undefined : `a frame broke off after ${this.#pending.length} bytes`;
  }
}

/** What makes bytes no header, as far as they have come. */
function wrongHeader(bytes: Uint8Array, offset: number): string | undefined {
  if (bytes.length - offset < 4) return undefined;
  const protocol = word(bytes, offset + 2);
  if (protocol !== 0) return `a frame has protocol ${protocol}: allowed is 0`;
  if (bytes.length - offset < 6) return undefined;
  const length = word(bytes, offset + 4);
  if (length >= MIN_LENGTH && length <= MAX_LENGTH) return undefined;
  return `a frame has length ${length}: allowed are ${MIN_LENGTH} to ${MAX_LENGTH}`;
}

/** Whether bytes are the beginning of an answer that is awaited: six bytes that values have hardly by chance. */
function beginsAnswer(bytes: Uint8Array, isAwaited: (transaction: number) => boolean): boolean {
  return bytes.length > HEADER && wrongHeader(bytes, 0) === undefined && isAwaited(word(bytes, 0));
}

function word(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}
