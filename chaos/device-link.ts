import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Random } from '../protocols/virtual/random.js';
import { DelayLine } from './delay-line.js';
import type { AnswerMode } from './fault.js';

/** How the answers of a device are wrong. */
export interface AnswerFault {
  readonly mode: AnswerMode;
  /** Of the answers, in (0, 1]; the others are right. */
  readonly share: number;
  /** Of `slow`, ms. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Of `exception`: as Modbus Application Protocol V1.1b3, chapter 7, has them. */
  readonly code: number;
}

/** Transaction, protocol and length; the length counts what comes behind it, from the unit on. */
const HEAD = 6;
const FUNCTION = 7;
/** What a wrong transaction is off by. */
const OFF_BY = 0x0101;

/**
 * Between masters and a Modbus TCP device on this machine: it knows one answer from the next, and can make answers wrong.
 * (Modbus Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3: MBAP header.)
 */
export class DeviceLink {
  readonly #server: Server;
  readonly #device: number;
  readonly #random: Random;
  readonly #sockets = new Set<Socket>();
  #fault: AnswerFault | undefined;
  /** Of a fault that is `stuck`: the first answer to each request since it began. */
  #first = new Map<string, Buffer>();

  private constructor(server: Server, device: number, random: Random) {
    this.#server = server;
    this.#device = device;
    this.#random = random;
    server.on('connection', (master) => this.#accept(master));
  }

  /** Between masters and the device at `127.0.0.1:device`. */
  static async open(device: number, random: Random): Promise<DeviceLink> {
    const server = createServer();
    const link = new DeviceLink(server, device, random);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return link;
  }

  /** To connect to instead of the device. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on, until `heal`; it takes the place of a fault that it has. */
  fail(fault: AnswerFault): void {
    this.#fault = fault;
    this.#first = new Map();
  }

  heal(): void {
    this.#fault = undefined;
    this.#first.clear();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(master: Socket): void {
    const device = connect(this.#device, '127.0.0.1');
    /** What was asked, by transaction. */
    const asked = new Map<number, string>();
    const line = new DelayLine();
    for (const socket of [master, device]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        master.destroy();
        device.destroy();
      });
    }
    eachUnit(master, (unit) => {
      asked.set(unit.readUInt16BE(0), unit.toString('latin1', HEAD));
      device.write(unit);
    });
    eachUnit(device, (unit) => {
      const transaction = unit.readUInt16BE(0);
      const request = asked.get(transaction) ?? '';
      asked.delete(transaction);
      this.#answer(master, unit, request, line);
    });
  }

  #answer(master: Socket, unit: Buffer, request: string, line: DelayLine): void {
    const fault = this.#fault;
    const hit = fault !== undefined && this.#random() < fault.share;
    const bytes = hit ? this.#wrong(fault, unit, request) : unit;
    const late = hit && fault.mode === 'slow' ? fault.delayMs + (2 * this.#random() - 1) * fault.jitterMs : 0;
    const send = (): void => {
      if (!master.destroyed) master.write(bytes);
    };
    if (late <= 0 && line.empty) send();
    else line.push(performance.now() + late, send);
  }

  #wrong({ mode, code }: AnswerFault, unit: Buffer, request: string): Buffer {
    switch (mode) {
      case 'slow':
        return unit;
      case 'exception': {
        const refusal = Buffer.from(unit.subarray(0, FUNCTION + 2));
        refusal.writeUInt16BE(3, 4);
        refusal[FUNCTION] = (unit[FUNCTION] as number) | 0x80;
        refusal[FUNCTION + 1] = code;
        return refusal;
      }
      case 'wrong-transaction': {
        const other = Buffer.from(unit);
        other.writeUInt16BE((unit.readUInt16BE(0) + OFF_BY) & 0xffff, 0);
        return other;
      }
      case 'truncated':
        return unit.subarray(0, unit.length - 1 - Math.floor(this.#random() * (unit.length - 1)));
      case 'stuck': {
        const first = this.#first.get(request);
        if (first === undefined) {
          this.#first.set(request, Buffer.from(unit));
          return unit;
        }
        const again = Buffer.from(first);
        unit.copy(again, 0, 0, 2);
        return again;
      }
    }
  }
}

/** Every application data unit that comes, as a whole. */
function eachUnit(socket: Socket, take: (unit: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEAD) {
      const size = HEAD + rest.readUInt16BE(4);
      // Corrupted on its way: no unit is that long.
      if (size > HEAD + 254 || size < HEAD + 2) {
        socket.destroy();
        return;
      }
      if (rest.length < size) return;
      take(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  });
}
