import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { isWeakKey } from '../site/metering/weak-key.js';

/** One ed25519 signature to verify (RFC 8032, PureEdDSA). */
export interface SignedMessage {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  readonly message: Uint8Array;
}

export const SIGNATURE_INVALID = 0;
export const SIGNATURE_VALID = 1;
/** The public key is one for which anybody can sign (`isWeakKey`). */
export const KEY_WEAK = 2;
export type Verdict = typeof SIGNATURE_INVALID | typeof SIGNATURE_VALID | typeof KEY_WEAK;

const KEY = 32;
const SIGNATURE = 64;
const HEAD = KEY + SIGNATURE + 4;
/** Stands for the length of a message whose key or signature has not the right length. */
const MALFORMED = 0xffff_ffff;

/** Messages in one buffer, which moves to a worker without being copied: for each key, signature, length (u32), text. */
export function packSignatures(items: readonly SignedMessage[]): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const item of items) size += HEAD + (isWellFormed(item) ? item.message.length : 0);
  const packed = new Uint8Array(size);
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const item of items) {
    if (isWellFormed(item)) {
      packed.set(item.publicKey, at);
      packed.set(item.signature, at + KEY);
      view.setUint32(at + KEY + SIGNATURE, item.message.length);
      packed.set(item.message, at + HEAD);
      at += HEAD + item.message.length;
    } else {
      view.setUint32(at + KEY + SIGNATURE, MALFORMED);
      at += HEAD;
    }
  }
  return packed;
}

/** The verdict on each of the packed messages, in their order. */
export function verifySignatures(packed: Uint8Array, keys: KeyCache): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const verdicts: Verdict[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at + KEY + SIGNATURE);
    if (length === MALFORMED) {
      verdicts.push(SIGNATURE_INVALID);
      at += HEAD;
      continue;
    }
    const key = keys.get(bytes.subarray(at, at + KEY));
    const message = bytes.subarray(at + HEAD, at + HEAD + length);
    if (key === undefined) verdicts.push(KEY_WEAK);
    else {
      const valid = verify(null, message, key, bytes.subarray(at + KEY, at + KEY + SIGNATURE));
      verdicts.push(valid ? SIGNATURE_VALID : SIGNATURE_INVALID);
    }
    at += HEAD + length;
  }
  return Uint8Array.from(verdicts);
}

function isWellFormed({ publicKey, signature }: SignedMessage): boolean {
  return publicKey.length === KEY && signature.length === SIGNATURE;
}

/** A SubjectPublicKeyInfo of an ed25519 key is this and the key's 32 bytes (RFC 8410, section 4). */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** Keys as OpenSSL wants them, by their bytes; the oldest goes when there are too many. */
export class KeyCache {
  readonly #keys = new Map<string, KeyObject | undefined>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Undefined for a weak key. */
  get(bytes: Buffer): KeyObject | undefined {
    const name = bytes.toString('latin1');
    if (this.#keys.has(name)) return this.#keys.get(name);
    const key = isWeakKey(bytes) ? undefined : importKey(bytes);
    if (this.#keys.size >= this.#capacity) {
      for (const oldest of this.#keys.keys()) {
        this.#keys.delete(oldest);
        break;
      }
    }
    this.#keys.set(name, key);
    return key;
  }
}

/** Takes any 32 bytes: whether they are a point of the curve shows when a signature is verified. */
function importKey(bytes: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, bytes]), format: 'der', type: 'spki' });
}
