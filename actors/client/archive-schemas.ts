import Type, { type Static } from 'typebox';
import { ModelIdSchema } from './model-schemas.js';
import { HistoryQuerySchema, QualitySchema } from './schemas.js';

const closed = { additionalProperties: false } as const;
const literals = <T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });
const { channel, kind, id, from, to, limit, cursor } = HistoryQuerySchema.properties;

/** Of the stored values; `twa` is the mean weighted by how long each value held. */
export const AGGREGATES = ['avg', 'min', 'max', 'first', 'last', 'count', 'sum', 'twa'] as const;
export const FILLS = ['none', 'null', 'previous', 'linear'] as const;
const NullableNumber = Type.Union([Type.Number(), Type.Null()]);
const aggregate = Type.Optional(NullableNumber);

export const SeriesPointSchema = Type.Object({ channel, kind, id }, closed);
export type SeriesPoint = Static<typeof SeriesPointSchema>;
const ModelPointSchema = Type.Object(
  { model: ModelIdSchema, point: Type.String({ minLength: 1, maxLength: 64 }) },
  closed,
);
/** A point of a channel, or of a model, whose values are then as the model sees them. */
const AskedPointSchema = Type.Union([SeriesPointSchema, ModelPointSchema]);
export type AskedPoint = Static<typeof AskedPointSchema>;

const SeriesOptions = {
  from,
  to,
  every: Type.String({
    description: 'a number and s, m or h, as `15m`; or the calendar’s `1d`, `1w`, `1mo`',
    maxLength: 16,
  }),
  timeZone: Type.Optional(
    Type.String({
      description: 'of days, weeks and months, as Europe/Berlin; default UTC',
      minLength: 1,
      maxLength: 64,
    }),
  ),
  aggregates: Type.Optional(Type.Array(literals(AGGREGATES), { minItems: 1, maxItems: 8, description: 'default avg' })),
  fill: Type.Optional(literals(FILLS)),
  maxGap: Type.Optional(
    Type.String({
      description:
        'longest gap that is filled, and longest time that a value counts in twa, as `90s`; default ten buckets',
      maxLength: 16,
    }),
  ),
  limit,
  cursor,
};

/** Values of several points in buckets of time. */
export const SeriesQuerySchema = Type.Object(
  { points: Type.Array(AskedPointSchema, { minItems: 1, maxItems: 100 }), ...SeriesOptions },
  closed,
);
export type SeriesQuery = Static<typeof SeriesQuerySchema>;

const SeriesRowSchema = Type.Object({
  time: Type.Number({ description: 'start of the bucket (ms since the Unix epoch)' }),
  avg: aggregate,
  min: aggregate,
  max: aggregate,
  first: aggregate,
  last: aggregate,
  count: aggregate,
  sum: aggregate,
  twa: aggregate,
  filled: Type.Optional(Type.Literal(true, { description: 'not stored, but filled in' })),
});
export const SeriesPageSchema = Type.Object({
  from: Type.Number(),
  to: Type.Number(),
  every: Type.String(),
  timeZone: Type.String(),
  aggregates: Type.Array(literals(AGGREGATES)),
  resolution: literals(['raw', '1m', '1h', '1d'] as const),
  series: Type.Array(
    Type.Object({
      ...{ channel, kind, id },
      model: Type.Optional(Type.String({ description: 'of a model’s point; channel and id say where it is stored' })),
      point: Type.Optional(Type.String()),
      rows: Type.Array(SeriesRowSchema, { description: 'ascending by time' }),
    }),
  ),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
});
export type SeriesPage = Static<typeof SeriesPageSchema>;

export const MAX_IMPORT_ROWS = 5_000;
const imported = {
  time: Type.Integer({ description: 'source time (ms since the Unix epoch)', minimum: 0 }),
  value: Type.Union([Type.Number(), Type.String({ maxLength: 4096 }), Type.Null()]),
  quality: Type.Optional(QualitySchema),
};
/** A value of a point of a channel, or of a model, which is then as the model sees it. */
export const ImportRowSchema = Type.Union([
  Type.Object({ ...SeriesPointSchema.properties, ...imported }, closed),
  Type.Object({ ...ModelPointSchema.properties, ...imported }, closed),
]);
export type ImportRow = Static<typeof ImportRowSchema>;
export const ImportRequestSchema = Type.Object(
  { rows: Type.Array(ImportRowSchema, { minItems: 1, maxItems: MAX_IMPORT_ROWS }) },
  closed,
);
export type ImportRequest = Static<typeof ImportRequestSchema>;

/** What became of the rows of an import. */
export const ImportReplySchema = Type.Object({
  rows: Type.Integer(),
  stored: Type.Integer({ description: 'in history now, as imported' }),
  replaced: Type.Integer({ description: 'had been imported before, or came twice; the last one counts' }),
  measured: Type.Integer({ description: 'not stored: the site has measured this point at this time itself' }),
  refused: Type.Array(Type.Object({ row: Type.Integer({ description: 'index, from 0' }), problem: Type.String() }), {
    description: 'rows that are wrong',
  }),
});
export type ImportReply = Static<typeof ImportReplySchema>;

export const EXPORT_FORMATS = ['csv', 'parquet'] as const;
export const EXPORT_RESOLUTIONS = ['raw', '1m', '1h', '1d'] as const;
export const ExportQuerySchema = Type.Object(
  {
    points: Type.Optional(Type.Array(AskedPointSchema, { minItems: 1, maxItems: 1000, description: 'or `channel`' })),
    channel: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 4294967295, description: 'every point of it, instead of `points`' }),
    ),
    from,
    to,
    resolution: Type.Optional(literals(EXPORT_RESOLUTIONS)),
    format: Type.Optional(literals(EXPORT_FORMATS)),
  },
  closed,
);
export type ExportQuery = Static<typeof ExportQuerySchema>;
