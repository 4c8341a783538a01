import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import {
  ModelIdSchema,
  NewModelSchema,
  type ModelPointView,
  type ModelView,
} from '../../../actors/client/model-schemas.js';
import { configures, reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';

const { name, template, parameters } = NewModelSchema.properties;
const ModelParams = Type.Object({ id: ModelIdSchema });
const NewModel = Type.Object(
  { model_id: ModelIdSchema, name, template_id: template, parameters },
  { additionalProperties: false },
);
const Changes = Type.Object({ name, parameters }, { additionalProperties: false });

/** The routes of VoltageEMS's model service, in its words; not in the OpenAPI document, as `/api/v1/models` says more. */
export function modsrvRoutes(app: HttpApp, client: StatewattClient): void {
  const schema = { hide: true };
  app.get('/models', { config: reads, schema }, async () => (await client.models()).map(toModel));

  app.post('/models', { config: configures, schema: { ...schema, body: NewModel } }, async ({ body }, reply) => {
    const { model_id: id, template_id: template, ...rest } = body;
    return reply.code(201).send(toModel(await client.createModel({ id, template, ...rest })));
  });

  app.get('/models/:id', { config: reads, schema: { ...schema, params: ModelParams } }, async ({ params }) => {
    const { model, points } = await client.model(params.id);
    return { ...toModel(model), points: points.map(toPoint) };
  });

  app.put(
    '/models/:id',
    { config: configures, schema: { ...schema, params: ModelParams, body: Changes } },
    async ({ params, body }) => toModel(await client.updateModel(params.id, body)),
  );

  app.delete('/models/:id', { config: configures, schema: { ...schema, params: ModelParams } }, async ({ params }) => {
    await client.removeModel(params.id);
    return { model_id: params.id };
  });
}

function toModel({ id, name, template, parameters }: ModelView) {
  return { model_id: id, name, template_id: template, parameters };
}

function toPoint({ name, kind, unit, value, quality, time }: ModelPointView) {
  return { name, kind, unit, value, quality, time };
}
