import type { BuiltMint, MintChain, MintStatus, SignedMint } from '../../actors/mint/chain.js';
import type { MintAmount } from '../../site/minting/item.js';
import { away } from './model-chain.js';

/** A chain whose attempts at transactions are counted, and of which some fail. */
export class CountingChain implements MintChain {
  /** What was to be paid, for each attempt. */
  readonly attempts: (readonly MintAmount[])[] = [];
  /** Attempts from now on that fail, as if the chain were away. */
  failures = 0;
  readonly #chain: MintChain;

  constructor(chain: MintChain) {
    this.#chain = chain;
  }

  get maxWallets(): number {
    return this.#chain.maxWallets;
  }

  ready(): Promise<void> {
    return this.#chain.ready();
  }

  build(batch: string, amounts: readonly MintAmount[]): Promise<BuiltMint> {
    this.attempts.push(amounts);
    if (this.failures === 0) return this.#chain.build(batch, amounts);
    this.failures -= 1;
    return Promise.reject(away());
  }

  sign(plan: unknown): Promise<SignedMint> {
    return this.#chain.sign(plan);
  }

  send(signed: SignedMint): Promise<void> {
    return this.#chain.send(signed);
  }

  status(signed: SignedMint): Promise<MintStatus> {
    return this.#chain.status(signed);
  }
}
