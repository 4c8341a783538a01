import Type, { type Static } from 'typebox';
import { MODEL_ID } from '../../site/models/schema.js';
import { PointKindSchema, QualitySchema, WriteReplySchema, WriteRequestSchema } from './schemas.js';

/** What callers may ask of models and templates and what they get, once, for every face. */
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Millis = (description: string) => Type.Number({ description: `${description} (ms since the Unix epoch)` });

export const ModelIdSchema = Type.String({ pattern: MODEL_ID, description: '1 to 64 of A-Z a-z 0-9 _ -' });
const ParameterValue = Type.Union([Type.Number(), Type.String(), Type.Boolean()]);
const Parameters = Type.Record(Type.String(), ParameterValue, { description: 'values of the template’s parameters' });

export const PointMappingSchema = Type.Object(
  {
    point: Type.String({ description: '`comsrv:<channel>:<kind>:<id>`', maxLength: 64 }),
    scale: Type.Optional(Type.Number({ description: 'T and A: value = channel value · scale + offset' })),
    offset: Type.Optional(Type.Number()),
    reverse: Type.Optional(Type.Boolean({ description: 'S and C: the state is inverted' })),
  },
  { additionalProperties: false },
);

export const ModelDefinitionSchema = Type.Object(
  {
    id: ModelIdSchema,
    name: Type.String({ minLength: 1, maxLength: 256 }),
    template: Type.String({ minLength: 1, maxLength: 64, description: 'id of a template' }),
    parameters: Parameters,
    parent: Nullable(ModelIdSchema),
    points: Type.Record(Type.String(), PointMappingSchema, { description: 'point of the model → point of a channel' }),
  },
  { additionalProperties: false },
);

const { id, name, template, parameters, parent, points } = ModelDefinitionSchema.properties;
/** A new model: what is left out is empty. */
export const NewModelSchema = Type.Object(
  {
    id,
    name: Type.Optional(name),
    template,
    parameters: Type.Optional(parameters),
    parent: Type.Optional(parent),
    points: Type.Optional(points),
  },
  { additionalProperties: false },
);
export type NewModel = Static<typeof NewModelSchema>;
/** What of a model is to change: each of them as a whole. */
export const ModelChangesSchema = Type.Object(
  {
    name: Type.Optional(name),
    parameters: Type.Optional(parameters),
    parent: Type.Optional(parent),
    points: Type.Optional(points),
  },
  { additionalProperties: false },
);
export type ModelUpdate = Static<typeof ModelChangesSchema>;

export const ModelViewSchema = Type.Object({
  ...ModelDefinitionSchema.properties,
  ref: Type.String({ description: 'actor reference, `model/<id>`' }),
  product: Type.String({ description: 'the sort of product; empty while the template is missing' }),
  source: Type.Unsafe<'site' | 'caller'>({ type: 'string', enum: ['site', 'caller'], description: 'who defines it' }),
  problem: Nullable(Type.String({ description: 'why it cannot be made of the configuration in force' })),
  createdAt: Millis('when it was defined'),
  updatedAt: Millis('when it was last changed'),
});
export type ModelView = Static<typeof ModelViewSchema>;

export const ModelPointViewSchema = Type.Object({
  name: Type.String(),
  kind: PointKindSchema,
  title: Type.String(),
  unit: Type.String(),
  description: Type.String(),
  value: Type.Union([Type.Number(), Type.String(), Type.Null()]),
  quality: QualitySchema,
  time: Nullable(Millis('source time')),
  point: Nullable(
    Type.String({
      description: 'the channel point that it stands for; null: it holds what it is set to, or is computed',
    }),
  ),
  writable: Type.Boolean(),
  expression: Type.Optional(Type.String({ description: 'how it is computed from other points of the model' })),
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
  symbols: Type.Optional(Type.Record(Type.String(), Type.String())),
  iec61850: Type.Optional(Type.String()),
  sunspec: Type.Optional(Type.String()),
});
export type ModelPointView = Static<typeof ModelPointViewSchema>;
export const ModelDetailSchema = Type.Object({
  model: ModelViewSchema,
  points: Type.Array(ModelPointViewSchema, { description: 'in the order of the template' }),
});
export type ModelDetail = Static<typeof ModelDetailSchema>;

export const TemplateViewSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  product: Type.String(),
  standard: Type.String(),
  parameters: Type.Array(
    Type.Object({
      name: Type.String(),
      type: Type.Unsafe<'number' | 'text' | 'boolean'>({ type: 'string', enum: ['number', 'text', 'boolean'] }),
      unit: Type.String(),
      description: Type.String(),
      default: Type.Optional(ParameterValue),
      min: Type.Optional(Type.Number()),
      max: Type.Optional(Type.Number()),
      choices: Type.Optional(Type.Array(Type.String())),
    }),
  ),
  points: Type.Array(Type.String(), { description: 'names of its points; ${…} stands for a parameter or a number' }),
});
export type TemplateView = Static<typeof TemplateViewSchema>;

const { value, commandId, deadlineMs } = WriteRequestSchema.properties;
export const ModelWriteSchema = Type.Object(
  { model: ModelIdSchema, point: Type.String({ minLength: 1, maxLength: 64 }), value, commandId, deadlineMs },
  { additionalProperties: false },
);
export type ModelWrite = Static<typeof ModelWriteSchema>;
export const ModelWriteReplySchema = WriteReplySchema;
