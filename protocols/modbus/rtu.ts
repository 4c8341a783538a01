import { join, type Framing, type OnFrame } from './framing.js';
import { EXCEPTION_FLAG, MAX_PDU } from './pdu.js';

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ 0xa001;
  return crc;
});

/** CRC-16 of `bytes[start, end)` (Modbus over Serial Line V1.02, section 6.2.2). */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffff;
  for (let index = start; index < end; index++) {
    crc = (crc >> 8) ^ (CRC_TABLE[(crc ^ (bytes[index] as number)) & 255] as number);
  }
  return crc;
}

/** Unit before the PDU and CRC behind it. */
const OVERHEAD = 3;
const LATE_ANSWER_MS = 50;

/**
 * RTU framing, over a serial line or a TCP connection. One request at a time; an answer is found by the unit and the
 * function that are awaited, its length by its function, its truth by its CRC. Bytes before it (noise, a late answer
 * of another unit) are passed over. Holds at most one unfinished frame (256 bytes).
 */
export class RtuFraming implements Framing {
  readonly concurrent = false;
  readonly settleMs = LATE_ANSWER_MS;
  #pending: Uint8Array | undefined;
  #awaited: { transaction: number; unitId: number; functionCode: number } | undefined;

  frame(transaction: number, unitId: number, pdu: Uint8Array): Uint8Array {
    this.#awaited = { transaction, unitId, functionCode: pdu[0] as number };
    this.#pending = undefined;
    const frame = Buffer.allocUnsafe(pdu.length + OVERHEAD);
    frame[0] = unitId;
    frame.set(pdu, 1);
    frame.writeUInt16LE(crc16(frame, 0, pdu.length + 1), pdu.length + 1);
    return frame;
  }

  push(chunk: Uint8Array, onFrame: OnFrame): string | undefined {
    if (this.#awaited === undefined) return undefined; // nobody asked: a late answer
    const { transaction, unitId, functionCode } = this.#awaited;
    const bytes = join(this.#pending, chunk);
    this.#pending = undefined;
    for (let start = 0; start < bytes.length; start++) {
      const length = answerLength(bytes, start, unitId, functionCode);
      if (length === 0) continue;
      const end = start + length;
      if (end > bytes.length) {
        this.#pending = Uint8Array.from(bytes.subarray(start));
        return undefined;
      }
      if (crc16(bytes, start, end) !== 0) continue; // a CRC over a frame and its own CRC is 0
      this.#awaited = undefined;
      onFrame(transaction, unitId, bytes, start + 1, end - 2);
      return undefined;
    }
    return undefined;
  }

  expire(): string | undefined {
    this.#awaited = undefined;
    this.#pending = undefined;
    return undefined;
  }
}

/** Length of the awaited frame if one may begin at `start`; more than there is when it is not known yet; 0 = none. */
function answerLength(bytes: Uint8Array, start: number, unitId: number, functionCode: number): number {
  const left = bytes.length - start;
  if (bytes[start] !== unitId) return 0;
  if (left < 2) return left + 1;
  const answered = bytes[start + 1] as number;
  if (answered === (functionCode | EXCEPTION_FLAG)) return 2 + OVERHEAD;
  if (answered !== functionCode) return 0;
  if (functionCode > 4) return 5 + OVERHEAD;
  if (left < 3) return left + 1;
  const pdu = (bytes[start + 2] as number) + 2;
  return pdu > MAX_PDU ? 0 : pdu + OVERHEAD;
}
