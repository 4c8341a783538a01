import { Duplex } from 'node:stream';
import { answerTo } from '../../protocols/modbus/simulator/answer.js';
import type { RegisterBank } from '../../protocols/modbus/simulator/index.js';

/**
 * A Modbus TCP device at the other end of a stream in memory, so that a driver runs without sockets and on a test's
 * clock. Requests must come one per write, as drivers send them. A `silent` unit gives no answer.
 */
export class Loopback extends Duplex {
  readonly #units: Readonly<Record<number, RegisterBank>>;
  /** Unit ids of all requests. */
  readonly asked: number[] = [];
  /** A read that begins here gets no answer. */
  silentAddress: number | undefined;

  constructor(units: Readonly<Record<number, RegisterBank>>) {
    super();
    this.#units = units;
  }

  override _write(frame: Buffer, _encoding: string, done: () => void): void {
    const unit = frame[6] as number;
    this.asked.push(unit);
    const bank = this.#units[unit];
    if (bank?.faults.silent !== true && frame.readUInt16BE(8) !== this.silentAddress) {
      const pdu = answerTo(bank, frame.subarray(7));
      const header = Buffer.from(frame.subarray(0, 7));
      header.writeUInt16BE(pdu.length + 1, 4);
      this.push(Buffer.concat([header, pdu]));
    }
    done();
  }

  override _read(): void {
    // Answers are pushed as requests come.
  }
}
