/**
 * Where a reading stands between its meter and the chain:
 *
 * - `held`: it waits for a person; `refused`: a person has refused it
 * - `accepted`: tokens are owed for it, and it is in no batch yet
 * - `minting`: it is in a batch that is on its way, or waits for its next try
 * - `minted`: its tokens are on the chain
 * - `failed`: its batch is parked until somebody has it tried again
 */
export const LEDGER_STATUSES = ['held', 'refused', 'accepted', 'minting', 'minted', 'failed'] as const;
export type LedgerStatus = (typeof LEDGER_STATUSES)[number];

/** The sums that are told, with the statuses that each is of. */
export const LEDGER_SUMS = {
  minted: ['minted'],
  pending: ['accepted', 'minting'],
  failed: ['failed'],
  held: ['held'],
  refused: ['refused'],
} as const satisfies Readonly<Record<string, readonly LedgerStatus[]>>;
export type LedgerSumName = keyof typeof LEDGER_SUMS;
export const LEDGER_SUM_NAMES = Object.keys(LEDGER_SUMS) as LedgerSumName[];

/** What the readings of a ledger may be summed by. */
export const ACCOUNT_KINDS = ['user', 'wallet', 'meter'] as const;
export type AccountKind = (typeof ACCOUNT_KINDS)[number];

/** A reading as the ledger has it. Meter and sequence name it for ever; all but its standing never changes. */
export interface LedgerRow {
  readonly meter: string;
  readonly sequence: number;
  /** The interval that was measured: [start, end), ms since the Unix epoch. */
  readonly start: number;
  readonly end: number;
  /** µWh, decimal text. */
  readonly energy: string;
  /** Base units, decimal text. */
  readonly tokens: string;
  readonly wallet: string;
  readonly user: string;
  readonly status: LedgerStatus;
  /** The mint batch that it is in; empty: none. */
  readonly batch: string;
  /** Of the transaction that minted it, base58; empty: it is not minted, or was worth no tokens. */
  readonly signature: string;
  /** When it came to this status, ms since the Unix epoch. */
  readonly since: number;
}

/** Which readings are meant: all that is given must match. */
export interface LedgerFilter {
  readonly user?: string;
  readonly wallet?: string;
  readonly meter?: string;
  readonly status?: LedgerStatus;
  /** By the end of their interval: from (inclusive) and to (exclusive), ms since the Unix epoch. */
  readonly from?: number;
  readonly to?: number;
}
