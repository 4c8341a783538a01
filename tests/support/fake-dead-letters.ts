import { StatewattError } from '../../errors/error.js';
import type {
  DeadLetterDetail,
  DeadLettersPage,
  DeadLettersQuery,
  ReplayReply,
} from '../../actors/client/dead-letter-schemas.js';

/** Dead letters in memory: a command that made its actor throw (17), and an effect that was given up (18). */
export class FakeDeadLetters {
  readonly #letters: Map<number, DeadLetterDetail>;

  constructor(time: number) {
    const common = { node: 'node-1', parkedAt: time, seq: 41, traceparent: null, replayable: true };
    const command: DeadLetterDetail = {
      ...common,
      id: 17,
      ref: 'counter/a',
      event: 'add',
      effect: null,
      key: null,
      attempts: null,
      commandId: 'order-7',
      error: { code: 'actors.poison', category: 'invalid', message: 'counter/a cannot process "add": broken' },
      payload: { type: 'add', by: 5 },
      params: null,
      state: { value: 'open', context: { total: 1 } },
    };
    const effect: DeadLetterDetail = {
      ...common,
      id: 18,
      ref: 'order/b',
      event: 'pay',
      effect: 'notify',
      key: 'order/b#42.0',
      attempts: 8,
      commandId: null,
      error: { code: 'effects.failed', category: 'internal', message: 'answered 503' },
      payload: { type: 'pay' },
      params: { text: 'paid' },
      state: null,
    };
    this.#letters = new Map([command, effect].map((letter) => [letter.id, letter]));
  }

  list({ kind, limit = 1000, cursor = '0' }: DeadLettersQuery): DeadLettersPage {
    const wanted = [...this.#letters.values()].filter(
      ({ id, ref }) => id > Number(cursor) && (kind === undefined || ref.startsWith(`${kind}/`)),
    );
    const letters = wanted
      .slice(0, limit)
      .map(({ payload: _payload, params: _params, state: _state, seq: _seq, traceparent: _trace, ...view }) => view);
    return { letters, nextCursor: wanted.length > limit ? String(letters.at(-1)?.id) : null };
  }

  get(id: number): DeadLetterDetail {
    const letter = this.#letters.get(id);
    if (letter !== undefined) return letter;
    throw new StatewattError('dead_letters.not_found', 'not_found', `there is no dead letter ${id}`);
  }

  replay(id: number): ReplayReply {
    const { ref, effect } = this.get(id);
    this.#letters.delete(id);
    return { id, ref, answer: effect === null ? 6 : null };
  }

  discard(id: number): void {
    this.get(id);
    this.#letters.delete(id);
  }
}
