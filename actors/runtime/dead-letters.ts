import type { StoredMsg } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';
import type { DeadEffect, DeadLetter, EventBody } from '../../bus/messages.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { parseRef, subjects, type Ref } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { whileConnected } from '../../bus/while-connected.js';
import { StatewattError, errorMessage } from '../../errors/error.js';
import type { AskOptions } from './caller.js';
import { replayIdOf } from './replay-id.js';

/** A dead letter where it lies. */
export interface StoredLetter {
  /** Sequence in the stream of dead letters; rises with time, never given twice. */
  readonly id: number;
  /** When it was laid down, ms since the Unix epoch (the server's clock). */
  readonly parkedAt: number;
  readonly letter: DeadLetter;
}

/** Which letters are wanted; all unless said otherwise. */
export interface LetterFilter {
  readonly kind?: string;
  readonly ref?: Ref;
  /** Name of the effect that could not be carried out. */
  readonly effect?: string;
  /** Inclusive, ms since the Unix epoch. */
  readonly from?: number;
  /** Exclusive. */
  readonly to?: number;
}

/** What an operator decided about a letter. */
export interface LetterDecision {
  readonly decision: 'replayed' | 'discarded';
  readonly stored: StoredLetter;
}

export interface DeadLettersOptions {
  readonly bus: Bus;
  readonly ask: (ref: Ref, command: EventBody, options: AskOptions) => Promise<unknown>;
  /** Runs an effect once more, under its old key. */
  readonly rerun: (ref: Ref, letter: DeadLetter, effect: DeadEffect) => Promise<void>;
  readonly onDecision?: (decision: LetterDecision) => void;
}

/** Messages, and bytes of them, that are read in one go. */
const BATCH = 250;
const BATCH_BYTES = 4 * 1024 ** 2;
/** How long a replayed command waits for its actor's answer. */
const REPLAY_DEADLINE_MS = 10_000;

/** What actors could not process and effects that could not be carried out: to be looked at, and done again or dropped. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** How many there are, of all nodes. @throws `bus.unavailable` */
  async count(): Promise<number> {
    const { bus } = this.#options;
    return (await this.#reach(() => bus.manager.streams.info(STREAM.deadLetters))).state.messages;
  }

  /**
   * The oldest `limit` letters behind the letter `after` that the filter lets through.
   *
   * @throws `bus.unavailable`
   */
  async list(filter: LetterFilter = {}, limit = 1_000, after = 0): Promise<StoredLetter[]> {
    const { bus } = this.#options;
    const about = { next_by_subj: subjectOf(filter), batch: BATCH, max_bytes: BATCH_BYTES };
    const found: StoredLetter[] = [];
    let start: { seq: number } | { start_time: Date } =
      filter.from === undefined || after > 0 ? { seq: after + 1 } : { start_time: new Date(filter.from) };
    for (;;) {
      const batch = await readBatch(bus, STREAM.deadLetters, { ...about, ...start });
      for (const message of batch) {
        const stored = open(message);
        if (stored.parkedAt >= (filter.to ?? Infinity)) return found;
        if (!isWanted(stored, filter)) continue;
        found.push(stored);
        if (found.length === limit) return found;
      }
      const last = batch.at(-1);
      if (last === undefined) return found;
      start = { seq: last.seq + 1 };
    }
  }

  /** @throws `dead_letters.not_found`, `bus.unavailable` */
  async read(id: number): Promise<StoredLetter> {
    const { bus } = this.#options;
    const message = await this.#reach(() => bus.manager.direct.getMessage(STREAM.deadLetters, { seq: id }));
    if (message === null) throw notFound(id);
    return open(message);
  }

  /**
   * Sends the command again to its actor, or runs the effect once more under its old key, and removes the letter when
   * that has succeeded. Doing it twice does it once: the command has the same id each time, and the effect its key.
   *
   * Answers what the actor answered; null for an effect.
   *
   * @throws `dead_letters.not_found`; `dead_letters.not_replayable` for an event that the actor had sent to itself, or
   *   of which only the type is left; what the actor or the effect throws, and then the letter stays
   */
  async replay(id: number): Promise<{ readonly stored: StoredLetter; readonly answer: unknown }> {
    const { ask, rerun, onDecision } = this.#options;
    const stored = await this.read(id);
    const { letter } = stored;
    const ref = parseRef(letter.ref);
    let answer: unknown = null;
    if (letter.effect !== undefined) {
      await rerun(ref, letter, letter.effect);
    } else if (letter.commandId !== undefined && letter.eventOmitted !== true) {
      answer = await ask(ref, letter.event, {
        commandId: replayIdOf(letter.commandId),
        deadline: REPLAY_DEADLINE_MS,
        ...(letter.traceparent === undefined ? {} : { traceparent: letter.traceparent }),
      });
    } else {
      throw notReplayable(stored);
    }
    await this.#remove(id);
    onDecision?.({ decision: 'replayed', stored });
    return { stored, answer };
  }

  /** Removes a letter for good; answers what it was. @throws `dead_letters.not_found`, `bus.unavailable` */
  async discard(id: number): Promise<StoredLetter> {
    const stored = await this.read(id);
    if (!(await this.#remove(id))) throw notFound(id);
    this.#options.onDecision?.({ decision: 'discarded', stored });
    return stored;
  }

  /** False when it was gone already. */
  async #remove(id: number): Promise<boolean> {
    const { bus } = this.#options;
    try {
      return await this.#reach(() => bus.manager.streams.deleteMessage(STREAM.deadLetters, id, false));
    } catch (error) {
      const there = await this.#reach(() => bus.manager.direct.getMessage(STREAM.deadLetters, { seq: id }));
      if (there !== null) throw error;
      return false;
    }
  }

  async #reach<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await whileConnected(this.#options.bus, ask);
    } catch (cause) {
      if (cause instanceof StatewattError) throw cause;
      const text = `the dead letters cannot be reached: ${errorMessage(cause)}`;
      throw new StatewattError('bus.unavailable', 'unavailable', text, { cause, retryAfterMs: 1_000 });
    }
  }
}

function open(message: StoredMsg): StoredLetter {
  return { id: message.seq, parkedAt: message.time.getTime(), letter: codecs.deadLetter.decode(message.data) };
}

function subjectOf({ kind, ref }: LetterFilter): string {
  if (ref !== undefined) return subjects.deadLetter(ref);
  return kind === undefined ? subjects.deadLetters : subjects.deadLettersOf(kind);
}

function isWanted({ letter, parkedAt }: StoredLetter, filter: LetterFilter): boolean {
  return (
    parkedAt >= (filter.from ?? 0) &&
    (filter.effect === undefined || letter.effect?.type === filter.effect) &&
    (filter.kind === undefined || letter.ref.startsWith(`${filter.kind}/`))
  );
}

function notFound(id: number): StatewattError {
  return new StatewattError(
    'dead_letters.not_found',
    'not_found',
    `there is no dead letter ${id}; it may have been replayed or discarded`,
  );
}

function notReplayable({ id, letter }: StoredLetter): StatewattError {
  const { ref, event, eventOmitted } = letter;
  const why =
    eventOmitted === true
      ? `was too big to be kept whole: of "${event.type}" for ${ref} only the type is left; have it sent again by who sent it`
      : `is an event "${event.type}" that ${ref} had sent to itself; only commands and effects can be replayed`;
  return new StatewattError('dead_letters.not_replayable', 'conflict', `dead letter ${id} ${why}`);
}
