import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { StatewattError, toStatewattError } from '../../errors/error.js';
import type { PointsUpdate } from './client.js';
import { liveSubject, type Lease } from './endpoints.js';
import type { PointView } from './schemas.js';

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
 * Live changes of one channel or all, until the signal aborts. The lease is renewed while the watch lasts, through
 * losses of the connection and of the node. A slow reader gets, for each channel, the newest value of each point that
 * changed since it last took: what waits grows with the points, not with time.
 *
 * @throws what the first request for the lease throws; later only what waiting does not help (the channel is gone)
 */
export async function* watchRemotely(
  parts: WatchParts,
  channel: number | '*',
  signal: AbortSignal,
): AsyncGenerator<PointsUpdate> {
  if (signal.aborted) return;
  const waiting = new Waiting();
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  void aborted.then(() => waiting.wake());
  const subscription = parts.nats.subscribe(liveSubject(channel), {
    callback: (error, message) => (error === null ? waiting.add(message) : waiting.fail(error)),
  });
  const renewal = new Renewal(parts, (error) => waiting.fail(error));
  try {
    await Promise.race([renewal.start(), aborted]);
    while (!signal.aborted) {
      const update = waiting.take();
      if (update === undefined) await waiting.changed();
      else yield update;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    renewal.stop();
    if (!parts.nats.isClosed()) subscription.unsubscribe();
  }
}

/** What came and was not yet taken: by channel, the newest value of each point. */
class Waiting {
  readonly #byChannel = new Map<number, { time: number; points: Map<string, PointView> }>();
  #wake: (() => void) | undefined;
  #failure: Error | undefined;

  add(message: Msg): void {
    let update: PointsUpdate;
    try {
      update = message.json<PointsUpdate>();
    } catch (cause) {
      this.fail(new StatewattError('client.bad_answer', 'internal', `${message.subject} carries no JSON`, { cause }));
      return;
    }
    let waits = this.#byChannel.get(update.channel);
    if (waits === undefined) this.#byChannel.set(update.channel, (waits = { time: 0, points: new Map() }));
    waits.time = update.time;
    for (const point of update.points) waits.points.set(point.address, point);
    this.wake();
  }

  /** @throws what `fail` was given */
  take(): PointsUpdate | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const next = this.#byChannel.entries().next();
    if (next.done === true) return undefined;
    const [channel, { time, points }] = next.value;
    this.#byChannel.delete(channel);
    return { channel, time, points: [...points.values()] };
  }

  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.wake();
  }

  wake(): void {
    this.#wake?.();
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
