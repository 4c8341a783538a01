import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import { StatewattError } from '../errors/error.js';
import type { Bus } from './connection.js';
import { Portions } from './portions.js';

/** A server that does not answer for so long has lost the request. */
const SILENCE_MS = 5_000;

/** The newest stored message of a subject. */
export interface LastMessage {
  /** Sequence in its stream. */
  readonly seq: number;
  readonly data: Uint8Array;
}

interface Waiting {
  readonly since: number;
  readonly resolve: (message: LastMessage | null) => void;
  readonly reject: (error: StatewattError) => void;
}

/**
 * Reads the newest messages of subjects, many at the same time: what the client's own request does for each of them (a
 * timer, an error made in advance) is most of what bringing an actor to life would cost.
 */
export class LastMessages {
  readonly #bus: Bus;
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, Waiting>();
  /** Answers come many in one read of the socket, and each may bring an actor to life. */
  readonly #portions = new Portions();
  readonly #subscription: Subscription;
  readonly #endStatus: () => void;
  #next = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(bus: Bus) {
    this.#bus = bus;
    this.#subscription = bus.nats.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#answered(message);
      },
    });
    this.#endStatus = bus.onStatus((status) => {
      if (status !== 'connected') this.#giveUp('the connection to the NATS server is lost');
    });
  }

  /**
   * null: there is none on this subject.
   *
   * @throws `bus.unavailable`
   */
  get(stream: string, subject: string): Promise<LastMessage | null> {
    return new Promise((resolve, reject) => {
      if (this.#bus.status !== 'connected') {
        reject(unavailable('the connection to the NATS server is lost'));
        return;
      }
      const token = String(this.#next++);
      this.#waiting.set(token, { since: performance.now(), resolve, reject });
      this.#watch ??= setInterval(() => this.#look(), SILENCE_MS / 5);
      this.#bus.nats.publish(`$JS.API.DIRECT.GET.${stream}.${subject}`, undefined, {
        reply: `${this.#inbox}.${token}`,
      });
    });
  }

  /** What is under way is given up. */
  close(): void {
    this.#subscription.unsubscribe();
    this.#endStatus();
    this.#giveUp('the node is stopping');
  }

  #answered({ subject, headers, data }: Msg): void {
    const token = subject.slice(this.#inbox.length + 1);
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return;
    this.#waiting.delete(token);
    if (this.#waiting.size === 0) this.#rest();
    if (headers === undefined || headers.code === 0) {
      const found = { seq: Number(headers?.get('Nats-Sequence')), data };
      this.#portions.add(() => waiting.resolve(found));
    } else if (headers.code === 404) this.#portions.add(() => waiting.resolve(null));
    else waiting.reject(unavailable(`${headers.code} ${headers.description}`));
  }

  /** The oldest stand first. */
  #look(): void {
    const oldest = performance.now() - SILENCE_MS;
    for (const [token, { since, reject }] of this.#waiting) {
      if (since > oldest) break;
      this.#waiting.delete(token);
      reject(unavailable('the server does not answer'));
    }
    if (this.#waiting.size === 0) this.#rest();
  }

  #giveUp(why: string): void {
    const given = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#rest();
    for (const { reject } of given) reject(unavailable(why));
  }

  #rest(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
  }
}

function unavailable(why: string): StatewattError {
  return new StatewattError('bus.unavailable', 'unavailable', `a stored message could not be read: ${why}`, {
    retryAfterMs: 250,
  });
}
