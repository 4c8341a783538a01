import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Connections } from './connections.js';
import { quote, type EngineRequest } from './request.js';

/** Formats whose answers may be large, and are sent as they come. */
const STREAMED = /\s+FORMAT\s+(CSV|Parquet)\s*;?\s*$/i;

/** The format in which the statement's answer is to be streamed; undefined for any other statement. */
export function streamedFormat(statement: string): string | undefined {
  return /^\s*SELECT\s/i.test(statement) ? STREAMED.exec(statement)?.[1] : undefined;
}

/**
 * The answer of a SELECT piece by piece; no more than a few blocks of it are in memory at a time. A file with an end of
 * its own (Parquet) cannot be put together from blocks: the engine writes it into the folder first.
 */
export async function* streamAnswer(
  connections: Connections,
  statement: string,
  request: EngineRequest,
  folder: string,
): AsyncGenerator<Uint8Array> {
  const format = streamedFormat(statement) as string;
  const select = statement.replace(STREAMED, '');
  if (format.toUpperCase() === 'CSV') {
    yield* connections.stream(select, 'CSV', request);
    return;
  }
  const file = join(folder, randomUUID());
  try {
    await connections.run(`${select} INTO OUTFILE ${quote(file)} FORMAT ${format}`, request);
    yield* createReadStream(file) as AsyncIterable<Uint8Array>;
  } finally {
    await rm(file, { force: true });
  }
}
