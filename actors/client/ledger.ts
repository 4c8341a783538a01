import Type, { type Static } from 'typebox';
import { USER_PATTERN } from '../../site/metering/site-meter.js';
import { ACCOUNT_KINDS, LEDGER_STATUSES, type AccountKind, type LedgerStatus } from '../../site/minting/ledger.js';
import { MeterIdSchema } from './metering.js';

/** What may be asked about readings and what became of them, for every face. Part of the public client. */

const closed = { additionalProperties: false } as const;
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Millis = (description: string) => Type.Integer({ description: `${description} (ms since the Unix epoch)` });
const Moment = (description: string) =>
  Type.Integer({
    description: `${description}, ms since the Unix epoch`,
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
  });
const Sequence = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const kwh = Type.String({ description: 'kWh, decimal text', examples: ['1.25'] });
const tokens = Type.String({ description: 'base units of the token, decimal text', examples: ['1250000000'] });
const Status = Type.Unsafe<LedgerStatus>({
  type: 'string',
  enum: [...LEDGER_STATUSES],
  description:
    'held: it waits for a person; accepted: in no batch yet; minting: its batch is on its way; failed: its batch is parked',
});

const user = Type.Optional(
  Type.String({ description: 'only those of this user', minLength: 1, maxLength: 128, pattern: USER_PATTERN }),
);
const meter = Type.String({ ...MeterIdSchema, pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]*$' });
const filter = {
  user,
  wallet: Type.Optional(
    Type.String({
      description: 'only those of this wallet',
      minLength: 32,
      maxLength: 44,
      pattern: '^[1-9A-HJ-NP-Za-km-z]+$',
    }),
  ),
  meter: Type.Optional(meter),
  from: Type.Optional(Moment('only those that end at this time or later')),
  to: Type.Optional(Moment('only those that end before this time')),
};
export const LedgerFilterSchema = Type.Object({ ...filter, status: Type.Optional(Status) }, closed);
export type LedgerQueryFilter = Static<typeof LedgerFilterSchema>;

export const LedgerQuerySchema = Type.Object(
  {
    ...LedgerFilterSchema.properties,
    order: Type.Optional(
      Type.Unsafe<'newest' | 'oldest'>({
        ...{ type: 'string', enum: ['newest', 'oldest'], default: 'newest' },
        description: 'by the end of their intervals; without user, wallet and meter: by meter, then so',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the previous page', maxLength: 1024 })),
  },
  closed,
);
export type LedgerQuery = Static<typeof LedgerQuerySchema>;

export const LedgerTotalsQuerySchema = Type.Object(filter, closed);
export type LedgerTotalsQuery = Static<typeof LedgerTotalsQuerySchema>;

export const LedgerReadingSchema = Type.Object({
  meter: MeterIdSchema,
  sequence: Sequence,
  start: Millis('inclusive'),
  end: Millis('exclusive'),
  kwh,
  tokens,
  wallet: Type.String({ description: 'as the meter was registered when it took the reading' }),
  user: Type.String(),
  status: Status,
  since: Millis('when it came to this status'),
  batch: Nullable(Type.String({ description: 'mint batch' })),
  signature: Nullable(Type.String({ description: 'of the transaction that minted it, base58' })),
});
export type LedgerReading = Static<typeof LedgerReadingSchema>;

export const LedgerPageSchema = Type.Object({
  readings: Type.Array(LedgerReadingSchema),
  nextCursor: Nullable(Type.String()),
});
export type LedgerPage = Static<typeof LedgerPageSchema>;

const Sum = (description: string) => Type.Object({ readings: Type.Integer(), kwh, tokens }, { description });
const sums = {
  minted: Sum('on the chain'),
  pending: Sum('accepted, and not on the chain yet'),
  failed: Sum('in batches that are parked'),
  held: Sum('wait for a person'),
  refused: Sum('refused by a person'),
};
export const LedgerTotalsSchema = Type.Object({
  ...sums,
  decimals: Type.Integer({ description: 'of the token: a base unit is 10^−decimals tokens' }),
});
export type LedgerTotals = Static<typeof LedgerTotalsSchema>;

export const LedgerAccountsQuerySchema = Type.Object(
  {
    ...filter,
    by: Type.Optional(
      Type.Unsafe<AccountKind>({
        ...{ type: 'string', enum: [...ACCOUNT_KINDS], default: 'meter' },
        description: 'what an account is',
      }),
    ),
    text: Type.Optional(
      Type.String({
        description: 'only those whose id, user or wallet has this in it, in any case',
        minLength: 1,
        maxLength: 128,
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the previous page', maxLength: 1024 })),
  },
  closed,
);
export type LedgerAccountsQuery = Static<typeof LedgerAccountsQuerySchema>;

export const LedgerAccountSchema = Type.Object({
  id: Type.String({ description: 'user, wallet or meter' }),
  user: Type.String({ description: 'of its newest reading' }),
  wallet: Type.String({ description: 'of its newest reading' }),
  meters: Type.Integer({ description: 'that its readings are of' }),
  latest: Millis('end of its newest reading'),
  ...sums,
});
export type LedgerAccount = Static<typeof LedgerAccountSchema>;
export const LedgerAccountsPageSchema = Type.Object({
  accounts: Type.Array(LedgerAccountSchema, { description: 'ascending by id' }),
  nextCursor: Nullable(Type.String()),
});
export type LedgerAccountsPage = Static<typeof LedgerAccountsPageSchema>;

export const LedgerReadingParamsSchema = Type.Object({ meter, sequence: Sequence }, closed);
export const LedgerOwnerSchema = Type.Object({ user }, closed);
export const LedgerReadingRequestSchema = Type.Object({ meter, sequence: Sequence, user }, closed);

/**
 * The part of the public client that deals with the ledger: what the journal says of readings, in the database of history.
 * It is behind the journal by a second or less, more after the database was away. Throws `history.unavailable`.
 */
export interface LedgerClient {
  /** @throws `ledger.invalid_cursor` */
  readings(query: LedgerQuery): Promise<LedgerPage>;
  totals(query: LedgerTotalsQuery): Promise<LedgerTotals>;
  /** Users, wallets or meters that have readings, with their sums. @throws `ledger.invalid_cursor` */
  accounts(query: LedgerAccountsQuery): Promise<LedgerAccountsPage>;
  /**
   * @param user only if it is of this one
   * @throws `ledger.not_found`: it was never accepted or held, or not long enough ago
   */
  reading(meter: string, sequence: number, user?: string): Promise<LedgerReading>;
  /** CSV with a line of titles, oldest first, piece by piece. */
  export(filter: LedgerQueryFilter, signal: AbortSignal): AsyncIterable<Uint8Array>;
}
