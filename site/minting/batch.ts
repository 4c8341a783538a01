import type { ErrorBody } from '../../errors/error.js';

export const MINT_BATCH_STATES = [
  'collecting',
  'building',
  'signing',
  'submitting',
  'confirming',
  'retrying',
  'settled',
  'parked',
  'split',
] as const;
export type MintBatchState = (typeof MINT_BATCH_STATES)[number];

/** A transaction of a batch; nothing is sent before it stands in the journal, signed. */
export interface MintTransaction {
  /** Base58; null: it is not signed yet. */
  readonly signature: string | null;
  /** It can be taken up to this block height, never after; null: it is not signed yet. */
  readonly lastValidBlockHeight: number | null;
  /** Lamports as decimal text: the fee that was expected. */
  readonly feeEstimate: string;
  /** Lamports as decimal text: for the token accounts that it makes, and stays theirs. */
  readonly rentEstimate: string;
}

/** What became of a transaction that the chain has taken. */
export interface MintOutcome {
  readonly slot: number;
  /** Lamports as decimal text: the fee that was paid; null: the chain did not say. */
  readonly fee: string | null;
}

/** A batch as everybody outside sees it. */
export interface MintBatchRecord {
  readonly id: string;
  readonly state: MintBatchState;
  /** When it entered the state, ms since the Unix epoch. */
  readonly since: number;
  readonly createdAt: number;
  /** The batch that it was split off; null: none. */
  readonly parent: string | null;
  /** What it was split into. */
  readonly children: readonly string[];
  readonly readings: number;
  readonly wallets: number;
  /** Sum, base units. */
  readonly tokens: string;
  /** Transactions that were begun. */
  readonly attempts: number;
  /** The newest one that was signed. */
  readonly transaction: MintTransaction | null;
  readonly outcome: MintOutcome | null;
  /** When it is tried again, ms since the Unix epoch; null: it does not wait. */
  readonly retryAt: number | null;
  readonly lastError: { readonly at: number; readonly error: ErrorBody } | null;
}
