import assert from 'node:assert/strict';
import type { DeadLetters, LetterFilter, StoredLetter } from '../../../actors/runtime/dead-letters.js';
import { listDeadLetters, viewLetterInside } from '../../../node/dead-letters.js';
import { MASK } from '../../../node/secrets.js';

const error = { code: 'x.y', category: 'internal', message: 'm' } as const;

function stored(id: number): StoredLetter {
  const event = { type: 'pay', password: 'p' };
  const effect = { type: 'notify', params: { token: 't', text: 'x' }, key: 'a/1#5.0', attempts: 8 };
  const letter = { ref: 'a/1', event, error, state: { apiKey: 'k' }, seq: 5, at: 1, node: 'n1', effect };
  return { id, parkedAt: 100 + id, letter };
}

describe('dead letters for callers', () => {
  it('come in pages, each with where the next begins', async () => {
    const asked: unknown[] = [];
    const source = {
      list: async (filter: LetterFilter, limit: number, after: number) => {
        asked.push([filter, limit, after]);
        return [1, 2, 3]
          .filter((id) => id > after)
          .slice(0, limit)
          .map(stored);
      },
    } as unknown as DeadLetters;
    const first = await listDeadLetters(source, { kind: 'a', ref: 'a/1', limit: 2 });
    assert.deepEqual([first.letters.map(({ id }) => id), first.nextCursor], [[1, 2], '2']);
    const second = await listDeadLetters(source, { limit: 2, cursor: '2' });
    assert.deepEqual([second.letters.map(({ id }) => id), second.nextCursor], [[3], null]);
    assert.deepEqual(asked, [
      [{ kind: 'a', ref: { kind: 'a', id: '1' } }, 3, 0],
      [{}, 3, 2],
    ]);
    await assert.rejects(listDeadLetters(source, { cursor: 'x' }), { code: 'dead_letters.invalid_cursor' });
    await assert.rejects(listDeadLetters(source, { ref: 'A' }), { code: 'actors.invalid_ref' });
  });

  it('show all but secrets, and whether they can be replayed', () => {
    const inside = viewLetterInside(stored(1));
    assert.deepEqual(inside.payload, { type: 'pay', password: MASK });
    assert.deepEqual(inside.params, { token: MASK, text: 'x' });
    assert.deepEqual(inside.state, { apiKey: MASK });
    assert.deepEqual([inside.key, inside.attempts, inside.replayable], ['a/1#5.0', 8, true]);
    const { effect: _effect, ...own } = stored(1).letter;
    assert.equal(viewLetterInside({ id: 1, parkedAt: 1, letter: own }).replayable, false);
    const cut = { ...own, commandId: 'c', eventOmitted: true } as const;
    assert.equal(viewLetterInside({ id: 1, parkedAt: 1, letter: cut }).replayable, false);
    assert.equal(viewLetterInside({ id: 1, parkedAt: 1, letter: { ...own, commandId: 'c' } }).replayable, true);
  });
});
