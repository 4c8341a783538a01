import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import { StatewattError, errorMessage, toStatewattError } from '../../errors/error.js';
import { describe, openRedis, type RedisAddress } from '../realtime/connect-redis.js';
import { ensureLibrary } from './load.js';

/** One call of a writing function, as it waits in the stream. */
export interface FunctionRequest {
  /** Names it for ever. */
  readonly id: string;
  /** The function. */
  readonly name: string;
  /** What it is about: requests for one subject are taken one after the other. */
  readonly subject: string;
  /** JSON, or empty. */
  readonly body: string;
  /** When it was accepted, by Redis's clock, ms since the Unix epoch. */
  readonly acceptedAt: number;
}

export interface FunctionRequestsOptions extends Omit<RedisAddress, 'name'> {
  /** Of this node, unique. */
  readonly node: string;
  /**
   * Does what was asked for and resolves with facts for the caller, once it is durable. Asked again with the same id,
   * it answers the same. What a retryable error refuses is tried again.
   */
  readonly handle: (request: FunctionRequest) => Promise<Record<string, unknown>>;
  /** Why it does not get on; null: it does again. */
  readonly onProblem?: (problem: string | null) => void;
}

const STREAM = 'statewatt:commands';
const GROUP = 'statewatt';
/** Results can be asked for so long. */
const RESULT_SECONDS = 3_600;
/** Requests under way at once. */
const WINDOW = 512;
const READ_COUNT = 256;
const BLOCK_MS = 2_000;
const RETRY_MS = 500;
/** The library may be removed by others at any time. */
const LIBRARY_CHECK_MS = 5_000;

/**
 * KEYS: stream, key of the result, key of what was expected. ARGV: group, entry, request, result, seconds that it is
 * kept, the set of expectations, the subject. What was expected of this request is over; of a later one it stays.
 */
const SETTLE_SCRIPT = `
redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[5])
if redis.call('HGET', KEYS[3], 'request') == ARGV[3] then
  redis.call('DEL', KEYS[3])
  redis.call('SREM', ARGV[6], ARGV[7])
end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[2])
`;
type SettlingRedis = Redis & { statewattSettle(...args: (string | number)[]): Promise<number> };

/**
 * The functions of a Redis server as a node serves them: keeps the library loaded, and, while `take` says so, carries
 * out what they have accepted. One node at a time takes; what another one left undone is taken over in its order.
 */
export class FunctionRequests {
  readonly #options: FunctionRequestsOptions;
  readonly #redis: SettlingRedis;
  /** Waits for requests. */
  readonly #reader: Redis;
  readonly #consumer: string;
  readonly #libraryTimer: NodeJS.Timeout;
  /** By entry. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** The last of each subject. */
  readonly #chains = new Map<string, Promise<void>>();
  #taking: AbortController | undefined;
  #loop: Promise<void> = Promise.resolve();
  /** An answer could not be written: what is pending is to be looked at again. */
  #lookBack = false;
  #problem: string | null = null;
  #stopped = false;

