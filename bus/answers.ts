import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { StatewattError, toStatewattError } from '../errors/error.js';
import type { AnswerBody } from './messages.js';
import { ANSWERS } from './requests.js';
import { codecs, parseJson } from './topics.js';

/** Characters of answers that go in one message; what is larger alone goes alone. */
const MAX_IN_MESSAGE = 256 * 1024;

/** Of one asker, not sent yet. */
interface Unsent {
  readonly answers: string[];
  length: number;
}

/** The other side of `Requests`: what is known for one asker at the end of a turn of the event loop goes in one message. */
export class Answers {
  readonly #nats: NatsConnection;
  /** By inbox. */
  readonly #unsent = new Map<string, Unsent>();

  constructor(nats: NatsConnection) {
    this.#nats = nats;
  }

  /** Has each question of a message answered; they do not wait for each other. `answer` must not reject. */
  take(message: Msg, answer: (question: unknown) => Promise<AnswerBody>): void {
    const { reply } = message;
    if (reply === undefined) return;
    try {
      const inbox = `${reply.slice(0, reply.lastIndexOf('.'))}.${ANSWERS}`;
      for (const [token, question] of questionsOf(message)) {
        void answer(question).then((body) => this.#add(inbox, token, body));
      }
    } catch (error) {
      message.respond(codecs.answer.encode({ ok: false, error: toStatewattError(error).toJSON() }));
    }
  }

  #add(inbox: string, token: number, body: AnswerBody): void {
    const text = this.#sized(token, body);
    let unsent = this.#unsent.get(inbox);
    if (unsent !== undefined && unsent.length + text.length > MAX_IN_MESSAGE) {
      this.#send(inbox, unsent);
      unsent = undefined;
    }
    if (unsent === undefined) {
      if (this.#unsent.size === 0) setImmediate(() => this.#sendAll());
      unsent = { answers: [], length: 0 };
      this.#unsent.set(inbox, unsent);
    }
    unsent.answers.push(text);
    unsent.length += text.length;
  }

  /** What the server would not take is answered with an error that says so. */
  #sized(token: number, body: AnswerBody): string {
    const text = `[${token},${JSON.stringify(body)}]`;
    const most = this.#nats.info?.max_payload ?? Infinity;
    if (text.length * 3 + 2 <= most) return text; // In UTF-8 a character is three bytes at most.
    const bytes = Buffer.byteLength(text) + 2;
    if (bytes <= most) return text;
    const why = `the answer has ${bytes} bytes; NATS takes ${most} in a message (max_payload)`;
    const error = new StatewattError('bus.too_large', 'invalid', why).toJSON();
    return `[${token},${JSON.stringify({ ok: false, error } satisfies AnswerBody)}]`;
  }

  #sendAll(): void {
    const all = [...this.#unsent];
    this.#unsent.clear();
    for (const [inbox, unsent] of all) this.#send(inbox, unsent);
  }

  #send(inbox: string, { answers }: Unsent): void {
    // A connection that was closed meanwhile needs no answers: whoever asked hears nothing and gives up in time.
    if (!this.#nats.isClosed()) this.#nats.publish(inbox, `[${answers.join(',')}]`);
  }
}

function questionsOf({ data }: Msg): [number, unknown][] {
  const questions = parseJson(data);
  if (Array.isArray(questions) && questions.every(isQuestion)) return questions;
  throw new StatewattError('bus.bad_payload', 'invalid', 'questions are [[number, question], …]');
}

function isQuestion(value: unknown): value is [number, unknown] {
  return Array.isArray(value) && value.length === 2 && Number.isSafeInteger(value[0]);
}
