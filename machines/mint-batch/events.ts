import type { ErrorBody } from '../../errors/error.js';
import type { MintBatchState, MintOutcome, MintTransaction } from '../../site/minting/batch.js';
import type { MintAmount, MintItem } from '../../site/minting/item.js';

/** How often, and when, a batch that did not get through is tried again. */
export interface RetryPolicy {
  /** Tries after the first one; then it is parked. */
  readonly maxRetries: number;
  /** Try n after the first waits initialDelayMs · 2^(n−1). */
  readonly initialDelayMs: number;
}

export interface MintBatchContext {
  readonly id: string;
  readonly state: MintBatchState;
  readonly since: number;
  readonly createdAt: number;
  readonly parent: string | null;
  readonly items: readonly MintItem[];
  readonly policy: RetryPolicy;
  /** Transactions begun, ever; results name the one that they are of. */
  readonly attempt: number;
  /** Tries that failed since it was begun, or told to try again. */
  readonly failures: number;
  readonly transaction: MintTransaction | null;
  readonly outcome: MintOutcome | null;
  readonly lastError: { readonly at: number; readonly error: ErrorBody } | null;
  readonly children: readonly string[];
}

/**
 * Why a try failed. `again`: it may succeed later. `members`: some wallets cannot be paid; `wallets` says which, if that is
 * known. `never`: no repetition and no parting helps until somebody has changed something.
 */
export type MintFailure = 'again' | 'members' | 'never';

export interface FailedEvent {
  readonly type: 'failed';
  readonly attempt: number;
  readonly failure: MintFailure;
  readonly wallets: readonly string[];
  readonly error: ErrorBody;
  readonly at: number;
}

/** What comes back from the chain names the attempt that it is of: whatever comes late is of no consequence. */
export type MintBatchEvent =
  | {
      readonly type: 'collect';
      readonly items: readonly MintItem[];
      readonly parent: string | null;
      readonly policy: RetryPolicy;
      readonly at: number;
    }
  /** What is to be signed is known. */
  | {
      readonly type: 'built';
      readonly attempt: number;
      /** The chain's own; JSON. */
      readonly plan: unknown;
      readonly feeEstimate: string;
      readonly rentEstimate: string;
      readonly at: number;
    }
  | {
      readonly type: 'signed';
      readonly attempt: number;
      readonly signature: string;
      readonly lastValidBlockHeight: number;
      /** All that is sent, and what the chain needs to speak of it; JSON. */
      readonly transaction: unknown;
      readonly at: number;
    }
  /** It was handed to the chain, or may have been. */
  | { readonly type: 'submitted'; readonly attempt: number; readonly at: number }
  | {
      readonly type: 'confirmed';
      readonly attempt: number;
      readonly slot: number;
      readonly fee: string | null;
      readonly at: number;
    }
  /** The chain does not know it, and cannot take it any more. */
  | { readonly type: 'expired'; readonly attempt: number; readonly error: ErrorBody; readonly at: number }
  /** Before anything was sent; or the chain has taken the transaction as one that failed, which changes nothing there. */
  | FailedEvent
  /** Somebody wants it tried (again) now. */
  | { readonly type: 'retry'; readonly at: number };

/** Of the effect `build`. */
export interface BuildOrder {
  readonly attempt: number;
  /** The batch: it stands in the transaction's memo. */
  readonly batch: string;
  readonly amounts: readonly MintAmount[];
}

/** Of the effect `sign`. */
export interface SignOrder {
  readonly attempt: number;
  readonly plan: unknown;
}

/** Of the effects `submit` and `confirm`. */
export interface SentOrder {
  readonly attempt: number;
  readonly signature: string;
  readonly lastValidBlockHeight: number;
  readonly transaction: unknown;
}

/** Of the effect `begin`: a part of this batch, as a batch of its own. */
export interface BeginOrder {
  readonly id: string;
  readonly parent: string | null;
  readonly items: readonly MintItem[];
  readonly policy: RetryPolicy;
}
