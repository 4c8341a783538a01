import { once, EventEmitter } from 'node:events';
import { StatewattError } from '../../errors/error.js';
import { formatPointAddress, type PointKind } from '../../site/points.js';
import type { PointsUpdate, StatewattClient } from '../../actors/client/client.js';
import type { ModelDetail, ModelUpdate, ModelView, ModelWrite, NewModel } from '../../actors/client/model-schemas.js';
import type {
  ModelChange,
  ModelHistoryPage,
  ModelHistoryQuery,
  ModelVerdicts,
} from '../../actors/client/model-data.js';
import { WaitingModel } from '../../actors/client/model-watch.js';
import { FakeModels } from './fake-models.js';
import { FakeAccess } from './fake-access.js';
import { FakeConfiguration } from './fake-configuration.js';
import { FakeAlarms } from './fake-alarms.js';
import { FakeRules } from './fake-rules.js';
import { FakeArchive } from './fake-archive.js';
import { FakeForwarding } from './fake-forwarding.js';
import { FakeMetering } from './fake-metering.js';
import { FakeLedger } from './fake-ledger.js';
import { FakeMinting } from './fake-minting.js';
import type {
  DeadLetterDetail,
  DeadLettersPage,
  DeadLettersQuery,
  ReplayReply,
} from '../../actors/client/dead-letter-schemas.js';
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
} from '../../actors/client/schemas.js';
import type { KilledWorker, SupervisorView } from '../../actors/client/supervision-schemas.js';
import { FakeDeadLetters } from './fake-dead-letters.js';

const NEXT_STATE: Record<ChannelCommandName, ChannelView['state']> = {
  start: 'online',
  stop: 'stopped',
  pause: 'paused',
  resume: 'online',
  reset: 'connecting',
};
/** Points of each channel: kind, id, name, unit, first value. */
const POINTS: readonly (readonly [PointKind, number, string, string, number])[] = [
  ['T', 1, 'Active power', 'kW', 42.5],
  ['T', 2, 'Voltage L1', 'V', 230.1],
  ['T', 3, 'Energy', 'kWh', 10_500],
  ['S', 1, 'Breaker closed', '', 1],
  ['C', 1, 'Close breaker', '', 0],
  ['A', 1, 'Power limit', 'kW', 50],
];

export interface FakeClientOptions {
  /** Channels 1001 and up. Default 3. */
  channels?: number;
  /** Start of the clock; `tick` moves it on. Default: now. */
  time?: number;
}

/**
 * A site in memory behind the public client: every channel has the same six points, values move with `tick`, history
 * is a sine with one gap. For tests of the faces; replace single methods (sinon) to have them fail.
 */
export class FakeClient implements StatewattClient {
  readonly alarms: FakeAlarms;
  readonly rules: FakeRules;
  readonly archive: FakeArchive;
  readonly forwarding: FakeForwarding;
  readonly metering: FakeMetering;
  readonly minting: FakeMinting;
  readonly ledger: FakeLedger;
  readonly access: FakeAccess;
  readonly configuration: FakeConfiguration;
  readonly #channels = new Map<number, ChannelView>();
  readonly #points = new Map<number, PointView[]>();
  readonly #writes = new Map<string, WriteReply>();
  readonly #deadLetters: FakeDeadLetters;
  readonly #models = new FakeModels();
  readonly #updates = new EventEmitter().setMaxListeners(0);
  time: number;
  healthStatus: Health['status'] = 'healthy';
  ready = true;
  /** Watchers that are subscribed now. */
  watchers = 0;

