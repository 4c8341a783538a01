import type { Redis } from 'ioredis';
import { StatewattError, errorMessage } from '../../errors/error.js';
import {
  POINT_KINDS,
  type ChannelReading,
  type Frame,
  type PointKind,
  type PointValue,
  type Quality,
} from '../../site/points.js';
import type { AlarmRecord } from '../../site/alarms.js';
import type { ChannelConfig } from '../../site/model.js';
import type { PointDefinition } from '../../site/points.js';
import { packFrame } from './frame-pack.js';
import { KnownPoints } from './known-points.js';
import { APPLY_SCRIPT, CONFIG_SCRIPT, READ_CHANNEL_SCRIPT, READ_POINT_SCRIPT } from './redis-scripts.js';
import { describe, openRedis, type RedisAddress } from './connect-redis.js';
import { ALARM_SCRIPTS, retainAlarms, writeAlarms, type AlarmRedis } from './redis-alarms.js';
import { MODEL_SCRIPT, showModel, sweepModels, writeModel, type ModelRedis } from './redis-models.js';
import { retainRules, RULE_SCRIPTS, writeRules, type RuleRedis } from './redis-rules.js';
import type { DefinedModel, RealtimeStore, StatusFields, StoredModel, StoredRule } from './store.js';

export type RedisStoreOptions = Omit<RedisAddress, 'name'>;

interface Scripts {
  statewattApply(base: string, epoch: number, seq: number, time: number, points: Buffer): Promise<number>;
  statewattRead(base: string): Promise<[frame: (string | null)[], ...lists: string[][]]>;
  statewattReadPoint(base: string, kind: PointKind, id: number): Promise<StoredPoint>;
  statewattConfig(base: string, tables: string): Promise<number>;
}
type StoreRedis = Redis & Scripts & ModelRedis & AlarmRedis & RuleRedis;
const SCRIPTS: Record<keyof Scripts | 'statewattModel', string> = {
  statewattApply: APPLY_SCRIPT,
  statewattRead: READ_CHANNEL_SCRIPT,
  statewattReadPoint: READ_POINT_SCRIPT,
  statewattConfig: CONFIG_SCRIPT,
  statewattModel: MODEL_SCRIPT,
};
/** Frame's time, value, quality, own time, 1 when it is text. */
type StoredPoint = [string | null, string | null, string | null, string | null, number];

/** Replies that say "not now": memory full, loading, replica, script running, no quorum, no disk. */
const TRANSIENT = /^(OOM|LOADING|READONLY|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|NOREPLICAS|MISCONF)\b/;
const RETRY_AFTER_MS = 500;

/**
 * The realtime store in Redis, with VoltageEMS's keys: hashes `comsrv:<channel>:T|S|C|A` (field = point id; T and A
 * with 6 decimals, S and C as integers), `comsrv:<channel>:config:telemetry|signal|control|adjustment` (the point's
 * row as JSON), `comsrv:<channel>:status` and `:stats`. Beside them `…:<kind>:q` (qualities other than good),
 * `…:<kind>:ts` (source times other than the frame's), `…:<kind>:text` (ids of string points) and
 * `comsrv:<channel>:frame` (epoch, seq, time). Models are in `modsrv:…`, alarms in `alarmsrv:…`, rules in `rulesrv:…`, see
 * redis-models.ts, redis-alarms.ts and redis-rules.ts.
 *
 * Connects in the background and reconnects for ever. While Redis is away every call is refused at once with
 * `realtime.unavailable`; nothing is queued. Redis Cluster is not supported: a channel's keys do not share a slot.
 */
export class RedisStore implements RealtimeStore {
  readonly #redis: StoreRedis;
  readonly #where: string;
  readonly #known = new KnownPoints();
  #lastError = 'connecting';
  #generation = 0;

  /** @throws `realtime.invalid_url` */
  constructor(options: RedisStoreOptions) {
    const { redis, where } = openRedis({ ...options, name: 'statewatt-realtime' });
    this.#where = where;
    redis.on('error', (error: Error) => {
      this.#lastError = describe(error);
    });
    redis.on('ready', () => {
      this.#generation += 1;
    });
    for (const [name, lua] of Object.entries(SCRIPTS)) redis.defineCommand(name, { numberOfKeys: 1, lua });
    for (const [name, lua] of Object.entries({ ...ALARM_SCRIPTS, ...RULE_SCRIPTS })) {
      redis.defineCommand(name, { numberOfKeys: 0, lua });
    }
    this.#redis = redis as StoreRedis;
  }

