import { buildMintMessage, type MintMessageParts } from '../protocols/solana/mint-message.js';
import type { LocalSigner } from '../protocols/solana/signer.js';
import type { Job, WorkerPool } from './pool.js';

/** A message with the signature of the pool's key. */
export interface SignedMessageParts {
  readonly message: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  /** For each instruction the index of the target that it is for; −1: for none. */
  readonly targetOf: readonly number[];
}

/** What the workers of a pool that signs are given. */
export interface SigningWorkerData {
  /** 64 bytes, seed and public key. It stays in the memory of this process. */
  readonly signingKey: Uint8Array;
}

/** Builds and signs, in a worker. */
export async function buildAndSign(parts: MintMessageParts, signer: LocalSigner): Promise<SignedMessageParts> {
  const { message, targetOf } = buildMintMessage(parts);
  return { message, signature: await signer.sign(message), targetOf };
}

/**
 * Builds and signs messages on all threads of a pool that was started with `SigningWorkerData`.
 *
 * @returns one for each, in their order
 * @throws as `WorkerPool.run`
 */
export function signMintsOnPool(pool: WorkerPool, mints: readonly MintMessageParts[]): Promise<SignedMessageParts[]> {
  const jobs = mints.map((argument): Job => ({ task: 'signMint', prepare: () => ({ argument, transfer: [] }) }));
  return pool.run<SignedMessageParts>(jobs);
}
