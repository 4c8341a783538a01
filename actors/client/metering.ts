import Type, { type Static } from 'typebox';
import { READING_MARKS, READING_PROBLEMS, type ReadingMark } from '../../site/metering/readings.js';
import { DEFAULT_INTERVAL_SECS, ENERGY_UNITS, type EnergyUnit } from '../../site/metering/register.js';
import { USER_PATTERN } from '../../site/metering/site-meter.js';
import type { MeterEventsFilter, MeterEventsUpdate } from './meter-watch.js';

/** What may be asked about meters and their readings, for every face. Part of the public client. */

const closed = { additionalProperties: false } as const;
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Millis = (description: string) => Type.Number({ description: `${description} (ms since the Unix epoch)` });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const MeterIdSchema = Type.String({
  description: '1 to 64 of A–Z a–z 0–9 . _ : -, a letter or digit first',
  minLength: 1,
  maxLength: 64,
  examples: ['METER_001'],
});
const wallet = Type.String({ description: 'address of a wallet, base58 of 32 bytes', minLength: 32, maxLength: 44 });
const publicKey = Type.String({
  description: 'ed25519 public key, base58 or hexadecimal of 32 bytes',
  minLength: 32,
  maxLength: 64,
});
const user = Type.String({ description: 'whose it is', minLength: 1, maxLength: 128, pattern: USER_PATTERN });
const by = Type.String({ description: 'who does it', minLength: 1, maxLength: 128 });
const kwh = Type.String({ description: 'kWh, decimal text', examples: ['1.25'] });
const tokens = Type.String({ description: 'base units of the token, decimal text', examples: ['1250000000'] });

/** The last id of a channel or point. */
const MAX_ID = 4_294_967_295;

/** The counter of a channel that a meter is read from. */
export const MeterSourceSchema = Type.Object(
  {
    channel: Type.Integer({ minimum: 1, maximum: MAX_ID }),
    point: Type.Integer({
      description: 'telemetry point that counts energy and only rises',
      minimum: 1,
      maximum: MAX_ID,
    }),
    unit: Type.Unsafe<EnergyUnit>({ type: 'string', enum: [...ENERGY_UNITS], description: 'of the counter' }),
    rollover: Type.Optional(
      Type.Number({
        description: 'where the counter begins anew, in its unit; missing: it does not',
        exclusiveMinimum: 0,
      }),
    ),
    intervalSecs: Type.Optional(
      Type.Integer({
        description: `time from one reading to the next (s), a divisor of a day; missing: ${DEFAULT_INTERVAL_SECS}`,
        minimum: 1,
        maximum: 86_400,
      }),
    ),
  },
  closed,
);

const marks = Type.Optional(
  Type.Array(Type.Unsafe<ReadingMark>({ type: 'string', enum: [...READING_MARKS] }), {
    description: 'of readings of a channel’s counter',
  }),
);

export const MeterViewSchema = Type.Object({
  id: MeterIdSchema,
  state: Type.Unsafe<'active' | 'revoked'>({ type: 'string', enum: ['active', 'revoked'] }),
  publicKey: Nullable(Type.String({ description: 'base58' })),
  formerKeys: Type.Array(Type.Object({ publicKey: Type.String(), until: Millis('end of its grace') })),
  source: Nullable(MeterSourceSchema),
  register: Nullable(
    Type.Object(
      { kwh, at: Millis('the boundary'), replacements: Type.Integer({ description: 'of the counter' }) },
      { description: 'what the counter showed at the last boundary at which it was counted' },
    ),
  ),
  wallet,
  user,
  registeredAt: Millis('when'),
  revoked: Nullable(Type.Object({ at: Millis('when'), by: Type.String(), reason: Type.String() })),
  last: Nullable(Type.Object({ sequence: Count, end: Millis('end of the last reading') })),
  readings: Type.Integer({ description: 'accepted' }),
  kwh,
  tokens,
  held: Type.Integer({ description: 'readings that wait for a person' }),
});
export type MeterView = Static<typeof MeterViewSchema>;

