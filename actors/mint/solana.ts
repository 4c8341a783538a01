import type { MintFailure } from '../../machines/mint-batch/events.js';
import type { TransactionFailure } from '../../protocols/solana/chain-error.js';
import type { MintClient, MintPlan } from '../../protocols/solana/mint-client.js';
import type { MintAmount } from '../../site/minting/item.js';
import { MintError, type BuiltMint, type MintChain, type MintStatus, type SignedMint } from './chain.js';

/** What is journaled of a signed transaction beside its signature. */
interface Sent {
  /** Base64. */
  readonly bytes: string;
  /** For each instruction the amount that it is for; −1: for none. */
  readonly itemOf: readonly number[];
  /** The wallets of the amounts. */
  readonly wallets: readonly string[];
}

/** Wallets that one transaction pays when all have a token account; one with new ones may have to be parted. */
const MAX_WALLETS = 19;
const FAILURES: Readonly<Record<TransactionFailure['kind'], MintFailure>> = {
  transient: 'again',
  item: 'members',
  permanent: 'never',
};

/** Mint batches on Solana. Connects when it is first used, and again when that did not succeed. */
export class SolanaMint implements MintChain {
  readonly maxWallets = MAX_WALLETS;
  readonly #connect: () => Promise<MintClient>;
  #client: Promise<MintClient> | undefined;

  /** @param connect makes sure that there is a mint, and answers its client */
  constructor(connect: () => Promise<MintClient>) {
    this.#connect = connect;
  }

  /** The client of the mint. @throws what `connect` throws */
  async client(): Promise<MintClient> {
    this.#client ??= this.#connect();
    try {
      return await this.#client;
    } catch (error) {
      this.#client = undefined;
      throw error;
    }
  }

  async ready(): Promise<void> {
    const client = await this.client();
    if ((await client.funds()) === 0n) throw unfunded('none', 'a transaction');
  }

  async build(batch: string, amounts: readonly MintAmount[]): Promise<BuiltMint> {
    const client = await this.client();
    const items = amounts.map(({ wallet, tokens }) => ({ wallet, amount: BigInt(tokens) }));
    const { transactions, refused } = await client.plan(batch, items);
    const walletOf = (item: number): string => (amounts[item] as MintAmount).wallet;
    const [first] = refused;
    if (first !== undefined) {
      const wallets = refused.map(({ item }) => walletOf(item));
      throw new MintError(first.code, 'members', refused.map(({ message }) => message).join('; '), { wallets });
    }
    const plan = transactions[0] as MintPlan;
    if (transactions.length > 1) {
      const message = `${amounts.length} wallets do not fit one transaction; ${plan.items.length} do`;
      throw new MintError('chain.batch_too_large', 'members', message, { wallets: plan.items.map(walletOf) });
    }
    const [{ fee, rent }, funds] = await Promise.all([client.estimate(plan), client.funds()]);
    if (funds < fee + rent) throw unfunded(funds.toString(), `${fee} for the fee and ${rent} for new token accounts`);
    return { plan, feeEstimate: fee.toString(), rentEstimate: rent.toString() };
  }

  async sign(plan: unknown): Promise<SignedMint> {
    const known = plan as MintPlan;
    const client = await this.client();
    const signed = await client.sign(known);
    const { signature, lastValidBlockHeight, transaction: bytes, itemOf } = signed;
    const wallets = known.targets.map(({ wallet }) => wallet);
    // What would fail is refused here, where nobody else has it: once it is in the journal only its expiry is certain. What
    // passes by itself is sent, again and again.
    const failure = await client.tryOut(signed);
    if (failure !== undefined && failure.kind !== 'transient') throw failureError(failure, wallets);
    return { signature, lastValidBlockHeight, transaction: { bytes, itemOf, wallets } satisfies Sent };
  }

  async send({ transaction }: SignedMint): Promise<void> {
    const { bytes, itemOf } = transaction as Sent;
    await (await this.client()).send({ transaction: bytes, itemOf }, { isTried: true });
  }

  async status({ signature, lastValidBlockHeight, transaction }: SignedMint): Promise<MintStatus> {
    const { itemOf, wallets } = transaction as Sent;
    const outcome = await (await this.client()).outcome({ signature, lastValidBlockHeight, itemOf });
    switch (outcome.status) {
      case 'confirmed':
        return { state: 'confirmed', slot: outcome.slot, fee: outcome.fee?.toString() ?? null };
      case 'failed':
        return { state: 'failed', error: failureError(outcome.failure, wallets) };
      case 'expired':
      case 'pending':
        return { state: outcome.status };
    }
  }
}

function failureError({ code, kind, message, item }: TransactionFailure, wallets: readonly string[]): MintError {
  const wallet = item === undefined ? undefined : wallets[item];
  return new MintError(code, FAILURES[kind], message, wallet === undefined ? {} : { wallets: [wallet] });
}

/** Somebody may send it lamports meanwhile. */
function unfunded(has: string, needs: string): MintError {
  return new MintError('chain.payer_unfunded', 'again', `the authority has ${has} lamports; needed: ${needs}`);
}
