import { StatewattError, errorMessage } from '../../errors/error.js';
import {
  durable,
  EffectRefused,
  type DurableEffect,
  type DurableRun,
  type EffectPolicy,
} from '../runtime/outbox/effect.js';

/** Fields that are undefined are left out. */
export type RedisFields = Readonly<Record<string, string | number | undefined>>;

/** One write. Numbers are written as JavaScript shows them. */
export type RedisWrite =
  | { readonly set: string; readonly value: string | number; readonly expireMs?: number }
  | { readonly hset: string; readonly fields: RedisFields }
  /** `maxLength`: about as many entries as the stream keeps. */
  | { readonly xadd: string; readonly fields: RedisFields; readonly maxLength?: number };

/** What is needed of a Redis client; ioredis has it. */
export interface RedisClient {
  /** Runs a Lua script (the command EVAL). */
  eval(script: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
}

/** Of `redisSink`. */
export interface RedisSinkOptions<Params> {
  readonly redis: RedisClient;
  /** What is written, all of it or nothing. */
  readonly write: (params: Params, run: DurableRun<Params>) => RedisWrite | readonly RedisWrite[];
  /** How long Redis remembers that an effect has happened. Default 7 days; longer than an effect can be repeated. */
  readonly rememberMs?: number;
  readonly policy?: Partial<EffectPolicy>;
}

const WEEK_MS = 7 * 24 * 3_600_000;
/** Before the key of an effect: where Redis remembers that it has happened. */
const GUARD = 'statewatt:effect:';

/**
 * KEYS: the guard, then the key of each write. ARGV: ms that the guard is kept, then for each write the type that its
 * key must have and the command as JSON. A script is one step for everybody else. Types are looked at first, so that no
 * write fails when another has been done.
 */
const SCRIPT = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for index = 2, #KEYS do
  local found = redis.call('TYPE', KEYS[index]).ok
  local wanted = ARGV[2 * index - 2]
  if wanted ~= 'any' and found ~= 'none' and found ~= wanted then
    return redis.error_reply('WRONGTYPE ' .. KEYS[index] .. ' is a ' .. found .. ', not a ' .. wanted)
  end
end
for index = 2, #KEYS do
  redis.call(unpack(cjson.decode(ARGV[2 * index - 1])))
end
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 1`;

/** Replies that will be the same next time. */
const FINAL = /^(ERR|WRONGTYPE|NOPERM|CROSSSLOT)\b/;

/**
 * A durable effect that writes into Redis once: a key of the effect's own is set together with the writes, in one
 * script, and what finds that key does nothing. For a server by itself or a replicated one; in a Redis Cluster guard and
 * data would have to lie in one slot.
 *
 *     effects: { show: redisSink({ redis, write: ({ id, level }: Level) => ({ hset: `tank:${id}`, fields: { level } }) }) }
 */
export function redisSink<Params>(options: RedisSinkOptions<Params>): DurableEffect<Params> {
  const { redis, write, rememberMs = WEEK_MS, policy } = options;
  return durable<Params>(async (run) => {
    const asked = write(run.params, run);
    const writes = (Array.isArray(asked) ? asked : [asked]) as readonly RedisWrite[];
    const commands = writes.map(toCommand);
    const keys = [GUARD + run.key, ...commands.map(({ key }) => key)];
    const args = commands.flatMap(({ type, command }) => [type, JSON.stringify(command)]);
    try {
      await redis.eval(SCRIPT, keys.length, ...keys, rememberMs, ...args);
    } catch (cause) {
      const text = errorMessage(cause);
      if (FINAL.test(text)) throw new EffectRefused(`Redis does not take it: ${text}`);
      throw new StatewattError('effects.redis', 'unavailable', `Redis: ${text}`, { cause });
    }
  }, policy);
}

interface Command {
  readonly key: string;
  /** The type that the key must have, if it is there. */
  readonly type: 'any' | 'hash' | 'stream';
  readonly command: readonly string[];
}

function toCommand(write: RedisWrite): Command {
  if ('set' in write) {
    const expiry = write.expireMs === undefined ? [] : ['PX', String(write.expireMs)];
    return { key: write.set, type: 'any', command: ['SET', write.set, String(write.value), ...expiry] };
  }
  const given = Object.entries(write.fields).filter(([, value]) => value !== undefined);
  const fields = given.flatMap(([name, value]) => [name, String(value)]);
  if (fields.length === 0) throw new EffectRefused('no fields to write; at least one is needed');
  if ('hset' in write) return { key: write.hset, type: 'hash', command: ['HSET', write.hset, ...fields] };
  const bound = write.maxLength === undefined ? [] : ['MAXLEN', '~', String(write.maxLength)];
  return { key: write.xadd, type: 'stream', command: ['XADD', write.xadd, ...bound, '*', ...fields] };
}
