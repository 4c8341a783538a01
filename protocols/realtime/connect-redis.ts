import { Redis, type RedisOptions } from 'ioredis';
import { StatewattError, errorMessage } from '../../errors/error.js';

export interface RedisAddress {
  /** `redis://[user:password@]host[:port][/db]`, or `rediss://…` for TLS. */
  url: string;
  /** For `rediss://`: certificate authority and the like, where the system's are not meant. */
  tls?: NonNullable<RedisOptions['tls']>;
  /** A server that answers nothing for so long, with a command under way, counts as away. Default 5 s. */
  responseTimeoutMs?: number;
  /** For the server's list of clients. */
  name: string;
}

/**
 * A client that connects in the background and reconnects for ever. While Redis is away every command is refused at
 * once; nothing is queued.
 *
 * @throws `realtime.invalid_url`
 */
export function openRedis({ url: text, tls, responseTimeoutMs = 5_000, name }: RedisAddress): {
  redis: Redis;
  /** For people; without a password. */
  where: string;
} {
  const url = parseRedisUrl(text);
  const redis = new Redis(text, {
    ...(tls === undefined ? {} : { tls }),
    connectionName: name,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 5_000,
    socketTimeout: responseTimeoutMs,
    retryStrategy: reconnectDelayMs,
    // After a failover the connection may lead to a replica: find the new primary.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  return { redis, where: `redis at ${url.hostname}:${url.port === '' ? '6379' : url.port}` };
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
export function describe(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map(errorMessage).join('; ');
  return error.message;
}
