import { AckPolicy, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Bus } from '../../bus/connection.js';
import { decodeHeaders } from '../../bus/headers.js';
import type { AnswerBody } from '../../bus/messages.js';
import { STREAM } from '../../bus/streams.js';
import { PARTITIONS, refOfCommand, subjects } from '../../bus/subjects.js';
import { codecs, topics } from '../../bus/topics.js';
import { StatewattError, errorMessage, toStatewattError } from '../../errors/error.js';
import type { Delivery } from './activation.js';
import type { ActorHost } from './host.js';

const GROUP = 'owner';
/** How long a pinned node may be silent before the server pins another. */
const PIN_TIMEOUT_MS = 1_000;
const REDELIVERY_MS = 15_000;

/**
 * Feeds an ActorHost from the command queue: one durable consumer a partition, with one pinned client each. Being
 * pinned is owning the partition; the server fails over when the owner goes.
 */
export class Partitions {
  readonly #bus: Bus;
  readonly #host: ActorHost;
  #consumers: ConsumerMessages[] = [];

  constructor(bus: Bus, host: ActorHost) {
    this.#bus = bus;
    this.#host = host;
  }

  async start(): Promise<void> {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    this.#consumers = await Promise.all(partitions.map((partition) => this.#consume(partition)));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.close()));
    this.#consumers = [];
  }

  async #consume(partition: number): Promise<ConsumerMessages> {
    const name = `partition-${partition}`;
    await this.#bus.manager.consumers.add(STREAM.commands, {
      durable_name: name,
      filter_subject: subjects.commandsOf(partition),
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(REDELIVERY_MS),
      max_ack_pending: 1_000,
      priority_policy: 'pinned_client',
      priority_groups: [GROUP],
      priority_timeout: nanos(PIN_TIMEOUT_MS),
    });
    const consumer = await this.#bus.jetstream.consumers.get(STREAM.commands, name);
    return consumer.consume({
      group: GROUP,
      idle_heartbeat: 500,
      max_messages: 200,
      callback: (message) => this.#take(message),
    });
  }

  #take(message: JsMsg): void {
    const envelope = decodeHeaders(message.headers);
    const answer = (body: AnswerBody): void => this.#answer(envelope.replyTo, body);
    try {
      const ref = refOfCommand(message.subject);
      const event = codecs.command.decode(message.data);
      if (typeof event !== 'object' || event === null || typeof event.type !== 'string') {
        throw new StatewattError('actors.invalid_command', 'invalid', 'a command is a JSON object with a text "type"');
      }
      const delivery: Delivery = {
        event,
        commandId: envelope.commandId ?? `${STREAM.commands}:${message.seq}`,
        traceparent: envelope.traceparent,
        correlationId: envelope.correlationId,
        deadline: envelope.deadline,
        awaited: envelope.replyTo !== undefined,
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
