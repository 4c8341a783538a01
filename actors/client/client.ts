import type { DeadLetterDetail, DeadLettersPage, DeadLettersQuery, ReplayReply } from './dead-letter-schemas.js';
import type { ModelChange, ModelHistoryPage, ModelHistoryQuery, ModelVerdicts } from './model-data.js';
import type { ModelDetail, ModelUpdate, ModelView, ModelWrite, NewModel, TemplateView } from './model-schemas.js';
import type { AccessClient } from './access.js';
import type { AlarmsClient } from './alarms.js';
import type { ConfigurationClient } from './configuration.js';
import type { KilledWorker, SupervisorView } from './supervision-schemas.js';
import type { RulesClient } from './rules.js';
import type { ArchiveClient } from './archive.js';
import type { ForwardingClient } from './forwarding.js';
import type { LedgerClient } from './ledger.js';
import type { MeteringClient } from './metering.js';
import type { MintingClient } from './minting.js';
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

/** One change of one channel's points, as pushed to watchers. */
export interface PointsUpdate {
  channel: number;
  /** Source time of the frame, ms since the Unix epoch. */
  time: number;
  points: PointView[];
}

/**
 * Everything that anyone outside the actors can do with a running site. The HTTP facade, the NATS services and the
 * CLI speak this and nothing else. A node implements it over its own parts; `connectClient` implements it over NATS.
 *
 * Every call throws StatewattError: `*.not_found`, `*.invalid…`, `client.timeout`, `client.unavailable` ….
 */
export interface StatewattClient {
  health(): Promise<Health>;

  channels(): Promise<ChannelView[]>;
  channel(id: number): Promise<ChannelView>;
  /** Answers the channel after the command was journaled. */
  commandChannel(id: number, command: ChannelCommandName): Promise<ChannelView>;

  points(query: PointsQuery): Promise<PointsPage>;
  /** @throws `points.not_found` */
  point(channel: number, kind: PointView['kind'], id: number): Promise<PointView>;
  /** Writes a control or adjustment point; answers what the device said. */
  write(request: WriteRequest): Promise<WriteReply>;
  history(query: HistoryQuery): Promise<HistoryPage>;
  readonly archive: ArchiveClient;
  /** Live changes until `signal` aborts; all channels unless given. Slow readers get the newest state, not a queue. */
  watchPoints(filter: { channel?: number }, signal: AbortSignal): AsyncIterable<PointsUpdate>;

  /** What models may be made from, by id. */
  templates(): Promise<TemplateView[]>;
  /** Models of equipment, by id. */
  models(): Promise<ModelView[]>;
  /** A model with its points and their values. @throws `models.not_found` */
  model(id: string): Promise<ModelDetail>;
  /** @throws `models.invalid`, `models.exists` */
  createModel(model: NewModel): Promise<ModelView>;
  /** Makes many, each for itself; answers what became of each. */
  createModels(models: readonly NewModel[]): Promise<ModelVerdicts>;
  /** @throws `models.invalid`, `models.not_found`, `models.configured`: it stands in the site file */
  updateModel(id: string, changes: ModelUpdate): Promise<ModelView>;
  /** @throws `models.not_found`, `models.configured` */
  removeModel(id: string): Promise<void>;
  /** Writes the channel point that a model's point stands for, or sets what a point without one holds. */
  writeModel(request: ModelWrite): Promise<WriteReply>;
  /** A point of a model as one of a channel. @throws `models.not_found`, `models.point_not_found` */
  modelPoint(model: string, point: string): Promise<PointView>;
  /** What a point of a model was. @throws `models.not_found`, `models.point_not_found` */
  modelHistory(query: ModelHistoryQuery): Promise<ModelHistoryPage>;
  /**
   * Live changes of a model until `signal` aborts. Slow readers get the newest state, not a queue. Read the model after the
   * watch has begun. @throws `models.not_found`, also when it is removed
   */
  watchModel(id: string, signal: AbortSignal): AsyncIterable<ModelChange>;
  readonly alarms: AlarmsClient;
  readonly rules: RulesClient;
  /** Targets outside that readings are forwarded to. */
  readonly forwarding: ForwardingClient;
  /** Meters and their readings. */
  readonly metering: MeteringClient;
  /** Tokens for readings. */
  readonly minting: MintingClient;
  /** Readings and what became of them. */
  readonly ledger: LedgerClient;
  /** What the site is made of, now and before. */
  readonly configuration: ConfigurationClient;
  /** Who may come in, and who did what. */
  readonly access: AccessClient;

  /** The nodes that are there, by name. */
  nodes(): Promise<NodeView[]>;
  /** The supervisors of the partitions, ascending; of a partition that is changing hands now there is none. */
  supervisors(): Promise<SupervisorView[]>;
  actors(): Promise<ActorView[]>;
  /** @throws `actors.not_found` */
  actor(ref: string): Promise<ActorDetail>;
  /** Crashes the activation, as a fault would; its supervisor restarts it. */
  killActor(ref: string): Promise<void>;
  /** Ends a worker thread of the node that answers, as a fault would: what it did is done again. */
  killWorker(): Promise<KilledWorker>;
  /** Stops the activation in order and starts it from its journal; clears `failed`. */
  restartActor(ref: string): Promise<ActorView>;

  /** What actors could not process and effects that could not be carried out, the oldest first. */
  deadLetters(query: DeadLettersQuery): Promise<DeadLettersPage>;
  /** @throws `dead_letters.not_found` */
  deadLetter(id: number): Promise<DeadLetterDetail>;
  /**
   * Sends the command again, or runs the effect again under its old key; the letter goes when that has succeeded. Doing
   * it twice does it once.
   *
   * @throws `dead_letters.not_found`, `dead_letters.not_replayable`, and what the actor or the effect throws
   */
  replayDeadLetter(id: number): Promise<ReplayReply>;
  /** Removes it for good. @throws `dead_letters.not_found` */
  discardDeadLetter(id: number): Promise<void>;

  close(): Promise<void>;
}
