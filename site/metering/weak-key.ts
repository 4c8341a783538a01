/**
 * The y coordinates (little endian, without the sign of x) of ed25519's eight points of small order, in each way in which they
 * can be written: 0 and 1 also as p and p + 1, with p = 2^255 − 19.
 */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/**
 * Whether an ed25519 public key is a point of small order. Nobody has the private key of one, but anybody can make signatures
 * that verify with it (for the neutral point even one signature for all messages), so it must not be registered or used.
 *
 * @param publicKey 32 bytes
 */
export function isWeakKey(publicKey: Uint8Array): boolean {
  const bytes = Buffer.from(publicKey);
  bytes[31] = (bytes[31] as number) & 0x7f;
  return SMALL_ORDER.has(bytes.toString('hex'));
}
