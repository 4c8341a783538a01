import assert from 'node:assert/strict';
import { decodeCursor, encodeCursor, type Cursor } from '../../../protocols/clickhouse/cursor.js';

const cursor: Cursor = {
  point: '1001:T:5',
  resolution: 'raw',
  from: 1,
  to: 9_000,
  time: 77,
  sequence: '18446744073709551615',
  batch: '3',
};

describe('history cursor', () => {
  it('comes back as it went out, in characters that a URL takes as they are', () => {
    const text = encodeCursor(cursor);
    assert.match(text, /^[A-Za-z0-9_-]+$/);
    assert.deepEqual(decodeCursor(text, '1001:T:5'), cursor);
  });

  it('is refused for another point', () => {
    assert.throws(() => decodeCursor(encodeCursor(cursor), '1001:T:6'), { code: 'history.invalid_query' });
  });

  it('is refused when it is none of ours', () => {
    const foreign = [
      '',
      '%%%',
      Buffer.from('{}').toString('base64url'),
      Buffer.from('[1,2]').toString('base64url'),
      ...[
        { resolution: '5m' },
        { from: '1' },
        { to: 1.5 },
        { time: null },
        { sequence: '1 OR 1' },
        { sequence: 4 },
        { batch: '-1' },
      ].map((change) => encodeCursor({ ...cursor, ...change } as Cursor)),
    ];
    for (const text of foreign) {
      assert.throws(() => decodeCursor(text, '1001:T:5'), { code: 'history.invalid_query' }, text);
    }
  });
});
