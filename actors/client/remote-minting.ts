import { mintingEndpoints } from './minting-endpoints.js';
import type { MintBatchView, MintingClient, MintingView, Reconciliation } from './minting.js';
import type { Asker } from './remote-ask.js';

/** All transactions of years take a while. */
const RECONCILE_TIMEOUT_MS = 600_000;

/** Minting of a site that runs elsewhere, over its NATS services. */
export class RemoteMinting implements MintingClient {
  readonly #asker: Asker;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  view(): Promise<MintingView> {
    return this.#asker.ask(mintingEndpoints.mintingGet, {});
  }

  mint(): Promise<MintingView> {
    return this.#asker.ask(mintingEndpoints.mintingMint, {});
  }

  auto(enabled: boolean | null): Promise<MintingView> {
    return this.#asker.ask(mintingEndpoints.mintingAuto, { enabled });
  }

  batch(id: string): Promise<MintBatchView> {
    return this.#asker.ask(mintingEndpoints.mintingBatch, { id });
  }

  reconcile(): Promise<Reconciliation> {
    return this.#asker.ask(mintingEndpoints.mintingReconcile, {}, RECONCILE_TIMEOUT_MS);
  }

  retry(id: string): Promise<MintBatchView> {
    return this.#asker.ask(mintingEndpoints.mintingRetry, { id });
  }
}
