import { open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { errorMessage, StatewattError } from '../errors/error.js';

/** Writes pieces to a file as they come. A file that is not complete is none. @throws `cli.file`, and what `pieces` throws */
export async function writeFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  // Opened before anything else: a stream that opens it later might do so after it was removed.
  const file = await open(path, 'w').catch((error: unknown) => {
    throw fileError(path, error);
  });
  try {
    await pipeline(pieces, file.createWriteStream());
  } catch (error) {
    await rm(path, { force: true });
    throw error instanceof StatewattError ? error : fileError(path, error);
  }
}

export function fileError(path: string, cause: unknown): StatewattError {
  return new StatewattError('cli.file', 'invalid', `${path}: ${errorMessage(cause)}`, { cause });
}
