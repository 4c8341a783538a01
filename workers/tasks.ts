import { move } from 'piscina';
import { KeyCache, verifySignatures as verify } from './signatures.js';

/** What workers do. The file that each thread loads; tasks are called by the names of its functions. */
const keys = new KeyCache(10_000);

/** Packed signatures to verdicts; both move between threads without being copied. */
export function verifySignatures(packed: Uint8Array): unknown {
  return move(verify(packed, keys));
}
