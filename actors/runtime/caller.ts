import { randomUUID } from 'node:crypto';
import { createInbox, type Subscription } from '@nats-io/transport-node';
import { StatewattError, errorMessage, toStatewattError } from '../../errors/error.js';
import type { Bus } from '../../bus/connection.js';
import { encodeHeaders, newTraceparent } from '../../bus/headers.js';
import type { AnswerBody, EventBody } from '../../bus/messages.js';
import { formatRef, makeRef, partitionOf, type Ref } from '../../bus/subjects.js';
import { codecs, topics } from '../../bus/topics.js';
import { Histogram } from '../../telemetry/histogram.js';
import { failSpan, traceparentOf } from '../../telemetry/spans.js';
import type { Delivery } from './delivery.js';
import { GroupCommit } from './group-commit.js';
import { refusal } from './refusals.js';
import { SendingOrder, type Place } from './sending-order.js';
import { callSpan } from './spans.js';

/** What a caller may say with a command. */
export interface AskOptions {
  /** Ms to wait for the answer. Default 5,000. Not begun by then, the command is not done at all. */
  deadline?: number;
  /** A second command with the same id is answered like the first and changes nothing. */
  commandId?: string;
  /** W3C traceparent of the caller. Default: OpenTelemetry's active span, if the process has an SDK. */
  traceparent?: string;
  correlationId?: string;
}

/** Ms that an ask waits for its answer unless it says otherwise. */
export const DEFAULT_DEADLINE_MS = 5_000;

/** What the callers of this node have asked for, and what came of it. */
export interface CallerCounters {
  /** Asks that were refused, or were not answered in time. */
  askErrors: number;
  tells: number;
  /** Commands that could not be queued. */
  tellErrors: number;
}

/**
 * Hands a command straight to its actor if that lives in this process, and if all that stands in its partition's queue up
 * to `behind` was taken. False: it has to be queued.
 */
export type StraightWay = (ref: Ref, delivery: Delivery, behind: number) => boolean;

/** A command on its way. */
interface Sending {
  readonly ref: Ref;
  readonly event: EventBody;
  readonly payload: Uint8Array;
  readonly commandId: string;
  readonly correlationId: string;
  readonly traceparent: string;
  /** Ms since the Unix epoch. */
  readonly deadline: number | undefined;
  /** Of who waits for its answer. */
  readonly token: string | undefined;
}

/** Bigger commands go through the queue: it knows what the server takes. */
const MAX_STRAIGHT_BYTES = 64 * 1024;
/** Behind everything that the queue has: a place that nothing there has. */
const LAST_PLACE = Number.MAX_SAFE_INTEGER;

/**
 * Sends commands to actors, wherever they live, and waits for their answers. What nobody waits for is queued. An ask goes
 * straight to an actor in the same process: it is durable once the actor has journaled it, and until then nobody was told so.
 */
export class Caller {
  readonly counters: CallerCounters = { askErrors: 0, tells: 0, tellErrors: 0 };
  /** From an ask to its answer. */
  readonly askTimes = new Histogram();
  readonly #bus: Bus;
  readonly #straightWay: StraightWay | undefined;
  readonly #commits: GroupCommit;
  readonly #order = new SendingOrder();
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, (body: AnswerBody) => void>();
  readonly #subscription: Subscription;
  #nextToken = 0;

