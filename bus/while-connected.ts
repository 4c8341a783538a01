import { StatewattError } from '../errors/error.js';
import type { Bus } from './connection.js';

const ASK_AGAIN_MS = 100;
const PATIENCE_MS = 10_000;

/**
 * Asks the server, and gives up as soon as the connection is lost: without one a request is dropped, not sent later,
 * and its answer would be waited for until the request's timeout.
 *
 * @throws `bus.unavailable` without a connection; what `ask` throws
 */
export async function whileConnected<T>(bus: Bus, ask: () => Promise<T>): Promise<T> {
  if (bus.status !== 'connected') throw lost();
  let end: () => void = () => undefined;
  const broken = new Promise<never>((_, reject) => {
    end = bus.onStatus((status) => {
      if (status !== 'connected') reject(lost());
    });
  });
  broken.catch(() => undefined); // Nobody waits for it once there is an answer.
  try {
    return await Promise.race([ask(), broken]);
  } finally {
    end();
  }
}

/**
 * Asks the server, and asks again when the connection was lost meanwhile: for what may be asked twice, and whose failure
 * would end more than a request.
 *
 * @throws `bus.unavailable` when the connection does not come back soon, or the bus is closed; what `ask` throws
 */
export async function acrossGaps<T>(bus: Bus, ask: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  for (const end = performance.now() + patienceMs; ;) {
    try {
      return await whileConnected(bus, ask);
    } catch (error) {
      const wasLost = error instanceof StatewattError && error.code === 'bus.unavailable';
      if (!wasLost || bus.status === 'closed' || performance.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

function lost(): StatewattError {
  return new StatewattError('bus.unavailable', 'unavailable', 'the connection to the NATS server is lost', {
    retryAfterMs: 250,
  });
}
