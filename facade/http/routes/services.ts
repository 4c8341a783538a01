import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import { open } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { errorAnswers } from '../schemas.js';
import { SERVICE_NAMES, servicePort, type ServiceName } from '../services.js';

const ServiceHealth = Type.Object({
  status: Type.Unsafe<'healthy' | 'unhealthy'>({ type: 'string', enum: ['healthy', 'unhealthy'] }),
  service: Type.Object({
    name: Type.Unsafe<ServiceName>({ type: 'string', enum: [...SERVICE_NAMES] }),
    port: Type.Integer(),
  }),
});

/** Whether each of VoltageEMS's services can do its work; they are one node here, so they are well or not together. */
export function serviceRoutes(app: HttpApp, client: StatewattClient, firstPort?: number): void {
  for (const name of SERVICE_NAMES) {
    app.get(
      `/${name}/health`,
      {
        config: open,
        schema: {
          operationId: `${name}Health`,
          summary: `VoltageEMS: whether ${name} can do its work`,
          tags: ['health'],
          response: { 200: ServiceHealth, 503: { description: 'unhealthy', ...ServiceHealth }, ...errorAnswers },
        },
      },
      async (_request, reply) => {
        const { status } = await client.health();
        const isWell = status !== 'unhealthy';
        return reply.code(isWell ? 200 : 503).send({
          status: isWell ? ('healthy' as const) : ('unhealthy' as const),
          service: { name, port: servicePort(name, firstPort) },
        });
      },
    );
  }
}
