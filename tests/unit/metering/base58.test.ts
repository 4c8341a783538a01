import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeBase58, encodeBase58 } from '../../../site/metering/base58.js';

describe('Base58', () => {
  it('reads what is known', () => {
    assert.deepEqual(decodeBase58('11111111111111111111111111111111', 32), new Uint8Array(32));
    // The associated token account program's address.
    const bytes = decodeBase58('ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL', 32);
    assert.ok(bytes);
    assert.equal(
      Buffer.from(bytes).toString('hex'),
      '8c97258f4e2489f1bb3d1029148e0d830b5a1399daff1084048e7bd8dbe9f859',
    );
  });

  it('goes to text and back, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
        assert.deepEqual(decodeBase58(encodeBase58(bytes), bytes.length), bytes);
        assert.equal(decodeBase58(encodeBase58(bytes), bytes.length + 1), undefined);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 32 }), (zeros) => {
        const bytes = new Uint8Array(32).fill(7, zeros);
        assert.deepEqual(decodeBase58(encodeBase58(bytes), 32), bytes);
      }),
    );
  });

  it('refuses other letters and other lengths', () => {
    for (const text of ['', '0', 'O', 'I', 'l', 'é', ' ', '1'.repeat(31), '1'.repeat(33), 'z'.repeat(45)]) {
      assert.equal(decodeBase58(text, 32), undefined, text);
    }
    assert.equal(decodeBase58('z'.repeat(1_000_000), 32), undefined);
  });
});
