import assert from 'node:assert/strict';
import { StatewattError } from '../../../errors/error.js';
import { describeFailure } from '../../../protocols/solana/chain-error.js';
import { unitLimit } from '../../../protocols/solana/mint-message.js';
import { formatMintMemo, parseMintMemo } from '../../../protocols/solana/mint-memo.js';
import { priceFrom } from '../../../protocols/solana/priority-fee.js';

describe('Failures of transactions', () => {
  // Budget, price, memo; item 0 creates and mints, item 1 mints.
  const items = [-1, -1, -1, 0, 0, 1];
  const kindOf = (err: Parameters<typeof describeFailure>[0]) => {
    const { code, kind, item } = describeFailure(err, items);
    return [code, kind, item];
  };
  const custom = (instruction: number, number: number | bigint) => ({
    InstructionError: [instruction, { Custom: number }],
  });

  it('are put in terms of items', () => {
    assert.deepEqual(kindOf(custom(5, 17)), ['chain.token_account_frozen', 'item', 1]);
    assert.deepEqual(kindOf(custom(5, 3n)), ['chain.token_account_of_other_mint', 'item', 1]);
    assert.deepEqual(kindOf(custom(3, 0)), ['chain.wallet_refused', 'item', 0]);
    assert.deepEqual(kindOf({ InstructionError: [4, 'InvalidAccountData'] }), ['chain.wallet_refused', 'item', 0]);
  });

  it('tell what passes by itself from what somebody has to do', () => {
    assert.deepEqual(kindOf('BlockhashNotFound'), ['chain.blockhash_not_found', 'transient', undefined]);
    assert.deepEqual(kindOf('WouldExceedMaxBlockCostLimit'), ['chain.congested', 'transient', undefined]);
    assert.deepEqual(kindOf('InsufficientFundsForFee'), ['chain.payer_unfunded', 'permanent', undefined]);
    assert.deepEqual(kindOf({ InsufficientFundsForRent: { account_index: 2 } }), [
      'chain.payer_unfunded',
      'permanent',
      undefined,
    ]);
    assert.deepEqual(kindOf(custom(3, 1)), ['chain.payer_unfunded', 'permanent', undefined]);
    assert.deepEqual(kindOf(custom(5, 4)), ['chain.not_mint_authority', 'permanent', undefined]);
    assert.deepEqual(kindOf(custom(5, 14)), ['chain.supply_overflow', 'permanent', undefined]);
    assert.deepEqual(kindOf({ InstructionError: [5, 'ComputationalBudgetExceeded'] }), [
      'chain.transaction_too_large',
      'permanent',
      undefined,
    ]);
    assert.deepEqual(kindOf(custom(2, 1)), ['chain.transaction_refused', 'permanent', undefined]);
    assert.deepEqual(kindOf('SanitizeFailure'), ['chain.transaction_refused', 'permanent', undefined]);
    assert.deepEqual(kindOf({ DuplicateInstruction: 3n }), ['chain.transaction_refused', 'permanent', undefined]);
  });
});

describe('Memos of mints', () => {
  it('go to text and back, also as the chain shows them', () => {
    const text = formatMintMemo({ batch: '2026-11-21/17', part: 3 });
    assert.equal(text, 'statewatt:mint:2026-11-21/17:3');
    assert.deepEqual(parseMintMemo(text), { batch: '2026-11-21/17', part: 3 });
    assert.deepEqual(parseMintMemo(`[30] ${text}`), { batch: '2026-11-21/17', part: 3 });
  });

  it('of anything else are none', () => {
    for (const text of [
      '',
      'airdrop 1',
      'statewatt:mint:a',
      'statewatt:mint::0',
      'x statewatt:mint:a:0',
      'statewatt:mint:a:0 x',
    ]) {
      assert.equal(parseMintMemo(text), undefined, text);
    }
    for (const batch of ['', 'a b', 'a:b', 'é', 'x'.repeat(65)]) {
      assert.throws(
        () => formatMintMemo({ batch, part: 0 }),
        (error) => error instanceof StatewattError,
      );
    }
  });
});

describe('What a transaction may use and pay', () => {
  it('follows what others paid, within bounds', () => {
    assert.equal(priceFrom([]), 10_000);
    assert.equal(priceFrom([0, 0, 0]), 10_000);
    assert.equal(priceFrom([0, 10_000, 20_000, 30_000, 40_000]), 36_000);
    assert.equal(priceFrom([1]), 1_000);
    assert.equal(priceFrom([5e9]), 1_000_000);
  });

  it('grows with what it does, up to the most', () => {
    const target = { wallet: 'w', tokenAccount: 't', amount: '1', create: false };
    const one = unitLimit([target], '');
    assert.ok(unitLimit([target, target], '') > one);
    assert.ok(unitLimit([{ ...target, create: true }], '') > one);
    assert.equal(unitLimit(Array(1_000).fill(target), ''), 1_400_000);
  });
});
