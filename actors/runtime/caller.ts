import { randomUUID } from 'node:crypto';
import { createInbox, type Subscription } from '@nats-io/transport-node';
import { StatewattError, errorMessage } from '../../errors/error.js';
import type { Bus } from '../../bus/connection.js';
import { encodeHeaders, newTraceparent } from '../../bus/headers.js';
import type { AnswerBody, EventBody } from '../../bus/messages.js';
import { formatRef, type Ref } from '../../bus/subjects.js';
import { codecs, topics } from '../../bus/topics.js';
import { Histogram } from '../../telemetry/histogram.js';
import { failSpan, traceparentOf } from '../../telemetry/spans.js';
import { GroupCommit } from './group-commit.js';
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

/** Sends commands to actors, wherever they live, and waits for their answers. */
export class Caller {
  readonly counters: CallerCounters = { askErrors: 0, tells: 0, tellErrors: 0 };
  /** From an ask to its answer. */
  readonly askTimes = new Histogram();
  readonly #commits: GroupCommit;
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, (body: AnswerBody) => void>();
  readonly #subscription: Subscription;
  #nextToken = 0;

  constructor(bus: Bus) {
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
    try {
      const answered = new Promise<AnswerBody>((resolve, reject) => {
        this.#waiting.set(token, resolve);
        timer = setTimeout(() => reject(timedOut(ref, command, waitMs)), waitMs);
      });
      answered.catch(() => undefined); // Raced below; a late rejection has nobody left to tell.
      const traceparent = traceparentOf(span) ?? options.traceparent;
      const sent = this.#send(ref, command, { ...options, traceparent }, waitMs, `${this.#inbox}.${token}`);
      const body = await Promise.race([answered, sent.then(() => answered)]);
      if (!body.ok) throw StatewattError.fromJSON(body.error);
      return body.reply;
    } catch (error) {
      this.counters.askErrors += 1;
      failSpan(span, error);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(token);
      this.askTimes.since(startedAt);
      span?.end();
    }
  }

  /** Resolves when the command is durably queued. It has no deadline unless one is given. @throws `bus.unavailable`, `actors.busy` */
  async tell(ref: Ref, command: EventBody, options: AskOptions = {}): Promise<void> {
    const span = callSpan('tell', ref, command, options.traceparent);
    this.counters.tells += 1;
    try {
      const traceparent = traceparentOf(span) ?? options.traceparent;
      await this.#send(ref, command, { ...options, traceparent }, options.deadline, undefined);
    } catch (error) {
      this.counters.tellErrors += 1;
      failSpan(span, error);
      throw error;
    } finally {
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

  async #send(
    ref: Ref,
    command: EventBody,
    options: Omit<AskOptions, 'traceparent'> & { traceparent: string | undefined },
    deadlineMs: number | undefined,
    replyTo: string | undefined,
  ): Promise<void> {
    const topic = topics.command(ref);
    const commandId = options.commandId ?? randomUUID();
    const headers = encodeHeaders({
      schema: topic.codec.schema,
      traceparent: options.traceparent ?? newTraceparent(),
      correlationId: options.correlationId ?? commandId,
      commandId,
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs }),
    });
    try {
      await this.#commits.write({ subject: topic.subject, payload: topic.codec.encode(command), headers });
    } catch (cause) {
      const full = /maximum (messages|bytes) exceeded/.test(errorMessage(cause));
      throw new StatewattError(
        full ? 'actors.busy' : 'bus.unavailable',
        full ? 'busy' : 'unavailable',
        full
          ? 'the queue of commands is full; try later'
          : `"${command.type}" to ${formatRef(ref)} could not be sent: ${errorMessage(cause)}`,
        { cause, retryAfterMs: 1_000 },
      );
    }
  }
}

function timedOut(ref: Ref, command: EventBody, waitMs: number): StatewattError {
  return new StatewattError(
    'actors.timeout',
    'timeout',
    `${formatRef(ref)} did not answer "${command.type}" within ${waitMs} ms; whether it was accepted is known by asking again with the same command id`,
  );
}