  /** @throws `realtime.invalid_url` */
  constructor(options: FunctionRequestsOptions) {
    this.#options = options;
    this.#consumer = `${options.node}@${hostname()}`;
    const { redis } = openRedis({ ...options, name: 'statewatt-functions' });
    redis.defineCommand('statewattSettle', { numberOfKeys: 3, lua: SETTLE_SCRIPT });
    this.#redis = redis as SettlingRedis;
    this.#reader = openRedis({ ...options, responseTimeoutMs: 3 * BLOCK_MS, name: 'statewatt-requests' }).redis;
    for (const client of [this.#redis, this.#reader]) client.on('error', (error: Error) => this.#trouble(error));
    this.#redis.on('ready', () => void this.#load());
    this.#libraryTimer = setInterval(() => {
      if (this.#redis.status === 'ready') void this.#load();
    }, LIBRARY_CHECK_MS);
  }

  /** Why it does not get on; null when it does. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Whether this node is to carry out what is accepted. */
  take(on: boolean): void {
    if (on === (this.#taking !== undefined) || this.#stopped) return;
    this.#taking?.abort();
    this.#taking = on ? new AbortController() : undefined;
    const { signal } = this.#taking ?? {};
    if (signal !== undefined) this.#loop = this.#loop.then(() => this.#run(signal));
  }

  /** Takes nothing more; what is under way is finished, or left to the next node. */
  async stop(): Promise<void> {
    this.take(false);
    this.#stopped = true; // Errors of connections that are being closed are of no interest.
    clearInterval(this.#libraryTimer);
    this.#reader.disconnect();
    await this.#loop;
    await Promise.all(this.#underWay.values());
    this.#redis.disconnect();
  }

  async #load(): Promise<void> {
    try {
      await ensureLibrary(this.#redis);
      this.#trouble(null);
    } catch (error) {
      this.#trouble(error);
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await ready(this.#reader, signal);
        await this.#prepare();
        await this.#takeOver(signal);
        while (!signal.aborted && !this.#lookBack) await this.#read('>', signal);
      } catch (error) {
        if (!signal.aborted) this.#trouble(error);
        await pause(RETRY_MS, signal);
      }
    }
  }

  async #prepare(): Promise<void> {
    try {
      await this.#reader.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM');
    } catch (error) {
      if (!errorMessage(error).startsWith('BUSYGROUP')) throw error;
    }
  }

  /** What other nodes have begun, and what this one has, in the order in which it was accepted. */
  async #takeOver(signal: AbortSignal): Promise<void> {
    this.#lookBack = false;
    for (let cursor = '0-0', first = true; first || cursor !== '0-0'; first = false) {
      const claimed = await this.#reader.xautoclaim(STREAM, GROUP, this.#consumer, 0, cursor, 'COUNT', 1_000, 'JUSTID');
      cursor = (claimed as [string, ...unknown[]])[0];
    }
    for (let after: string | undefined = '0'; after !== undefined && !signal.aborted;) {
      after = await this.#read(after, signal);
    }
  }

  /** Begins with the next requests; answers the last one's entry, undefined when there were none. */
  async #read(after: string, signal: AbortSignal): Promise<string | undefined> {
    while (this.#underWay.size >= WINDOW) await Promise.race(this.#underWay.values());
    const count = Math.min(READ_COUNT, WINDOW - this.#underWay.size);
    const found = await (after === '>'
      ? this.#reader.xreadgroup(
          'GROUP',
          GROUP,
          this.#consumer,
          'COUNT',
          count,
          'BLOCK',
          BLOCK_MS,
          'STREAMS',
          STREAM,
          '>',
        )
      : this.#reader.xreadgroup('GROUP', GROUP, this.#consumer, 'COUNT', count, 'STREAMS', STREAM, after));
    const entries = found?.[0]?.[1] ?? [];
    for (const [entry, fields] of entries) this.#begin(entry, fields, signal);
    return entries.at(-1)?.[0];
  }

  /** One after the other for each subject. */
  #begin(entry: string, fields: string[] | null, signal: AbortSignal): void {
    if (this.#underWay.has(entry)) return;
    const request = toRequest(entry, fields ?? []);
    const before = this.#chains.get(request.subject) ?? Promise.resolve();
    const work = before
      .then(() => this.#carryOut(entry, request, signal))
      .finally(() => {
        this.#underWay.delete(entry);
        if (this.#chains.get(request.subject) === work) this.#chains.delete(request.subject);
      });
    this.#chains.set(request.subject, work);
    this.#underWay.set(entry, work);
  }

  /** Never rejects. */
  async #carryOut(entry: string, request: FunctionRequest, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let result: Record<string, unknown>;
      try {
        result = { status: 'done', ...(await this.#options.handle(request)) };
      } catch (thrown) {
        const error = toStatewattError(thrown, 'functions.failed');
        if (error.retryable) {
          await pause(Math.max(RETRY_MS, error.retryAfterMs ?? 0), signal);
          continue;
        }
        result = { status: 'refused', error: error.toJSON() };
      }
      return this.#settle(entry, request, result);
    }
  }

  async #settle(entry: string, { id, name, subject }: FunctionRequest, result: Record<string, unknown>): Promise<void> {
    const set = `statewatt:pending:${expectedOf(name)}`;
    const text = JSON.stringify({ id, ...result });
    try {
      await this.#redis.statewattSettle(
        ...[STREAM, `statewatt:result:${id}`, `${set}:${subject}`],
        ...[GROUP, entry, id, text, RESULT_SECONDS, set, subject],
      );
    } catch (error) {
      this.#lookBack = true;
      this.#trouble(error);
    }
  }

  #trouble(error: unknown): void {
    const problem = error === null ? null : error instanceof Error ? describe(error) : errorMessage(error);
    if (this.#stopped || problem === this.#problem) return;
    this.#problem = problem;
    this.#options.onProblem?.(problem);
  }
}

/** What sort of thing a function's request changes, as the functions note what they expect of it. */
function expectedOf(name: string): string {
  if (name.startsWith('model_')) return 'model';
  if (name.startsWith('rule_')) return 'rule';
  return name.startsWith('hissrv_') ? 'mapping' : 'alarm';
}

function toRequest(entry: string, flat: readonly string[]): FunctionRequest {
  const fields = new Map<string, string>();
  for (let index = 0; index < flat.length; index += 2) fields.set(flat[index] as string, flat[index + 1] as string);
  const id = fields.get('id') ?? '';
  return {
    id: id === '' ? `redis-${entry}` : id,
    name: fields.get('name') ?? '',
    subject: fields.get('subject') ?? '',
    body: fields.get('body') ?? '',
    acceptedAt: Number(entry.slice(0, entry.indexOf('-'))),
  };
}

/** What a request's body holds. @throws `functions.invalid` */
export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StatewattError('functions.invalid', 'invalid', `found ${errorMessage(cause)}, allowed JSON`, { cause });
  }
}

/** Resolves when the client is connected, or the signal aborts. */
async function ready(redis: Redis, signal: AbortSignal): Promise<void> {
  if (redis.status === 'ready' || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      redis.off('ready', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    redis.on('ready', done);
    signal.addEventListener('abort', done);
  });
}

/** Ends early when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
