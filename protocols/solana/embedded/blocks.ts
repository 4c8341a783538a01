import { createHash } from 'node:crypto';

/** A transaction may use the blockhash of any of so many blocks before the newest (Solana’s MAX_PROCESSING_AGE). */
export const MAX_BLOCKHASH_AGE = 150;

export interface Genesis {
  /** ms since the Unix epoch: when slot 0 began. */
  readonly time: number;
  readonly slotMs: number;
  /** Hex; makes the blockhashes of this chain its own. */
  readonly seed: string;
}

/**
 * Slots of the chain. They are the clock's: one begins every `slotMs`, also while nobody runs the chain, so a blockhash
 * expires as it would on a cluster. Each slot has a block, so a block's height is its slot. A clock that is set back does not
 * take the chain back: it stands still until the clock has caught up.
 */
export class Blocks {
  readonly #genesis: Genesis;
  readonly #now: () => number;
  #newest: number;
  /** Blockhashes that may be used, to their slots. */
  readonly #valid = new Map<string, number>();
  #validTo = -1;

  /** @param newest a slot that the chain has reached already */
  constructor(genesis: Genesis, newest: number, now: () => number = Date.now) {
    this.#genesis = genesis;
    this.#now = now;
    this.#newest = newest;
  }

  /** The slot of now. */
  slot(): number {
    const slot = Math.floor((this.#now() - this.#genesis.time) / this.#genesis.slotMs);
    if (slot > this.#newest) this.#newest = slot;
    return this.#newest;
  }

  /** Seconds since the Unix epoch at which a slot began. */
  time(slot: number): number {
    return Math.floor((this.#genesis.time + slot * this.#genesis.slotMs) / 1000);
  }

  blockhash(slot: number): Buffer {
    return createHash('sha256').update(`${this.#genesis.seed}/${slot}`).digest();
  }

  /** The slot whose blockhash it is; undefined when it is none, or too old. */
  slotOf(blockhash: Buffer): number | undefined {
    const newest = this.slot();
    const oldest = Math.max(0, newest - MAX_BLOCKHASH_AGE);
    for (let slot = Math.max(oldest, this.#validTo + 1); slot <= newest; slot++) {
      this.#valid.set(this.blockhash(slot).toString('latin1'), slot);
    }
    this.#validTo = newest;
    for (const [hash, slot] of this.#valid) {
      if (slot >= oldest) break;
      this.#valid.delete(hash);
    }
    return this.#valid.get(blockhash.toString('latin1'));
  }
}
