import {
  headers as createHeaders,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type RequestOptions,
} from '@nats-io/transport-node';
import { SpanKind } from '@opentelemetry/api';
import type { Static, TSchema } from 'typebox';
import { HEADER } from '../../bus/headers.js';
import { StatewattError, errorMessage, type ErrorBody } from '../../errors/error.js';
import { liveContext, spanning, traceparentOf, tracer } from '../../telemetry/spans.js';
import type { Endpoint } from './endpoints.js';

/** After the connection is back, nodes may need this long to be back too. */
const NODES_BACK_MS = 3_000;
/** Pause before a request that no node took is sent again. */
const RETRY_MS = 100;

/** Gives the token, or API key, of the moment; undefined: nothing is shown. */
export type TokenSource = () => Promise<string | undefined>;

/** Asks a site's NATS services, and knows whether the connection to the server is there. */
export class Asker {
  readonly #nats: NatsConnection;
  readonly #timeoutMs: number;
  readonly #closed: AbortSignal;
  readonly #token: TokenSource | undefined;
  readonly #reconnectListeners = new Set<() => void>();
  readonly #disconnectListeners = new Set<() => void>();
  #connected = true;
  #reconnectedAt = -Infinity;

  constructor(nats: NatsConnection, timeoutMs: number, closed: AbortSignal, token?: TokenSource) {
    this.#nats = nats;
    this.#timeoutMs = timeoutMs;
    this.#closed = closed;
    this.#token = token;
    void this.#followConnection();
  }

  /** Called each time the connection is back; answers a function that ends it. */
  onReconnect(listener: () => void): () => void {
    this.#reconnectListeners.add(listener);
    return () => this.#reconnectListeners.delete(listener);
  }

