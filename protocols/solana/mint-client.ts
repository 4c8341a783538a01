import { PublicKey, SendTransactionError, type Connection, type SignatureStatus } from '@solana/web3.js';
import { StatewattError } from '../../errors/error.js';
import { encodeBase58 } from '../../site/metering/base58.js';
import { MAX_TOKEN_UNITS } from '../../site/metering/token-rate.js';
import { describeFailure, toChainError, type TransactionError, type TransactionFailure } from './chain-error.js';
import {
  buildMintMessage,
  withSignature,
  type MintMessage,
  type MintMessageParts,
  type MintTarget,
} from './mint-message.js';
import { encodedMessage, encodedTransaction } from './encoded.js';
import { formatMintMemo } from './mint-memo.js';
import { MintHistory } from './mint-history.js';
import type { FeeEstimate, MintItem, MintOutcome, MintPlan, RefusedItem, SignedMint } from './mint-types.js';
import { packItems } from './packing.js';
import { PriorityFee } from './priority-fee.js';
import { ask, connectRpc } from './rpc.js';
import type { Signer } from './signer.js';
import { tokenAccountOf } from './token-instructions.js';
import { TOKEN_ACCOUNT_BYTES } from './token-state.js';
import { Wallets, type WalletCheck } from './wallets.js';

export type { FeeEstimate, MintItem, MintOutcome, MintPlan, RefusedItem, SignedMint } from './mint-types.js';

/** Of `MintClient`. */
export interface MintClientOptions {
  /** Any JSON-RPC endpoint of Solana. */
  url: string;
  /** Pays fees and rent, and is the mint's authority. */
  signer: Signer;
  /** Base58; see `ensureMint`. */
  mint: string;
  decimals: number;
  /** Millionths of a lamport for each compute unit. Default: what others paid lately (`PriorityFee`). */
  unitPrice?: number;
  /**
   * Builds and signs in place of this thread and `signer`, whose address it must sign for; `signMintsOnPool` does it on worker
   * threads.
   */
  buildAndSign?: (parts: MintMessageParts) => Promise<MintMessage & { readonly signature: Uint8Array }>;
  /** When a transaction counts as done: voted for by most (default), or for good. */
  commitment?: 'confirmed' | 'finalized';
  /** How long an answer of the endpoint is waited for. Default 15 s. */
  timeoutMs?: number;
}

/**
 * Mints tokens: from amounts for wallets to transactions that are on the chain. The order of its calls is what keeps a batch
 * from being minted twice or never: `plan`, `sign`, **journal the signed transaction**, `send`, `outcome` until it is not
 * pending. After a crash `outcome` comes first; only `expired` allows signing anew.
 */
export class MintClient {
  readonly mint: string;
  readonly decimals: number;
  readonly history: MintHistory;
  readonly #connection: Connection;
  readonly #signer: Signer;
  readonly #wallets: Wallets;
  readonly #price: number | PriorityFee;
  readonly #commitment: 'confirmed' | 'finalized';
  readonly #buildAndSign: NonNullable<MintClientOptions['buildAndSign']>;
  #newest: { at: number; answer: ReturnType<Connection['getLatestBlockhash']> } | undefined;

