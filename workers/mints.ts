import { buildMintMessage, type MintMessageParts } from '../protocols/solana/mint-message.js';
import type { Signer } from '../protocols/solana/signer.js';
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

/** Messages of one job: a millisecond of one core, so that handing it over costs little beside it. */
const MINTS_PER_JOB = 16;

/** Builds and signs. @throws what the signer throws */
export async function buildAndSign(parts: MintMessageParts, signer: Pick<Signer, 'sign'>): Promise<SignedMessageParts> {
  const { message, targetOf } = buildMintMessage(parts);
  return { message, signature: await signer.sign(message), targetOf };
}

/**
 * Builds and signs messages on all threads of a pool that was started with `SigningWorkerData`.
 *
 * @returns one for each, in their order
 * @throws as `WorkerPool.run`
 */
export async function signMintsOnPool(
  pool: WorkerPool,
  mints: readonly MintMessageParts[],
): Promise<SignedMessageParts[]> {
  // Fewer for each job when there are few, so that all threads have their part.
  const size = Math.min(MINTS_PER_JOB, Math.max(1, Math.ceil(mints.length / pool.threads)));
  const jobs: Job[] = [];
  for (let from = 0; from < mints.length; from += size) {
    const argument = mints.slice(from, from + size);
    jobs.push({ task: 'signMints', prepare: () => ({ argument, transfer: [] }) });
  }
  return (await pool.run<SignedMessageParts[]>(jobs)).flat();
}
