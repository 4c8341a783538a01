import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { TransactionMessage, VersionedMessage } from '@solana/web3.js';
import fc from 'fast-check';
import { buildMintMessage, withSignature, type MintTarget } from '../../../protocols/solana/mint-message.js';
import { MAX_TRANSACTION_BYTES, PackedSize, packItems } from '../../../protocols/solana/packing.js';
import { parseTransaction } from '../../../protocols/solana/embedded/wire.js';
import { encodeBase58 } from '../../../site/metering/base58.js';

const address = () => encodeBase58(randomBytes(32));
const authority = address();
const mint = address();
const wallets = Array.from({ length: 60 }, () => ({ wallet: address(), tokenAccount: address() }));
/** The authority may be paid as well. */
wallets[0] = { wallet: authority, tokenAccount: address() };

const lists = fc
  .array(fc.record({ at: fc.nat({ max: 59 }), create: fc.boolean() }), { minLength: 1, maxLength: 80 })
  .map((items) => {
    // Whether an account has to be created is the same for all items of a wallet.
    const creates = new Map<number, boolean>();
    return items.map(({ at, create }) => {
      if (!creates.has(at)) creates.set(at, create);
      return { ...(wallets[at] as (typeof wallets)[0]), amount: '1', create: creates.get(at) as boolean };
    });
  });

function build(targets: readonly MintTarget[], memo: string) {
  const parts = { authority, mint, decimals: 9, targets, memo, unitPrice: 5, blockhash: address() };
  const { message, targetOf } = buildMintMessage(parts);
  return { bytes: withSignature(message, new Uint8Array(64)), targetOf };
}

describe('Packing of mints', () => {
  it('knows the size of a transaction to the byte', () => {
    fc.assert(
      fc.property(lists, fc.integer({ min: 0, max: 200 }), (targets, memoBytes) => {
        const size = new PackedSize(authority, memoBytes);
        const taken = targets.filter((target) => size.add(target));
        if (taken.length > 0) assert.equal(build(taken, 'm'.repeat(memoBytes)).bytes.length, size.bytes);
      }),
      { numRuns: 40 },
    );
  });

  it('compiles what web3.js understands as the same instructions', () => {
    const targets = wallets.slice(0, 6).map((wallet, index) => ({ ...wallet, amount: '7', create: index % 2 === 0 }));
    const parts = { authority, mint, decimals: 9, targets, memo: 'm'.repeat(150), unitPrice: 5, blockhash: address() };
    const { message } = buildMintMessage(parts);
    const { payerKey, recentBlockhash, instructions } = TransactionMessage.decompile(
      VersionedMessage.deserialize(message),
    );
    assert.deepEqual([payerKey.toBase58(), recentBlockhash], [authority, parts.blockhash]);
    assert.equal(instructions.length, 3 + 6 + 3);
    const uses = (index: number) =>
      instructions[index]?.keys.map(({ pubkey, isSigner, isWritable }) => [pubkey.toBase58(), isSigner, isWritable]);
    // The authority pays, so the message has it writable wherever it is used.
    assert.deepEqual(uses(3)?.slice(0, 4), [
      [authority, true, true],
      [wallets[0]?.tokenAccount, false, true],
      [authority, true, true],
      [mint, false, true],
    ]);
    assert.deepEqual(uses(4), [
      [mint, false, true],
      [wallets[0]?.tokenAccount, false, true],
      [authority, true, true],
    ]);
    assert.deepEqual(uses(2), []);
    assert.equal(Buffer.from(instructions[2]?.data ?? []).toString(), parts.memo);
    const rebuilt = new TransactionMessage({ payerKey, recentBlockhash, instructions }).compileToLegacyMessage();
    assert.equal(rebuilt.serialize().length, message.length);
  });

  it('puts every item into one transaction, in order, none too large, none smaller than needed', () => {
    fc.assert(
      fc.property(lists, (targets) => {
        const packed = packItems(targets, authority, 40);
        assert.deepEqual(
          packed.flat(),
          targets.map((_, index) => index),
        );
        packed.forEach((indexes, part) => {
          const size = new PackedSize(authority, 40);
          assert.ok(indexes.every((index) => size.add(targets[index] as MintTarget)));
          assert.ok(size.bytes <= MAX_TRANSACTION_BYTES);
          const next = packed[part + 1]?.[0];
          if (next !== undefined) assert.ok(!size.add(targets[next] as MintTarget));
        });
      }),
      { numRuns: 40 },
    );
  });

  it('fits 19 wallets that have an account, seven that have none, 49 amounts of one wallet', () => {
    const fits = (create: boolean, same: boolean) =>
      packItems(
        wallets.slice(1).map((wallet, index) => ({ ...wallet, create, ...(same && index > 0 ? wallets[1] : {}) })),
        authority,
        20,
      )[0]?.length;
    assert.deepEqual([fits(false, false), fits(true, false), fits(true, true)], [19, 7, 49]);
    assert.deepEqual(packItems([], authority, 20), []);
  });

  it('knows which instruction is for which target', () => {
    const [one, other] = wallets.slice(1, 3) as [(typeof wallets)[0], (typeof wallets)[0]];
    const { bytes, targetOf } = build(
      [
        { ...one, amount: '1', create: true },
        { ...other, amount: '2', create: false },
        { ...one, amount: '3', create: true },
      ],
      'memo',
    );
    assert.deepEqual(targetOf, [-1, -1, -1, 0, 0, 1, 2]);
    const { message } = parseTransaction(Buffer.from(bytes));
    assert.equal(message.instructions.length, targetOf.length);
    const amounts = message.instructions.slice(3).map(({ data }) => (data[0] === 14 ? data[1] : 'create'));
    assert.deepEqual(amounts, ['create', 1, 2, 3]);
  });
});
