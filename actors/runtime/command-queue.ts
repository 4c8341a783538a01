import { AckPolicy, type ConsumerInfo, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Bus } from '../../bus/connection.js';
import { decodeHeaders } from '../../bus/headers.js';
import type { AnswerBody } from '../../bus/messages.js';
import { STREAM } from '../../bus/streams.js';
import { refOfCommand, subjects } from '../../bus/subjects.js';
import { codecs, topics } from '../../bus/topics.js';
import { whileConnected } from '../../bus/while-connected.js';
import { StatewattError, errorMessage, toStatewattError } from '../../errors/error.js';
import type { Delivery } from './activation.js';
import { Consumption } from './consumption.js';
import type { ActorHost } from './host.js';
import type { Owned } from './placement/ownership.js';

const REDELIVERY_MS = 15_000;
const NAME = /^partition-(\d+)-(\d+)(-\d+)?$/;

/** The streams that feed partitions: what callers send, and the timers that fire. */
export type Feed = typeof STREAM.commands | typeof STREAM.timers;

/**
 * The commands of one partition under one ownership, or the timers that fire there. Each ownership has a consumer of its
 * own: what the owner before had taken and not finished comes to the new one at once and in order, and what that owner
 * still acknowledges counts for nothing. So does each gap of the connection.
 */
export class CommandQueue {
  readonly owned: Owned;
  readonly #bus: Bus;
  readonly #host: ActorHost;
  readonly #feed: Feed;
  #consumption: Consumption | undefined;
  #taken = 0;

  constructor(bus: Bus, host: ActorHost, owned: Owned, feed: Feed) {
    this.#bus = bus;
    this.#host = host;
    this.#feed = feed;
    this.owned = owned;
  }

  /** False when a later ownership has it already. `existing` are the names of the stream's consumers. */
  open(existing: readonly string[]): Promise<boolean> {
    this.#consumption = new Consumption({
      bus: this.#bus,
      stream: this.#feed,
      make: async (run) => this.#make(run, run === 0 ? existing : await queueNames(this.#bus, this.#feed)),
      onMessage: (message) => this.#take(message),
    });
    return this.#consumption.open();
  }

  /** Place in the stream of the newest command that was handed to its actor; 0 before the first of this ownership. */
  get taken(): number {
    return this.#taken;
  }

  /** Takes no more. */
  async close(): Promise<void> {
    await this.#consumption?.close();
  }

  /** Makes the consumer of a run of this ownership, where those before have been. */
  async #make(run: number, existing: readonly string[]): Promise<ConsumerInfo | undefined> {
    const { manager } = this.#bus;
    const { partition, epoch } = this.owned;
    const mine = `partition-${partition}-${epoch}-${run}`;
    for (const name of existing) {
      const [, of, at] = NAME.exec(name) ?? [];
      if (Number(of) !== partition || name === mine) continue;
      if (Number(at) > epoch) return undefined;
      await manager.consumers.delete(this.#feed, name).catch(ignoreMissing);
    }
    return manager.consumers.add(this.#feed, {
      durable_name: mine,
      filter_subject: this.#feed === STREAM.timers ? subjects.dueOf(partition) : subjects.commandsOf(partition),
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(REDELIVERY_MS),
      max_ack_pending: 1_000,
    });
  }

  #take(message: JsMsg): void {
    this.#taken = Math.max(this.#taken, message.seq);
    const envelope = decodeHeaders(message.headers);
    const answer = (body: AnswerBody): void => this.#answer(envelope.replyTo, body);
    try {
      const ref = refOfCommand(message.subject);
      const event = codecs.command.decode(message.data);
      if (typeof event !== 'object' || event === null || typeof event.type !== 'string') {
        throw new StatewattError('actors.invalid_command', 'invalid', 'a command is a JSON object with a text "type"');
      }
      const fires = this.#feed === STREAM.timers;
      const delivery: Delivery = {
        event,
        commandId: envelope.commandId ?? `${this.#feed}:${message.seq}`,
        traceparent: envelope.traceparent,
        correlationId: envelope.correlationId,
        deadline: envelope.deadline,
        ...(fires ? { timer: envelope.timer ?? '' } : { place: message.seq }),
        awaited: envelope.replyTo !== undefined,
        receivedAt: performance.now(),
        answer,
        settle: () => message.ack(),
        release: (delayMs) => message.nak(delayMs),
      };
      this.#host.deliver(ref, delivery);
    } catch (error) {
      answer({ ok: false, error: toStatewattError(error).toJSON() });
      message.term('no command');
    }
  }

  /** An answer that cannot be sent (a reply subject that is none, a closed connection) is the caller's timeout, not our fault. */
  #answer(replyTo: string | undefined, body: AnswerBody): void {
    if (replyTo === undefined) return;
    const topic = topics.answer(replyTo);
    try {
      this.#bus.nats.publish(topic.subject, topic.codec.encode(body));
    } catch (error) {
      process.emitWarning(`an answer to ${JSON.stringify(replyTo)} could not be sent: ${errorMessage(error)}`);
    }
  }
}

/** Names of a stream's consumers that feed partitions, of every ownership. */
export function queueNames(bus: Bus, feed: Feed): Promise<string[]> {
  return whileConnected(bus, async () => {
    const names: string[] = [];
    for await (const info of bus.manager.consumers.list(feed)) names.push(info.name);
    return names;
  });
}

function ignoreMissing(error: unknown): void {
  if (!/not found/i.test(errorMessage(error))) throw error;
}
