import assert from 'node:assert/strict';
import { pageOf } from '../../../actors/client/page.js';

describe('pageOf', () => {
  const list = [30, 10, 20].map((id) => ({ id }));
  const page = (query: { limit?: number; cursor?: string }, items = list) => {
    const { items: given, nextCursor } = pageOf(items, query, ({ id }) => id, Number);
    return [given.map(({ id }) => id), nextCursor];
  };

  it('gives a short list whole, in order', () => {
    assert.deepEqual(page({}), [[10, 20, 30], null]);
    assert.deepEqual(page({ limit: 3 }), [[10, 20, 30], null]);
    assert.deepEqual(page({}, []), [[], null]);
  });

  it('goes on behind the cursor, by number and not by text', () => {
    assert.deepEqual(page({ limit: 2 }), [[10, 20], '20']);
    assert.deepEqual(page({ limit: 2, cursor: '20' }), [[30], null]);
    assert.deepEqual(page({ cursor: '9' }), [[10, 20, 30], null]);
    assert.deepEqual(page({ cursor: '30' }), [[], null]);
  });

  it('neither repeats nor skips when the item of the cursor has gone', () => {
    assert.deepEqual(page({ cursor: '15' }), [[20, 30], null]);
  });

  it('takes a thousand unless told otherwise', () => {
    const many = Array.from({ length: 1001 }, (_, id) => ({ id }));
    assert.equal(page({}, many)[1], '999');
  });
});
