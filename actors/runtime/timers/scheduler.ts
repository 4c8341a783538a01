import type { Bus } from '../../../bus/connection.js';
import { encodeHeaders } from '../../../bus/headers.js';
import type { TimerRecord } from '../../../bus/messages.js';
import { STREAM } from '../../../bus/streams.js';
import { formatRef, subjects, type Ref } from '../../../bus/subjects.js';
import { topics } from '../../../bus/topics.js';
import { whileConnected } from '../../../bus/while-connected.js';
import { StatewattError } from '../../../errors/error.js';

/** Where timers are kept while they wait; the runtime's tests bring one that lives in memory. */
export interface TimerService {
  /** Resolves when the timer is sure to fire, whatever becomes of this node. A second call for it changes nothing. */
  set(ref: Ref, timer: TimerRecord): Promise<void>;
  /** Takes a timer back. One attempt: a timer that fires all the same is ignored by its actor. */
  cancel(ref: Ref, key: string): Promise<void>;
}

const RETRY_MS = 250;

/** Timers as scheduled messages of the stream TIMERS: the server sends them to the partition's owner when they are due. */
export class JetStreamTimers implements TimerService {
  readonly #bus: Bus;
  #closed = false;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** Ends the attempts under way; each rejects with `timers.closed`. */
  close(): void {
    this.#closed = true;
  }

  /** Tries until it succeeds: the journal has promised it. @throws `timers.closed` */
  async set(ref: Ref, timer: TimerRecord): Promise<void> {
    const topic = topics.timer(ref, timer.key);
    const options = {
      headers: encodeHeaders({ schema: topic.codec.schema, timer: timer.key }),
      // Within the stream's window for duplicates; later a second one takes the place of the first.
      msgID: `${formatRef(ref)}@${timer.key}`,
      schedule: { specification: new Date(timer.due), target: subjects.due(ref) },
    };
    for (;;) {
      if (this.#closed) throw new StatewattError('timers.closed', 'unavailable', 'the node is stopping');
      try {
        const payload = topic.codec.encode(timer.event);
        await whileConnected(this.#bus, () => this.#bus.jetstream.publish(topic.subject, payload, options));
        return;
      } catch {
        // No server, or no room: only time helps, and health tells of both.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async cancel(ref: Ref, key: string): Promise<void> {
    const { manager } = this.#bus;
    await whileConnected(this.#bus, () => manager.streams.purge(STREAM.timers, { filter: subjects.timer(ref, key) }));
  }
}
