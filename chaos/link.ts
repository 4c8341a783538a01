import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Random } from '../protocols/virtual/random.js';

/** How a link fails. */
export type LinkFault =
  /** Nothing passes in either direction, and nothing is lost: a cable that is out. Connections stay open. */
  | { readonly mode: 'hold' }
  /** Connections are ended and new ones refused: a port that is shut. */
  | { readonly mode: 'shut' }
  /** What passes is held up for so long, in its order. */
  | { readonly mode: 'delay'; readonly delayMs: number; readonly jitterMs: number }
  | { readonly mode: 'throttle'; readonly bytesPerS: number }
  /** About one byte of each ten thousand is another one. */
  | { readonly mode: 'corrupt' };

const CORRUPT_EVERY_BYTES = 10_000;

/** A TCP link to a server on this machine that can be made to fail. */
export class Link {
  readonly #server: Server;
  readonly #port: number;
  readonly #random: Random;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #fault: LinkFault | undefined;

  private constructor(server: Server, port: number, random: Random) {
    this.#server = server;
    this.#port = port;
    this.#random = random;
    server.on('connection', (client) => this.#accept(client));
  }

  /** Between clients and `127.0.0.1:port`. */
  static async open(port: number, random: Random): Promise<Link> {
    const server = createServer();
    const link = new Link(server, port, random);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return link;
  }

  /** To connect to instead of the server. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on, until `heal`; it takes the place of a fault that it has. */
  fail(fault: LinkFault): void {
    this.#fault = fault;
    if (fault.mode === 'shut') this.reset();
    else
      for (const socket of [...this.#pairs].flat())
        if (fault.mode === 'hold') socket.pause();
        else socket.resume();
  }

  /** Carries everything again, what was held included. */
  heal(): void {
    this.#fault = undefined;
    for (const socket of [...this.#pairs].flat()) socket.resume();
  }

  /** Ends every connection with a reset; new ones pass. */
  reset(): void {
    for (const socket of [...this.#pairs].flat()) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.#fault = { mode: 'shut' };
    for (const socket of [...this.#pairs].flat()) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    if (this.#fault?.mode === 'shut') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(this.#port, '127.0.0.1');
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    this.#carry(client, upstream);
    this.#carry(upstream, client);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.#pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
      if (this.#fault?.mode === 'hold') socket.pause();
    }
  }

  #carry(from: Socket, to: Socket): void {
    /** When the last chunk of this direction has passed: none overtakes another. */
    let free = 0;
    from.on('data', (chunk) => {
      const fault = this.#fault;
      const data = fault?.mode === 'corrupt' ? this.#corrupted(chunk) : chunk;
      const now = performance.now();
      const passes = Math.max(free, now + this.#heldUpMs(fault, data.length, Math.max(0, free - now)));
      free = passes;
      if (passes <= now) this.#write(from, to, data);
      else {
        // Slow for long, so that the sender hears of it; what is only late goes on coming.
        if (fault?.mode === 'throttle') from.pause();
        setTimeout(() => {
          if (this.#fault?.mode !== 'hold') from.resume();
          this.#write(from, to, data);
        }, passes - now);
      }
    });
    from.on('end', () => {
      const wait = Math.max(0, free - performance.now());
      setTimeout(() => to.end(), wait);
    });
  }

  #write(from: Socket, to: Socket, data: Buffer): void {
    if (to.destroyed || to.write(data)) return;
    from.pause();
    to.once('drain', () => {
      if (this.#fault?.mode !== 'hold') from.resume();
    });
  }

  #heldUpMs(fault: LinkFault | undefined, bytes: number, waitingMs: number): number {
    if (fault?.mode === 'delay') return Math.max(0, fault.delayMs + (2 * this.#random() - 1) * fault.jitterMs);
    if (fault?.mode === 'throttle') return waitingMs + (bytes / fault.bytesPerS) * 1_000;
    return 0;
  }

  #corrupted(chunk: Buffer): Buffer {
    const data = Buffer.from(chunk);
    for (let at = 0; at < data.length; at++) {
      if (this.#random() < 1 / CORRUPT_EVERY_BYTES)
        data[at] = (data[at] as number) ^ (1 + Math.floor(this.#random() * 255));
    }
    return data;
  }
}
