import { createInbox, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { StatewattError, toStatewattError } from '../errors/error.js';
import type { AnswerBody } from './messages.js';
import { parseJson } from './topics.js';

/** What the server answers in the place of somebody who does not listen. */
const NO_RESPONDERS = 503;
/** Questions in one message at most: a few hundred bytes each. */
const MAX_IN_MESSAGE = 512;
/** Below the asker's inbox: where answers come. Beside it are numbers, for what the server says of a message. */
export const ANSWERS = 'answers';

/** Questions that went, or will go, to one subject in one message. */
interface Message {
  readonly subject: string;
  readonly number: number;
  readonly questions: string[];
  /** Those without an answer. */
  readonly waiting: Map<number, Waiting>;
  timer: NodeJS.Timeout | undefined;
}

interface Waiting {
  readonly message: Message;
  readonly resolve: (answer: AnswerBody | undefined) => void;
  readonly reject: (error: StatewattError) => void;
}

/**
 * Questions to whoever listens on a subject (`Answers`), and their answers, over one subscription. What is asked on one
 * subject in one turn of the event loop goes in one message, `[[token, question], …]`; answers come as they are known,
 * `[[token, answer], …]`. A message for each costs the client of NATS several times what the questions themselves do
 * (`load/actors`).
 */
export class Requests {
  readonly #nats: NatsConnection;
  readonly #timeoutMs: number;
  readonly #inbox = createInbox();
  /** Still to be sent in this turn, by subject. */
  readonly #unsent = new Map<string, Message>();
  readonly #sent = new Map<number, Message>();
  readonly #waiting = new Map<number, Waiting>();
  #subscription: Subscription | undefined;
  #nextToken = 0;
  #nextMessage = 0;
  #unreadable = 0;
  #closed = false;
  readonly #onUnreadable: (error: StatewattError) => void;

  /**
   * @param timeoutMs after which a question without an answer is given up
   * @param onUnreadable told of each message in the inbox that is no answer
   */
  constructor(
    nats: NatsConnection,
    timeoutMs: number,
    onUnreadable: (error: StatewattError) => void = () => undefined,
  ) {
    this.#nats = nats;
    this.#timeoutMs = timeoutMs;
    this.#onUnreadable = onUnreadable;
  }

  /** Messages that came into the inbox and are no answers. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /**
   * The answer of whoever listens on the subject; undefined when nobody does.
   *
   * @param question anything that JSON can say
   * @throws `bus.unavailable` when none has come in time, without a connection, or when it is closed; `bus.bad_payload`
   * when what came back about the question can be no answer
   */
  request(subject: string, question: unknown): Promise<AnswerBody | undefined> {
    if (this.#closed) return Promise.reject(stopped());
    return new Promise((resolve, reject) => {
      const message = this.#messageTo(subject);
      const token = this.#nextToken++;
      const waiting = { message, resolve, reject };
      message.questions.push(`[${token},${JSON.stringify(question)}]`);
      message.waiting.set(token, waiting);
      this.#waiting.set(token, waiting);
    });
  }

  /** What waits is refused, and what is asked from now on. */
  close(): void {
    this.#closed = true;
    this.#subscription?.unsubscribe();
    for (const message of [...this.#unsent.values(), ...this.#sent.values()]) this.#refuse(message, stopped());
    this.#unsent.clear();
  }

  /** The one to which something can be added. */
  #messageTo(subject: string): Message {
    const unsent = this.#unsent.get(subject);
    if (unsent !== undefined && unsent.questions.length < MAX_IN_MESSAGE) return unsent;
    if (unsent !== undefined) this.#send(unsent);
    else if (this.#unsent.size === 0) setImmediate(() => this.#sendAll());
    const message = { subject, number: this.#nextMessage++, questions: [], waiting: new Map(), timer: undefined };
    this.#unsent.set(subject, message);
    return message;
  }

  #sendAll(): void {
    const messages = [...this.#unsent.values()];
    this.#unsent.clear();
    for (const message of messages) this.#send(message);
  }

  #send(message: Message): void {
    const { subject, number, questions } = message;
    this.#sent.set(number, message);
    message.timer = setTimeout(() => this.#refuse(message, silent(subject, this.#timeoutMs)), this.#timeoutMs);
    try {
      this.#subscription ??= this.#subscribe();
      this.#nats.publish(subject, `[${questions.join(',')}]`, { reply: `${this.#inbox}.${number}` });
    } catch (cause) {
      const why = 'there is no connection to NATS';
      this.#refuse(message, new StatewattError('bus.unavailable', 'unavailable', why, { cause }));
    }
  }

  #subscribe(): Subscription {
    return this.#nats.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#take(message);
      },
    });
  }

  /** Never throws: what is thrown here ends the connection. */
  #take(message: Msg): void {
    const name = message.subject.slice(this.#inbox.length + 1);
    try {
      if (name === ANSWERS) this.#takeAnswers(message.data);
      else this.#takeForAll(Number(name), nobody(message) ? undefined : answerOf(parseJson(message.data)));
    } catch (thrown) {
      const error = toStatewattError(thrown);
      this.#note(error);
      const about = this.#sent.get(Number(name));
      if (about !== undefined) this.#refuse(about, error);
    }
  }

  /** One that is none holds up none of the others. */
  #takeAnswers(data: Uint8Array): void {
    const answers = parseJson(data);
    if (!Array.isArray(answers)) throw noAnswer(answers, '[[token, answer], …]');
    for (const pair of answers as unknown[]) {
      if (Array.isArray(pair) && typeof pair[0] === 'number' && isAnswer(pair[1])) this.#settle(pair[0], pair[1]);
      else this.#note(noAnswer(pair, '[token, answer]'));
    }
  }

  /** About a message as a whole: the server's word that nobody listens, or why it could not be read. */
  #takeForAll(number: number, answer: AnswerBody | undefined): void {
    for (const token of [...(this.#sent.get(number)?.waiting.keys() ?? [])]) this.#settle(token, answer);
  }

  #note(error: StatewattError): void {
    this.#unreadable += 1;
    this.#onUnreadable(error);
  }

  #settle(token: number, answer: AnswerBody | undefined): void {
    this.#end(token)?.resolve(answer);
  }

  #refuse(message: Message, error: StatewattError): void {
    for (const token of [...message.waiting.keys()]) this.#end(token)?.reject(error);
  }

  #end(token: number): Waiting | undefined {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return undefined;
    const { message } = waiting;
    this.#waiting.delete(token);
    message.waiting.delete(token);
    if (message.waiting.size === 0) {
      clearTimeout(message.timer);
      this.#sent.delete(message.number);
    }
    return waiting;
  }
}

function nobody({ data, headers }: Msg): boolean {
  return data.length === 0 && headers?.code === NO_RESPONDERS;
}

function isAnswer(value: unknown): value is AnswerBody {
  return typeof value === 'object' && value !== null && 'ok' in value && typeof value.ok === 'boolean';
}

/** @throws `bus.bad_payload` */
function answerOf(value: unknown): AnswerBody {
  if (isAnswer(value)) return value;
  throw noAnswer(value, 'an answer');
}

function noAnswer(found: unknown, allowed: string): StatewattError {
  const shown = JSON.stringify(found).slice(0, 60);
  return new StatewattError(
    'bus.bad_payload',
    'invalid',
    `in the inbox of answers: found ${shown}, allowed ${allowed}`,
  );
}

function stopped(): StatewattError {
  return new StatewattError('bus.unavailable', 'unavailable', 'the system was stopped');
}

function silent(subject: string, timeoutMs: number): StatewattError {
  const text = `nobody answered on ${subject} within ${timeoutMs} ms`;
  return new StatewattError('bus.unavailable', 'unavailable', text, { retryAfterMs: 500 });
}
