import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { open } from './access/needs.js';
import type { HttpApp } from './app.js';

/** Everything is served from here and nothing may be framed; the page sets styles inline and has its icons in data URLs. */
const PAGE_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'";

/** The OpenAPI 3.1 document at /api/openapi.json and a page to try the routes at /api/docs. Before the routes. */
export function addDocumentation(app: HttpApp): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Statewatt',
        version: '1',
        description: 'The channels, points, history and actors of an energy site.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [
        { name: 'channels', description: 'connections to devices' },
        { name: 'points', description: 'live values, history, writes' },
        { name: 'models', description: 'equipment, made from templates' },
        { name: 'alarms', description: 'lists, commands of operators, who did what, figures' },
        { name: 'actors', description: 'what lives where, and its supervision' },
        { name: 'access', description: 'sign-in, users, API keys, who did what' },
        { name: 'health', description: 'for people, probes and Prometheus' },
      ],
    },
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        typeof schema.$id === 'string' ? schema.$id : `schema${index}`,
    },
  });
  app.register(swaggerUi, {
    routePrefix: '/api/docs',
    staticCSP: PAGE_POLICY,
    uiConfig: { tryItOutEnabled: true, displayRequestDuration: true },
    theme: { title: 'Statewatt API' },
  });
  app.get('/api/openapi.json', { config: open, schema: { hide: true } }, (_request, reply) =>
    reply.send(app.swagger()),
  );
}
