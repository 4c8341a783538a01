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
  /** Tries one that is parked, or waits for its next try, now. @throws `mint.not_found`, `mint.state` */
  retry(id: string): Promise<MintBatchView>;
}
