import { randomUUID } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import { openConnection, type BusOptions } from '../../bus/connection.js';
import { StatewattError, errorMessage } from '../../errors/error.js';
import { formatModelAddress } from '../../site/models/address.js';
import { formatPointAddress } from '../../site/points.js';
import type { PointsUpdate, StatewattClient } from './client.js';
import type { DeadLetterDetail, DeadLettersPage, DeadLettersQuery, ReplayReply } from './dead-letter-schemas.js';
import { endpoints, liveModelSubject, liveSubject } from './endpoints.js';
import type { ModelChange, ModelHistoryPage, ModelHistoryQuery, ModelVerdicts } from './model-data.js';
import { WaitingModel } from './model-watch.js';
import { RemoteAccess } from './remote-access.js';
import { RemoteConfiguration } from './remote-configuration.js';
import { RemoteAlarms } from './remote-alarms.js';
import { RemoteRules } from './remote-rules.js';
import { RemoteArchive } from './remote-archive.js';
import { RemoteForwarding } from './remote-forwarding.js';
import { RemoteMetering } from './remote-metering.js';
import { RemoteLedger } from './remote-ledger.js';
import { RemoteMinting } from './remote-minting.js';
import { Asker, type TokenSource } from './remote-ask.js';
import { WaitingPoints, watchRemotely } from './remote-watch.js';
import type { KilledWorker, SupervisorView } from './supervision-schemas.js';
import type {
  ModelDetail,
  ModelPointView,
  ModelUpdate,
  ModelView,
  ModelWrite,
  NewModel,
  TemplateView,
} from './model-schemas.js';
import type {
  ActorDetail,
  ActorView,
  ChannelCommandName,
  ChannelView,
  Health,
  HistoryPage,
  HistoryQuery,
  NodeView,
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
/** A replay waits for the actor's answer, or for one run of the effect. */
const REPLAY_TIMEOUT_MS = 60_000;
/** For what a thousand models take. */
const BULK_TIMEOUT_MS = 30_000;
/** Items asked for at once where a list has to be gathered from its pages. */
const PAGE = 1_000;

export interface ConnectOptions extends Pick<BusOptions, 'credentials' | 'tls'> {
  /** One NATS server, or several, comma separated. */
  natsUrl: string;
  /** For the server's connection list. */
  name?: string;
  /** Ms to wait for the connection and for each answer; a write waits for its own deadline. */
  timeoutMs?: number;
  /** Asked before each request for the token of a user, or an API key, that it is to show. */
  token?: TokenSource | undefined;
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
    return new RemoteClient(nats, timeoutMs, options.token);
  } catch (cause) {
    throw new StatewattError('client.unavailable', 'unavailable', errorMessage(cause), { cause });
  }
}

class RemoteClient implements StatewattClient {
  readonly alarms: RemoteAlarms;
  readonly rules: RemoteRules;
  readonly archive: RemoteArchive;
  readonly forwarding: RemoteForwarding;
  readonly metering: RemoteMetering;
  readonly minting: RemoteMinting;
  readonly ledger: RemoteLedger;
  readonly access: RemoteAccess;
  readonly configuration: RemoteConfiguration;
  readonly #nats: NatsConnection;
  readonly #asker: Asker;
  readonly #closed = new AbortController();

