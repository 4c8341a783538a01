import { Redis, type RedisOptions } from 'ioredis';
import { StatewattError, errorMessage } from '../../errors/error.js';
import { POINT_KINDS, type Frame, type PointKind, type PointValue, type Quality } from '../../site/points.js';
import type { ChannelConfig } from '../../site/model.js';
import type { PointDefinition } from '../../site/points.js';
import { packFrame } from './frame-pack.js';
import { KnownPoints } from './known-points.js';
import { APPLY_SCRIPT, CONFIG_SCRIPT, READ_CHANNEL_SCRIPT, READ_POINT_SCRIPT } from './redis-scripts.js';
import { writeModel } from './redis-models.js';
import type { RealtimeStore, StatusFields, StoredModel } from './store.js';

export interface RedisStoreOptions {
  /** `redis://[user:password@]host[:port][/db]`, or `rediss://…` for TLS. */
  url: string;
  /** For `rediss://`: certificate authority and the like, where the system's are not meant. */
  tls?: NonNullable<RedisOptions['tls']>;
  /** A server that answers nothing for so long, with a command under way, counts as away. Default 5 s. */
  responseTimeoutMs?: number;
}

interface Scripts {
  statewattApply(base: string, epoch: number, seq: number, time: number, points: Buffer): Promise<number>;
  statewattRead(base: string): Promise<(string | null | string[])[]>;
  statewattReadPoint(base: string, kind: PointKind, id: number): Promise<StoredPoint>;
  statewattConfig(base: string, tables: string): Promise<number>;
}
const SCRIPTS: Record<keyof Scripts, string> = {
  statewattApply: APPLY_SCRIPT,
  statewattRead: READ_CHANNEL_SCRIPT,
  statewattReadPoint: READ_POINT_SCRIPT,
  statewattConfig: CONFIG_SCRIPT,
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
 * `comsrv:<channel>:frame` (epoch, seq, time). Models are in `modsrv:…`, see redis-models.ts.
 *
 * Connects in the background and reconnects for ever. While Redis is away every call is refused at once with
 * `realtime.unavailable`; nothing is queued. Redis Cluster is not supported: a channel's keys do not share a slot.
 */
export class RedisStore implements RealtimeStore {
  readonly #redis: Redis & Scripts;
  readonly #where: string;
  readonly #known = new KnownPoints();
  #lastError = 'connecting';
  #generation = 0;

  /** @throws `realtime.invalid_url` */
  constructor(options: RedisStoreOptions) {
    const url = parseRedisUrl(options.url);
    this.#where = `redis at ${url.hostname}:${url.port === '' ? '6379' : url.port}`;
    const redis = new Redis(options.url, {
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      connectionName: 'statewatt-realtime',
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: 5_000,
      socketTimeout: options.responseTimeoutMs ?? 5_000,
      retryStrategy: reconnectDelayMs,
      // After a failover the connection may lead to a replica: find the new primary.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
    redis.on('error', (error: Error) => {
      this.#lastError = describe(error);
    });
    redis.on('ready', () => {
      this.#generation += 1;
    });
    for (const [name, lua] of Object.entries(SCRIPTS)) redis.defineCommand(name, { numberOfKeys: 1, lua });
    this.#redis = redis as Redis & Scripts;
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
    const [time, ...lists] = await this.#ask(() => this.#redis.statewattRead(base(channel)));
    const points: PointValue[] = [];
    POINT_KINDS.forEach((kind, index) => {
      const [values, qualities, times, texts] = lists.slice(4 * index, 4 * index + 4) as string[][];
      const value = pairs(values);
      const quality = pairs(qualities);
      const ownTime = pairs(times);
      const text = new Set(texts);
      const ids = new Set([...value.keys(), ...quality.keys()]);
      for (const id of [...ids].map(Number).sort((a, b) => a - b)) {
        const field = String(id);
        const stored: StoredPoint = [
          time as string | null,
          value.get(field) ?? null,
          quality.get(field) ?? null,
          ownTime.get(field) ?? null,
          text.has(field) ? 1 : 0,
        ];
        points.push(toPoint(channel, kind, id, stored));
      }
    });
    return points;
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

/** 100 ms doubling to 5 s, each between half and all of it, so that many clients do not come back at once. */
function reconnectDelayMs(attempt: number): number {
  return Math.min(5_000, 100 * 2 ** Math.min(attempt - 1, 6)) * (0.5 + Math.random() / 2);
}

/** The text that is not shown is the URL itself: it may hold a password. */
function parseRedisUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    const found = url === undefined ? 'text that is no URL' : `a URL that begins with ${url.protocol}//`;
    throw new StatewattError(
      'realtime.invalid_url',
      'invalid',
      `Redis address: found ${found}; allowed: redis://[user:password@]host[:port][/db], or rediss:// for TLS`,
    );
  }
  return url;
}

/** An AggregateError (several addresses tried) has an empty message of its own. */
function describe(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map(errorMessage).join('; ');
  return error.message;
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
