import { move, workerData } from 'piscina';
import type { MintMessageParts } from '../protocols/solana/mint-message.js';
import { LocalSigner } from '../protocols/solana/signer.js';
import { buildAndSign, type SignedMessageParts, type SigningWorkerData } from './mints.js';
import { KeyCache, verifySignatures as verify } from './signatures.js';

/** What workers do. The file that each thread loads; tasks are called by the names of its functions. */
const keys = new KeyCache(10_000);
const { signingKey } = (workerData ?? {}) as Partial<SigningWorkerData>;
const signer = signingKey === undefined ? undefined : new LocalSigner(signingKey, 'the key of the worker threads');

/** Packed signatures to verdicts; both move between threads without being copied. */
export function verifySignatures(packed: Uint8Array): unknown {
  return move(verify(packed, keys));
}

/** Messages of transactions, built and signed with the pool's key. */
export function signMints(mints: readonly MintMessageParts[]): Promise<SignedMessageParts[]> {
  if (signer === undefined) throw new Error('this pool was started without a signing key');
  return Promise.all(mints.map((parts) => buildAndSign(parts, signer)));
}
