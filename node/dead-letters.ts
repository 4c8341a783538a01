import type {
  DeadLetterDetail,
  DeadLettersPage,
  DeadLettersQuery,
  DeadLetterView,
} from '../actors/client/dead-letter-schemas.js';
import type { DeadLetters, LetterFilter, StoredLetter } from '../actors/runtime/dead-letters.js';
import { parseRef } from '../bus/subjects.js';
import { StatewattError } from '../errors/error.js';
import { maskSecrets } from './secrets.js';

const DEFAULT_LIMIT = 1_000;

/** A page of the dead letters, the oldest first. @throws `actors.invalid_ref`, `dead_letters.invalid_cursor` */
export async function listDeadLetters(source: DeadLetters, query: DeadLettersQuery): Promise<DeadLettersPage> {
  const { limit = DEFAULT_LIMIT, cursor, ref, ...rest } = query;
  const filter: LetterFilter = { ...rest, ...(ref === undefined ? {} : { ref: parseRef(ref) }) };
  const found = await source.list(filter, limit + 1, cursor === undefined ? 0 : toSequence(cursor));
  const letters = found.slice(0, limit).map(viewLetter);
  const last = letters.at(-1);
  return { letters, nextCursor: found.length > limit && last !== undefined ? String(last.id) : null };
}

function viewLetter({ id, parkedAt, letter }: StoredLetter): DeadLetterView {
  const { code, category, message } = letter.error;
  return {
    id,
    ref: letter.ref,
    parkedAt,
    event: letter.event.type,
    effect: letter.effect?.type ?? null,
    key: letter.effect?.key ?? null,
    attempts: letter.effect?.attempts ?? null,
    commandId: letter.commandId ?? null,
    error: { code, category, message },
    node: letter.node,
    replayable: letter.effect !== undefined || (letter.commandId !== undefined && letter.eventOmitted !== true),
  };
}

/** All that a letter says, but for secrets. */
export function viewLetterInside(stored: StoredLetter): DeadLetterDetail {
  const { event, effect, state, seq, traceparent } = stored.letter;
  return {
    ...viewLetter(stored),
    payload: maskSecrets(event),
    params: maskSecrets(effect?.params ?? null),
    state: maskSecrets(state ?? null),
    seq,
    traceparent: traceparent ?? null,
  };
}

function toSequence(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new StatewattError(
    'dead_letters.invalid_cursor',
    'invalid',
    `"${cursor.slice(0, 100)}" is no cursor; pass on the nextCursor of the page before.`,
  );
}
