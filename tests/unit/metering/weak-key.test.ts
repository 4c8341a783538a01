import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { isWeakKey } from '../../../site/metering/weak-key.js';

const P = 2n ** 255n - 19n;
const ORDER_8 = [
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
];

function littleEndian(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
}

/** Whether a signature that needs no private key verifies for some of many messages. */
function anybodyCanSign(publicKey: Buffer): boolean {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const signature = Buffer.alloc(64);
  signature[0] = 1; // R is the neutral point, S is 0
  return Array.from({ length: 120 }, (_, index) => verify(null, Buffer.from(`${index}`), key, signature)).includes(
    true,
  );
}

describe('Weak keys', () => {
  it('are the points of small order, however they are written', () => {
    const coordinates = [
      ...[0n, 1n, P - 1n, P, P + 1n].map(littleEndian),
      ...ORDER_8.map((hex) => Buffer.from(hex, 'hex')),
    ];
    let open = 0;
    for (const y of coordinates) {
      for (const sign of [0, 0x80]) {
        const key = Buffer.from(y);
        key[31] = (key[31] as number) | sign;
        assert.ok(isWeakKey(key), key.toString('hex'));
      }
      if (anybodyCanSign(y)) open += 1;
    }
    // It is no theory: OpenSSL 3.0, which Node 20 brings, takes such signatures. Newer ones refuse such keys themselves.
    if (process.versions.openssl.startsWith('3.0.')) assert.equal(open, coordinates.length);
  });

  it('are no others', () => {
    for (let count = 0; count < 20; count++) {
      const { publicKey } = generateKeyPairSync('ed25519');
      assert.ok(!isWeakKey(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)));
    }
    assert.ok(!isWeakKey(littleEndian(2n)));
    assert.ok(!isWeakKey(littleEndian(P - 2n)));
  });
});
