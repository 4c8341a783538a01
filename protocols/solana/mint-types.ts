import type { TransactionFailure } from './chain-error.js';
import type { MintTarget } from './mint-message.js';

/** An amount for a wallet. */
export interface MintItem {
  /** Base58. */
  readonly wallet: string;
  /** Base units, 1 … 2^64 − 1. */
  readonly amount: bigint;
}

/** One transaction, before it has a blockhash. Plain data, to be journaled. */
export interface MintPlan {
  readonly batch: string;
  readonly part: number;
  /** For each target the index of the item that it is for. */
  readonly items: readonly number[];
  readonly targets: readonly MintTarget[];
}

/** An item that cannot be minted, and why. */
export interface RefusedItem {
  readonly item: number;
  readonly code: string;
  readonly message: string;
}

/** A transaction that can be sent, and be asked after. Plain data: journal it, then send it. */
export interface SignedMint {
  /** Base58; the transaction's name for ever. */
  readonly signature: string;
  /** Base64. */
  readonly transaction: string;
  readonly blockhash: string;
  /** It can be in no block above this height. */
  readonly lastValidBlockHeight: number;
  /** For each instruction the item that it is for; −1: for none. */
  readonly itemOf: readonly number[];
}

/** Lamports. */
export interface FeeEstimate {
  /** For signature and compute units. */
  readonly fee: bigint;
  /** For token accounts that are created; it stays theirs. */
  readonly rent: bigint;
  readonly newAccounts: number;
}

/** What has become of a transaction. */
export type MintOutcome =
  /** Not known to the chain yet, and still able to come. */
  | { readonly status: 'pending' }
  /** On the chain. `fee` in lamports; undefined when the endpoint does not have the transaction at hand yet. */
  | { readonly status: 'confirmed'; readonly slot: number; readonly fee: bigint | undefined }
  /** On the chain without effect but for its fee. */
  | { readonly status: 'failed'; readonly slot: number; readonly failure: TransactionFailure }
  /** Not on the chain, and never will be: signing anew cannot mint twice. */
  | { readonly status: 'expired' };
