import { createInbox, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { StatewattError } from '../errors/error.js';

/** What the server answers in the place of somebody who does not listen. */
const NO_RESPONDERS = 503;

interface Waiting {
  readonly resolve: (answer: Uint8Array | undefined) => void;
  readonly reject: (error: StatewattError) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Requests and their answers over one subscription. The connection's own `request` also makes two more promises and an error
 * object with its stack for each, which shows where there are many (`load/actors`).
 */
export class Requests {
  readonly #nats: NatsConnection;
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, Waiting>();
  #subscription: Subscription | undefined;
  #nextToken = 0;

  constructor(nats: NatsConnection) {
    this.#nats = nats;
  }

  /**
   * The answer of whoever listens on the subject; undefined when nobody does.
   *
   * @throws `bus.unavailable` when none has come after `timeoutMs`, or without a connection
   */
  request(subject: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      const token = String(this.#nextToken++);
      const timer = setTimeout(() => this.#end(token)?.reject(silent(subject, timeoutMs)), timeoutMs);
      this.#waiting.set(token, { resolve, reject, timer });
      try {
        this.#subscription ??= this.#subscribe();
        this.#nats.publish(subject, data, { reply: `${this.#inbox}.${token}` });
      } catch (cause) {
        this.#end(token);
        reject(new StatewattError('bus.unavailable', 'unavailable', 'there is no connection to NATS', { cause }));
      }
    });
  }

  /** What waits is refused. */
  close(): void {
    this.#subscription?.unsubscribe();
    for (const token of [...this.#waiting.keys()]) {
      this.#end(token)?.reject(new StatewattError('bus.unavailable', 'unavailable', 'the system was stopped'));
    }
  }

  #subscribe(): Subscription {
    return this.#nats.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error) return;
        this.#end(message.subject.slice(this.#inbox.length + 1))?.resolve(nobody(message) ? undefined : message.data);
      },
    });
  }

  #end(token: string): Waiting | undefined {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(token);
    clearTimeout(waiting.timer);
    return waiting;
  }
}

function nobody({ data, headers }: Msg): boolean {
  return data.length === 0 && headers?.code === NO_RESPONDERS;
}

function silent(subject: string, timeoutMs: number): StatewattError {
  const text = `nobody answered on ${subject} within ${timeoutMs} ms`;
  return new StatewattError('bus.unavailable', 'unavailable', text, { retryAfterMs: 500 });
}