  constructor({
    url,
    signer,
    mint,
    decimals,
    unitPrice,
    commitment = 'confirmed',
    timeoutMs,
    ...options
  }: MintClientOptions) {
    this.#connection = connectRpc({ url, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    this.mint = mint;
    this.decimals = decimals;
    this.history = new MintHistory(this.#connection, mint);
    this.#signer = signer;
    this.#wallets = new Wallets(this.#connection, mint);
    this.#price = unitPrice ?? new PriorityFee(this.#connection, mint);
    this.#commitment = commitment;
    this.#buildAndSign = options.buildAndSign ?? ((parts) => this.#signHere(parts));
  }

  /** The token account of a wallet for this mint, base58; the chain is not asked. @throws when it is no address */
  async tokenAccount(wallet: string): Promise<string> {
    return (await tokenAccountOf(new PublicKey(wallet), new PublicKey(this.mint))).toBase58();
  }

  /** Whether wallets can be minted to. @throws `chain.unavailable` … */
  checkWallets(wallets: readonly string[]): Promise<WalletCheck[]> {
    return this.#wallets.check(wallets);
  }

  /**
   * Packs items into transactions, in their order, as few as that allows; what cannot be minted is named and left out.
   *
   * @param batch name of the batch, which goes into the memo of each transaction
   * @throws `chain.batch_invalid`, `chain.unavailable` …
   */
  async plan(batch: string, items: readonly MintItem[]): Promise<{ transactions: MintPlan[]; refused: RefusedItem[] }> {
    const longestMemo = formatMintMemo({ batch, part: items.length }).length;
    const checks = await this.#wallets.check(items.map(({ wallet }) => wallet));
    const refused: RefusedItem[] = [];
    const taken: { item: number; target: MintTarget }[] = [];
    items.forEach(({ amount }, item) => {
      const check = checks[item] as WalletCheck;
      if ('code' in check) refused.push({ item, code: check.code, message: check.message });
      else if (amount < 1n || amount > MAX_TOKEN_UNITS) {
        const message = `${amount} base units cannot be minted; allowed: 1 to ${MAX_TOKEN_UNITS}`;
        refused.push({ item, code: 'chain.amount_invalid', message });
      } else taken.push({ item, target: { ...check, amount: amount.toString() } });
    });
    const packed = packItems(
      taken.map(({ target }) => target),
      this.#signer.address,
      longestMemo,
    );
    const transactions = packed.map((indexes, part) => ({
      batch,
      part,
      items: indexes.map((index) => (taken[index] as { item: number }).item),
      targets: indexes.map((index) => (taken[index] as { target: MintTarget }).target),
    }));
    return { transactions, refused };
  }

  /** What a transaction will cost. @throws `chain.unavailable` … */
  async estimate(plan: MintPlan): Promise<FeeEstimate> {
    const newAccounts = new Set(plan.targets.filter(({ create }) => create).map(({ wallet }) => wallet)).size;
    const { message } = buildMintMessage(await this.#parts(plan, (await this.#blockhash()).blockhash));
    const [fee, rent] = await ask(
      'the fee cannot be estimated',
      Promise.all([
        this.#connection.getFeeForMessage(encodedMessage(message)),
        newAccounts === 0 ? 0n : this.#connection.getMinimumBalanceForRentExemption(TOKEN_ACCOUNT_BYTES),
      ]),
    );
    return { fee: BigInt(fee.value ?? 0), rent: BigInt(rent) * BigInt(newAccounts), newAccounts };
  }

  /** Signs a transaction with the newest blockhash; nothing is sent. @throws `signer.*`, `chain.unavailable` … */
  async sign(plan: MintPlan): Promise<SignedMint> {
    const { blockhash, lastValidBlockHeight } = await this.#blockhash();
    const { message, targetOf, signature } = await this.#buildAndSign(await this.#parts(plan, blockhash));
    return {
      signature: encodeBase58(signature),
      transaction: Buffer.from(withSignature(message, signature)).toString('base64'),
      blockhash,
      lastValidBlockHeight,
      itemOf: targetOf.map((target) => (target < 0 ? -1 : (plan.items[target] as number))),
    };
  }

  /**
   * Tries a transaction out; nothing is sent. One that fails here and is thrown away before anybody else has it can never come
   * to be on the chain: so that is known at once, and not when it has expired.
   *
   * @returns why it would fail; undefined: it would not, or has been taken already
   * @throws `chain.unavailable` …
   */
  async tryOut({
    transaction,
    itemOf,
  }: Pick<SignedMint, 'transaction' | 'itemOf'>): Promise<TransactionFailure | undefined> {
    const err = await this.#tryOut(transaction);
    return err === null || err === 'AlreadyProcessed' ? undefined : describeFailure(err, itemOf);
  }

  /**
   * Sends a transaction, as often as wanted: the chain takes it once. The endpoint tries it out first, so that what cannot
   * succeed costs no fee and names its item; not if it `isTried`.
   *
   * @throws the failure's own code with `details` {kind, item}: category `unavailable` for a transient one, `invalid` for an
   *   item, `conflict` for a permanent one; `chain.unavailable` …
   */
  async send(signed: Pick<SignedMint, 'transaction' | 'itemOf'>, { isTried = false } = {}): Promise<void> {
    if (isTried) return this.#push(signed.transaction);
    try {
      await this.#connection.sendEncodedTransaction(signed.transaction, { preflightCommitment: 'confirmed' });
    } catch (error) {
      if (!(error instanceof SendTransactionError)) throw toChainError(error, 'the transaction cannot be sent');
      // The error that web3.js makes of a refusal has lost its structure; trying it out again tells it.
      const err = await this.#tryOut(signed.transaction);
      if (err === 'AlreadyProcessed') return;
      if (err !== null) throw failureError(describeFailure(err, signed.itemOf));
      await this.#push(signed.transaction);
    }
  }

  /**
   * What has become of a transaction. It is `expired` only when blocks that are final have passed its last height and a node
   * that has seen them knows nothing of it, its history included.
   *
   * @throws `chain.unavailable` …
   */
  async outcome(signed: Pick<SignedMint, 'signature' | 'lastValidBlockHeight' | 'itemOf'>): Promise<MintOutcome> {
    const [known] = (await this.#statuses(signed.signature)).value;
    if (known !== null && known !== undefined) return this.#judge(signed, known);
    // First the height, then the status once more: what the height allows to conclude must hold for a later status.
    const { blockHeight, absoluteSlot } = await ask(
      'the block height cannot be asked for',
      this.#connection.getEpochInfo('finalized'),
    );
    if (blockHeight <= BigInt(signed.lastValidBlockHeight)) return { status: 'pending' };
    const { context, value } = await this.#statuses(signed.signature);
    const [last] = value;
    if (last !== null && last !== undefined) return this.#judge(signed, last);
    return { status: context.slot >= absoluteSlot ? 'expired' : 'pending' };
  }

  /**
   * Asks for the outcome until it is not pending, sending the transaction again every 2 s: a cluster may lose one.
   *
   * @throws `chain.unavailable` …, and the signal's reason
   */
  async confirm(
    signed: SignedMint,
    { pollMs = 500, signal }: { pollMs?: number; signal?: AbortSignal } = {},
  ): Promise<Exclude<MintOutcome, { status: 'pending' }>> {
    for (let polls = 1; ; polls++) {
      signal?.throwIfAborted();
      const outcome = await this.outcome(signed);
      if (outcome.status !== 'pending') return outcome;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      if ((polls * pollMs) % RESEND_MS < pollMs) await this.#push(signed.transaction);
    }
  }

  /** Lamports that the authority has left for fees and rent. @throws `chain.unavailable` … */
  async funds(): Promise<bigint> {
    return ask('the balance cannot be asked for', this.#connection.getBalance(new PublicKey(this.#signer.address)));
  }

  async #tryOut(transaction: string): Promise<TransactionError | null> {
    const { value } = await ask(
      'the transaction cannot be tried out',
      this.#connection.simulateTransaction(encodedTransaction(Buffer.from(transaction, 'base64')), {
        sigVerify: true,
        commitment: 'confirmed',
      }),
    );
    return value.err;
  }

  async #push(transaction: string): Promise<void> {
    const sent = this.#connection.sendEncodedTransaction(transaction, { skipPreflight: true });
    await ask('the transaction cannot be sent', sent);
  }

