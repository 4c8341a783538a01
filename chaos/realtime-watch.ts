import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { Redis } from 'ioredis';
import { isModelChannel } from '../site/models/address.js';
import { RealtimeLagCheck } from './checks/realtime-lag.js';
import { historyClient } from './history-client.js';
import type { SeenFrame } from './observer.js';

const EVERY_MS = 1_000;
const ANSWER_MS = 2_000;

export interface RealtimeWatchOptions {
  readonly redisUrl: string;
  readonly historyUrl: string;
  /** Sequence of each frame in the stream, by its name. */
  readonly seen: ReadonlyMap<string, number>;
  readonly boundMs: number;
}

/** Looks, again and again, whether Redis is as new as history. What does not answer is looked at the next time. */
export class RealtimeWatch {
  readonly check: RealtimeLagCheck;
  readonly #options: RealtimeWatchOptions;
  readonly #redis: Redis;
  readonly #history: ClickHouseClient;
  readonly #channels = new Set<number>();
  #stopped = false;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: RealtimeWatchOptions) {
    this.#options = options;
    this.check = new RealtimeLagCheck(options.boundMs);
    this.#redis = new Redis(options.redisUrl, { maxRetriesPerRequest: 0, commandTimeout: ANSWER_MS });
    this.#redis.on('error', () => undefined); // It goes away on purpose.
    this.#history = historyClient(options.historyUrl, ANSWER_MS);
  }

  start(): void {
    this.#looking = this.#look();
  }

  /** To be told of every frame. Values of models are in Redis by their models' names. */
  saw({ channel, sequence, late }: SeenFrame): void {
    if (late || isModelChannel(channel)) return;
    this.#channels.add(channel);
    this.check.frame(channel, sequence);
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#looking;
    this.#redis.disconnect();
    await this.#history.close();
  }

  async #look(): Promise<void> {
    for (; !this.#stopped; await sleep(EVERY_MS)) {
      try {
        const history = await this.#newestOfHistory();
        const redis = new Map<number, number>();
        for (const channel of this.#channels) {
          const shown = await this.#shown(channel);
          if (shown !== undefined) redis.set(channel, shown);
        }
        this.check.look({ atMs: performance.now(), history, redis });
      } catch {
        continue; // One of them is away.
      }
    }
  }

  /** History is written in the order of the stream. */
  async #newestOfHistory(): Promise<number> {
    const found = await this.#history.query({ query: 'SELECT max(sequence) FROM raw', format: 'JSONCompactEachRow' });
    const [[newest] = ['0']] = await found.json<[string]>();
    return Number(newest);
  }

  async #shown(channel: number): Promise<number | undefined> {
    const [epoch, seq] = await this.#redis.hmget(`comsrv:${channel}:frame`, 'epoch', 'seq');
    return epoch === null ? 0 : this.#options.seen.get(`${channel}/${epoch}/${seq}`);
  }
}
