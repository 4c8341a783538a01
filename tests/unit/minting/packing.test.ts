import assert from 'node:assert/strict';
import fc from 'fast-check';
import { amountsOf, readingId, tokensOf } from '../../../site/minting/item.js';
import { groupByUser, packBatches } from '../../../site/minting/packing.js';
import { mintItem, walletAddress } from '../../support/minting.js';

const names = (items: readonly ReturnType<typeof mintItem>[]) => items.map(readingId);

describe('packing of readings into mint batches', () => {
  it('groups three items of two users into two and one, in their order', () => {
    const items = [mintItem(1, 1), mintItem(2, 1), mintItem(1, 2)];
    const groups = groupByUser(items);
    assert.deepEqual(groups.map(names), [['METER_1/1', 'METER_1/2'], ['METER_2/1']]);
  });

  it('puts five readings of one user into one batch', () => {
    const items = [1, 2, 3, 4, 5].map((sequence) => mintItem(1, sequence));
    assert.equal(packBatches(items, { batchSize: 50, maxWallets: 8 }).length, 1);
  });

  it('begins a new batch at the batch size, at the most wallets, and at the most tokens', () => {
    const many = [1, 2, 3, 4, 5].map((sequence) => mintItem(1, sequence));
    assert.deepEqual(
      packBatches(many, { batchSize: 2, maxWallets: 8 }).map((batch) => batch.length),
      [2, 2, 1],
    );
    const wallets = [1, 2, 3].map((owner) => mintItem(owner, 1));
    assert.deepEqual(
      packBatches(wallets, { batchSize: 50, maxWallets: 2 }).map((batch) => batch.length),
      [2, 1],
    );
    const rich = [mintItem(1, 1, 2n ** 64n - 1n), mintItem(1, 2, 1n)];
    assert.deepEqual(
      packBatches(rich, { batchSize: 50, maxWallets: 8 }).map((batch) => batch.length),
      [1, 1],
    );
    assert.deepEqual(packBatches([], { batchSize: 50, maxWallets: 8 }), []);
  });

  it('keeps every item once, the order within a user, and all bounds', () => {
    const item = fc
      .record({ owner: fc.integer({ min: 0, max: 12 }), tokens: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) })
      .map(({ owner, tokens }) => ({ owner, tokens }));
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 80 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 5 }),
        (drawn, batchSize, maxWallets) => {
          const items = drawn.map(({ owner, tokens }, index) => mintItem(owner, index, tokens));
          const batches = packBatches(items, { batchSize, maxWallets });
          assert.deepEqual(names(batches.flat()).sort(), names(items).sort());
          for (const batch of batches) {
            assert.ok(batch.length >= 1 && batch.length <= batchSize);
            assert.ok(new Set(batch.map(({ wallet }) => wallet)).size <= maxWallets);
            assert.ok(tokensOf(batch) < 2n ** 64n);
          }
          for (const group of groupByUser(batches.flat())) {
            const order = group.map(({ sequence }) => sequence);
            assert.deepEqual(
              order,
              [...order].sort((a, b) => a - b),
            );
          }
        },
      ),
    );
  });

  it('sums what each wallet gets, and leaves out who gets nothing', () => {
    const items = [mintItem(1, 1, 5n), mintItem(2, 1, 0n), mintItem(1, 2, 2n ** 63n)];
    assert.deepEqual(amountsOf(items), [{ wallet: walletAddress(1), tokens: (2n ** 63n + 5n).toString() }]);
  });
});
