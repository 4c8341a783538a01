import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/**
 * A file that is sent as it is read, once its first piece is there: what goes wrong before is answered as any other error;
 * later only breaking off can tell. A caller that goes ends the reading.
 */
export async function fileAnswer(
  reply: Pick<FastifyReply, 'raw'>,
  read: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
): Promise<Readable> {
  const abort = new AbortController();
  reply.raw.once('close', () => abort.abort());
  const pieces = read(abort.signal)[Symbol.asyncIterator]();
  const first = await pieces.next();
  return Readable.from(withFirst(first, pieces), { objectMode: false });
}

async function* withFirst(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
