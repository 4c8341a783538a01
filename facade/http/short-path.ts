import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Gatekeeper } from '../../actors/client/access.js';
import type { StatewattClient } from '../../actors/client/client.js';
import { parsePointAddress } from '../../site/points.js';
import { tracer } from '../../telemetry/spans.js';

const PREFIX = '/api/v1/points/';

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

function send(response: ServerResponse, body: string): void {
  response
    .writeHead(200, [
      ...['x-request-id', randomUUID(), 'x-content-type-options', 'nosniff', 'cache-control', 'no-store'],
      ...['content-type', 'application/json; charset=utf-8', 'content-length', String(Buffer.byteLength(body))],
    ])
    .end(body);
}
