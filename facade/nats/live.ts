import type { NatsConnection } from '@nats-io/transport-node';
import { StatewattError, toStatewattError } from '../../errors/error.js';
import type { StatewattClient } from '../../actors/client/client.js';
import { liveSubject, type Lease } from '../../actors/client/endpoints.js';

/** Bytes given to the connection before the server has to say that it took them. */
const FLUSH_BYTES = 64 * 1024;

interface Watch {
  readonly expiry: NodeJS.Timeout;
  readonly abort: AbortController;
  /** Ends when publishing has ended. Never rejects. */
  readonly ended: Promise<void>;
}

/**
 * Publishes live changes as JSON while somebody asks for them. What it holds grows with the channels that are watched,
 * never with the number of watchers: a lease belongs to a channel (or to all), and asking again makes it last longer.
 */
export class LiveChanges {
  readonly #nats: NatsConnection;
  readonly #client: StatewattClient;
  readonly #leaseMs: number;
  readonly #onProblem: (error: StatewattError) => void;
  readonly #watches = new Map<number | '*', Watch>();
  #stopped = false;

  constructor(
    nats: NatsConnection,
    client: StatewattClient,
    leaseMs: number,
    onProblem: (error: StatewattError) => void,
  ) {
    this.#nats = nats;
    this.#client = client;
    this.#leaseMs = leaseMs;
    this.#onProblem = onProblem;
  }

  /** Channels (or `*`) with a lease. */
  get watched(): readonly (number | '*')[] {
    return [...this.#watches.keys()];
  }

  /**
   * Starts or renews a lease. The subject for all channels is a wildcard: what a channel's own lease publishes is
   * seen there too, and is not published twice.
   * @throws `nats.stopping`
   */
  watch(channel: number | '*'): Lease {
    if (this.#stopped) throw new StatewattError('nats.stopping', 'unavailable', 'The node is stopping.');
    const known = this.#watches.get(channel);
    if (known === undefined) this.#start(channel);
    else known.expiry.refresh();
    return { subject: liveSubject(channel), leaseMs: this.#leaseMs };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const ended = [...this.#watches.values()].map((watch) => watch.ended);
    for (const channel of this.watched) this.#end(channel);
    await Promise.all(ended);
  }

  #start(channel: number | '*'): void {
    const abort = new AbortController();
    const expiry = setTimeout(() => this.#end(channel), this.#leaseMs).unref();
    this.#watches.set(channel, { expiry, abort, ended: this.#run(channel, abort.signal) });
  }

  #end(channel: number | '*'): void {
    const watch = this.#watches.get(channel);
    if (watch === undefined) return;
    this.#watches.delete(channel);
    clearTimeout(watch.expiry);
    watch.abort.abort();
  }

  async #run(channel: number | '*', signal: AbortSignal): Promise<void> {
    try {
      await this.#publish(channel, signal);
    } catch (thrown) {
      if (!signal.aborted) this.#onProblem(toStatewattError(thrown));
    }
    // Ended by itself: the next renewal is to start it again.
    if (!signal.aborted) this.#end(channel);
  }

  async #publish(channel: number | '*', signal: AbortSignal): Promise<void> {
    let bytes = 0;
    for await (const update of this.#client.watchPoints(channel === '*' ? {} : { channel }, signal)) {
      if (signal.aborted) return;
      if (channel === '*' && this.#watches.has(update.channel)) continue;
      const body = JSON.stringify(update);
      this.#nats.publish(liveSubject(update.channel), body);
      bytes += body.length;
      if (bytes >= FLUSH_BYTES) {
        bytes = 0;
        await this.#flush();
      }
    }
  }

  /** Waits for the server, so that the client keeps the newest state meanwhile and the connection no queue. */
  async #flush(): Promise<void> {
    try {
      await this.#nats.flush();
    } catch (thrown) {
      // Lost while it was away; a watcher reads the points again after a gap. A closed connection ends the watch.
      if (this.#nats.isClosed()) throw thrown;
    }
  }
}