  async apply(frames: readonly Frame[]): Promise<void> {
    await this.#ask(() =>
      Promise.all(
        frames.map((given) => {
          const frame = this.#known.only(given);
          return this.#redis.statewattApply(base(frame.channel), frame.epoch, frame.seq, frame.time, packFrame(frame));
        }),
      ),
    );
  }

  async read(channel: number): Promise<PointValue[]> {
    return (await this.readChannel(channel)).points;
  }

  async readChannel(channel: number): Promise<ChannelReading> {
    const [frame, ...lists] = await this.#ask(() => this.#redis.statewattRead(base(channel)));
    const [epoch = null, seq = null, time = null] = frame;
    const points: PointValue[] = [];
    POINT_KINDS.forEach((kind, index) => {
      const [values, qualities, times, texts] = lists.slice(4 * index, 4 * index + 4);
      const value = pairs(values);
      const quality = pairs(qualities);
      const ownTime = pairs(times);
      const text = new Set(texts);
      const ids = new Set([...value.keys(), ...quality.keys()]);
      for (const id of [...ids].map(Number).sort((a, b) => a - b)) {
        const field = String(id);
        const stored: StoredPoint = [
          time,
          value.get(field) ?? null,
          quality.get(field) ?? null,
          ownTime.get(field) ?? null,
          text.has(field) ? 1 : 0,
        ];
        points.push(toPoint(channel, kind, id, stored));
      }
    });
    const isKnown = epoch !== null && seq !== null;
    return isKnown ? { points, asOf: { epoch: Number(epoch), seq: Number(seq) } } : { points };
  }

  async readPoint(channel: number, kind: PointKind, id: number): Promise<PointValue | undefined> {
    const stored = await this.#ask(() => this.#redis.statewattReadPoint(base(channel), kind, id));
    return stored[1] === null && stored[2] === null ? undefined : toPoint(channel, kind, id, stored);
  }

  async setChannelConfig(channel: ChannelConfig): Promise<void> {
    this.#known.set(channel);
    const tables = POINT_KINDS.map((kind) =>
      channel.points
        .filter((point) => point.kind === kind)
        .map((point) => ({ id: String(point.id), row: tableRow(point), text: point.dataType === 'string' })),
    );
    await this.#ask(() => this.#redis.statewattConfig(base(channel.id), JSON.stringify(tables)));
  }

  async setStatus(channel: number, status: StatusFields, stats: StatusFields): Promise<void> {
    await this.#ask(() =>
      Promise.all(
        Object.entries({ status, stats })
          .filter(([, fields]) => Object.keys(fields).length > 0)
          .map(([name, fields]) => this.#redis.hset(`${base(channel)}:${name}`, fields)),
      ),
    );
  }

  async setModels(models: readonly StoredModel[]): Promise<void> {
    await this.#ask(() => Promise.all(models.map((model) => writeModel(this.#redis, model))));
  }

  async showModel(model: DefinedModel): Promise<void> {
    await this.#ask(() => showModel(this.#redis, model));
  }

  async sweepModels(isGone: (id: string) => Promise<boolean>): Promise<number> {
    return this.#ask(() => sweepModels(this.#redis, isGone));
  }

  async setTemplates(ids: readonly string[]): Promise<void> {
    const write = this.#redis.multi().del('modsrv:templates');
    if (ids.length > 0) write.sadd('modsrv:templates', ...ids);
    await this.#ask(() => write.exec());
  }

  async setAlarms(alarms: readonly AlarmRecord[]): Promise<void> {
    await this.#ask(() => writeAlarms(this.#redis, alarms));
  }

  async retainAlarms(isKnown: (id: string) => boolean): Promise<void> {
    await this.#ask(() => retainAlarms(this.#redis, isKnown));
  }

  async setRules(rules: readonly StoredRule[]): Promise<void> {
    await this.#ask(() => writeRules(this.#redis, rules));
  }

  async retainRules(known: () => Promise<readonly string[]>): Promise<void> {
    await this.#ask(() => retainRules(this.#redis, known));
  }

  get generation(): number {
    return this.#generation;
  }

  health(): { up: boolean; detail: string } {
    const up = this.#redis.status === 'ready';
    return { up, detail: up ? this.#where : `${this.#where}: ${this.#lastError}` };
  }

  async close(): Promise<void> {
    if (this.#redis.status === 'ready') {
      // What is under way is answered first. If the server goes meanwhile, it is closed just the same.
      await this.#redis.quit().catch((error: Error) => {
        this.#lastError = error.message;
      });
    }
    this.#redis.disconnect();
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  #refusal(cause: unknown): StatewattError {
    const message = errorMessage(cause);
    if (cause instanceof Error && cause.name === 'ReplyError' && !TRANSIENT.test(message)) {
      return new StatewattError('realtime.refused', 'internal', `${this.#where} refused: ${message}`, { cause });
    }
    const reason = this.#redis.status === 'ready' ? message : this.#lastError;
    return new StatewattError('realtime.unavailable', 'unavailable', `${this.#where} cannot be used now: ${reason}`, {
      cause,
      retryAfterMs: RETRY_AFTER_MS,
    });
  }
}

function base(channel: number): string {
  return `comsrv:${channel}`;
}

function pairs(flat: readonly string[] | undefined): Map<string, string> {
  const map = new Map<string, string>();
  if (flat === undefined) return map;
  for (let index = 0; index < flat.length; index += 2) map.set(flat[index] as string, flat[index + 1] as string);
  return map;
}

function toPoint(channel: number, kind: PointKind, id: number, stored: StoredPoint): PointValue {
  const [frameTime, text, quality, ownTime, isText] = stored;
  const time = ownTime ?? frameTime;
  const number = Number(text);
  return {
    channel,
    kind,
    id,
    value: text === null || isText === 1 || Number.isNaN(number) ? text : number,
    quality: (quality ?? 'good') as Quality,
    time: text === null || time === null ? null : Number(time),
  };
}

/** One row of a point table as outside readers know it: the columns of the CSV file. */
function tableRow(point: PointDefinition): string {
  return JSON.stringify({
    point_id: point.id,
    signal_name: point.name,
    scale: point.scale,
    offset: point.offset,
    unit: point.unit,
    reverse: point.reverse,
    data_type: point.dataType,
  });
}
