import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { StatewattError } from '../../errors/error.js';
import { decodeBase58, encodeBase58 } from '../../site/metering/base58.js';

/** Who signs transactions. What has the private key shows it to nobody, in no log and no snapshot. */
export interface Signer {
  /** Base58. */
  readonly address: string;
  /**
   * Signs a message with ed25519.
   *
   * @throws `signer.unavailable`, `signer.refused`
   */
  sign(message: Uint8Array): Promise<Uint8Array>;
  /**
   * The key itself (64 bytes, seed and public key), for threads of this process that sign in its place; missing: another
   * program has it.
   */
  readonly secret?: () => Uint8Array;
  /** Ends what the signer runs; it signs nothing afterwards. */
  close(): Promise<void>;
}

/** A PKCS #8 private key of ed25519 is this and the 32 bytes of its seed (RFC 8410, section 7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A key in this process. */
export class LocalSigner implements Signer {
  readonly address: string;
  readonly #key: KeyObject;

  /**
   * @param secret 64 bytes, seed and public key, as Solana's tools write them
   * @throws `signer.key_invalid`
   */
  constructor(secret: Uint8Array, source: string) {
    if (secret.length !== 64) throw keyInvalid(source);
    this.#key = createPrivateKey({
      key: Buffer.concat([PKCS8_HEAD, secret.subarray(0, 32)]),
      format: 'der',
      type: 'pkcs8',
    });
    const publicKey = createPublicKey(this.#key).export({ format: 'der', type: 'spki' }).subarray(-32);
    if (!publicKey.equals(secret.subarray(32))) throw keyInvalid(source);
    this.address = encodeBase58(publicKey);
  }

  secret(): Uint8Array {
    const seed = this.#key.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
    const publicKey = createPublicKey(this.#key).export({ format: 'der', type: 'spki' }).subarray(-32);
    return Uint8Array.from([...seed, ...publicKey]);
  }

  sign(message: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(sign(null, message, this.#key));
  }

  /** Nothing is to be ended. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The content of a key file with a new key. */
export function newAuthority(): string {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return JSON.stringify([...seed, ...key]);
}

/**
 * A key from a file as `solana-keygen` writes it: a JSON array of 64 numbers. Only its owner may read the file.
 *
 * @throws `signer.key_missing`, `signer.key_exposed`, `signer.key_invalid`
 */
export async function signerFromFile(path: string): Promise<Signer> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) {
      throw new StatewattError(
        'signer.key_exposed',
        'invalid',
        `the key file ${path} can be read by others (mode ${(mode & 0o777).toString(8)}); make it 600`,
      );
    }
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof StatewattError) throw error;
    throw new StatewattError('signer.key_missing', 'invalid', `the key file ${path} cannot be read`, { cause: error });
  }
  return new LocalSigner(parseSecret(text, path), path);
}

/**
 * A key from an environment variable: a JSON array of 64 numbers, or base58.
 *
 * @throws `signer.key_missing`, `signer.key_invalid`
 */
export function signerFromEnvironment(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Signer {
  const text = env[name];
  if (text === undefined || text === '') {
    throw new StatewattError('signer.key_missing', 'invalid', `the environment variable ${name} is not set`);
  }
  return new LocalSigner(parseSecret(text, `environment variable ${name}`), `environment variable ${name}`);
}

/** Says nothing of the text: it may be almost a key. */
function parseSecret(text: string, source: string): Uint8Array {
  const trimmed = text.trim();
  if (!trimmed.startsWith('[')) {
    const bytes = decodeBase58(trimmed, 64);
    if (bytes === undefined) throw keyInvalid(source);
    return bytes;
  }
  const numbers = parseNumbers(trimmed);
  if (numbers === undefined) throw keyInvalid(source);
  return Uint8Array.from(numbers);
}

function parseNumbers(text: string): number[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length !== 64) return undefined;
  const isByte = (entry: unknown) => Number.isInteger(entry) && (entry as number) >= 0 && (entry as number) < 256;
  return value.every(isByte) ? (value as number[]) : undefined;
}

function keyInvalid(source: string): StatewattError {
  return new StatewattError(
    'signer.key_invalid',
    'invalid',
    `${source} holds no key; wanted: 64 bytes as a JSON array of numbers, as solana-keygen writes them, whose second half is the public key of the first`,
  );
}
