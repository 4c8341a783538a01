import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import { NewModelsSchema } from '../../../actors/client/model-data.js';
import {
  ModelChangesSchema,
  ModelIdSchema,
  ModelWriteSchema,
  NewModelSchema,
} from '../../../actors/client/model-schemas.js';
import { configures, operates, reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import {
  HistoryRange,
  ModelDetail,
  ModelHistoryPage,
  ModelList,
  ModelVerdicts,
  ModelView,
  TemplateList,
  WriteReply,
  errorAnswers,
} from '../schemas.js';

export const ModelParams = Type.Object({ id: ModelIdSchema });
const { point, value, commandId, deadlineMs } = ModelWriteSchema.properties;
const PointParams = Type.Object({ id: ModelIdSchema, point });
const Value = Type.Object({ value, commandId, deadlineMs }, { additionalProperties: false });

/** Bytes of a request for many models. */
const BULK_LIMIT = 8 * 1024 * 1024;

/** Models of equipment: templates, definitions, values and writes. */
export function modelRoutes(app: HttpApp, client: StatewattClient): void {
  app.get(
    '/templates',
    {
      config: reads,
      schema: {
        operationId: 'listTemplates',
        summary: 'The templates that models may be made from',
        tags: ['models'],
        response: { 200: TemplateList, ...errorAnswers },
      },
    },
    () => client.templates(),
  );

  app.get(
    '/models',
    {
      config: reads,
      schema: {
        operationId: 'listModels',
        summary: 'All models of the site',
        tags: ['models'],
        response: { 200: ModelList, ...errorAnswers },
      },
    },
    () => client.models(),
  );

  app.post(
    '/models',
    {
      config: configures,
      schema: {
        operationId: 'createModel',
        summary: 'Make a model from a template; answers once it is durable',
        tags: ['models'],
        body: NewModelSchema,
        response: { 201: ModelView, ...errorAnswers },
      },
    },
    async (request, reply) => reply.code(201).send(await client.createModel(request.body)),
  );

  app.post(
    '/models/bulk',
    {
      config: configures,
      bodyLimit: BULK_LIMIT,
      schema: {
        operationId: 'createModels',
        summary: 'Make up to 1000 models, each for itself; answers what became of each once they are durable',
        tags: ['models'],
        body: NewModelsSchema,
        response: { 200: ModelVerdicts, ...errorAnswers },
      },
    },
    (request) => client.createModels(request.body.models),
  );

  app.get(
    '/models/:id/points/:point/history',
    {
      config: reads,
      schema: {
        operationId: 'getModelPointHistory',
        summary: 'The history of a point of a model, ascending by time, page by page',
        tags: ['models'],
        params: PointParams,
        querystring: HistoryRange,
        response: { 200: ModelHistoryPage, ...errorAnswers },
      },
    },
    ({ params, query }) => client.modelHistory({ model: params.id, point: params.point, ...query }),
  );

  app.get(
    '/models/:id',
    {
      config: reads,
      schema: {
        operationId: 'getModel',
        summary: 'One model with its points and their values',
        tags: ['models'],
        params: ModelParams,
        response: { 200: ModelDetail, ...errorAnswers },
      },
    },
    (request) => client.model(request.params.id),
  );

  app.put(
    '/models/:id',
    {
      config: configures,
      schema: {
        operationId: 'updateModel',
        summary: 'Change a model that does not stand in the site file; what is left out stays',
        tags: ['models'],
        params: ModelParams,
        body: ModelChangesSchema,
        response: { 200: ModelView, ...errorAnswers },
      },
    },
    (request) => client.updateModel(request.params.id, request.body),
  );

  app.delete(
    '/models/:id',
    {
      config: configures,
      schema: {
        operationId: 'removeModel',
        summary: 'Remove a model that does not stand in the site file',
        tags: ['models'],
        params: ModelParams,
        response: { 204: Type.Null(), ...errorAnswers },
      },
    },
    async (request, reply) => {
      await client.removeModel(request.params.id);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/models/:id/points/:point/write',
    {
      config: operates,
      schema: {
        operationId: 'writeModelPoint',
        summary: 'Write a point of a model: at the channel that it stands for, or as the value that it holds',
        tags: ['models'],
        params: PointParams,
        body: Value,
        response: { 200: WriteReply, ...errorAnswers },
      },
    },
    ({ params, body }) => client.writeModel({ model: params.id, point: params.point, ...body }),
  );
}