export const NewMeterSchema = Type.Object(
  {
    id: MeterIdSchema,
    publicKey: Type.Optional(publicKey),
    source: Type.Optional(MeterSourceSchema),
    wallet,
    user,
  },
  { ...closed, description: 'with publicKey, whose readings come signed, or with source, a counter of a channel' },
);
export type NewMeter = Static<typeof NewMeterSchema>;

export const MetersQuerySchema = Type.Object(
  {
    user: Type.Optional(Type.String({ description: 'only those of this user', minLength: 1, maxLength: 128 })),
    wallet: Type.Optional(Type.String({ description: 'only those of this wallet', minLength: 1, maxLength: 44 })),
    state: Type.Optional(Type.Unsafe<'active' | 'revoked'>({ type: 'string', enum: ['active', 'revoked'] })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the previous page', maxLength: 64 })),
  },
  closed,
);
export type MetersQuery = Static<typeof MetersQuerySchema>;
export const MetersPageSchema = Type.Object({
  meters: Type.Array(MeterViewSchema, { description: 'ascending by id' }),
  nextCursor: Nullable(Type.String()),
});
export type MetersPage = Static<typeof MetersPageSchema>;

/** What each command to a meter carries. */
export const METER_COMMANDS = {
  rotate: Type.Object({ publicKey, by: Type.Optional(by) }, closed),
  reassign: Type.Object({ wallet, user, by: Type.Optional(by) }, closed),
  revoke: Type.Object({ by, reason: Type.String({ minLength: 1, maxLength: 256 }) }, closed),
  release: Type.Object({ sequence: Count, by }, closed),
  refuse: Type.Object({ sequence: Count, by }, closed),
} as const;
export type MeterCommandName = keyof typeof METER_COMMANDS;
export type MeterCommand = {
  [Name in MeterCommandName]: { type: Name } & Static<(typeof METER_COMMANDS)[Name]>;
}[MeterCommandName];
/** A command with its name, where one request takes them all. */
export const MeterCommandSchema = Type.Unsafe<MeterCommand>({
  anyOf: Object.entries(METER_COMMANDS).map(([type, { properties }]) =>
    Type.Object({ type: Type.Unsafe<string>({ type: 'string', enum: [type] }), ...properties }, closed),
  ),
});

export const HeldReadingSchema = Type.Object({
  sequence: Count,
  start: Millis('inclusive'),
  end: Millis('exclusive'),
  kwh,
  tokens,
  wallet,
  user,
  at: Millis('when it came'),
  reason: Type.String(),
  marks,
});
export type HeldReadingView = Static<typeof HeldReadingSchema>;

export const READING_STATES = ['accepted', 'held', 'released', 'refused'] as const;
export const MeterReadingsQuerySchema = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the previous page', maxLength: 20 })),
  },
  closed,
);
export type MeterReadingsQuery = Static<typeof MeterReadingsQuerySchema>;
export const MeterReadingViewSchema = Type.Object({
  sequence: Count,
  start: Millis('inclusive'),
  end: Millis('exclusive'),
  kwh,
  tokens,
  wallet,
  user,
  state: Type.Unsafe<(typeof READING_STATES)[number]>({ type: 'string', enum: [...READING_STATES] }),
  at: Millis('when that was decided'),
  marks,
});
export type MeterReadingView = Static<typeof MeterReadingViewSchema>;
export const MeterReadingsPageSchema = Type.Object({
  readings: Type.Array(MeterReadingViewSchema, { description: 'what the journal says, oldest first; whole entries' }),
  nextCursor: Nullable(Type.String()),
});
export type MeterReadingsPage = Static<typeof MeterReadingsPageSchema>;

/** Readings of one request. */
export const MAX_READINGS = 10_000;