  #statuses(signature: string) {
    return ask(
      'the transaction’s status cannot be asked for',
      this.#connection.getSignatureStatuses([signature], { searchTransactionHistory: true }),
    );
  }

  async #judge(
    { signature, itemOf }: Pick<SignedMint, 'signature' | 'itemOf'>,
    status: SignatureStatus,
  ): Promise<MintOutcome> {
    if (!this.#isDone(status.confirmationStatus)) return { status: 'pending' };
    const slot = Number(status.slot);
    if (status.err !== null) {
      const failure = describeFailure(status.err, itemOf);
      return { status: 'failed', slot, failure };
    }
    return { status: 'confirmed', slot, fee: await this.history.fee(signature) };
  }

  #isDone(confirmationStatus: string | null | undefined): boolean {
    if (confirmationStatus === 'finalized') return true;
    return confirmationStatus === 'confirmed' && this.#commitment === 'confirmed';
  }

  /** Asked for once a second at most: it can be used for a minute. */
  async #blockhash(): Promise<Blockhash> {
    const now = Date.now();
    if (this.#newest === undefined || now - this.#newest.at > BLOCKHASH_CACHE_MS) {
      const asked = ask('no blockhash can be had', this.#connection.getLatestBlockhash('confirmed'));
      this.#newest = { at: now, answer: asked };
      asked.catch(() => (this.#newest = undefined));
    }
    const { blockhash, lastValidBlockHeight } = await this.#newest.answer;
    return { blockhash, lastValidBlockHeight: Number(lastValidBlockHeight) };
  }

  async #parts(plan: MintPlan, blockhash: string): Promise<MintMessageParts> {
    return {
      authority: this.#signer.address,
      mint: this.mint,
      decimals: this.decimals,
      targets: plan.targets,
      memo: formatMintMemo(plan),
      unitPrice: typeof this.#price === 'number' ? this.#price : await this.#price.price(),
      blockhash,
    };
  }

  async #signHere(parts: MintMessageParts): Promise<MintMessage & { signature: Uint8Array }> {
    const built = buildMintMessage(parts);
    return { ...built, signature: await this.#signer.sign(built.message) };
  }
}

const RESEND_MS = 2_000;
const BLOCKHASH_CACHE_MS = 1_000;

interface Blockhash {
  readonly blockhash: string;
  readonly lastValidBlockHeight: number;
}

const CATEGORY = { transient: 'unavailable', item: 'invalid', permanent: 'conflict' } as const;

function failureError({ code, kind, message, item }: TransactionFailure): StatewattError {
  return new StatewattError(code, CATEGORY[kind], message, {
    details: { kind, ...(item === undefined ? {} : { item }) },
    ...(kind === 'transient' ? { retryAfterMs: 1_000 } : {}),
  });
}
