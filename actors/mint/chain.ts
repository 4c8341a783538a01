import { StatewattError, type ErrorOptions } from '../../errors/error.js';
import type { MintFailure } from '../../machines/mint-batch/events.js';
import type { MintAmount } from '../../site/minting/item.js';

/** A transaction that can be signed. */
export interface BuiltMint {
  /** The chain's own; JSON, it is journaled. */
  readonly plan: unknown;
  /** Lamports as decimal text: the fee that is expected. */
  readonly feeEstimate: string;
  /** Lamports as decimal text: for the token accounts that it makes. */
  readonly rentEstimate: string;
}

/** A transaction that can be sent. */
export interface SignedMint {
  /** Base58. */
  readonly signature: string;
  /** It can be taken up to this block height, never after. */
  readonly lastValidBlockHeight: number;
  /** The chain's own: all that is sent; JSON, it is journaled. */
  readonly transaction: unknown;
}

/** What the chain says of a transaction. `expired`: it does not know it, and can never take it any more. */
export type MintStatus =
  | { readonly state: 'pending' }
  | { readonly state: 'confirmed'; readonly slot: number; readonly fee: string | null }
  | { readonly state: 'failed'; readonly error: MintError }
  | { readonly state: 'expired' };

/** What mint batches need of a chain. */
export interface MintChain {
  /** Wallets that one transaction can pay in any case: when none of them has a token account yet. */
  readonly maxWallets: number;
  /** Resolves when transactions can be made now. @throws StatewattError */
  ready(): Promise<void>;
  /**
   * A transaction that pays the amounts and names the batch. Its wallets have been looked at: that one cannot be paid comes out
   * here, where nothing has been signed or sent.
   *
   * @throws MintError, or any other error: it may succeed later
   */
  build(batch: string, amounts: readonly MintAmount[]): Promise<BuiltMint>;
  /** @throws MintError, or any other error: it may succeed later */
  sign(plan: unknown): Promise<SignedMint>;
  /** Hands a transaction over; the same one again does no harm. @throws any error: it may have been taken all the same */
  send(signed: SignedMint): Promise<void>;
  /** @throws any error: it is not known now */
  status(signed: SignedMint): Promise<MintStatus>;
}

/** A mint that failed, and whether that can change. */
export class MintError extends StatewattError {
  readonly failure: MintFailure;
  /** Wallets that are to blame; none: it is not known which, or none is. */
  readonly wallets: readonly string[];

  constructor(
    code: string,
    failure: MintFailure,
    message: string,
    { wallets = [], ...options }: ErrorOptions & { wallets?: readonly string[] } = {},
  ) {
    super(code, failure === 'again' ? 'unavailable' : 'conflict', message, options);
    this.failure = failure;
    this.wallets = wallets;
  }
}
