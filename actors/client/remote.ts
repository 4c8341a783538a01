import { randomUUID } from 'node:crypto';
import { RequestError, TimeoutError, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { Static, TSchema } from 'typebox';
import { openConnection, type BusOptions } from '../../bus/connection.js';
import { StatewattError, errorMessage, type ErrorBody } from '../../errors/error.js';
import { formatPointAddress } from '../../site/points.js';
import type { PointsUpdate, StatewattClient } from './client.js';
import { endpoints, type Endpoint } from './endpoints.js';
import { watchRemotely } from './remote-watch.js';
import type {
  ActorDetail,
  ActorView,
  ChannelCommandName,
  ChannelView,
  Health,
  HistoryPage,
  HistoryQuery,
  PointsPage,
  PointsQuery,
  PointView,
  WriteReply,
  WriteRequest,
} from './schemas.js';

const DEFAULT_TIMEOUT_MS = 10_000;
/** The schema's default deadline of a write, and what its answer may take beyond it. */
const WRITE_DEADLINE_MS = 5_000;
const WRITE_MARGIN_MS = 2_000;
/** Items asked for at once where a list has to be gathered from its pages. */
const PAGE = 1_000;

export interface ConnectOptions extends Pick<BusOptions, 'credentials' | 'tls'> {
  /** One NATS server, or several, comma separated. */
  natsUrl: string;
  /** For the server's connection list. */
  name?: string;
  /** Ms to wait for the connection and for each answer; a write waits for its own deadline. */
  timeoutMs?: number;
}

/**
 * The public client of a site that runs elsewhere, over its NATS services. It needs no JetStream and makes no streams.
 * Reconnects by itself, for ever; a call that is made meanwhile waits for the connection as long as for an answer.
 *
 * @throws `client.unavailable` when no NATS server answers
 */
export async function connectClient(options: ConnectOptions): Promise<StatewattClient> {
  const { natsUrl, name = 'statewatt-client', timeoutMs = DEFAULT_TIMEOUT_MS, credentials, tls } = options;
  try {
    const nats = await openConnection({
      servers: natsUrl.split(',').map((server) => server.trim()),
      name,
      connectTimeoutMs: timeoutMs,
      ...(credentials === undefined ? {} : { credentials }),
      ...(tls === undefined ? {} : { tls }),
    });
    return new RemoteClient(nats, timeoutMs);
  } catch (cause) {
    throw new StatewattError('client.unavailable', 'unavailable', errorMessage(cause), { cause });
  }
}

class RemoteClient implements StatewattClient {
  readonly #nats: NatsConnection;
  readonly #timeoutMs: number;
  readonly #closed = new AbortController();
  readonly #reconnectListeners = new Set<() => void>();
  #connected = true;

  constructor(nats: NatsConnection, timeoutMs: number) {
    this.#nats = nats;
    this.#timeoutMs = timeoutMs;
    void this.#followConnection();
  }

  health(): Promise<Health> {
    return this.#ask(endpoints.healthGet, {});
  }

  channels(): Promise<ChannelView[]> {
    return gather(async (page) => {
      const { channels, nextCursor } = await this.#ask(endpoints.channelsList, page);
      return { items: channels, nextCursor };
    });
  }

  channel(id: number): Promise<ChannelView> {
    return this.#ask(endpoints.channelsGet, { id });
  }

  commandChannel(id: number, command: ChannelCommandName): Promise<ChannelView> {
    return this.#ask(endpoints.channelsCommand, { id, command });
  }

  points(query: PointsQuery): Promise<PointsPage> {
    return this.#ask(endpoints.pointsList, query);
  }

  point(channel: number, kind: PointView['kind'], id: number): Promise<PointView> {
    return this.#ask(endpoints.pointsGet, { address: formatPointAddress({ channel, kind, id }) });
  }

  /** A write that got no answer in time may have been done: the error's `details.commandId` asks for its result. */
  write({ channel, kind, id, ...rest }: WriteRequest): Promise<WriteReply> {
    const request = {
      address: formatPointAddress({ channel, kind, id }),
      ...rest,
      commandId: rest.commandId ?? randomUUID(),
    };
    const timeoutMs = (rest.deadlineMs ?? WRITE_DEADLINE_MS) + WRITE_MARGIN_MS;
    return this.#ask(endpoints.pointsWrite, request, timeoutMs, { commandId: request.commandId });
  }

  history({ channel, kind, id, ...rest }: HistoryQuery): Promise<HistoryPage> {
    return this.#ask(endpoints.historyQuery, { address: formatPointAddress({ channel, kind, id }), ...rest });
  }

  watchPoints(filter: { channel?: number }, signal: AbortSignal): AsyncIterable<PointsUpdate> {
    return watchRemotely(
      {
        nats: this.#nats,
        lease: () => this.#ask(endpoints.pointsWatch, filter),
        onReconnect: (listener) => {
          this.#reconnectListeners.add(listener);
          return () => this.#reconnectListeners.delete(listener);
        },
      },
      filter.channel ?? '*',
      AbortSignal.any([signal, this.#closed.signal]),
    );
  }

  actors(): Promise<ActorView[]> {
    return gather(async (page) => {
      const { actors, nextCursor } = await this.#ask(endpoints.actorsList, page);
      return { items: actors, nextCursor };
    });
  }

  actor(ref: string): Promise<ActorDetail> {
    return this.#ask(endpoints.actorsGet, { ref });
  }

  async killActor(ref: string): Promise<void> {
    await this.#ask(endpoints.actorsKill, { ref });
  }

  restartActor(ref: string): Promise<ActorView> {
    return this.#ask(endpoints.actorsRestart, { ref });
  }

  /** Ends watches and the connection. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#nats.close();
  }

  async #ask<Q extends TSchema, A extends TSchema>(
    endpoint: Endpoint<Q, A>,
    request: Static<Q>,
    timeoutMs = this.#timeoutMs,
    details: Record<string, unknown> = {},
  ): Promise<Static<A>> {
    const end = Date.now() + timeoutMs;
    await this.#connection(timeoutMs);
    let answer: Msg;
    try {
      answer = await this.#nats.request(endpoint.subject, JSON.stringify(request), {
        timeout: Math.max(1, end - Date.now()),
      });
    } catch (thrown) {
      throw this.#failure(thrown, endpoint, timeoutMs, details);
    }
    // Not checked against the response schema: a newer node may add fields and states that this client does not know.
    const body = parse(answer, endpoint);
    if (answer.headers?.has('Nats-Service-Error-Code')) throw restoreError(answer, body);
    return body as Static<A>;
  }

  /** What a connection without server is given, it loses; so a call waits until there is one. */
  async #connection(timeoutMs: number): Promise<void> {
    if (this.#nats.isClosed()) throw new StatewattError('client.closed', 'conflict', 'This client is closed.');
    if (this.#connected) return;
    const back = await new Promise<boolean>((resolve) => {
      const finish = (answer: boolean) => {
        clearTimeout(timer);
        this.#reconnectListeners.delete(reconnected);
        this.#closed.signal.removeEventListener('abort', gone);
        resolve(answer);
      };
      const reconnected = () => finish(true);
      const gone = () => finish(false);
      const timer = setTimeout(gone, timeoutMs);
      this.#reconnectListeners.add(reconnected);
      this.#closed.signal.addEventListener('abort', gone);
    });
    if (back) return;
    throw new StatewattError('client.unavailable', 'unavailable', `The NATS server is away, for ${timeoutMs} ms now.`);
  }

  #failure(
    thrown: unknown,
    { subject }: Pick<Endpoint, 'subject'>,
    timeoutMs: number,
    details: Record<string, unknown>,
  ): StatewattError {
    if (thrown instanceof RequestError && thrown.isNoResponders()) {
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
    const message = `${subject} could not be asked: ${errorMessage(thrown)}`;
    return new StatewattError('client.unavailable', 'unavailable', message, { cause: thrown, details });
  }

  async #followConnection(): Promise<void> {
    for await (const event of this.#nats.status()) {
      if (event.type === 'disconnect' || event.type === 'staleConnection') this.#connected = false;
      else if (event.type === 'reconnect') {
        this.#connected = true;
        for (const listener of [...this.#reconnectListeners]) listener();
      }
    }
  }
}

/** All items of a list that is answered page by page. */
async function gather<T>(
  ask: (page: { limit: number; cursor?: string }) => Promise<{ items: T[]; nextCursor: string | null }>,
): Promise<T[]> {
  const all: T[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await ask(cursor === undefined ? { limit: PAGE } : { limit: PAGE, cursor });
    all.push(...page.items);
    cursor = page.nextCursor;
  }
  return all;
}

function parse(answer: Msg, { subject }: Pick<Endpoint, 'subject'>): unknown {
  try {
    return answer.json<unknown>();
  } catch (cause) {
    const message = `${subject} was answered with something that is no JSON: ${errorMessage(cause)}`;
    throw new StatewattError('client.bad_answer', 'internal', message, { cause });
  }
}

function restoreError(answer: Msg, body: unknown): StatewattError {
  const error = (body as { error?: Partial<ErrorBody> } | null)?.error;
  if (typeof error?.code === 'string' && typeof error.category === 'string') {
    return StatewattError.fromJSON(error as ErrorBody);
  }
  const text = answer.headers?.get('Nats-Service-Error') ?? '';
  return new StatewattError('client.bad_answer', 'internal', `The service failed and did not say how: ${text}`);
}
