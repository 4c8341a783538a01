import { StatewattError } from '../../errors/error.js';
import type { MinterContext } from '../../machines/minter.js';
import type { MintBatchContext } from '../../machines/mint-batch/events.js';
import { recordOf } from '../../machines/mint-batch/record.js';
import type { MintBatchView, MintingClient, MintingView, Reconciliation } from '../client/minting.js';
import { mintBatchRef, unknownBatch, type MintBatchKind } from '../mint-batch.js';
import { minterRef, type MinterKind } from '../minter.js';
import type { ActorSystem } from '../runtime/system.js';
import type { MinterWorker, MintSettings } from './worker.js';

export interface LocalMintingParts {
  readonly system: ActorSystem;
  readonly minter: MinterKind;
  readonly batch: MintBatchKind;
  settings(): MintSettings;
  reconcile(): Promise<Reconciliation>;
}

/** Minting, as callers ask for it. */
export class LocalMinting implements MintingClient {
  readonly #parts: LocalMintingParts | undefined;
  #reconciling: Promise<Reconciliation> | undefined;

  /** @param parts undefined: this site does not mint */
  constructor(parts: LocalMintingParts | undefined) {
    this.#parts = parts;
  }

  async view(): Promise<MintingView> {
    const parts = this.#on();
    const actor = await parts.system.query(minterRef(parts.minter));
    const { auto, wanted, open, recent, totals } = actor.context as MinterContext;
    const live = actor.live as ReturnType<MinterWorker['inspect']> | undefined;
    return {
      auto: auto ?? parts.settings().autoMint,
      told: auto,
      wanted,
      waiting: live?.waiting ?? 0,
      moving: live?.moving ?? 0,
      problem: live?.problem ?? null,
      readings: totals.readings,
      minted: totals.settled,
      tokens: totals.tokens,
      feesEstimated: totals.feesEstimated,
      feesPaid: totals.feesPaid,
      open: [...open],
      recent: [...recent],
    };
  }

  async mint(): Promise<MintingView> {
    const { system, minter } = this.#on();
    await system.ask(minterRef(minter), { type: 'mint' });
    return this.view();
  }

  async auto(enabled: boolean | null): Promise<MintingView> {
    const { system, minter } = this.#on();
    await system.ask(minterRef(minter), { type: 'auto', enabled });
    return this.view();
  }

  async batch(id: string): Promise<MintBatchView> {
    const { system, batch } = this.#on();
    const { context } = await system.query(mintBatchRef(batch, id));
    return viewBatch(context as MintBatchContext);
  }

  /** Who asks while it is being done gets what comes of that. */
  async reconcile(): Promise<Reconciliation> {
    const parts = this.#on();
    this.#reconciling ??= parts.reconcile().finally(() => (this.#reconciling = undefined));
    return this.#reconciling;
  }

  async retry(id: string): Promise<MintBatchView> {
    const { system, batch } = this.#on();
    await system.ask(mintBatchRef(batch, id), { type: 'retry' });
    return this.batch(id);
  }

  #on(): LocalMintingParts {
    if (this.#parts !== undefined) return this.#parts;
    throw new StatewattError(
      'mint.off',
      'conflict',
      'this site does not mint; a section "tokenization" in its site file, or SOLANA_RPC_URL, has it mint from the next start on',
    );
  }
}

/** @throws `mint.not_found` */
export function viewBatch(context: MintBatchContext): MintBatchView {
  if (context.state === 'collecting') throw unknownBatch(context.id);
  const { lastError, id, state, since, createdAt, parent, children, tokens, attempts, transaction, outcome, retryAt } =
    recordOf(context);
  return {
    ...{
      id,
      state,
      since,
      createdAt,
      parent,
      children: [...children],
      tokens,
      attempts,
      transaction,
      outcome,
      retryAt,
    },
    error: lastError && { at: lastError.at, code: lastError.error.code, message: lastError.error.message },
    items: [...context.items],
  };
}
