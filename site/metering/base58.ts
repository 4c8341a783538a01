/** Bitcoin's alphabet, which Solana uses for addresses and signatures. */
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const VALUES = new Int8Array(128).fill(-1);
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

/**
 * The bytes that a base58 text means, if they are exactly `length` many.
 *
 * @returns undefined for a text that is not base58 or has another length
 */
export function decodeBase58(text: string, length: number): Uint8Array | undefined {
  const bytes = decodeBase58UpTo(text, length);
  return bytes?.length === length ? bytes : undefined;
}

/**
 * The bytes that a base58 text means, if they are at most `most`.
 *
 * @returns undefined for a text that is not base58 or longer
 */
export function decodeBase58UpTo(text: string, most: number): Uint8Array | undefined {
  // No text of that many bytes is longer: log 256 / log 58 = 1.366 digits for each byte.
  if (text.length > Math.ceil(most * 1.366)) return undefined;
  const bytes = new Uint8Array(most);
  let used = 0;
  for (let index = 0; index < text.length; index++) {
    let carry = VALUES[text.charCodeAt(index)] ?? -1;
    if (carry < 0) return undefined;
    for (let at = 0; at < used || carry > 0; at++) {
      if (at === most) return undefined;
      carry += (bytes[most - 1 - at] as number) * 58;
      bytes[most - 1 - at] = carry & 0xff;
      carry >>= 8;
      if (at >= used) used = at + 1;
    }
  }
  let zeros = 0;
  while (zeros < text.length && text[zeros] === '1') zeros += 1;
  return zeros + used > most ? undefined : bytes.subarray(most - used - zeros);
}

export function encodeBase58(bytes: Uint8Array): string {
  let zeros = 0;
  while (zeros < bytes.length && bytes[zeros] === 0) zeros += 1;
  const digits: number[] = [];
  for (let index = zeros; index < bytes.length; index++) {
    let carry = bytes[index] as number;
    for (let at = 0; at < digits.length; at++) {
      carry += (digits[at] as number) << 8;
      digits[at] = carry % 58;
      carry = Math.floor(carry / 58);
    }
    while (carry > 0) {
      digits.push(carry % 58);
      carry = Math.floor(carry / 58);
    }
  }
  let text = '1'.repeat(zeros);
  for (let at = digits.length - 1; at >= 0; at--) text += ALPHABET[digits[at] as number];
  return text;
}
