import Type from 'typebox';
import { LeaseSchema, type endpoint as defineEndpoint } from './endpoint.js';
import { ModelHistoryPageSchema, ModelHistoryQuerySchema, ModelVerdictsSchema, NewModelsSchema } from './model-data.js';
import {
  ModelChangesSchema,
  ModelDetailSchema,
  ModelIdSchema,
  ModelViewSchema,
  ModelWriteReplySchema,
  ModelWriteSchema,
  NewModelSchema,
  TemplateViewSchema,
} from './model-schemas.js';
import { pageOf } from './page.js';
import { PointsQuerySchema } from './schemas.js';

const closed = { additionalProperties: false } as const;
const { limit, cursor } = PointsQuerySchema.properties;
const nextCursor = Type.Union([Type.String(), Type.Null()]);
const id = ModelIdSchema;
const DEFAULT_LIMIT = 1_000;

/** The requests about models. */
export function modelEndpoints(endpoint: typeof defineEndpoint) {
  return {
    modelsList: endpoint('models', 'list', {
      summary: 'Models of equipment, ascending by id, page by page',
      request: Type.Object({ limit, cursor }, closed),
      response: Type.Object({ models: Type.Array(ModelViewSchema), nextCursor }),
      call: async ({ client }, query) => {
        const { items, nextCursor } = pageOf(await client.models(), query, (model) => model.id, String);
        return { models: items, nextCursor };
      },
    }),
    modelsGet: endpoint('models', 'get', {
      summary: 'A model with its points and their values, page by page',
      request: Type.Object({ id, limit, cursor }, closed),
      response: Type.Object({ ...ModelDetailSchema.properties, nextCursor }),
      call: async ({ client }, query) => {
        const { model, points } = await client.model(query.id);
        const from = /^\d{1,9}$/.test(query.cursor ?? '0') ? Number(query.cursor ?? 0) : 0;
        const end = from + (query.limit ?? DEFAULT_LIMIT);
        return { model, points: points.slice(from, end), nextCursor: end < points.length ? String(end) : null };
      },
    }),
    modelsCreate: endpoint('models', 'create', {
      summary: 'Make a model from a template; answers once it is durable',
      changes: true,
      request: NewModelSchema,
      response: ModelViewSchema,
      call: ({ client }, model) => client.createModel(model),
    }),
    modelsCreateMany: endpoint('models', 'create-many', {
      summary: 'Make up to 1000 models, each for itself; answers what became of each once they are durable',
      changes: true,
      request: NewModelsSchema,
      response: ModelVerdictsSchema,
      call: ({ client }, { models }) => client.createModels(models),
    }),
    modelsHistory: endpoint('models', 'history', {
      summary: 'The history of a point of a model, ascending by time, page by page',
      request: ModelHistoryQuerySchema,
      response: ModelHistoryPageSchema,
      call: ({ client }, query) => client.modelHistory(query),
    }),
    modelsWatch: endpoint('models', 'watch', {
      summary:
        'Have live changes of a model published on the subject in the answer; ask again before leaseMs have passed',
      request: Type.Object({ id }, closed),
      response: LeaseSchema,
      call: async ({ client, watchModel }, { id }) => {
        await client.model(id); // A watch of a model that is not there would be silent for ever.
        return watchModel(id);
      },
    }),
    modelsUpdate: endpoint('models', 'update', {
      summary: 'Change a model that does not stand in the site file; what is left out stays',
      changes: true,
      request: Type.Object({ id, changes: ModelChangesSchema }, closed),
      response: ModelViewSchema,
      call: ({ client }, { id, changes }) => client.updateModel(id, changes),
    }),
    modelsRemove: endpoint('models', 'remove', {
      summary: 'Remove a model that does not stand in the site file',
      changes: true,
      request: Type.Object({ id }, closed),
      response: Type.Object({}),
      call: async ({ client }, { id }) => {
        await client.removeModel(id);
        return {};
      },
    }),
    modelsWrite: endpoint('models', 'write', {
      summary: 'Write a point of a model: at the channel that it stands for, or as the value that it holds',
      changes: true,
      request: ModelWriteSchema,
      response: ModelWriteReplySchema,
      call: ({ client }, request) => client.writeModel(request),
    }),
    modelsTemplates: endpoint('models', 'templates', {
      summary: 'The templates that models may be made from',
      request: Type.Object({}, closed),
      response: Type.Object({ templates: Type.Array(TemplateViewSchema) }),
      call: async ({ client }) => ({ templates: await client.templates() }),
    }),
  } as const;
}
