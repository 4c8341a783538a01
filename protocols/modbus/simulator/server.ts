import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { StatewattError } from '../../../errors/error.js';
import { MAX_PDU } from '../pdu.js';
import { answerTo } from './answer.js';
import type { BitTable, RegisterBank, RegisterTable, UnitFaults } from './bank.js';

export interface ModbusDeviceOptions {
  /** 0 takes a free port. */
  readonly port: number;
  readonly units: Readonly<Record<number, RegisterBank>>;
}

export interface ModbusDevices {
  /** In the order in which they were given. */
  readonly devices: readonly ModbusDevice[];
  close(): Promise<void>;
}

/**
 * Starts simulated Modbus TCP devices in this process, each with its own port and units.
 * @throws StatewattError `simulator.port_taken` when a port cannot be bound; then none is left running
 */
export async function startModbusDevices({
  host = '127.0.0.1',
  devices,
}: {
  host?: string;
  devices: readonly ModbusDeviceOptions[];
}): Promise<ModbusDevices> {
  const started = devices.map((options) => new ModbusDevice(host, options));
  const close = async (): Promise<void> => {
    await Promise.all(started.map((device) => device.stop()));
  };
  try {
    for (const device of started) await device.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { devices: started, close };
}

/** Bytes before the PDU: transaction, protocol, length, unit. */
const HEADER = 7;

/** One simulated Modbus TCP device, or a gateway with several units behind it. */
export class ModbusDevice {
  readonly #host: string;
  readonly #units: Readonly<Record<number, RegisterBank>>;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #server: Server | undefined;
  #port: number;
  /** Answers go out in pieces of this many bytes, each a segment of its own; 0 = whole. */
  fragmentBytes = 0;
  /** Requests received, connections accepted, and most requests that waited for an answer at once. */
  requests = 0;
  connections = 0;
  peakInFlight = 0;

  constructor(host: string, { port, units }: ModbusDeviceOptions) {
    this.#host = host;
    this.#port = port;
    this.#units = units;
  }

  get port(): number {
    return this.#port;
  }

  /** @throws RangeError when the device has no such unit */
  bank(unit: number): RegisterBank {
    const bank = this.#units[unit];
    if (bank === undefined) throw new RangeError(`no unit ${unit}: there are ${Object.keys(this.#units).join(', ')}`);
    return bank;
  }
  holding(unit: number): RegisterTable {
    return this.bank(unit).holding;
  }
  input(unit: number): RegisterTable {
    return this.bank(unit).input;
  }
  coils(unit: number): BitTable {
    return this.bank(unit).coils;
  }
  discrete(unit: number): BitTable {
    return this.bank(unit).discrete;
  }
  faults(unit: number): UnitFaults {
    return this.bank(unit).faults;
  }

  /** Listens, again on the same port after a stop. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) =>
        reject(
          new StatewattError('simulator.port_taken', 'conflict', `cannot listen on ${this.#host}:${this.#port}`, {
            cause,
            details: { host: this.#host, port: this.#port },
          }),
        ),
      );
      server.listen(this.#port, this.#host, resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Drops every connection and refuses new ones, as a device without power. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    this.dropConnections();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await closed;
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    let pending: Buffer | undefined;
    let inFlight = 0;
    const answered = (): void => {
      inFlight -= 1;
    };
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      const bytes = pending === undefined ? chunk : Buffer.concat([pending, chunk]);
      let offset = 0;
      socket.cork();
      while (bytes.length - offset >= HEADER + 1) {
        const length = bytes.readUInt16BE(offset + 4);
        if (length < 2 || length > MAX_PDU + 1) {
          socket.destroy();
          return;
        }
        if (bytes.length - offset < 6 + length) break;
        this.requests += 1;
        inFlight += 1;
        this.peakInFlight = Math.max(this.peakInFlight, inFlight);
        this.#answer(socket, bytes.subarray(offset, offset + 6 + length), answered);
        offset += 6 + length;
      }
      socket.uncork();
      pending = offset < bytes.length ? Buffer.from(bytes.subarray(offset)) : undefined;
    });
  }

  #answer(socket: Socket, request: Buffer, answered: () => void): void {
    const unit = request[6] as number;
    const bank = this.#units[unit];
    const faults = bank?.faults;
    if (faults?.drop === true) {
      socket.destroy();
      return;
    }
    if (faults?.silent === true) return;
    const send = (): void => {
      answered();
      const pdu = answerTo(bank, request.subarray(HEADER));
      const frame = Buffer.allocUnsafe(HEADER + pdu.length);
      request.copy(frame, 0, 0, HEADER);
      frame.writeUInt16BE(pdu.length + 1, 4);
      frame.set(pdu, HEADER);
      this.#send(socket, faults?.answer === undefined ? frame : distort(frame, faults.answer));
    };
    if (faults?.delayMs === undefined) {
      send();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!socket.destroyed) send();
    }, faults.delayMs);
    this.#timers.add(timer);
  }

  #send(socket: Socket, frame: Buffer): void {
    const size = this.fragmentBytes;
    if (size === 0) {
      socket.write(frame);
      return;
    }
    for (let offset = 0; offset < frame.length; offset += size) {
      // Uncorked writes one turn apart leave as segments of their own, in order.
      const piece = frame.subarray(offset, offset + size);
      setTimeout(() => socket.destroyed || socket.write(piece), offset / size);
    }
  }
}

/** A frame that is wrong in one way. */
function distort(frame: Buffer, fault: NonNullable<UnitFaults['answer']>): Buffer {
  switch (fault) {
    case 'wrong-transaction':
      frame.writeUInt16BE((frame.readUInt16BE(0) + 7) & 0xffff, 0);
      return frame;
    case 'wrong-unit':
      frame[6] = ((frame[6] as number) + 1) & 255;
      return frame;
    case 'wrong-function':
      frame[7] = 0x2b;
      return frame;
    case 'wrong-protocol':
      frame.writeUInt16BE(0x1234, 2);
      return frame;
    case 'short': {
      const short = frame.subarray(0, frame.length - 1);
      short.writeUInt16BE(short.length - 6, 4);
      return short;
    }
    case 'truncated':
      return frame.subarray(0, frame.length - 1);
    case 'oversized':
      frame.writeUInt16BE(40_000, 4);
      return frame;
  }
}