  constructor(nats: NatsConnection, timeoutMs: number, token: TokenSource | undefined) {
    this.#nats = nats;
    this.#asker = new Asker(nats, timeoutMs, this.#closed.signal, token);
    this.alarms = new RemoteAlarms(nats, this.#asker, this.#closed.signal);
    this.rules = new RemoteRules(this.#asker);
    this.archive = new RemoteArchive(nats, this.#asker);
    this.forwarding = new RemoteForwarding(this.#asker);
    this.metering = new RemoteMetering(nats, this.#asker, this.#closed.signal);
    this.minting = new RemoteMinting(this.#asker);
    this.ledger = new RemoteLedger(nats, this.#asker);
    this.access = new RemoteAccess(this.#asker);
    this.configuration = new RemoteConfiguration(this.#asker);
  }

  health(): Promise<Health> {
    return this.#asker.ask(endpoints.healthGet, {});
  }

  channels(): Promise<ChannelView[]> {
    return gather(async (page) => {
      const { channels, nextCursor } = await this.#asker.ask(endpoints.channelsList, page);
      return { items: channels, nextCursor };
    });
  }

  channel(id: number): Promise<ChannelView> {
    return this.#asker.ask(endpoints.channelsGet, { id });
  }

  commandChannel(id: number, command: ChannelCommandName): Promise<ChannelView> {
    return this.#asker.ask(endpoints.channelsCommand, { id, command });
  }

  points(query: PointsQuery): Promise<PointsPage> {
    return this.#asker.ask(endpoints.pointsList, query);
  }

  point(channel: number, kind: PointView['kind'], id: number): Promise<PointView> {
    return this.#asker.ask(endpoints.pointsGet, { address: formatPointAddress({ channel, kind, id }) });
  }

  /** A write that got no answer in time may have been done: the error's `details.commandId` asks for its result. */
  write({ channel, kind, id, ...rest }: WriteRequest): Promise<WriteReply> {
    const request = {
      address: formatPointAddress({ channel, kind, id }),
      ...rest,
      commandId: rest.commandId ?? randomUUID(),
    };
    const timeoutMs = (rest.deadlineMs ?? WRITE_DEADLINE_MS) + WRITE_MARGIN_MS;
    return this.#asker.ask(endpoints.pointsWrite, request, timeoutMs, { commandId: request.commandId });
  }

  history({ channel, kind, id, ...rest }: HistoryQuery): Promise<HistoryPage> {
    return this.#asker.ask(endpoints.historyQuery, { address: formatPointAddress({ channel, kind, id }), ...rest });
  }

  watchPoints(filter: { channel?: number }, signal: AbortSignal): AsyncIterable<PointsUpdate> {
    return watchRemotely(
      {
        nats: this.#nats,
        lease: () => this.#asker.ask(endpoints.pointsWatch, filter),
        onReconnect: (listener) => this.#asker.onReconnect(listener),
      },
      [liveSubject(filter.channel ?? '*')],
      new WaitingPoints(),
      AbortSignal.any([signal, this.#closed.signal]),
    );
  }

  async templates(): Promise<TemplateView[]> {
    return (await this.#asker.ask(endpoints.modelsTemplates, {})).templates;
  }

  models(): Promise<ModelView[]> {
    return gather(async (page) => {
      const { models, nextCursor } = await this.#asker.ask(endpoints.modelsList, page);
      return { items: models, nextCursor };
    });
  }

  async model(id: string): Promise<ModelDetail> {
    let model: ModelView | undefined;
    const points = await gather<ModelPointView>(async (page) => {
      const answer = await this.#asker.ask(endpoints.modelsGet, { id, ...page });
      model = answer.model;
      return { items: answer.points, nextCursor: answer.nextCursor };
    });
    return { model: model as ModelView, points };
  }

  createModel(model: NewModel): Promise<ModelView> {
    return this.#asker.ask(endpoints.modelsCreate, model);
  }

  updateModel(id: string, changes: ModelUpdate): Promise<ModelView> {
    return this.#asker.ask(endpoints.modelsUpdate, { id, changes });
  }

  async removeModel(id: string): Promise<void> {
    await this.#asker.ask(endpoints.modelsRemove, { id });
  }

  createModels(models: readonly NewModel[]): Promise<ModelVerdicts> {
    return this.#asker.ask(endpoints.modelsCreateMany, { models: [...models] }, BULK_TIMEOUT_MS);
  }

  modelPoint(model: string, point: string): Promise<PointView> {
    return this.#asker.ask(endpoints.pointsGet, { address: formatModelAddress({ model, point }) });
  }

  modelHistory(query: ModelHistoryQuery): Promise<ModelHistoryPage> {
    return this.#asker.ask(endpoints.modelsHistory, query);
  }

  watchModel(id: string, signal: AbortSignal): AsyncIterable<ModelChange> {
    return watchRemotely(
      {
        nats: this.#nats,
        lease: () => this.#asker.ask(endpoints.modelsWatch, { id }),
        onReconnect: (listener) => this.#asker.onReconnect(listener),
      },
      [liveModelSubject(id)],
      new WaitingModel(id),
      AbortSignal.any([signal, this.#closed.signal]),
    );
  }

  /** As `write`: without an answer in time, the error's `details.commandId` asks for the result. */
  writeModel(request: ModelWrite): Promise<WriteReply> {
    const commandId = request.commandId ?? randomUUID();
    const timeoutMs = (request.deadlineMs ?? WRITE_DEADLINE_MS) + WRITE_MARGIN_MS;
    return this.#asker.ask(endpoints.modelsWrite, { ...request, commandId }, timeoutMs, { commandId });
  }

  async nodes(): Promise<NodeView[]> {
    return (await this.#asker.ask(endpoints.nodesList, {})).nodes;
  }

  async supervisors(): Promise<SupervisorView[]> {
    return (await this.#asker.ask(endpoints.actorsSupervisors, {})).supervisors;
  }

  actors(): Promise<ActorView[]> {
    return gather(async (page) => {
      const { actors, nextCursor } = await this.#asker.ask(endpoints.actorsList, page);
      return { items: actors, nextCursor };
    });
  }

  actor(ref: string): Promise<ActorDetail> {
    return this.#asker.ask(endpoints.actorsGet, { ref });
  }

  async killActor(ref: string): Promise<void> {
    await this.#asker.ask(endpoints.actorsKill, { ref });
  }

  killWorker(): Promise<KilledWorker> {
    return this.#asker.ask(endpoints.nodesKillWorker, {});
  }

  restartActor(ref: string): Promise<ActorView> {
    return this.#asker.ask(endpoints.actorsRestart, { ref });
  }

  deadLetters(query: DeadLettersQuery): Promise<DeadLettersPage> {
    return this.#asker.ask(endpoints.deadLettersList, query);
  }

  deadLetter(id: number): Promise<DeadLetterDetail> {
    return this.#asker.ask(endpoints.deadLettersGet, { id });
  }

  replayDeadLetter(id: number): Promise<ReplayReply> {
    return this.#asker.ask(endpoints.deadLettersReplay, { id }, REPLAY_TIMEOUT_MS);
  }

  async discardDeadLetter(id: number): Promise<void> {
    await this.#asker.ask(endpoints.deadLettersDiscard, { id });
  }

  /** Ends watches and the connection. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#nats.close();
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
