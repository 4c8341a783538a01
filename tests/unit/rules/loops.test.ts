import assert from 'node:assert/strict';
import { findLoops } from '../../../site/rules/loops.js';

const rule = (id: string, reads: string[], writes: string[]) => ({ id, reads, writes });

describe('loops of rules', () => {
  it('are none while nothing that is written is read back', () => {
    assert.equal(findLoops([rule('a', ['x'], ['y']), rule('b', ['y'], ['z']), rule('c', ['y'], ['z'])]).size, 0);
    assert.equal(findLoops([]).size, 0);
  });

  it('are told by their shortest chain, for each rule in them and no other', () => {
    const loops = findLoops([
      rule('before', ['q'], ['x']),
      rule('a', ['x', 'x'], ['long', 'y']),
      rule('b', ['y'], ['z']),
      rule('c', ['z'], ['x']),
      rule('long', ['long'], ['longer']),
      rule('longer', ['longer'], ['y']),
      rule('after', ['z'], ['w']),
    ]);
    assert.deepEqual([...loops.keys()], ['a', 'b', 'c', 'long', 'longer']);
    assert.equal(loops.get('a'), 'a writes y, b reads it and writes z, c reads it and writes x, a reads it');
    assert.match(
      loops.get('longer') ?? '',
      /^longer writes y, b .* a reads it and writes long, long .* longer reads it$/,
    );
  });

  it('may be of one rule, and hang together', () => {
    const loops = findLoops([rule('self', ['x'], ['x', 'y']), rule('other', ['y'], ['x'])]);
    assert.equal(loops.get('self'), 'self writes x, self reads it');
    assert.equal(loops.get('other'), 'other writes x, self reads it and writes y, other reads it');
  });
});
