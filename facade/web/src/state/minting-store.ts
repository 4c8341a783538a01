import { signal } from '@preact/signals';
import type { MintBatchView, MintingView } from '../../../../actors/client/minting.js';
import { ApiError } from '../api.js';
import type { LedgerApi } from '../ledger-api.js';
import { Poll } from './poll.js';

const EVERY_MS = 5_000;
const BATCH_EVERY_MS = 3_000;

/** What waits to be minted and what is under way. */
export class MintingStore {
  readonly view = signal<MintingView | undefined>(undefined);
  /** The server's words for a site that does not mint; it is not asked again until the page is opened anew. */
  readonly off = signal<string | undefined>(undefined);
  readonly poll: Poll;

  constructor(api: Pick<LedgerApi, 'minting'>) {
    this.poll = new Poll(EVERY_MS, async (isCurrent) => {
      try {
        const view = await api.minting();
        if (isCurrent()) [this.view.value, this.off.value] = [view, undefined];
      } catch (error) {
        if (!(error instanceof ApiError && error.code === 'mint.off')) throw error;
        if (!isCurrent()) return;
        this.off.value = error.message;
        this.poll.stop();
      }
    });
  }
}

/** One mint batch, followed while it is shown. */
export class MintBatchStore {
  readonly batch = signal<MintBatchView | undefined>(undefined);
  readonly poll: Poll;
  readonly #api: Pick<LedgerApi, 'batch'>;
  #id: string | undefined;

  constructor(api: Pick<LedgerApi, 'batch'>) {
    this.#api = api;
    this.poll = new Poll(BATCH_EVERY_MS, (isCurrent) => this.#load(isCurrent));
  }

  /** Follows this batch from now on; undefined follows none. */
  select(id: string | undefined): void {
    if (id === this.#id) return;
    this.#id = id;
    this.batch.value = undefined;
    if (id === undefined) this.poll.stop();
    else this.poll.start();
  }

  /** A batch as a command answered it. */
  put(batch: MintBatchView): void {
    if (batch.id === this.#id) this.batch.value = batch;
    this.poll.now();
  }

  async #load(isCurrent: () => boolean): Promise<void> {
    if (this.#id === undefined) return;
    const batch = await this.#api.batch(this.#id);
    if (isCurrent()) this.batch.value = batch;
  }
}
