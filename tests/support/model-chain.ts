import assert from 'node:assert/strict';
import {
  MintError,
  type BuiltMint,
  type MintChain,
  type MintStatus,
  type SignedMint,
} from '../../actors/mint/chain.js';
import { StatewattError } from '../../errors/error.js';
import type { MintAmount } from '../../site/minting/item.js';

type Step = 'ready' | 'build' | 'sign' | 'send' | 'status';

interface Plan {
  readonly batch: string;
  readonly amounts: readonly MintAmount[];
}

interface Known extends Plan {
  readonly lastValid: number;
  slot: number | undefined;
}

/** A chain in memory: takes what is sent at once, each transaction once, and lets a test hold up or fail each step. */
export class TestChain implements MintChain {
  readonly maxWallets = 4;
  readonly balances = new Map<string, bigint>();
  readonly transactions = new Map<string, Known>();
  height = 0;
  /** Wallets that cannot be paid. */
  readonly bad = new Set<string>();
  /** Transactions that were built, for each batch. */
  readonly built: string[] = [];
  readonly #failures: Record<Step, Error[]> = { ready: [], build: [], sign: [], send: [], status: [] };
  readonly #held = new Map<Step, { reached: () => void; gate: Promise<void> }>();

  /** The next call of this step throws. */
  fail(step: Step, error: Error = away()): void {
    this.#failures[step].push(error);
  }

  /** Calls of this step wait until `open` is called; `reached` resolves at the first. */
  hold(step: Step): { readonly reached: Promise<void>; readonly open: () => void } {
    let reach = (): void => undefined;
    let open = (): void => undefined;
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const gate = new Promise<void>((resolve) => (open = resolve));
    this.#held.set(step, { reached: reach, gate });
    return {
      reached,
      open: () => {
        this.#held.delete(step);
        open();
      },
    };
  }

  async ready(): Promise<void> {
    await this.#begin('ready');
  }

  async build(batch: string, amounts: readonly MintAmount[]): Promise<BuiltMint> {
    this.built.push(batch);
    await this.#begin('build');
    const wallets = amounts.map(({ wallet }) => wallet).filter((wallet) => this.bad.has(wallet));
    if (wallets.length > 0) {
      throw new MintError('chain.wallet_refused', 'members', `${wallets.join()} cannot be minted to`, { wallets });
    }
    return { plan: { batch, amounts } satisfies Plan, feeEstimate: '5000', rentEstimate: '0' };
  }

  async sign(plan: unknown): Promise<SignedMint> {
    await this.#begin('sign');
    const signature = `signature${this.transactions.size + 1}`;
    const lastValidBlockHeight = this.height + 150;
    this.transactions.set(signature, { ...(plan as Plan), lastValid: lastValidBlockHeight, slot: undefined });
    return { signature, lastValidBlockHeight, transaction: { signed: signature } };
  }

  async send({ signature, transaction }: SignedMint): Promise<void> {
    assert.deepEqual(transaction, { signed: signature });
    await this.#begin('send');
    const known = this.transactions.get(signature) as Known;
    if (known.slot !== undefined || this.height > known.lastValid) return;
    known.slot = ++this.height;
    for (const { wallet, tokens } of known.amounts) {
      this.balances.set(wallet, (this.balances.get(wallet) ?? 0n) + BigInt(tokens));
    }
  }

  async status({ signature, lastValidBlockHeight }: SignedMint): Promise<MintStatus> {
    await this.#begin('status');
    const { slot } = this.transactions.get(signature) as Known;
    if (slot !== undefined) return { state: 'confirmed', slot, fee: '5000' };
    return { state: this.height > lastValidBlockHeight ? 'expired' : 'pending' };
  }

  async #begin(step: Step): Promise<void> {
    const held = this.#held.get(step);
    held?.reached();
    await held?.gate;
    const failure = this.#failures[step].shift();
    if (failure !== undefined) throw failure;
  }
}

export function away(): StatewattError {
  return new StatewattError('chain.unavailable', 'unavailable', 'the chain is away');
}
