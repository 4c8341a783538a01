import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { FastifyBaseLogger } from 'fastify';
import type { Identity } from '../../actors/client/access.js';
import { StatewattError, toStatewattError } from '../../errors/error.js';
import type { OpenConnections } from '../open-connections.js';
import { envelope } from './errors.js';

/** Streams open at once; each holds a subscription and a connection. */
const MAX_STREAMS = 256;
/** A comment goes out this often, so that both sides and proxies notice a dead link. */
const HEARTBEAT_MS = 15_000;
/** Milliseconds after which a browser connects again. */
const RECONNECT_MS = 2_000;

/**
 * The open event streams (Server-Sent Events, WHATWG HTML, section 9.2) of a server. An update is taken from its
 * watch only when the one before has left for the browser, so a slow browser holds one update and the socket's
 * buffer, and gets the newest state next.
 */
export class EventStreams {
  readonly #heartbeatMs: number;
  readonly #maxStreams: number;
  readonly #connections: OpenConnections | undefined;
  readonly #open = new Map<ServerResponse, AbortController>();
  #closed = false;

  /** @param connections ends the streams of those who may not be in any more */
  constructor({ heartbeatMs = HEARTBEAT_MS, maxStreams = MAX_STREAMS } = {}, connections?: OpenConnections) {
    this.#connections = connections;
    this.#heartbeatMs = heartbeatMs;
    this.#maxStreams = maxStreams;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @throws `http.too_many_streams`, `http.closing`: ask before a response is given to `run`. */
  admit(): void {
    if (this.#closed) throw new StatewattError('http.closing', 'unavailable', 'The server is stopping.');
    if (this.#open.size < this.#maxStreams) return;
    throw new StatewattError(
      'http.too_many_streams',
      'busy',
      `${this.#open.size} event streams are open; allowed are ${this.#maxStreams}.`,
      { retryAfterMs: 5000, details: { found: this.#open.size, allowed: this.#maxStreams } },
    );
  }

  /** Sends the updates of a watch to the response until either side ends. Never rejects. */
  async run(
    response: ServerResponse,
    watch: (signal: AbortSignal) => AsyncIterable<unknown>,
    context: { requestId: string; log: FastifyBaseLogger; identity?: Identity | null },
  ): Promise<void> {
    const abort = new AbortController();
    const { identity = null } = context;
    const forget = identity === null ? undefined : this.#connections?.add(identity, () => abort.abort());
    this.#open.set(response, abort);
    response.once('close', () => abort.abort());
    response.on('error', () => abort.abort());
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-content-type-options': 'nosniff',
      connection: 'close', // what comes after a stream is a new stream; and an ended one holds no server open
      'x-accel-buffering': 'no', // asks nginx not to gather the events
      'x-request-id': context.requestId,
    });
    response.write(`retry: ${RECONNECT_MS}\n\n`);
    const heartbeat = this.#startHeartbeat(response);
    try {
      for await (const update of watch(abort.signal)) {
        if (abort.signal.aborted) break;
        if (!response.write(`data: ${JSON.stringify(update)}\n\n`)) {
          await once(response, 'drain', { signal: abort.signal });
        }
      }
    } catch (thrown) {
      if (!abort.signal.aborted) {
        const error = toStatewattError(thrown);
        context.log.error({ err: thrown }, 'event stream failed');
        response.write(`event: failed\ndata: ${JSON.stringify(envelope(error, context.requestId))}\n\n`);
      }
    } finally {
      clearInterval(heartbeat);
      forget?.();
      this.#open.delete(response);
      abort.abort();
      response.end();
    }
  }

  /** Ends every stream; browsers come back by themselves. */
  close(): void {
    this.#closed = true;
    for (const abort of this.#open.values()) abort.abort();
  }

  /** Ends the connection of a browser that took nothing for a whole interval. */
  #startHeartbeat(response: ServerResponse): NodeJS.Timeout {
    let blocked = false;
    const timer = setInterval(() => {
      if (!response.writableNeedDrain) {
        blocked = false;
        response.write(': alive\n\n');
      } else if (blocked) {
        response.destroy();
      } else {
        blocked = true;
      }
    }, this.#heartbeatMs);
    return timer.unref();
  }
}