  constructor(bus: Bus, straightWay?: StraightWay) {
    this.#bus = bus;
    this.#straightWay = straightWay;
    this.#commits = new GroupCommit(bus, { fenced: false });
    this.#subscription = bus.nats.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error) return;
        const token = message.subject.slice(this.#inbox.length + 1);
        this.#waiting.get(token)?.(codecs.answer.decode(message.data));
      },
    });
  }

  /**
   * Resolves with the actor's answer, after the command is durable.
   *
   * @throws the actor's refusal; `actors.timeout` when no answer came in time (the command may have been accepted: ask
   * again with the same commandId to learn it); `bus.unavailable`
   */
  async ask(ref: Ref, command: EventBody, options: AskOptions = {}): Promise<unknown> {
    const waitMs = options.deadline ?? DEFAULT_DEADLINE_MS;
    const token = String(this.#nextToken++);
    const startedAt = performance.now();
    const span = callSpan('ask', ref, command, options.traceparent);
    let timer: NodeJS.Timeout | undefined;
    let done: () => void = () => undefined;
    try {
      const answered = new Promise<AnswerBody>((resolve, reject) => {
        this.#waiting.set(token, resolve);
        timer = setTimeout(() => reject(timedOut(ref, command, waitMs)), waitMs);
      });
      answered.catch(() => undefined); // Raced below; a late rejection has nobody left to tell.
      const traceparent = traceparentOf(span) ?? options.traceparent;
      const sending = prepare(ref, command, { ...options, traceparent, deadline: waitMs }, token);
      const straight = this.#sendStraight(sending);
      if (straight !== undefined) {
        done = straight;
        return opened(await answered);
      }
      const place = this.#order.queue(formatRef(ref));
      done = () => this.#order.queueDone(place);
      const sent = this.#queue(sending);
      return opened(await Promise.race([answered, sent.then(() => answered)]));
    } catch (error) {
      this.counters.askErrors += 1;
      failSpan(span, error);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(token);
      done();
      this.askTimes.since(startedAt);
      span?.end();
    }
  }

  /** Resolves when the command is durably queued. It has no deadline unless one is given. @throws `bus.unavailable`, `actors.busy` */
  async tell(ref: Ref, command: EventBody, options: AskOptions = {}): Promise<void> {
    const span = callSpan('tell', ref, command, options.traceparent);
    this.counters.tells += 1;
    const place = this.#order.queue(formatRef(ref));
    try {
      const traceparent = traceparentOf(span) ?? options.traceparent;
      await this.#queue(prepare(ref, command, { ...options, traceparent }, undefined));
    } catch (error) {
      this.counters.tellErrors += 1;
      failSpan(span, error);
      throw error;
    } finally {
      this.#order.queueDone(place);
      span?.end();
    }
  }

  close(): void {
    this.#subscription.unsubscribe();
    for (const resolve of this.#waiting.values()) {
      resolve({
        ok: false,
        error: new StatewattError('client.closed', 'unavailable', 'the client was closed').toJSON(),
      });
    }
  }

  /** undefined: it has to be queued. Otherwise what to do when its caller waits no longer. */
  #sendStraight(sending: Sending): (() => void) | undefined {
    const { payload, token = '' } = sending;
    const ref = makeRef(sending.ref.kind, sending.ref.id);
    // Without a connection an actor would begin what it cannot end, and the caller not hear why.
    if (this.#straightWay === undefined || this.#bus.status !== 'connected') return undefined;
    if (payload.length > MAX_STRAIGHT_BYTES || typeof sending.event.type !== 'string') return undefined;
    const actor = formatRef(ref);
    const behind = this.#order.straightBehind(actor, partitionOf(ref));
    if (behind === undefined) return undefined;
    const place = this.#order.straight(actor);
    let queued: Place | undefined;
    const queue = async (): Promise<void> => {
      queued ??= this.#order.queue(actor, place);
      await this.#queue(sending);
    };
    const answer = (body: AnswerBody): void => this.#waiting.get(token)?.(asSent(body));
    const release = (): void => {
      if (!this.#waiting.has(token)) return; // Nobody waits for it any longer.
      if (this.#order.isOvertaken(place)) answer(refusal(movedAway(ref, sending.event)));
      else queue().catch((error: unknown) => answer(refusal(toStatewattError(error))));
    };
    const delivery: Delivery = {
      // As it would come out of the queue: nobody else has it.
      event: codecs.command.decode(payload),
      commandId: sending.commandId,
      traceparent: sending.traceparent,
      correlationId: sending.correlationId,
      deadline: sending.deadline,
      awaited: true,
      place: LAST_PLACE,
      receivedAt: performance.now(),
      answer,
      settle: () => undefined,
      release,
      queue,
    };
    if (!this.#straightWay(ref, delivery, behind)) {
      this.#order.straightDone(place);
      return undefined;
    }
    return () => {
      if (queued !== undefined) this.#order.queueDone(queued);
      this.#order.straightDone(place);
    };
  }

  /** Resolves when it stands in the queue. */
  async #queue({ ref, event, payload, token, deadline, ...names }: Sending): Promise<void> {
    const { subject, codec } = topics.command(ref);
    const headers = encodeHeaders({
      schema: codec.schema,
      traceparent: names.traceparent,
      correlationId: names.correlationId,
      commandId: names.commandId,
      ...(token === undefined ? {} : { replyTo: `${this.#inbox}.${token}` }),
      ...(deadline === undefined ? {} : { deadline }),
    });
    try {
      const { seq } = await this.#commits.write({ subject, payload, headers });
      this.#order.queuedAt(partitionOf(ref), seq);
    } catch (cause) {
      const full = /maximum (messages|bytes) exceeded/.test(errorMessage(cause));
      throw new StatewattError(
        full ? 'actors.busy' : 'bus.unavailable',
        full ? 'busy' : 'unavailable',
        full
          ? 'the queue of commands is full; try later'
          : `"${event.type}" to ${formatRef(ref)} could not be sent: ${errorMessage(cause)}`,
        { cause, retryAfterMs: 1_000 },
      );
    }
  }
}

function prepare(
  ref: Ref,
  event: EventBody,
  options: Omit<AskOptions, 'traceparent'> & { traceparent: string | undefined },
  token: string | undefined,
): Sending {
  const commandId = options.commandId ?? randomUUID();
  return {
    ref,
    event,
    payload: encoded(ref, event),
    commandId,
    correlationId: options.correlationId ?? commandId,
    traceparent: options.traceparent ?? newTraceparent(),
    deadline: options.deadline === undefined ? undefined : Date.now() + options.deadline,
    token,
  };
}

/** @throws `actors.invalid_command` */
function encoded(ref: Ref, event: EventBody): Uint8Array {
  try {
    return codecs.command.encode(event);
  } catch (cause) {
    const text = `a command to ${formatRef(ref)} is no JSON: ${errorMessage(cause)}`;
    throw new StatewattError('actors.invalid_command', 'invalid', text, { cause });
  }
}

/** @throws the actor's refusal */
function opened(body: AnswerBody): unknown {
  if (!body.ok) throw StatewattError.fromJSON(body.error);
  return body.reply;
}

/** As it would come over the bus: the actor's own objects stay its own. */
function asSent(body: AnswerBody): AnswerBody {
  try {
    return codecs.answer.decode(codecs.answer.encode(body));
  } catch (error) {
    return refusal(toStatewattError(error));
  }
}

/** Its actor went to another node before it took the command, and later ones of the same caller are on their way there. */
function movedAway(ref: Ref, command: EventBody): StatewattError {
  return new StatewattError(
    'actors.not_owner',
    'unavailable',
    `${formatRef(ref)} went to another node before it took "${command.type}"; ask again`,
    { retryAfterMs: 500 },
  );
}

function timedOut(ref: Ref, command: EventBody, waitMs: number): StatewattError {
  return new StatewattError(
    'actors.timeout',
    'timeout',
    `${formatRef(ref)} did not answer "${command.type}" within ${waitMs} ms; whether it was accepted is known by asking again with the same command id`,
  );
}
