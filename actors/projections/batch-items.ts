import type { MintItem } from '../../site/minting/item.js';

/** Some 20 MB: batches that are under way at one time hold fewer, and those of others are read again from the journal. */
const MOST = 50_000;

/** The readings of mint batches that are under way, those of the newest batches when there are too many. */
export class BatchItems {
  readonly #most: number;
  readonly #batches = new Map<string, readonly MintItem[]>();
  #readings = 0;

  /** `most`: readings that are remembered; those of the newest batch in any case. */
  constructor(most = MOST) {
    this.#most = most;
  }

  /** Readings that are remembered. */
  get readings(): number {
    return this.#readings;
  }

  get(batch: string): readonly MintItem[] | undefined {
    return this.#batches.get(batch);
  }

  remember(batch: string, items: readonly MintItem[]): void {
    this.forget(batch);
    this.#batches.set(batch, items);
    this.#readings += items.length;
    for (const oldest of this.#batches.keys()) {
      if (this.#readings <= this.#most || oldest === batch) return;
      this.forget(oldest);
    }
  }

  /** Nothing more will be asked of it. */
  forget(batch: string): void {
    this.#readings -= this.#batches.get(batch)?.length ?? 0;
    this.#batches.delete(batch);
  }
}
