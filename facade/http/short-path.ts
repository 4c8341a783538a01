import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Gatekeeper } from '../../actors/client/access.js';
import type { StatewattClient } from '../../actors/client/client.js';
import type { PointView } from '../../actors/client/schemas.js';
import { parsePointAddress, type PointAddress } from '../../site/points.js';
import { tracer } from '../../telemetry/spans.js';

const PREFIX = '/api/v1/points/';
/** Seconds that a connection without a request stays open: longer than a proxy's minute. */
export const KEEP_ALIVE_S = 72;

/** Points whose address and last answer are remembered. */
const MOST_KNOWN = 4_096;
/** Headers of which no hook wants to know; host is compared. */
const HARMLESS = new Set(
  ['Host', 'Connection', 'User-Agent', 'Accept', 'Accept-Encoding', 'Accept-Language'].flatMap((name) => [
    name,
    name.toLowerCase(),
  ]),
);

/** What a path asks for, and what was answered last. */
interface Known extends PointAddress {
  view: PointView | undefined;
  text: string;
}

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
  readonly #known = new Map<string, Known>();

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
      const known = this.#isPlain(request) ? this.#knownOf(request.url ?? '') : undefined;
      if (known === undefined) return long(request, response);
      // The long way says what is wrong.
      this.#client.point(known.channel, known.kind, known.id).then(
        (view) => (this.#closed ? long(request, response) : send(response, textOf(known, view))),
        () => long(request, response),
      );
    };
  }

  #knownOf(url: string): Known | undefined {
    const known = this.#known.get(url);
    if (known !== undefined || !url.startsWith(PREFIX)) return known;
    const address = parsePointAddress(url.slice(PREFIX.length));
    if (address === undefined || address.channel === 0) return undefined;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    const added = { ...address, view: undefined, text: '' };
    this.#known.set(url, added);
    return added;
  }

  #isPlain(request: IncomingMessage): boolean {
    if (request.method !== 'GET' || this.#closed || tracer() !== undefined) return false;
    if (!this.#isPlainHead(request.rawHeaders) && !this.#isPlainHeaders(request.headers)) return false;
    return this.#gatekeeper === undefined || this.#gatekeeper.identifyNow({})?.via === 'open';
  }

  /** The usual case, without an object of headers being made. */
  #isPlainHead(raw: readonly string[]): boolean {
    let hosts = 0;
    for (let index = 0; index < raw.length; index += 2) {
      const name = raw[index] as string;
      if (!HARMLESS.has(name)) return false;
      if (name.length !== 4) continue;
      hosts += 1;
      if (raw[index + 1] !== this.#host) return false;
    }
    return hosts === 1;
  }

  #isPlainHeaders(headers: IncomingMessage['headers']): boolean {
    if (headers.host === undefined || headers.host !== this.#host) return false;
    const { authorization, cookie, origin, upgrade, 'x-api-key': apiKey, 'content-length': length } = headers;
    const shown = authorization ?? cookie ?? origin ?? upgrade ?? apiKey ?? length ?? headers['transfer-encoding'];
    return shown === undefined;
  }
}

/** The answer as JSON; of a point that is asked for more often than it changes it is made once. */
function textOf(known: Known, view: PointView): string {
  if (known.view === undefined || !isSame(known.view, view)) {
    known.view = view;
    known.text = JSON.stringify(view);
  }
  return known.text;
}

/** Of views of one address. */
function isSame(one: PointView, other: PointView): boolean {
  return (
    one.time === other.time &&
    one.value === other.value &&
    one.quality === other.quality &&
    one.name === other.name &&
    one.unit === other.unit &&
    one.writable === other.writable &&
    one.min === other.min &&
    one.max === other.max &&
    one.deadband === other.deadband
  );
}

/**
 * Answers in one write, head and body. What `end` would do besides costs a fifth of the whole request: it makes the head
 * field by field and writes two pieces. All that follows an answer (the next request of the connection, its timeouts)
 * node:http does when a response says that it has finished, however it came to that. Where an answer is to wait for
 * another one, or is the last of its connection, node:http does it all.
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
