import assert from 'node:assert/strict';
import { Blocks, MAX_BLOCKHASH_AGE } from '../../../protocols/solana/embedded/blocks.js';
import { stringify } from '../../../protocols/solana/embedded/json.js';
import { parseMessage, parseTransaction, WireError } from '../../../protocols/solana/embedded/wire.js';
import { createFaucet } from '../../../protocols/solana/embedded/faucet.js';
import { randomBytes } from 'node:crypto';

describe('Blocks of the embedded chain', () => {
  const genesis = { time: 1_000_000, slotMs: 400, seed: 'aa' };

  it('go with the clock, and stand still when it is set back', () => {
    let now = 1_000_000;
    const blocks = new Blocks(genesis, 0, () => now);
    assert.equal(blocks.slot(), 0);
    now += 399;
    assert.equal(blocks.slot(), 0);
    now += 1;
    assert.equal(blocks.slot(), 1);
    now -= 100_000;
    assert.equal(blocks.slot(), 1);
    now += 100_400;
    assert.equal(blocks.slot(), 2);
    assert.equal(new Blocks(genesis, 77, () => now).slot(), 77);
    assert.equal(blocks.time(5), 1_002);
  });

  it('let a blockhash be used for 150 blocks, and no longer', () => {
    let now = 1_000_000;
    const blocks = new Blocks(genesis, 0, () => now);
    const first = blocks.blockhash(0);
    assert.equal(blocks.slotOf(first), 0);
    now += 400 * MAX_BLOCKHASH_AGE;
    assert.equal(blocks.slotOf(first), 0);
    now += 400;
    assert.equal(blocks.slotOf(first), undefined);
    assert.equal(blocks.slotOf(blocks.blockhash(1)), 1);
    assert.equal(blocks.slotOf(blocks.blockhash(152)), undefined, 'of a block that is not there yet');
    assert.equal(blocks.slotOf(randomBytes(32)), undefined);
    now += 400 * 1_000_000;
    assert.equal(blocks.slotOf(blocks.blockhash(1)), undefined);
    assert.equal(blocks.slotOf(blocks.blockhash(blocks.slot())), blocks.slot());
    assert.notDeepEqual(new Blocks({ ...genesis, seed: 'bb' }, 0, () => now).blockhash(3), blocks.blockhash(3));
  });
});

describe('Wire form of transactions', () => {
  const bytes = createFaucet('seed').transfer(randomBytes(32), 5n, randomBytes(32));

  it('is taken apart', () => {
    const { signatures, message } = parseTransaction(bytes);
    assert.deepEqual(
      [signatures.length, message.version, message.keys.length, message.instructions.length],
      [1, 'legacy', 4, 2],
    );
  });

  it('is refused when a byte is missing, left over, or points nowhere', () => {
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => parseTransaction(bytes.subarray(0, length)), WireError, `${length} bytes`);
    }
    assert.throws(() => parseTransaction(Buffer.concat([bytes, Buffer.of(0)])), WireError);
    const message = bytes.subarray(65);
    const changed = (at: number, value: number) => {
      const copy = Buffer.from(message);
      copy[at] = value;
      return copy;
    };
    assert.throws(() => parseMessage(changed(0, 0x81)), /version 1/);
    assert.throws(() => parseMessage(changed(0, 0)), WireError, 'no signer');
    assert.throws(() => parseMessage(changed(2, 9)), WireError, 'more readonly accounts than there are');
    assert.throws(() => parseMessage(changed(4 + 4 * 32 + 32 + 1, 9)), /does not hold/);
  });
});

describe('JSON with large whole numbers', () => {
  it('is that of JSON.stringify otherwise', () => {
    const value = { a: [1, 'ä"', null, true, {}], b: undefined, c: { d: -0.5 } };
    assert.equal(stringify(value), JSON.stringify(value));
    assert.equal(stringify({ n: 2n ** 64n - 1n }), '{"n":18446744073709551615}');
  });
});
