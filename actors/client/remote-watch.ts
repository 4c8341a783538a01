import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { StatewattError, toStatewattError } from '../../errors/error.js';
import type { PointsUpdate } from './client.js';
import type { Lease } from './endpoint.js';
import type { PointView } from './schemas.js';
import { Waiting } from './waiting.js';

/** Part of a lease after which it is renewed: two renewals may be lost. */
const RENEW_AFTER = 1 / 3;
/** Pause before a renewal that failed is tried again. */
const RETRY_MS = 500;

export interface WatchParts {
  readonly nats: NatsConnection;
  /** Starts or renews the lease. */
  lease(): Promise<Lease>;
  /** Called each time the connection is back; answers a function that ends it. */
  onReconnect(listener: () => void): () => void;
}

/**
 * Live changes until the signal aborts. The lease is renewed while the watch lasts, through losses of the connection and
 * of the node. What comes on `subjects` is given to `waiting`, which says what a slow reader gets.
 *
 * @throws what the first request for the lease throws; later only what waiting does not help (the channel is gone)
 */
export async function* watchRemotely<Update>(
  parts: WatchParts,
  subjects: readonly string[],
  waiting: Waiting<Update> & { take(message: Msg): void },
  signal: AbortSignal,
): AsyncGenerator<Update> {
  if (signal.aborted) return;
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const subscriptions = subjects.map((subject) =>
    parts.nats.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) waiting.fail(error);
        else take(waiting, message);
      },
    }),
  );
  const renewal = new Renewal(parts, (error) => waiting.fail(error));
  try {
    await Promise.race([renewal.start(), aborted]);
    yield* waiting.updates(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    renewal.stop();
    if (!parts.nats.isClosed()) for (const subscription of subscriptions) subscription.unsubscribe();
  }
}

function take(waiting: Waiting<unknown> & { take(message: Msg): void }, message: Msg): void {
  try {
    waiting.take(message);
  } catch (cause) {
    waiting.fail(new StatewattError('client.bad_answer', 'internal', `${message.subject} carries no JSON`, { cause }));
  }
}

/** By channel, the newest value of each point: what waits grows with the points, not with time. */
export class WaitingPoints extends Waiting<PointsUpdate> {
  readonly #byChannel = new Map<number, { time: number; points: Map<string, PointView> }>();

  take(message: Msg): void {
    const update = message.json<PointsUpdate>();
    let waits = this.#byChannel.get(update.channel);
    if (waits === undefined) this.#byChannel.set(update.channel, (waits = { time: 0, points: new Map() }));
    waits.time = update.time;
    for (const point of update.points) waits.points.set(point.address, point);
    this.wake();
  }

  protected override next(): PointsUpdate | undefined {
    const next = this.#byChannel.entries().next();
    if (next.done === true) return undefined;
    const [channel, { time, points }] = next.value;
    this.#byChannel.delete(channel);
    return { channel, time, points: [...points.values()] };
  }
}

/** Keeps a lease alive. */
class Renewal {
  readonly #parts: WatchParts;
  readonly #onFailure: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #endReconnect: (() => void) | undefined;
  #stopped = false;
  #asking = false;

  constructor(parts: WatchParts, onFailure: (error: Error) => void) {
    this.#parts = parts;
    this.#onFailure = onFailure;
  }

  async start(): Promise<void> {
    this.#endReconnect = this.#parts.onReconnect(() => void this.#renew());
    this.#again((await this.#parts.lease()).leaseMs * RENEW_AFTER);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#endReconnect?.();
  }

  #again(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#renew(), ms);
  }

  /** Never rejects. */
  async #renew(): Promise<void> {
    if (this.#asking || this.#stopped) return;
    this.#asking = true;
    try {
      this.#again((await this.#parts.lease()).leaseMs * RENEW_AFTER);
    } catch (thrown) {
      const error = toStatewattError(thrown);
      if (error.retryable) this.#again(RETRY_MS);
      else this.#onFailure(error);
    } finally {
      this.#asking = false;
    }
  }
}
