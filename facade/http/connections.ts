import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/**
 * Lets a server close in bounded time. Node ends connections between two requests at once, but waits a minute for
 * those on which no request ever came (browsers open such ahead of need) and for ever for those that never finish.
 */
export class ConnectionCloser {
  readonly #server: Server;
  readonly #graceMs: number;
  readonly #unused = new Set<Socket>();

  /** @param graceMs milliseconds that requests under way have to end once the server closes. */
  constructor(server: Server, graceMs: number) {
    this.#server = server;
    this.#graceMs = graceMs;
    // Over TLS, requests come on a socket of its own, above the connection's.
    server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#unused.add(socket);
      socket.once('close', () => this.#unused.delete(socket));
    });
    server.on('request', ({ socket }: IncomingMessage) => this.#unused.delete(socket));
  }

  /** Call when the server starts to close. */
  close(): void {
    for (const socket of this.#unused) socket.destroy();
    const timer = setTimeout(() => this.#server.closeAllConnections(), this.#graceMs);
    this.#server.once('close', () => clearTimeout(timer));
    timer.unref();
  }
}
