import { randomUUID } from 'node:crypto';
import { channelRef, type ChannelKind } from '../actors/channel.js';
import type { AccessClient } from '../actors/client/access.js';
import type { ConfigurationClient } from '../actors/client/configuration.js';
import type { AlarmsClient } from '../actors/client/alarms.js';
import type { ForwardingClient } from '../actors/client/forwarding.js';
import type { MeteringClient } from '../actors/client/metering.js';
import type { LedgerClient } from '../actors/client/ledger.js';
import type { MintingClient } from '../actors/client/minting.js';
import type { PointsUpdate, StatewattClient } from '../actors/client/client.js';
import type {
  DeadLetterDetail,
  DeadLettersPage,
  DeadLettersQuery,
  ReplayReply,
} from '../actors/client/dead-letter-schemas.js';
import type { ModelChange, ModelHistoryPage, ModelHistoryQuery, ModelVerdicts } from '../actors/client/model-data.js';
import type {
  ModelDetail,
  ModelUpdate,
  ModelView,
  ModelWrite,
  NewModel,
  TemplateView,
} from '../actors/client/model-schemas.js';
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
} from '../actors/client/schemas.js';
import type { KilledWorker, SupervisorView } from '../actors/client/supervision-schemas.js';
import type { MappingsClient } from '../actors/client/history-mappings.js';
import type { RulesClient } from '../actors/client/rules.js';
import type { ModelKind } from '../actors/model.js';
import type { LiveFeed } from '../actors/projections/live-feed.js';
import type { ActorState } from '../actors/runtime/host.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { parseRef } from '../bus/subjects.js';
import { StatewattError } from '../errors/error.js';
import type { HistoryStore } from '../protocols/clickhouse/types.js';
import type { RealtimeStore } from '../protocols/realtime/store.js';
import type { ChannelConfig } from '../site/model.js';
import { formatPointAddress } from '../site/points.js';
import { listDeadLetters, viewLetterInside } from './dead-letters.js';
import type { HistoryStorage } from './history-storage.js';
import { LocalArchive } from './local-archive.js';
import { ModelData, type ModelDataParts } from './model-data.js';
import { ModelService, type ModelServiceParts } from './model-service.js';
import { PointIndexes } from './point-index.js';
import { listPoints } from './points-page.js';
import { maskSecrets } from './secrets.js';
import type { SiteHolder } from './site-holder.js';
import { viewPartitionSupervisor } from './supervisors.js';
import { watchUpdates } from './updates.js';
import { viewChannel, viewPoint, viewStatus, type ChannelStatus } from './views.js';
import { checkedValue } from './write-value.js';

/** The parts of a node that answer its callers. */
export interface LocalClientParts {
  readonly system: ActorSystem;
  readonly channelKind: ChannelKind;
  readonly modelKind: ModelKind;
  readonly holder: SiteHolder;
  readonly numbers: ModelServiceParts['numbers'];
  readonly realtime: RealtimeStore;
  readonly history: HistoryStore;
  readonly storage: Pick<HistoryStorage, 'collects'>;
  readonly mappings: MappingsClient;
  readonly feed: LiveFeed;
  readonly bus: ModelDataParts['bus'];
  readonly alarms: AlarmsClient;
  readonly rules: RulesClient;
  readonly forwarding: ForwardingClient;
  readonly metering: MeteringClient;
  readonly minting: MintingClient;
  readonly ledger: LedgerClient;
  readonly access: AccessClient;
  readonly configuration: ConfigurationClient;
  health(): Promise<Health>;
  killWorker(): Promise<KilledWorker>;
}

const DEFAULT_WRITE_DEADLINE_MS = 5_000;

/** The public client, over the parts of the node that it runs in. Closing it closes none of them. */
export class LocalClient implements StatewattClient {
  readonly #parts: LocalClientParts;
  readonly #indexes = new PointIndexes();
  /** What the client answers about models. */
  readonly modelService: ModelService;
  readonly #modelData: ModelData;
  readonly #archive: LocalArchive;

