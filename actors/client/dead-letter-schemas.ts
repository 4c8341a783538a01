import Type, { type Static } from 'typebox';

/** What callers may ask of the dead letters and what they get; for every face. */

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const time = (description: string) =>
  Type.Number({ description: `${description} (ms since the Unix epoch)`, minimum: 0, maximum: 8.64e15 });

export const DeadLetterIdSchema = Type.Integer({
  description: 'id of a dead letter',
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
});

export const DeadLettersQuerySchema = Type.Object(
  {
    kind: Type.Optional(Type.String({ description: 'kind of the actors', minLength: 1, maxLength: 64 })),
    ref: Type.Optional(
      Type.String({ description: 'one actor, `<kind>/<id>`', maxLength: 200, examples: ['channel/1001'] }),
    ),
    effect: Type.Optional(Type.String({ description: 'name of the effect', minLength: 1, maxLength: 200 })),
    from: Type.Optional(time('laid down at or after')),
    to: Type.Optional(time('laid down before')),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10000, default: 1000 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the previous page' })),
  },
  { additionalProperties: false },
);
export type DeadLettersQuery = Static<typeof DeadLettersQuerySchema>;

export const DeadLetterViewSchema = Type.Object({
  id: Type.Integer(),
  ref: Type.String({ description: 'the actor' }),
  parkedAt: Type.Number({ description: 'when it was laid down (ms since the Unix epoch)' }),
  event: Type.String({ description: 'type of the event that failed, or whose effect did' }),
  effect: Nullable(Type.String({ description: 'name of the effect that could not be carried out' })),
  key: Nullable(Type.String({ description: 'idempotency key of the effect' })),
  attempts: Nullable(Type.Integer({ description: 'runs of the effect' })),
  commandId: Nullable(Type.String({ description: 'id of the command, when the event was one' })),
  error: Type.Object({ code: Type.String(), category: Type.String(), message: Type.String() }),
  node: Type.String({ description: 'where it failed' }),
  replayable: Type.Boolean({
    description: 'false for an event that the actor had sent to itself, and for one too big to be kept whole',
  }),
});
export type DeadLetterView = Static<typeof DeadLetterViewSchema>;

export const DeadLettersPageSchema = Type.Object({
  letters: Type.Array(DeadLetterViewSchema, { description: 'the oldest first' }),
  nextCursor: Nullable(Type.String()),
});
export type DeadLettersPage = Static<typeof DeadLettersPageSchema>;

export const DeadLetterDetailSchema = Type.Intersect([
  DeadLetterViewSchema,
  Type.Object({
    payload: Type.Unknown({ description: 'the whole event; secrets are masked' }),
    params: Type.Unknown({ description: 'of the effect; null when there is none; secrets are masked' }),
    state: Type.Unknown({ description: 'the actor’s state when it failed, null for an effect; secrets are masked' }),
    seq: Type.Integer({ description: 'journal sequence: of the actor’s state, or of the effect’s entry' }),
    traceparent: Nullable(Type.String({ description: 'W3C trace context' })),
  }),
]);
export type DeadLetterDetail = Static<typeof DeadLetterDetailSchema>;

export const ReplayReplySchema = Type.Object({
  id: Type.Integer(),
  ref: Type.String(),
  answer: Type.Unknown({ description: 'what the actor answered to the command; null for an effect' }),
});
export type ReplayReply = Static<typeof ReplayReplySchema>;
