import type { DirectBatchOptions, StoredMsg } from '@nats-io/jetstream';
import { StatewattError, errorMessage } from '../errors/error.js';
import type { Bus } from './connection.js';
import { whileConnected } from './while-connected.js';

/** A server that sends nothing more of a batch for so long has lost it. */
const SILENCE_MS = 5_000;

/**
 * Reads stored messages of a stream, in order: as many as `request.batch` says, fewer at the end of the stream. The
 * client's own iterator over a batch waits for ever when the connection is lost in the middle of one; this ends.
 *
 * @throws `bus.unavailable` when the connection was lost, or the server fell silent, before the batch was whole
 */
export async function readBatch(bus: Bus, stream: string, request: DirectBatchOptions): Promise<StoredMsg[]> {
  const messages: StoredMsg[] = [];
  let whole: () => void = () => undefined;
  let broken: (error: Error) => void = () => undefined;
  const end = new Promise<void>((resolve, reject) => {
    whole = resolve;
    broken = reject;
  });
  end.catch(() => undefined); // Awaited below, if the request gets as far.
  const callback = (done: { err?: Error } | null, message: StoredMsg): void => {
    silence.refresh();
    if (done === null) messages.push(message);
    else if (done.err === undefined || isNothingThere(done.err)) whole();
    else broken(lost(stream, errorMessage(done.err)));
  };
  const silence = setTimeout(() => broken(lost(stream, 'the server fell silent')), SILENCE_MS);
  let stop: () => void = () => undefined;
  try {
    await whileConnected(bus, async () => {
      const handle = await bus.manager.direct.getBatch(stream, { ...request, callback });
      stop = () => handle.stop();
      await end;
    });
    return messages;
  } finally {
    clearTimeout(silence);
    stop();
  }
}

/** The client does not export its class of status errors; 404 is the server's status for no further messages. */
function isNothingThere(error: Error): boolean {
  return 'code' in error && error.code === 404;
}

function lost(stream: string, why: string): StatewattError {
  return new StatewattError('bus.unavailable', 'unavailable', `messages of ${stream} did not come whole: ${why}`, {
    retryAfterMs: 250,
  });
}