  constructor(parts: LocalClientParts) {
    this.#parts = parts;
    this.modelService = new ModelService({ ...parts, write: (request) => this.write(request) });
    this.#archive = new LocalArchive({
      ...parts,
      indexes: this.#indexes,
      ofModel: (at) => this.modelService.stored(at),
    });
    this.#modelData = new ModelData(parts, this.modelService);
  }

  get alarms(): AlarmsClient {
    return this.#parts.alarms;
  }

  get rules(): RulesClient {
    return this.#parts.rules;
  }

  get archive(): LocalArchive {
    return this.#archive;
  }

  get forwarding(): ForwardingClient {
    return this.#parts.forwarding;
  }

  get metering(): MeteringClient {
    return this.#parts.metering;
  }

  get minting(): MintingClient {
    return this.#parts.minting;
  }

  get ledger(): LedgerClient {
    return this.#parts.ledger;
  }

  get access(): AccessClient {
    return this.#parts.access;
  }

  get configuration(): ConfigurationClient {
    return this.#parts.configuration;
  }

  health(): Promise<Health> {
    return this.#parts.health();
  }

  async channels(): Promise<ChannelView[]> {
    const { system, holder } = this.#parts;
    const actors = new Map((await system.list('channel')).map((actor) => [actor.id, actor]));
    return holder.site.channels.map((config) => viewChannel(config, actors.get(String(config.id))));
  }

  /** The channels that live on this node. */
  channelsHere(): ChannelView[] {
    const { system, holder, channelKind } = this.#parts;
    return holder.site.channels.flatMap((config) => {
      const actor = system.inspect(channelRef(channelKind, config.id));
      return actor === undefined ? [] : [viewChannel(config, actor)];
    });
  }

  /** For each channel, how to look at what it does; undefined: it does not live on this node. */
  statuses(): (() => ChannelStatus | undefined)[] {
    const { system, holder, channelKind } = this.#parts;
    return holder.site.channels.map((config) => () => {
      const actor = system.inspect(channelRef(channelKind, config.id));
      return actor === undefined ? undefined : viewStatus(config, actor);
    });
  }

  async channel(id: number): Promise<ChannelView> {
    return this.#view(this.#configOf(id));
  }

  async commandChannel(id: number, command: ChannelCommandName): Promise<ChannelView> {
    const config = this.#configOf(id);
    await this.#parts.system.ask(channelRef(this.#parts.channelKind, id), { type: command });
    return this.#view(config);
  }

  async points(query: PointsQuery): Promise<PointsPage> {
    const { holder, realtime } = this.#parts;
    return listPoints(holder.site, query, async (config) =>
      this.#indexes.of(config).views(await realtime.read(config.id)),
    );
  }

  async point(channel: number, kind: PointView['kind'], id: number): Promise<PointView> {
    const config = this.#configOf(channel);
    const { point, writable } = this.#pointOf(config, kind, id);
    return viewPoint(config, point, writable, await this.#parts.realtime.readPoint(channel, kind, id));
  }

  async write(request: WriteRequest): Promise<WriteReply> {
    const { channel, kind, id } = request;
    const config = this.#configOf(channel);
    const { point, writable } = this.#pointOf(config, kind, id);
    const address = formatPointAddress({ channel, kind, id });
    if (!writable) {
      throw new StatewattError(
        'points.not_writable',
        'invalid',
        `${address} (${point.name}) cannot be written: its mapping names no function that writes it`,
      );
    }
    const value = checkedValue(point, address, request.value);
    const commandId = request.commandId ?? randomUUID();
    const result = await this.#parts.system.ask(
      channelRef(this.#parts.channelKind, channel),
      { type: 'write', writeId: commandId, kind, id, value },
      { commandId, deadline: request.deadlineMs ?? DEFAULT_WRITE_DEADLINE_MS },
    );
    return { commandId, address, ...result };
  }

  async history(query: HistoryQuery): Promise<HistoryPage> {
    const { channel, kind, id } = query;
    if (!this.#parts.storage.collects(channel, kind, id)) this.#pointOf(this.#configOf(channel), kind, id);
    return this.#parts.history.query(query);
  }

  watchPoints(filter: { channel?: number }, signal: AbortSignal): AsyncIterable<PointsUpdate> {
    if (filter.channel !== undefined) this.#configOf(filter.channel);
    return watchUpdates(this.#parts.feed, this.#parts.holder, this.#indexes, filter.channel, signal);
  }

  templates(): Promise<TemplateView[]> {
    return Promise.resolve(this.modelService.templates());
  }

  models(): Promise<ModelView[]> {
    return this.modelService.models();
  }

  model(id: string): Promise<ModelDetail> {
    return this.modelService.model(id);
  }

  createModel(model: NewModel): Promise<ModelView> {
    return this.modelService.create(model);
  }

  createModels(models: readonly NewModel[]): Promise<ModelVerdicts> {
    return this.#modelData.createMany(models);
  }

  modelPoint(model: string, point: string): Promise<PointView> {
    return this.modelService.pointView({ model, point });
  }

  modelHistory(query: ModelHistoryQuery): Promise<ModelHistoryPage> {
    return this.#modelData.history(query);
  }

  watchModel(id: string, signal: AbortSignal): AsyncIterable<ModelChange> {
    return this.#modelData.watch(id, signal);
  }

  updateModel(id: string, changes: ModelUpdate): Promise<ModelView> {
    return this.modelService.update(id, changes);
  }

  removeModel(id: string): Promise<void> {
    return this.modelService.remove(id);
  }

  writeModel(request: ModelWrite): Promise<WriteReply> {
    return this.modelService.write(request);
  }

  async nodes(): Promise<NodeView[]> {
    const { system } = this.#parts;
    const actors = new Map<string, number>();
    for (const { node } of await system.list()) actors.set(node, (actors.get(node) ?? 0) + 1);
    return system.placement().map(({ partitions, ...facts }) => ({
      ...facts,
      partitions: [...partitions],
      actors: actors.get(facts.node) ?? 0,
    }));
  }

  async supervisors(): Promise<SupervisorView[]> {
    return (await this.#parts.system.supervisors()).map(viewPartitionSupervisor);
  }

  async actors(): Promise<ActorView[]> {
    return (await this.#parts.system.list()).map(viewActor);
  }

  async actor(ref: string): Promise<ActorDetail> {
    const inside = await this.#parts.system.look(parseRef(ref));
    if (inside === undefined) throw noActor(ref);
    const { live, context, transitions, timers } = inside;
    return {
      ...viewActor(inside),
      context: maskSecrets(live === undefined ? context : { ...(context as object), live }),
      transitions: [...transitions],
      timers: [...timers],
    };
  }

  async killActor(ref: string): Promise<void> {
    await this.#parts.system.kill(parseRef(ref));
  }

  killWorker(): Promise<KilledWorker> {
    return this.#parts.killWorker();
  }

  async restartActor(ref: string): Promise<ActorView> {
    return viewActor(await this.#parts.system.restart(parseRef(ref)));
  }

  deadLetters(query: DeadLettersQuery): Promise<DeadLettersPage> {
    return listDeadLetters(this.#parts.system.deadLetters, query);
  }

  async deadLetter(id: number): Promise<DeadLetterDetail> {
    return viewLetterInside(await this.#parts.system.deadLetters.read(id));
  }

  async replayDeadLetter(id: number): Promise<ReplayReply> {
    const { stored, answer } = await this.#parts.system.deadLetters.replay(id);
    return { id, ref: stored.letter.ref, answer: answer ?? null };
  }

  async discardDeadLetter(id: number): Promise<void> {
    await this.#parts.system.deadLetters.discard(id);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #view(config: ChannelConfig): Promise<ChannelView> {
    return viewChannel(config, await this.#parts.system.look(channelRef(this.#parts.channelKind, config.id)));
  }

  #configOf(channel: number): ChannelConfig {
    const config = this.#parts.holder.channel(channel);
    if (config !== undefined) return config;
    throw new StatewattError('channels.not_found', 'not_found', `there is no channel ${channel} in this site`);
  }

  #pointOf(config: ChannelConfig, kind: PointView['kind'], id: number) {
    const found = this.#indexes.of(config).find(kind, id);
    if (found !== undefined) return found;
    throw new StatewattError('points.not_found', 'not_found', `channel ${config.id} has no point ${kind}:${id}`);
  }
}

function viewActor(actor: ActorState): ActorView {
  const { live: _live, context: _context, children, ...facts } = actor;
  return children === undefined ? facts : { ...facts, children: [...children] };
}

function noActor(ref: string): StatewattError {
  return new StatewattError('actors.not_found', 'not_found', `there is no active actor ${ref}`);
}
