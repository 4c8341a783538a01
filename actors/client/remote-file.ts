import type { NatsConnection } from '@nats-io/transport-node';
import { errorMessage, StatewattError } from '../../errors/error.js';
import { errorOf } from './remote-ask.js';

/** Of a piece that waits for the database. */
const TIMEOUT_MS = 120_000;

/**
 * The pieces of a file that a node has opened. A loss of the connection or of the node ends it with an error: the reader
 * begins anew.
 */
export async function* fetchFile(
  nats: NatsConnection,
  subject: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (;;) {
    if (signal.aborted) throw signal.reason;
    let piece;
    try {
      piece = await nats.request(subject, '', { timeout: TIMEOUT_MS });
    } catch (cause) {
      const text = `the rest of the file did not come: ${errorMessage(cause)}`;
      throw new StatewattError('client.unavailable', 'unavailable', text, { cause });
    }
    const error = errorOf(piece);
    if (error !== undefined) throw error;
    if (piece.data.length === 0) return;
    yield piece.data;
  }
}
