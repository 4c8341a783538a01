import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import { configures, reads } from '../access/needs.js';
import { KilledWorkerSchema } from '../../../actors/client/supervision-schemas.js';
import type { HttpApp } from '../app.js';
import {
  ActorDetail,
  ActorList,
  ActorParams,
  ActorView,
  NoBody,
  NodeList,
  SupervisorList,
  errorAnswers,
} from '../schemas.js';

/** Actors: what lives where, and the supervisor's hand on it. */
export function actorRoutes(app: HttpApp, client: StatewattClient): void {
  app.get(
    '/actors',
    {
      config: reads,
      schema: {
        operationId: 'listActors',
        summary: 'All activations: state, node, mailbox, restarts',
        tags: ['actors'],
        response: { 200: ActorList, ...errorAnswers },
      },
    },
    () => client.actors(),
  );

  app.get(
    '/nodes',
    {
      config: reads,
      schema: {
        operationId: 'listNodes',
        summary: 'The nodes that are there, with their partitions and actors',
        tags: ['actors'],
        response: { 200: NodeList, ...errorAnswers },
      },
    },
    () => client.nodes(),
  );

  app.post(
    '/workers/kill',
    {
      config: configures,
      schema: {
        operationId: 'killWorker',
        summary: 'End a worker thread of this node, as a fault would; its job is done again',
        tags: ['actors'],
        body: NoBody,
        response: { 200: KilledWorkerSchema, ...errorAnswers },
      },
    },
    () => client.killWorker(),
  );

  app.get(
    '/supervisors',
    {
      config: reads,
      schema: {
        operationId: 'listSupervisors',
        summary: 'The supervisors of the partitions: restarts, escalations, what was given up, used up intensities',
        tags: ['actors'],
        response: { 200: SupervisorList, ...errorAnswers },
      },
    },
    () => client.supervisors(),
  );

  app.get(
    '/actors/:kind/:id',
    {
      config: reads,
      schema: {
        operationId: 'getActor',
        summary: 'One actor with its context, timers and last transitions',
        tags: ['actors'],
        params: ActorParams,
        response: { 200: ActorDetail, ...errorAnswers },
      },
    },
    (request) => client.actor(toRef(request.params)),
  );

  app.post(
    '/actors/:kind/:id/restart',
    {
      config: configures,
      schema: {
        operationId: 'restartActor',
        summary: 'Stop the activation in order and start it from its journal; clears "failed"',
        tags: ['actors'],
        params: ActorParams,
        body: NoBody,
        response: { 200: ActorView, ...errorAnswers },
      },
    },
    (request) => client.restartActor(toRef(request.params)),
  );

  app.post(
    '/actors/:kind/:id/kill',
    {
      config: configures,
      schema: {
        operationId: 'killActor',
        summary: 'Crash the activation, as a fault would; its supervisor restarts it',
        tags: ['actors'],
        params: ActorParams,
        body: NoBody,
        response: { 204: Type.Null({ description: 'crashed' }), ...errorAnswers },
      },
    },
    async (request, reply) => {
      await client.killActor(toRef(request.params));
      return reply.code(204).send(null);
    },
  );
}

function toRef({ kind, id }: { kind: string; id: string }): string {
  return `${kind}/${id}`;
}
