/** Frames of Modbus TCP (Modbus Messaging on TCP/IP V1.0b), with nothing but what a measurement needs. */

/** Reads holding registers from address 0 on (function 3). */
export function readRequest(unit: number, count: number): Buffer {
  return Buffer.from([0, 1, 0, 0, 0, 6, unit, 3, 0, 0, 0, count]);
}

/** A register of an answer to `readRequest`; undefined while the answer is not whole. */
export function registerOf(answer: Buffer, index: number): number | undefined {
  const at = 9 + 2 * index;
  return answer.length >= at + 2 ? answer.readUInt16BE(at) : undefined;
}

/** Writes one holding register (function 6). */
export function writeSingle(unit: number, address: number, value: number): Buffer {
  const frame = Buffer.from([0, 2, 0, 0, 0, 6, unit, 6, 0, 0, 0, 0]);
  frame.writeUInt16BE(address, 8);
  frame.writeUInt16BE(value, 10);
  return frame;
}

/** @throws when the device refused the write */
export function readSingle(answer: Buffer): void {
  if (answer[7] !== 6)
    throw new Error(`the device answered function ${String(answer[7])}, exception ${String(answer[8])}`);
}