/** One reading as a meter sends it. */
export const ReadingSchema = Type.Object(
  {
    meter: MeterIdSchema,
    start: Type.Integer({ ...Count, description: 'inclusive, ms since the Unix epoch' }),
    end: Type.Integer({ ...Count, description: 'exclusive, ms since the Unix epoch' }),
    kwh: Type.String({ description: 'energy, kWh as decimal text', minLength: 1, maxLength: 64, examples: ['1.25'] }),
    sequence: Type.Integer({ ...Count, description: 'rises with each reading of the meter' }),
    signature: Type.String({
      description: 'ed25519, over the canonical bytes: base58, base64 or hexadecimal of 64 bytes',
      minLength: 64,
      maxLength: 128,
    }),
    wallet: Type.Optional(wallet),
  },
  closed,
);
export type Reading = Static<typeof ReadingSchema>;

export const ReadingResultSchema = Type.Object({
  meter: Nullable(Type.String()),
  sequence: Nullable(Type.Integer()),
  verdict: Type.Unsafe<'accepted' | 'held' | 'refused' | 'rejected' | 'failed'>({
    type: 'string',
    enum: ['accepted', 'held', 'refused', 'rejected', 'failed'],
    description: 'failed: what became of it is not known; send it again',
  }),
  duplicate: Type.Optional(Type.Boolean({ description: 'it was submitted before; this is the first verdict' })),
  tokens: Type.Optional(tokens),
  code: Type.Optional(
    Type.String({ description: `why it was rejected: ${READING_PROBLEMS.join(', ')}; why it failed` }),
  ),
  message: Type.Optional(Type.String()),
});
export type ReadingResult = Static<typeof ReadingResultSchema>;

export const ReadingsReplySchema = Type.Object({
  accepted: Type.Integer(),
  held: Type.Integer(),
  rejected: Type.Integer({ description: 'and those that a person has refused' }),
  duplicates: Type.Integer({ description: 'of those accepted and held: submitted before' }),
  failed: Type.Integer({ description: 'send them again' }),
  results: Type.Array(ReadingResultSchema, { description: 'one for each reading, in their order' }),
});
export type ReadingsReply = Static<typeof ReadingsReplySchema>;

export const SubmitReadingsSchema = Type.Object(
  {
    readings: Type.Array(Type.Unknown(), {
      description: 'readings; each is judged by itself',
      minItems: 1,
      maxItems: MAX_READINGS,
    }),
  },
  closed,
);

/** The part of the public client that deals with meters and their readings. */
export interface MeteringClient {
  list(query: MetersQuery): Promise<MetersPage>;
  /** @throws `meters.not_found` */
  get(id: string): Promise<MeterView>;
  /**
   * The same again answers the same.
   *
   * @throws `meters.conflict`, `meters.invalid_key`, `meters.invalid_source`, `meters.invalid_wallet`
   */
  register(meter: NewMeter): Promise<MeterView>;
  /** @throws `meters.not_found`, `meters.revoked`, `meters.configured`, `meters.no_key`, `readings.not_held` */
  command(id: string, command: MeterCommand): Promise<MeterView>;
  /** Readings that wait for a person. @throws `meters.not_found` */
  held(id: string): Promise<HeldReadingView[]>;
  /** What became of a meter's readings, from its journal. @throws `meters.not_found` */
  readings(id: string, query: MeterReadingsQuery): Promise<MeterReadingsPage>;
  /**
   * Verifies and judges readings, each by itself; those that are accepted are durable when this answers. Sending the same
   * again is answered with the first verdicts.
   *
   * @throws `readings.busy`, `workers.busy`: nothing was looked at; try again
   */
  submit(readings: readonly unknown[]): Promise<ReadingsReply>;
  /** What becomes of readings from now on, until `signal` aborts. */
  watch(filter: MeterEventsFilter, signal: AbortSignal): AsyncIterable<MeterEventsUpdate>;
}
