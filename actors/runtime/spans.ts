import { SpanKind, type Span } from '@opentelemetry/api';
import type { AnswerBody, EventBody } from '../../bus/messages.js';
import { STREAM } from '../../bus/streams.js';
import { formatRef, type Ref } from '../../bus/subjects.js';
import { contextOf, failSpan, liveContext, spanning, traceparentOf, tracer } from '../../telemetry/spans.js';
import type { Delivery } from './delivery.js';

// Names and attributes follow OpenTelemetry's conventions for messaging where they have a word for it.

/** The caller's part of a command: until it is answered (ask), until it is durably queued (tell). */
export function callSpan(
  call: 'ask' | 'tell',
  ref: Ref,
  command: EventBody,
  traceparent: string | undefined,
): Span | undefined {
  return tracer()?.startSpan(
    `${call} ${ref.kind}.${command.type}`,
    {
      kind: call === 'ask' ? SpanKind.CLIENT : SpanKind.PRODUCER,
      attributes: {
        'messaging.system': 'nats',
        'messaging.operation.type': 'send',
        'messaging.operation.name': call,
        'messaging.destination.name': STREAM.commands,
        'statewatt.actor': formatRef(ref),
      },
    },
    traceparent === undefined ? liveContext() : contextOf(traceparent),
  );
}

/** The appending of an entry; the entry's traceparent is its own. */
export function appendSpan(ref: Ref, event: EventBody, parent: string | undefined): Span | undefined {
  return tracer()?.startSpan(
    `append ${ref.kind}.${event.type}`,
    {
      kind: SpanKind.PRODUCER,
      attributes: {
        'messaging.system': 'nats',
        'messaging.operation.type': 'send',
        'messaging.operation.name': 'append',
        'messaging.destination.name': STREAM.journal,
        'statewatt.actor': formatRef(ref),
      },
    },
    contextOf(parent),
  );
}

/** What the span of an effect's run tells. */
export interface EffectFacts {
  readonly ref: Ref;
  readonly type: string;
  readonly key: string;
  /** Where it runs; not told of one that a person repeats. */
  readonly node?: string;
  /** Of a durable effect: 1 for the first run of this owner. */
  readonly attempt?: number;
}

/** One run of an effect, as a child of its journal entry; a durable one may come much later, on another node. */
export function effectSpan(facts: EffectFacts, entry: string): Span | undefined {
  const { ref, type, key, node, attempt } = facts;
  return tracer()?.startSpan(
    `effect ${ref.kind}.${type}`,
    {
      kind: attempt === undefined ? SpanKind.INTERNAL : SpanKind.CONSUMER,
      attributes: {
        'statewatt.actor': formatRef(ref),
        'statewatt.effect.key': key,
        'statewatt.effect.durable': attempt !== undefined,
        ...(node === undefined ? {} : { 'statewatt.node': node }),
        ...(attempt === undefined ? {} : { 'statewatt.effect.attempt': attempt }),
      },
    },
    contextOf(entry),
  );
}

/** Every field, the optional ones too: none may be lost on the way. */
type Whole<T> = { [Key in keyof Required<T>]: T[Key] };

/** A delivery whose span is that of its processing; a refusal is noted in it. */
class TracedDelivery implements Whole<Delivery> {
  readonly original: Delivery;
  readonly traceparent: string | undefined;
  readonly #span: Span;

  constructor(original: Delivery, span: Span) {
    this.original = original;
    this.traceparent = traceparentOf(span) ?? original.traceparent;
    this.#span = span;
  }

  get event(): EventBody {
    return this.original.event;
  }
  get commandId(): string {
    return this.original.commandId;
  }
  get correlationId(): string | undefined {
    return this.original.correlationId;
  }
  get deadline(): number | undefined {
    return this.original.deadline;
  }
  get awaited(): boolean {
    return this.original.awaited;
  }
  get place(): number | undefined {
    return this.original.place;
  }
  get timer(): string | undefined {
    return this.original.timer;
  }
  get receivedAt(): number | undefined {
    return this.original.receivedAt;
  }
  get queue(): (() => Promise<void>) | undefined {
    return this.original.queue;
  }

  answer(body: AnswerBody): void {
    if (!body.ok) failSpan(this.#span, body.error);
    this.original.answer(body);
  }
  settle(): void {
    this.original.settle();
  }
  release(delayMs?: number): void {
    this.original.release(delayMs);
  }
}

/** Runs `work` for a command in a span of its own; without an SDK it only runs it. */
export function processing(
  given: Delivery,
  ref: Ref,
  node: string,
  work: (delivery: Delivery) => Promise<void>,
): Promise<void> {
  // One that was put back comes again, to a span beside the one before.
  const delivery = given instanceof TracedDelivery ? given.original : given;
  const { receivedAt } = delivery;
  const span = tracer()?.startSpan(
    `process ${ref.kind}.${delivery.event.type}`,
    {
      kind: SpanKind.CONSUMER,
      attributes: {
        'messaging.system': 'nats',
        'messaging.operation.type': 'process',
        'messaging.operation.name': 'process',
        'messaging.destination.name': STREAM.commands,
        'messaging.message.id': delivery.commandId,
        'statewatt.actor': formatRef(ref),
        'statewatt.node': node,
        ...(receivedAt === undefined ? {} : { 'statewatt.mailbox_ms': performance.now() - receivedAt }),
      },
    },
    contextOf(delivery.traceparent),
  );
  return span === undefined ? work(delivery) : spanning(span, () => work(new TracedDelivery(delivery, span)));
}
