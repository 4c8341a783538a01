import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Gatekeeper } from '../../actors/client/access.js';
import type { StatewattClient } from '../../actors/client/client.js';
import { parsePointAddress } from '../../site/points.js';
import { tracer } from '../../telemetry/spans.js';

const PREFIX = '/api/v1/points/';
/** Seconds that a connection without a request stays open: longer than a proxy's minute. */
export const KEEP_ALIVE_S = 72;

/**
 * The way of the most frequent request, the live value of one point: answered as its route answers it, without the
 * hooks and the objects that Fastify makes for each request, which cost as much as all the rest. Only where none of those
 * hooks has anything to do; whatever is not plain goes the long way: who shows credentials, comes from another page, is
 * traced, asks for something that is not there.
 */
export class ShortPath {
  readonly #client: StatewattClient;
  readonly #gatekeeper: Gatekeeper | undefined;
  /** The Host header of a request that the origin guard let in last. */
  #host: string | undefined;
  #closed = false;

  constructor(client: StatewattClient, gatekeeper: Gatekeeper | undefined) {
    this.#client = client;
    this.#gatekeeper = gatekeeper;
  }

  /** The guard let in a request with this Host header. */
  letIn(host: string | undefined): void {
    this.#host = host;
  }

  /** From now on every request goes the long way, which ends its connection. */
  close(): void {
    this.#closed = true;
  }

  /** A listener that answers what it can and hands the rest to `long`. */
  before(long: RequestListener): RequestListener {
    return (request, response) => {
      const address = this.#isPlain(request) ? addressOf(request.url ?? '') : undefined;
      if (address === undefined) return long(request, response);
      // The long way says what is wrong.
      this.#client.point(address.channel, address.kind, address.id).then(
        (view) => send(response, JSON.stringify(view)),
        () => long(request, response),
      );
    };
  }

  #isPlain({ method, headers }: IncomingMessage): boolean {
    if (method !== 'GET' || this.#closed || headers.host === undefined || headers.host !== this.#host) return false;
    const { authorization, cookie, origin, upgrade, 'x-api-key': apiKey, 'content-length': length } = headers;
    const shown = authorization ?? cookie ?? origin ?? upgrade ?? apiKey ?? length ?? headers['transfer-encoding'];
    if (shown !== undefined || tracer() !== undefined) return false;
    return this.#gatekeeper === undefined || this.#gatekeeper.identifyNow({})?.via === 'open';
  }
}

function addressOf(url: string) {
  if (!url.startsWith(PREFIX)) return undefined;
  const address = parsePointAddress(url.slice(PREFIX.length));
  return address === undefined || address.channel === 0 ? undefined : address;
}

/**
 * Answers in one write, head and body. What `end` would do besides costs a fifth of the whole request: it makes the head field by
 * field and writes in two pieces. All that follows an answer (the next request of the connection, its timeouts, closing) node:http does
 * when a response says that it has finished, however it came to that. Where an answer is to wait for another one, or is the last of its connection,
 * node:http does it all.
 */
function send(response: ServerResponse, body: string): void {
  const { socket } = response;
  const length = Buffer.byteLength(body);
  if (socket === null || !response.shouldKeepAlive || socket.writableLength > 0 || !socket.writable) {
    response
      .writeHead(200, [
        ...['x-request-id', randomUUID(), 'x-content-type-options', 'nosniff', 'cache-control', 'no-store'],
        ...['content-type', 'application/json; charset=utf-8', 'content-length', String(length)],
      ])
      .end(body);
    return;
  }
  socket.write(
    `HTTP/1.1 200 OK\r\nx-request-id: ${randomUUID()}\r\nx-content-type-options: nosniff\r\ncache-control: no-store\r\n` +
      `content-type: application/json; charset=utf-8\r\ncontent-length: ${length}\r\nDate: ${date()}\r\n` +
      `Connection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_S}\r\n\r\n${body}`,
  );
  response.emit('finish');
}

let second = 0;
let dateText = '';

/** As RFC 9110, 5.6.7 wants it; of this second. */
function date(): string {
  const now = Math.floor(Date.now() / 1_000);
  if (now !== second) {
    second = now;
    dateText = new Date(now * 1_000).toUTCString();
  }
  return dateText;
}
