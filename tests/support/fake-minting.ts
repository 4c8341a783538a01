import type { MintBatchView, MintingClient, MintingView, Reconciliation } from '../../actors/client/minting.js';
import { StatewattError } from '../../errors/error.js';
import { mintItem } from './minting.js';

/** Minting in memory: the batch `7-1` is settled, `9-1` is parked. */
export class FakeMinting implements MintingClient {
  #view: MintingView;
  readonly #batches: Map<string, MintBatchView>;

  constructor(time: number) {
    this.#view = {
      ...{ auto: true, told: null, wanted: false, waiting: 3, moving: 0, problem: null, readings: 4, minted: 2 },
      ...{ tokens: '2000000000', feesEstimated: '5012', feesPaid: '5012' },
      open: [{ id: '9-1', state: 'parked', since: time, readings: 2 }],
      recent: [{ id: '7-1', state: 'settled', since: time, readings: 2 }],
    };
    const base = {
      ...{ since: time, createdAt: time, parent: null, children: [], tokens: '2000000000', attempts: 1, retryAt: null },
      items: [mintItem(1, 1), mintItem(1, 2)],
    };
    const transaction = {
      ...{ signature: 'sig7', lastValidBlockHeight: 150, feeEstimate: '5012', rentEstimate: '2039280' },
    };
    this.#batches = new Map<string, MintBatchView>([
      ['7-1', { ...base, id: '7-1', state: 'settled', transaction, outcome: { slot: 9, fee: '5012' }, error: null }],
      [
        '9-1',
        {
          ...{ ...base, id: '9-1', state: 'parked', transaction: null, outcome: null },
          error: { at: time, code: 'chain.wallet_not_system', message: 'it is not a wallet' },
        },
      ],
    ]);
  }

  view(): Promise<MintingView> {
    return Promise.resolve(this.#view);
  }

  mint(): Promise<MintingView> {
    this.#view = { ...this.#view, wanted: true };
    return this.view();
  }

  auto(enabled: boolean | null): Promise<MintingView> {
    this.#view = { ...this.#view, told: enabled, auto: enabled ?? true };
    return this.view();
  }

  async batch(id: string): Promise<MintBatchView> {
    const found = this.#batches.get(id);
    if (found !== undefined) return found;
    throw new StatewattError('mint.not_found', 'not_found', `there is no mint batch ${id}`);
  }

  /** What is said to differ. */
  differences: Reconciliation['differences'] = [];

  reconcile(): Promise<Reconciliation> {
    const sums = { chain: '2000000000', journal: '2000000000', ledger: '2000000000' };
    const { differences } = this;
    return Promise.resolve({
      ...{ transactions: 1, batches: 1, underWay: 0, ...sums, found: differences.length, differences },
    });
  }

  async retry(id: string): Promise<MintBatchView> {
    const found = await this.batch(id);
    if (found.state !== 'parked')
      throw new StatewattError('mint.state', 'conflict', `the batch ${id} is ${found.state}`);
    const next: MintBatchView = { ...found, state: 'building' };
    this.#batches.set(id, next);
    return next;
  }
}
