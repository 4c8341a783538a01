import Type, { type Static } from 'typebox';
import { ModelIdSchema, ModelPointViewSchema, ModelViewSchema, NewModelSchema } from './model-schemas.js';
import { HistoryPageSchema, HistoryQuerySchema } from './schemas.js';

/** Many models at once, and what models have been and are: bulk, history, live changes. */
const closed = { additionalProperties: false } as const;

/** Models of one request. */
export const MAX_NEW_MODELS = 1_000;
export const NewModelsSchema = Type.Object(
  { models: Type.Array(NewModelSchema, { minItems: 1, maxItems: MAX_NEW_MODELS }) },
  closed,
);

/** What became of one of many: the model, or why there is none. */
export const ModelVerdictSchema = Type.Object({
  id: ModelIdSchema,
  model: Type.Optional(ModelViewSchema),
  error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
});
export type ModelVerdict = Static<typeof ModelVerdictSchema>;
export const ModelVerdictsSchema = Type.Object({
  created: Type.Integer(),
  refused: Type.Integer(),
  verdicts: Type.Array(ModelVerdictSchema, { description: 'in the order of the request' }),
});
export type ModelVerdicts = Static<typeof ModelVerdictsSchema>;

const { name, kind, value, quality, time } = ModelPointViewSchema.properties;
/** Points of a model that have changed. */
export const ModelUpdatesSchema = Type.Object({
  model: ModelIdSchema,
  points: Type.Array(Type.Object({ name, kind, value, quality, time })),
  remade: Type.Boolean({ description: 'what the model is has changed: read it again' }),
});
export type ModelChange = Static<typeof ModelUpdatesSchema>;

const point = Type.String({ minLength: 1, maxLength: 64, description: 'name of a point of the model' });
const { from, to, resolution, limit, cursor } = HistoryQuerySchema.properties;
export const ModelHistoryQuerySchema = Type.Object(
  { model: ModelIdSchema, point, from, to, resolution, limit, cursor },
  closed,
);
export type ModelHistoryQuery = Static<typeof ModelHistoryQuerySchema>;

export const ModelHistoryPageSchema = Type.Object({ ...HistoryPageSchema.properties, model: ModelIdSchema, point });
export type ModelHistoryPage = Static<typeof ModelHistoryPageSchema>;
