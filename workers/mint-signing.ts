import type { MintMessageParts } from '../protocols/solana/mint-message.js';
import type { Signer } from '../protocols/solana/signer.js';
import { buildAndSign, signMintsOnPool, type SignedMessageParts, type SigningWorkerData } from './mints.js';
import type { WorkerPool } from './pool.js';

interface Waiting {
  readonly parts: MintMessageParts;
  readonly resolve: (signed: SignedMessageParts | Promise<SignedMessageParts>) => void;
}

/**
 * Builds and signs transactions on worker threads, those that come at once together. What the threads do not do, because
 * they are not there yet, have too much to do, or the key is with another program, is done by the signer in this thread: the
 * same message has the same signature, whoever makes it.
 */
export class MintSigning {
  /** Since the start: signed on worker threads, and in this thread or by another program. */
  readonly counters = { onPool: 0, here: 0 };
  readonly #signer: Signer;
  #pool: WorkerPool | undefined;
  #waiting: Waiting[] = [];

  constructor(signer: Signer) {
    this.#signer = signer;
  }

  /** What a pool that is to sign is started with; undefined: the key is not in this process. */
  workerData(): SigningWorkerData | undefined {
    const signingKey = this.#signer.secret?.();
    return signingKey === undefined ? undefined : { signingKey };
  }

  /** Signs on these threads from now on, if they have the key. */
  use(pool: WorkerPool): void {
    if (this.#signer.secret !== undefined) this.#pool = pool;
  }

  /** @throws what the signer throws */
  sign(parts: MintMessageParts): Promise<SignedMessageParts> {
    const pool = this.#pool;
    if (pool === undefined) return this.#signHere(parts);
    return new Promise((resolve) => {
      this.#waiting.push({ parts, resolve });
      if (this.#waiting.length === 1) setImmediate(() => void this.#signOn(pool));
    });
  }

  async #signOn(pool: WorkerPool): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const signed = await signMintsOnPool(
        pool,
        waiting.map(({ parts }) => parts),
      );
      this.counters.onPool += signed.length;
      waiting.forEach(({ resolve }, index) => resolve(signed[index] as SignedMessageParts));
    } catch {
      // Too much to do, being stopped, or what cannot be built at all: this thread does it, or says why not.
      for (const { parts, resolve } of waiting) resolve(this.#signHere(parts));
    }
  }

  async #signHere(parts: MintMessageParts): Promise<SignedMessageParts> {
    this.counters.here += 1;
    return buildAndSign(parts, this.#signer);
  }
}