  constructor({ channels = 3, time = Date.now() }: FakeClientOptions = {}) {
    this.time = time;
    this.#deadLetters = new FakeDeadLetters(time);
    this.alarms = new FakeAlarms(time);
    this.rules = new FakeRules(time);
    this.archive = new FakeArchive(time);
    this.forwarding = new FakeForwarding(time);
    this.metering = new FakeMetering(time);
    this.minting = new FakeMinting(time);
    this.ledger = new FakeLedger(time);
    this.access = new FakeAccess(time);
    this.configuration = new FakeConfiguration(time);
    for (let id = 1001; id <= 1000 + channels; id++) {
      this.#channels.set(id, fakeChannel(id, time));
      this.#points.set(
        id,
        POINTS.map(([kind, pointId, name, unit, value]) => ({
          address: formatPointAddress({ channel: id, kind, id: pointId }),
          channel: id,
          kind,
          id: pointId,
          name,
          unit,
          writable: kind === 'C' || kind === 'A',
          value,
          quality: 'good',
          time,
          ...(kind === 'A' ? { min: 0, max: 100 } : {}),
        })),
      );
    }
  }

  /** One polling cycle of every online channel (or of the given one): telemetry moves, watchers are told. */
  tick(ms = 1000, only?: number): void {
    this.time += ms;
    for (const [id, points] of this.#points) {
      const channel = this.#channels.get(id);
      if (channel?.state !== 'online' || (only !== undefined && only !== id)) continue;
      const moved = points.filter((point) => point.kind === 'T');
      for (const point of moved) {
        point.value = Number(((point.value as number) * (1 + 0.02 * Math.sin(this.time / 7000 + id))).toFixed(3));
        point.time = this.time;
      }
      channel.stats.lastGoodAt = this.time;
      channel.stats.totalFrames += 1;
      const update: PointsUpdate = { channel: id, time: this.time, points: moved.map((point) => ({ ...point })) };
      this.#updates.emit('update', update);
    }
  }

  /** Changes a channel as the field would: `{ state: 'backingOff' }`. Losing the link makes its points stale. */
  change(id: number, change: Partial<ChannelView>): void {
    const channel = this.#channels.get(id);
    if (channel === undefined) throw noChannel(id);
    Object.assign(channel, change, { since: this.time });
    for (const point of this.#points.get(id) ?? []) point.quality = channel.state === 'online' ? 'good' : 'stale';
  }

  health(): Promise<Health> {
    const up = this.healthStatus === 'healthy';
    return Promise.resolve({
      status: this.healthStatus,
      ready: this.ready,
      node: 'node-1',
      site: 'Test site',
      version: '0.1.0',
      uptimeMs: 60_000,
      parts: {
        nats: { status: up ? 'up' : 'down', detail: up ? 'connected' : 'away', facts: { streams: 4 } },
        history: { status: 'up', detail: 'writing' },
      },
    });
  }

  channels(): Promise<ChannelView[]> {
    return Promise.resolve([...this.#channels.values()]);
  }

  async channel(id: number): Promise<ChannelView> {
    const channel = this.#channels.get(id);
    if (channel === undefined) throw noChannel(id);
    return channel;
  }

  async commandChannel(id: number, command: ChannelCommandName): Promise<ChannelView> {
    this.change(id, { state: NEXT_STATE[command] });
    return this.channel(id);
  }

  points(query: PointsQuery): Promise<PointsPage> {
    const name = query.name?.toLowerCase();
    const found = [...this.#points.values()]
      .flat()
      .filter(
        (point) =>
          (query.channel === undefined || point.channel === query.channel) &&
          (query.kind === undefined || point.kind === query.kind) &&
          (query.id === undefined || point.id === query.id) &&
          (name === undefined || point.name.toLowerCase().includes(name)),
      );
    const start = Number(query.cursor ?? 0);
    const end = start + (query.limit ?? 1000);
    return Promise.resolve({ points: found.slice(start, end), nextCursor: end < found.length ? String(end) : null });
  }

  async point(channel: number, kind: PointKind, id: number): Promise<PointView> {
    const point = this.#points.get(channel)?.find((candidate) => candidate.kind === kind && candidate.id === id);
    if (point !== undefined) return point;
    const address = formatPointAddress({ channel, kind, id });
    throw new StatewattError('points.not_found', 'not_found', `There is no point ${address}.`);
  }

  async write(request: WriteRequest): Promise<WriteReply> {
    const known = this.#writes.get(request.commandId ?? '');
    if (known !== undefined) return known;
    const point = await this.point(request.channel, request.kind, request.id);
    const written = typeof request.value === 'boolean' ? Number(request.value) : request.value;
    if (request.kind === 'A' && typeof written === 'number' && (written < 0 || written > 100)) {
      throw new StatewattError('points.out_of_range', 'invalid', `${written} kW is not within 0 … 100 kW.`, {
        details: { found: written, allowed: { min: 0, max: 100 } },
      });
    }
    point.value = written;
    point.time = this.time;
    const commandId = request.commandId ?? `command-${this.#writes.size + 1}`;
    const reply: WriteReply = {
      commandId,
      address: point.address,
      written,
      readBack: written,
      confirmed: true,
      answer: 'ok',
      roundTripMs: 3.2,
    };
    this.#writes.set(commandId, reply);
    this.#updates.emit('update', { channel: point.channel, time: this.time, points: [{ ...point }] });
    return reply;
  }

  async history(query: HistoryQuery): Promise<HistoryPage> {
    const point = await this.point(query.channel, query.kind, query.id);
    const to = query.to ?? this.time;
    const from = query.from ?? to - 3_600_000;
    const { resolution: asked = 'auto', limit = 1000 } = query;
    const automatic = to - from > 6 * 3_600_000 ? '1h' : to - from > 900_000 ? '1m' : 'raw';
    const resolution = asked === 'auto' ? automatic : asked;
    const step = { raw: 1000, '1m': 60_000, '1h': 3_600_000, '1d': 86_400_000 }[resolution];
    const middle = typeof point.value === 'number' ? point.value : 0;
    const rows: HistoryPage['rows'] = [];
    let next = query.cursor === undefined ? Math.ceil(from / step) * step : Number(query.cursor);
    for (; next < to && rows.length < limit; next += step) {
      const inGap = next > from + (to - from) * 0.4 && next < from + (to - from) * 0.5;
      if (inGap) continue;
      const value = Number((middle * (1 + 0.2 * Math.sin(next / 600_000))).toFixed(3));
      if (resolution === 'raw') rows.push({ time: next, value, quality: 'good' });
      else rows.push({ time: next, value, min: value * 0.9, max: value * 1.1, first: value, last: value, count: 60 });
    }
    const { channel, kind, id } = query;
    return { channel, kind, id, resolution, from, to, rows, nextCursor: next < to ? String(next) : null };
  }

  /** Keeps only the newest update of each channel for a reader that is behind. */
  async *watchPoints(filter: { channel?: number }, signal: AbortSignal): AsyncGenerator<PointsUpdate> {
    const waiting = new Map<number, PointsUpdate>();
    const gate = new EventEmitter();
    const onUpdate = (update: PointsUpdate) => {
      if (filter.channel !== undefined && filter.channel !== update.channel) return;
      waiting.set(update.channel, update);
      gate.emit('open');
    };
    this.#updates.on('update', onUpdate);
    this.watchers += 1;
    try {
      while (!signal.aborted) {
        if (waiting.size === 0) await once(gate, 'open', { signal });
        for (const [channel, update] of waiting) {
          waiting.delete(channel);
          yield update;
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#updates.off('update', onUpdate);
      this.watchers -= 1;
    }
  }

  async templates() {
    return this.#models.templates();
  }

  async models(): Promise<ModelView[]> {
    return this.#models.list();
  }

  async model(id: string): Promise<ModelDetail> {
    return this.#models.get(id);
  }

  async createModel(model: NewModel): Promise<ModelView> {
    return this.#models.create(model);
  }

  async createModels(models: readonly NewModel[]): Promise<ModelVerdicts> {
    return this.#models.createMany(models);
  }

  async modelHistory({ model, point, ...range }: ModelHistoryQuery): Promise<ModelHistoryPage> {
    this.#models.get(model);
    return { ...(await this.history({ channel: 1001, kind: 'T', id: 1, ...range })), model, point };
  }

  async modelPoint(model: string, point: string): Promise<PointView> {
    return { ...this.#models.point(model, point), channel: 1001, id: 1 };
  }

  /** Every change of a model is told to all who watch it. */
  async *watchModel(id: string, signal: AbortSignal): AsyncGenerator<ModelChange> {
    this.#models.get(id);
    const waiting = new WaitingModel(id);
    const end = this.#models.watch(id, waiting);
    this.watchers += 1;
    try {
      yield* waiting.updates(signal);
    } finally {
      end();
      this.watchers -= 1;
    }
  }

  async updateModel(id: string, changes: ModelUpdate): Promise<ModelView> {
    return this.#models.update(id, changes);
  }

  async removeModel(id: string): Promise<void> {
    this.#models.remove(id);
  }

  async writeModel(request: ModelWrite): Promise<WriteReply> {
    return this.#models.write(request);
  }

  nodes(): Promise<NodeView[]> {
    return Promise.resolve([
      {
        node: 'node-1',
        instance: 'f7d1e3a0-0000-4000-8000-000000000001',
        draining: false,
        partitions: [9, 10, 11],
        actors: this.#channels.size,
        heardAt: this.time,
      },
    ]);
  }

  supervisors(): Promise<SupervisorView[]> {
    return Promise.resolve([
      {
        partition: 9,
        node: 'node-1',
        actors: this.#channels.size,
        restarts: 2,
        escalations: 0,
        failed: 1,
        failedActors: ['rule/1'],
        budgets: [{ ref: 'channel/1001', of: 'self', crashes: 1, intensity: 5, windowMs: 60_000 }],
      },
    ]);
  }

  actors(): Promise<ActorView[]> {
    return Promise.resolve([...this.#channels.values()].map((channel) => this.#actor(channel)));
  }

  async actor(ref: string): Promise<ActorDetail> {
    const channel = [...this.#channels.values()].find((candidate) => candidate.ref === ref);
    if (channel === undefined) throw new StatewattError('actors.not_found', 'not_found', `There is no actor ${ref}.`);
    const transition = { at: this.time, event: 'start', from: 'stopped', to: channel.state, seq: 1 };
    return { ...this.#actor(channel), context: { attempts: 0 }, transitions: [transition], timers: [] };
  }

  async killActor(ref: string): Promise<void> {
    await this.actor(ref);
  }

  killWorker(): Promise<KilledWorker> {
    return Promise.resolve({ node: 'n1', thread: 3 });
  }

  async restartActor(ref: string): Promise<ActorView> {
    return this.actor(ref);
  }

  async deadLetters(query: DeadLettersQuery): Promise<DeadLettersPage> {
    return this.#deadLetters.list(query);
  }

  async deadLetter(id: number): Promise<DeadLetterDetail> {
    return this.#deadLetters.get(id);
  }

  async replayDeadLetter(id: number): Promise<ReplayReply> {
    return this.#deadLetters.replay(id);
  }

  async discardDeadLetter(id: number): Promise<void> {
    this.#deadLetters.discard(id);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #actor(channel: ChannelView): ActorView {
    return {
      ref: channel.ref,
      kind: 'channel',
      id: String(channel.id),
      state: channel.state,
      node: 'node-1',
      partition: channel.id % 32,
      mailbox: 0,
      commands: 0,
      restarts: 0,
      seq: 1,
      activatedAt: this.time,
      lastError: channel.stats.lastError,
    };
  }
}

function fakeChannel(id: number, time: number): ChannelView {
  return {
    id,
    ref: `channel/${id}`,
    name: `Meter ${id}`,
    protocol: 'modbus',
    address: `10.0.0.1:${id}`,
    enabled: true,
    state: 'online',
    since: time,
    pollingIntervalMs: 1000,
    points: { T: 3, S: 1, C: 1, A: 1 },
    stats: {
      totalReads: 10,
      totalFrames: 10,
      readErrors: 0,
      connectionErrors: 0,
      reconnectCount: 0,
      missedCycles: 0,
      droppedValues: 0,
      lastError: null,
      lastErrorAt: null,
      lastGoodAt: time,
      roundTripMs: { p50: 1.2, p95: 2.5, p99: 4, max: 9 },
    },
  };
}

function noChannel(id: number): StatewattError {
  return new StatewattError('channels.not_found', 'not_found', `There is no channel ${id}.`);
}
