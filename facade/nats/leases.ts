import { StatewattError, toStatewattError } from '../../errors/error.js';

interface Watch {
  readonly expiry: NodeJS.Timeout;
  readonly abort: AbortController;
  /** Ends when publishing has ended. Never rejects. */
  readonly ended: Promise<void>;
}

export interface LeasesOptions<Key> {
  readonly leaseMs: number;
  /** Publishes what a lease is for until the signal aborts. */
  readonly publish: (key: Key, signal: AbortSignal) => Promise<void>;
  readonly onProblem: (error: StatewattError) => void;
}

/** What is published while somebody asks for it: a lease ends unless it is asked for again. */
export class Leases<Key> {
  readonly #options: LeasesOptions<Key>;
  readonly #watches = new Map<Key, Watch>();
  #stopped = false;

  constructor(options: LeasesOptions<Key>) {
    this.#options = options;
  }

  get keys(): readonly Key[] {
    return [...this.#watches.keys()];
  }

  has(key: Key): boolean {
    return this.#watches.has(key);
  }

  /** Starts or renews a lease; answers how long it lasts, ms. @throws `nats.stopping` */
  renew(key: Key): number {
    if (this.#stopped) throw new StatewattError('nats.stopping', 'unavailable', 'The node is stopping.');
    const known = this.#watches.get(key);
    if (known === undefined) this.#start(key);
    else known.expiry.refresh();
    return this.#options.leaseMs;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const ended = [...this.#watches.values()].map((watch) => watch.ended);
    for (const key of this.keys) this.#end(key);
    await Promise.all(ended);
  }

  #start(key: Key): void {
    const abort = new AbortController();
    const expiry = setTimeout(() => this.#end(key), this.#options.leaseMs).unref();
    this.#watches.set(key, { expiry, abort, ended: this.#run(key, abort.signal) });
  }

  #end(key: Key): void {
    const watch = this.#watches.get(key);
    if (watch === undefined) return;
    this.#watches.delete(key);
    clearTimeout(watch.expiry);
    watch.abort.abort();
  }

  async #run(key: Key, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.publish(key, signal);
    } catch (thrown) {
      if (!signal.aborted) this.#options.onProblem(toStatewattError(thrown));
    }
    // Ended by itself: the next renewal is to start it again.
    if (!signal.aborted) this.#end(key);
  }
}
