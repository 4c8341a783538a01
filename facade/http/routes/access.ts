import Type from 'typebox';
import {
  ApiKeyViewSchema,
  AuditPageSchema,
  AuditQuerySchema,
  CreatedApiKeySchema,
  KeyIdSchema,
  NewApiKeySchema,
  NewUserSchema,
  UserChangesSchema,
  UserNameSchema,
  UserViewSchema,
} from '../../../actors/client/access.js';
import type { StatewattClient } from '../../../actors/client/client.js';
import { administers } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { errorAnswers } from '../schemas.js';

const UserParams = Type.Object({ name: UserNameSchema });
const KeyParams = Type.Object({ id: KeyIdSchema });
const Removed = Type.Null({ description: 'removed' });

/** Users, API keys and the audit journal, for administrators. */
export function accessRoutes(app: HttpApp, client: StatewattClient): void {
  const tags = ['access'];
  const config = administers;
  app.get(
    '/users',
    {
      config,
      schema: {
        operationId: 'listUsers',
        summary: 'Who may sign in',
        tags,
        response: { 200: Type.Array(UserViewSchema), ...errorAnswers },
      },
    },
    () => client.access.users(),
  );

  app.post(
    '/users',
    {
      config,
      schema: {
        operationId: 'createUser',
        summary: 'Let somebody sign in; the first one has to be an administrator',
        tags,
        body: NewUserSchema,
        response: { 201: UserViewSchema, ...errorAnswers },
      },
    },
    async (request, reply) => reply.code(201).send(await client.access.createUser(request.body)),
  );

  app.put(
    '/users/:name',
    {
      config,
      schema: {
        operationId: 'updateUser',
        summary: 'Give a user another role or password, or disable it; what is left out stays',
        tags,
        params: UserParams,
        body: UserChangesSchema,
        response: { 200: UserViewSchema, ...errorAnswers },
      },
    },
    ({ params, body }) => client.access.updateUser(params.name, body),
  );

  app.delete(
    '/users/:name',
    {
      config,
      schema: {
        operationId: 'removeUser',
        summary: 'Remove a user',
        tags,
        params: UserParams,
        response: { 204: Removed, ...errorAnswers },
      },
    },
    async ({ params }, reply) => {
      await client.access.removeUser(params.name);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/keys',
    {
      config,
      schema: {
        operationId: 'listApiKeys',
        summary: 'The API keys, without the keys themselves',
        tags,
        response: { 200: Type.Array(ApiKeyViewSchema), ...errorAnswers },
      },
    },
    () => client.access.keys(),
  );

  app.post(
    '/keys',
    {
      config,
      schema: {
        operationId: 'createApiKey',
        summary: 'Make an API key; the answer is the only place where it is shown',
        tags,
        body: NewApiKeySchema,
        response: { 201: CreatedApiKeySchema, ...errorAnswers },
      },
    },
    async (request, reply) => reply.code(201).send(await client.access.createKey(request.body)),
  );

  app.delete(
    '/keys/:id',
    {
      config,
      schema: {
        operationId: 'removeApiKey',
        summary: 'End an API key',
        tags,
        params: KeyParams,
        response: { 204: Removed, ...errorAnswers },
      },
    },
    async ({ params }, reply) => {
      await client.access.removeKey(params.id);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/audit',
    {
      config,
      schema: {
        operationId: 'listAudit',
        summary: 'Who did what, newest first, page by page',
        tags,
        querystring: AuditQuerySchema,
        response: { 200: AuditPageSchema, ...errorAnswers },
      },
    },
    (request) => client.access.audit(request.query),
  );
}
