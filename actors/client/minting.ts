import Type, { type Static } from 'typebox';
import { MINT_BATCH_STATES } from '../../site/minting/batch.js';

/** What may be asked about minting, for every face. Part of the public client. */

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Millis = (description: string) => Type.Number({ description: `${description} (ms since the Unix epoch)` });
const Lamports = (description: string) => Type.String({ description: `${description}, lamports as decimal text` });
const Units = (description: string) => Type.String({ description: `${description}, base units as decimal text` });
const State = Type.Unsafe<(typeof MINT_BATCH_STATES)[number]>({ type: 'string', enum: [...MINT_BATCH_STATES] });

export const MintBatchIdSchema = Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$', description: 'of the batch' });

const KnownBatchSchema = Type.Object({
  id: Type.String(),
  state: State,
  since: Millis('when it entered the state'),
  readings: Type.Integer({ description: '0 for a part of another batch until it comes to rest' }),
});

export const MintingViewSchema = Type.Object({
  auto: Type.Boolean({ description: 'it mints without being told to' }),
  told: Nullable(Type.Boolean({ description: 'what somebody has told about that; null: as configured' })),
  wanted: Type.Boolean({ description: 'somebody wants all that waits minted, and it is not done yet' }),
  waiting: Type.Integer({ description: 'accepted readings that are in no batch yet' }),
  moving: Type.Integer({ description: 'batches on their way to the chain' }),
  problem: Nullable(Type.String({ description: 'why nothing is collected now' })),
  readings: Type.Integer({ description: 'readings in batches, ever' }),
  minted: Type.Integer({ description: 'readings whose tokens are on the chain, ever' }),
  tokens: Units('minted, ever'),
  feesEstimated: Lamports('expected for them'),
  feesPaid: Lamports('paid for them'),
  open: Type.Array(KnownBatchSchema, { description: 'batches that are not settled, oldest first' }),
  recent: Type.Array(KnownBatchSchema, { description: 'the last that were settled or split, newest first' }),
});
export type MintingView = Static<typeof MintingViewSchema>;

export const MintBatchViewSchema = Type.Object({
  id: Type.String(),
  state: State,
  since: Millis('when it entered the state'),
  createdAt: Millis('when it was made'),
  parent: Nullable(Type.String({ description: 'the batch that it is a part of' })),
  children: Type.Array(Type.String(), { description: 'the batches that its readings went on in' }),
  tokens: Units('sum'),
  attempts: Type.Integer({ description: 'transactions that were begun' }),
  transaction: Nullable(
    Type.Object(
      {
        signature: Nullable(Type.String({ description: 'base58; null: it is not signed yet' })),
        lastValidBlockHeight: Nullable(Type.Integer()),
        feeEstimate: Lamports('expected fee'),
        rentEstimate: Lamports('for token accounts that it makes'),
      },
      { description: 'the newest' },
    ),
  ),
  outcome: Nullable(
    Type.Object({ slot: Type.Integer(), fee: Nullable(Lamports('paid')) }, { description: 'as the chain has it' }),
  ),
  retryAt: Nullable(Millis('when it is tried again')),
  error: Nullable(
    Type.Object({ at: Millis('when'), code: Type.String(), message: Type.String() }, { description: 'the last' }),
  ),
  items: Type.Array(
    Type.Object({
      meter: Type.String(),
      sequence: Type.Integer(),
      start: Millis('start of the interval'),
      end: Millis('end of the interval'),
      energy: Type.String({ description: 'µWh as decimal text' }),
      tokens: Units('for the reading'),
      wallet: Type.String(),
      user: Type.String(),
    }),
    { description: 'its readings' },
  ),
});
export type MintBatchView = Static<typeof MintBatchViewSchema>;

export const DIFFERENCES = [
  'no_batch',
  'unknown_batch',
  'other_transaction',
  'not_settled',
  'other_amount',
  'not_on_chain',
  'ledger',
] as const;
const Compared = (description: string) => Nullable(Units(description));
export const DifferenceSchema = Type.Object({
  kind: Type.Unsafe<(typeof DIFFERENCES)[number]>({
    ...{ type: 'string', enum: [...DIFFERENCES] },
    description:
      'no_batch: minted on the chain by a transaction that names no batch; unknown_batch: … one that the journal does not know; ' +
      'other_transaction: … a batch that the journal has minted by another one, or not at all; not_settled: … a batch of which the ' +
      'journal does not say that it is minted; other_amount: other amounts, or wallets; not_on_chain: minted says the journal, not ' +
      'the chain; ledger: the ledger says otherwise than the journal',
  }),
  batch: Nullable(Type.String()),
  signature: Nullable(Type.String({ description: 'base58' })),
  chain: Compared('minted on the chain'),
  journal: Compared('minted as the journal has it'),
  ledger: Compared('minted as the ledger has it'),
});
export type Difference = Static<typeof DifferenceSchema>;
export const ReconciliationSchema = Type.Object({
  transactions: Type.Integer({ description: 'on the chain, that minted something' }),
  batches: Type.Integer({ description: 'that are minted, as the journal has it' }),
  underWay: Type.Integer({ description: 'transactions that are on the chain and not in the journal yet' }),
  chain: Units('all that was minted, on the chain'),
  journal: Units('… in the journal'),
  ledger: Nullable(Units('… in the ledger; null: it is behind the journal')),
  found: Type.Integer({ description: 'differences' }),
  differences: Type.Array(DifferenceSchema, { description: 'the first 1,000' }),
});
export type Reconciliation = Static<typeof ReconciliationSchema>;

export const AutoMintSchema = Type.Object(
  { enabled: Nullable(Type.Boolean({ description: 'null: as configured' })) },
  { additionalProperties: false },
);

/** The part of the public client that deals with minting. A site that does not mint answers `mint.off`. */
export interface MintingClient {
  view(): Promise<MintingView>;
  /** All that waits, now. */
  mint(): Promise<MintingView>;
  /** Mint as readings come, or only when told to; null: as configured. */
  auto(enabled: boolean | null): Promise<MintingView>;
  /** @throws `mint.not_found` */
  batch(id: string): Promise<MintBatchView>;
  /** Compares the chain, the journal and the ledger; reads all of them. @throws `chain.unavailable` … */
  reconcile(): Promise<Reconciliation>;
  /** Tries one that is parked, or waits for its next try, now. @throws `mint.not_found`, `mint.state` */
  retry(id: string): Promise<MintBatchView>;
}
