import type { Redis } from 'ioredis';
import { StatewattError, errorMessage } from '../../errors/error.js';
import { LIBRARY, LIBRARY_IDENTITY } from './library.js';

/**
 * Loads the library unless it is there, or a newer one is: while nodes of two versions run, the newer one's stays.
 *
 * @throws `functions.refused`: Redis does not take it (older than 7.0, another library with such names, no permission);
 * what the connection throws
 */
export async function ensureLibrary(redis: Redis): Promise<void> {
  const found = await loadedVersion(redis);
  const { version, digest } = LIBRARY_IDENTITY;
  if (found !== undefined && (found[0] > version || (found[0] === version && found[1] === digest))) return;
  try {
    await redis.call('FUNCTION', 'LOAD', 'REPLACE', LIBRARY);
  } catch (cause) {
    if (!isReply(cause)) throw cause;
    const hint = /unknown command/i.test(errorMessage(cause)) ? '; functions need Redis 7.0' : '';
    const text = `Redis does not take the functions: ${errorMessage(cause)}${hint}`;
    throw new StatewattError('functions.refused', 'invalid', text, { cause });
  }
}

/** Version and digest; undefined when there is no library. */
async function loadedVersion(redis: Redis): Promise<[number, string] | undefined> {
  try {
    return (await redis.call('FCALL_RO', 'statewatt_version', '0')) as [number, string];
  } catch (error) {
    if (isReply(error)) return undefined; // No such function, or no functions at all.
    throw error;
  }
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
