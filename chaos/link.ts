import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Random } from '../protocols/virtual/random.js';
import { DelayLine } from './delay-line.js';

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
  | { readonly mode: 'corrupt' }
  /**
   * What the server sends is lost, from `afterBytes` on, though connections stay open: a peer that is gone without a word.
   * Those that have lost something end with the fault.
   */
  | { readonly mode: 'half-open'; readonly afterBytes?: number };

const CORRUPT_EVERY_BYTES = 10_000;

/** A TCP link to a server that can be made to fail. */
export class Link {
  readonly #server: Server;
  readonly #port: number;
  readonly #host: string;
  readonly #random: Random;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #fault: LinkFault | undefined;
  /** With a fault that is half-open: bytes of the server that still pass. */
  #left = Infinity;
  #lossy = new Set<Socket>();
  #tellLoss: () => void = () => undefined;
  /** Resolves when a half-open fault has lost something for the first time. */
  readonly lost = new Promise<void>((resolve) => {
    this.#tellLoss = resolve;
  });

  private constructor(server: Server, { port, host }: { port: number; host: string }, random: Random) {
    this.#server = server;
    this.#port = port;
    this.#host = host;
    this.#random = random;
    server.on('connection', (client) => this.#accept(client));
  }

  /** Between clients and `host:port`. */
  static async open(port: number, random: Random = Math.random, host = '127.0.0.1'): Promise<Link> {
    const server = createServer();
    const link = new Link(server, { port, host }, random);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return link;
  }

  /** The server's own. */
  get serverPort(): number {
    return this.#port;
  }

  /** To connect to instead of the server. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** To connect to instead of the server: `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** From now on, until `heal`; it takes the place of a fault that it has. */
  fail(fault: LinkFault): void {
    this.#endLossy();
    this.#fault = fault;
    this.#left = fault.mode === 'half-open' ? (fault.afterBytes ?? 0) : Infinity;
    if (fault.mode === 'shut') this.reset();
    else
      for (const socket of [...this.#pairs].flat())
        if (fault.mode === 'hold') socket.pause();
        else socket.resume();
  }

  /** Carries everything again, what was held included. */
  heal(): void {
    this.#fault = undefined;
    this.#left = Infinity;
    this.#endLossy();
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
    const upstream = connect(this.#port, this.#host);
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    this.#carry(client, upstream);
    this.#carry(upstream, client, (data) => this.#passing(data, upstream));
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

  #carry(from: Socket, to: Socket, passing: (data: Buffer) => Buffer = (data) => data): void {
    const line = new DelayLine();
    from.on('data', (chunk) => {
      const fault = this.#fault;
      const data = passing(fault?.mode === 'corrupt' ? this.#corrupted(chunk) : chunk);
      if (data.length === 0) return;
      const now = performance.now();
      const before = line.empty ? now : line.free;
      const passes = Math.max(before, now + this.#heldUpMs(fault, data.length, before - now));
      if (passes <= now && line.empty) {
        this.#write(from, to, data);
        return;
      }
      // Slow for long, so that the sender hears of it; what is only late goes on coming.
      if (fault?.mode === 'throttle') from.pause();
      line.push(passes, () => {
        if (this.#fault?.mode !== 'hold') from.resume();
        this.#write(from, to, data);
      });
    });
    from.on('end', () => line.push(line.free, () => to.end()));
  }

  #write(from: Socket, to: Socket, data: Buffer): void {
    if (to.destroyed || to.write(data)) return;
    from.pause();
    to.once('drain', () => {
      if (this.#fault?.mode !== 'hold') from.resume();
    });
  }

  /** Of what the server sends, what is not lost. */
  #passing(data: Buffer, server: Socket): Buffer {
    const passes = data.subarray(0, Math.max(0, this.#left));
    this.#left -= data.length;
    if (passes.length < data.length) {
      this.#lossy.add(server);
      this.#tellLoss();
    }
    return passes;
  }

  /** A stream with a hole in it must not go on. */
  #endLossy(): void {
    for (const socket of this.#lossy) socket.resetAndDestroy();
    this.#lossy.clear();
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

/** The same URL, over a link. */
export function through(link: Link | undefined, url: string): string {
  const changed = new URL(url);
  changed.port = String(link?.port);
  return changed.href.replace(/\/$/, '');
}