  /**
   * One request and its answer. While the server is away the request waits, and it is sent again when no node took it
   * just after the server came back, or when the connection was lost before its answer and it changes nothing; a change is
   * never sent again when a node may have taken it.
   *
   * @param details facts for programs, in the error when it is not known what became of the request
   * @throws `client.unavailable`, `client.timeout`, `client.not_permitted`, `client.bad_answer`, `client.closed`, and what
   *   the service answers
   */
  ask<Q extends TSchema, A extends TSchema>(
    endpoint: Endpoint<Q, A>,
    request: Static<Q>,
    timeoutMs = this.#timeoutMs,
    details: Record<string, unknown> = {},
  ): Promise<Static<A>> {
    const { subject } = endpoint;
    const span = tracer()?.startSpan(
      subject,
      { kind: SpanKind.CLIENT, attributes: { 'rpc.system': 'nats', 'rpc.method': subject } },
      liveContext(),
    );
    return spanning(span, () => this.#ask(endpoint, request, timeoutMs, details, traceparentOf(span)));
  }

  async #ask<Q extends TSchema, A extends TSchema>(
    endpoint: Endpoint<Q, A>,
    request: Static<Q>,
    timeoutMs: number,
    details: Record<string, unknown>,
    traceparent: string | undefined,
  ): Promise<Static<A>> {
    const end = performance.now() + timeoutMs;
    const token = this.#token === undefined ? undefined : await this.#token();
    const sent = traceparent === undefined && token === undefined ? {} : { headers: headersOf(traceparent, token) };
    const payload = JSON.stringify(request);
    let answer: Msg | undefined;
    while (answer === undefined) {
      await this.#connection(timeoutMs, end);
      try {
        const timeout = Math.max(1, end - performance.now());
        answer = await this.#request(endpoint, payload, { timeout, ...sent });
      } catch (thrown) {
        if (!this.#mayPass(thrown, end)) throw this.#failure(thrown, endpoint, timeoutMs, details);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    // Not checked against the response schema: a newer node may add fields and states that this client does not know.
    const body = parse(answer, endpoint);
    if (answer.headers?.has('Nats-Service-Error-Code')) throw restoreError(answer, body);
    return body as Static<A>;
  }

  /** What changes nothing is given up with its connection and may be asked again: undefined. */
  async #request(
    { subject, changes }: Pick<Endpoint, 'subject' | 'changes'>,
    payload: string,
    options: RequestOptions,
  ): Promise<Msg | undefined> {
    const answer = this.#nats.request(subject, payload, options);
    if (changes) return answer;
    answer.catch(() => undefined); // Raced below; once the connection is lost nobody waits for it.
    let lost: () => void = () => undefined;
    const disconnected = new Promise<undefined>((resolve) => {
      lost = () => resolve(undefined);
    });
    this.#disconnectListeners.add(lost);
    try {
      return await Promise.race([answer, disconnected]);
    } finally {
      this.#disconnectListeners.delete(lost);
    }
  }

  /** What a connection without server is given, it loses; so a call waits until there is one. */
  async #connection(timeoutMs: number, end: number): Promise<void> {
    if (this.#closed.aborted) throw closedError();
    if (this.#connected) return;
    const back = await new Promise<boolean>((resolve) => {
      const finish = (answer: boolean) => {
        clearTimeout(timer);
        this.#reconnectListeners.delete(reconnected);
        this.#closed.removeEventListener('abort', gone);
        resolve(answer);
      };
      const reconnected = () => finish(true);
      const gone = () => finish(false);
      const timer = setTimeout(gone, end - performance.now());
      this.#reconnectListeners.add(reconnected);
      this.#closed.addEventListener('abort', gone);
    });
    if (back) return;
    if (this.#closed.aborted) throw closedError();
    throw new StatewattError('client.unavailable', 'unavailable', `The NATS server is away, for ${timeoutMs} ms now.`);
  }

  #mayPass(thrown: unknown, end: number): boolean {
    const now = performance.now();
    return isNoResponders(thrown) && now - this.#reconnectedAt < NODES_BACK_MS && now + RETRY_MS < end;
  }

  #failure(
    thrown: unknown,
    { subject }: Pick<Endpoint, 'subject'>,
    timeoutMs: number,
    details: Record<string, unknown>,
  ): StatewattError {
    if (isNoResponders(thrown)) {
      return new StatewattError(
        'client.unavailable',
        'unavailable',
        `No node of a site serves ${subject} at ${this.#nats.getServer()}.`,
        { cause: thrown },
      );
    }
    if (thrown instanceof TimeoutError) {
      const message = `${subject} was not answered within ${timeoutMs} ms.`;
      return new StatewattError('client.timeout', 'timeout', message, { cause: thrown, details });
    }
    const cause = thrown instanceof RequestError ? thrown.cause : thrown;
    if (cause instanceof PermissionViolationError) {
      const message = `The NATS server does not permit this user to ask ${subject}.`;
      return new StatewattError('client.not_permitted', 'invalid', message, { cause: thrown, details: { subject } });
    }
    const message = `${subject} could not be asked: ${errorMessage(thrown)}`;
    return new StatewattError('client.unavailable', 'unavailable', message, { cause: thrown, details });
  }

  async #followConnection(): Promise<void> {
    for await (const event of this.#nats.status()) {
      if (event.type === 'disconnect' || event.type === 'staleConnection') {
        this.#connected = false;
        for (const listener of [...this.#disconnectListeners]) listener();
      } else if (event.type === 'reconnect') {
        this.#connected = true;
        this.#reconnectedAt = performance.now();
        for (const listener of [...this.#reconnectListeners]) listener();
      }
    }
  }
}

function headersOf(traceparent: string | undefined, token: string | undefined): MsgHdrs {
  const headers = createHeaders();
  if (traceparent !== undefined) headers.set(HEADER.traceparent, traceparent);
  if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
  return headers;
}

function parse(answer: Msg, { subject }: Pick<Endpoint, 'subject'>): unknown {
  try {
    return answer.json<unknown>();
  } catch (cause) {
    const message = `${subject} was answered with something that is no JSON: ${errorMessage(cause)}`;
    throw new StatewattError('client.bad_answer', 'internal', message, { cause });
  }
}

/** The error that a service has answered; undefined when it has answered what was asked. */
export function errorOf(answer: Msg): StatewattError | undefined {
  if (answer.headers?.has('Nats-Service-Error-Code') !== true) return undefined;
  return restoreError(answer, answer.json<unknown>());
}

function restoreError(answer: Msg, body: unknown): StatewattError {
  const error = (body as { error?: Partial<ErrorBody> } | null)?.error;
  if (typeof error?.code === 'string' && typeof error.category === 'string') {
    return StatewattError.fromJSON(error as ErrorBody);
  }
  const text = answer.headers?.get('Nats-Service-Error') ?? '';
  return new StatewattError('client.bad_answer', 'internal', `The service failed and did not say how: ${text}`);
}

function closedError(): StatewattError {
  return new StatewattError('client.closed', 'conflict', 'This client is closed.');
}

function isNoResponders(thrown: unknown): boolean {
  return thrown instanceof RequestError && thrown.isNoResponders();
}
