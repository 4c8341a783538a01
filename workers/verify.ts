import type { Job, WorkerPool } from './pool.js';
import { packSignatures, type SignedMessage, type Verdict } from './signatures.js';

/** Signatures of one job: some 30 ms of one core, long enough that handing it over costs nothing beside it. */
const SIGNATURES_PER_JOB = 256;

/**
 * Verifies signatures on all threads of the pool.
 *
 * @returns the verdict on each, in their order
 * @throws as `WorkerPool.run`
 */
export async function verifyOnPool(pool: WorkerPool, items: readonly SignedMessage[]): Promise<Verdict[]> {
  // Fewer for each job when there are few, so that all threads have their part.
  const size = Math.min(SIGNATURES_PER_JOB, Math.max(1, Math.ceil(items.length / pool.threads)));
  const jobs: Job[] = [];
  for (let from = 0; from < items.length; from += size) {
    const part = items.slice(from, from + size);
    jobs.push({
      task: 'verifySignatures',
      prepare: () => {
        const argument = packSignatures(part);
        return { argument, transfer: [argument.buffer] };
      },
    });
  }
  const parts = await pool.run<Uint8Array>(jobs);
  return parts.flatMap((part) => Array.from(part) as Verdict[]);
}
