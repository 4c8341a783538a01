import { createInbox, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { StatewattError } from '../errors/error.js';
import type { AnswerBody } from './messages.js';
import { codecs, parseJson } from './topics.js';

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

  /** @param timeoutMs after which a question without an answer is given up */
  constructor(nats: NatsConnection, timeoutMs: number) {
    this.#nats = nats;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * The answer of whoever listens on the subject; undefined when nobody does.
   *
   * @param question anything that JSON can say
   * @throws `bus.unavailable` when none has come in time, or without a connection
   */
  request(subject: string, question: unknown): Promise<AnswerBody | undefined> {
    return new Promise((resolve, reject) => {
      const message = this.#messageTo(subject);
      const token = this.#nextToken++;
      const waiting = { message, resolve, reject };
      message.questions.push(`[${token},${JSON.stringify(question)}]`);
      message.waiting.set(token, waiting);
      this.#waiting.set(token, waiting);
    });
  }

  /** What waits is refused. */
  close(): void {
    this.#subscription?.unsubscribe();
    for (const message of [...this.#unsent.values(), ...this.#sent.values()]) {
      this.#refuse(message, new StatewattError('bus.unavailable', 'unavailable', 'the system was stopped'));
    }
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

  #take(message: Msg): void {
    const name = message.subject.slice(this.#inbox.length + 1);
    if (name === ANSWERS) {
      for (const [token, answer] of parseJson(message.data) as [number, AnswerBody][]) this.#settle(token, answer);
      return;
    }
    // About the message as a whole: the server's word that nobody listens, or why it could not be read.
    const answer = nobody(message) ? undefined : codecs.answer.decode(message.data);
    for (const token of [...(this.#sent.get(Number(name))?.waiting.keys() ?? [])]) this.#settle(token, answer);
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

function silent(subject: string, timeoutMs: number): StatewattError {
  const text = `nobody answered on ${subject} within ${timeoutMs} ms`;
  return new StatewattError('bus.unavailable', 'unavailable', text, { retryAfterMs: 500 });
}
