import assert from 'node:assert/strict';
import { BatchItems } from '../../../actors/projections/batch-items.js';
import type { MintItem } from '../../../site/minting/item.js';

function items(count: number): MintItem[] {
  const one = { meter: 'M', start: 0, end: 1, energy: '1', tokens: '1', wallet: 'W', user: 'anna' };
  return Array.from({ length: count }, (_, sequence) => ({ ...one, sequence }));
}

describe('readings of batches under way', () => {
  it('are there until they are forgotten', () => {
    const known = new BatchItems(10);
    known.remember('a', items(3));
    known.remember('b', items(4));
    assert.equal(known.get('a')?.length, 3);
    known.forget('a');
    known.forget('a');
    assert.equal(known.get('a'), undefined);
    assert.equal(known.readings, 4);
  });

  it('make room for those of newer batches, the oldest first', () => {
    const known = new BatchItems(10);
    for (const batch of ['a', 'b', 'c']) known.remember(batch, items(4));
    assert.deepEqual(
      ['a', 'b', 'c'].map((batch) => known.get(batch)?.length),
      [undefined, 4, 4],
    );
    known.remember('b', items(5));
    assert.equal(known.readings, 9, 'the same again takes its own place');
    known.remember('d', items(100));
    assert.equal(known.readings, 100, 'the newest stays, however large');
  });
});
