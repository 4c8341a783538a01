import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import { open, reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { Health, errorAnswers } from '../schemas.js';

const Alive = Type.Object({ status: Type.Literal('alive') });

/** Health for people and probes, and the metrics of the process. */
export function healthRoutes(app: HttpApp, client: StatewattClient, metrics?: () => Promise<string>): void {
  app.get(
    '/health',
    {
      config: open,
      schema: {
        operationId: 'getHealth',
        summary: 'The state of the node and of each of its parts',
        tags: ['health'],
        response: { 200: Health, 503: { description: 'unhealthy', ...Health }, ...errorAnswers },
      },
    },
    async (_request, reply) => {
      const health = await client.health();
      return reply.code(health.status === 'unhealthy' ? 503 : 200).send(health);
    },
  );

  app.get(
    '/health/live',
    {
      config: open,
      schema: {
        operationId: 'getLiveness',
        summary: 'Whether the process answers at all; restart it when not',
        tags: ['health'],
        response: { 200: Alive, ...errorAnswers },
      },
    },
    () => Promise.resolve({ status: 'alive' as const }),
  );

  app.get(
    '/health/ready',
    {
      config: open,
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether the node can serve; 503 while it starts or a part that it needs is away',
        tags: ['health'],
        response: { 200: Health, 503: { description: 'not ready', ...Health }, ...errorAnswers },
      },
    },
    async (_request, reply) => {
      const health = await client.health();
      return reply.code(health.ready ? 200 : 503).send(health);
    },
  );

  if (metrics === undefined) return;
  app.get(
    '/metrics',
    {
      config: reads,
      schema: {
        operationId: 'getMetrics',
        summary: 'Metrics in the Prometheus text format',
        tags: ['health'],
        response: {
          200: { description: 'the metrics', content: { 'text/plain': { schema: Type.String() } } },
          ...errorAnswers,
        },
      },
    },
    async (_request, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics()),
  );
}
