import type { FastifyInstance } from 'fastify';

/** Seconds that a browser may remember the answer to its question. */
const MAX_AGE_S = 600;

/**
 * Lets pages of the named origins use this server (WHATWG Fetch, section 3.2), with what they show of themselves in
 * headers; cookies of this server are for its own pages only.
 */
export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    reply.header('vary', 'Origin');
    if (origin === undefined || !origins.includes(origin)) return;
    reply.header('access-control-allow-origin', origin);
    reply.header('access-control-expose-headers', 'x-request-id, retry-after');
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return;
    reply.headers({
      'access-control-allow-methods': 'GET, POST, PUT, DELETE',
      'access-control-allow-headers': 'authorization, content-type, idempotency-key, traceparent, x-api-key',
      'access-control-max-age': MAX_AGE_S,
    });
    await reply.code(204).send();
  });
}
