import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import { DeadLetterIdSchema, DeadLettersQuerySchema } from '../../../actors/client/dead-letter-schemas.js';
import { configures, reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { DeadLetterDetail, DeadLettersPage, NoBody, ReplayReply, errorAnswers } from '../schemas.js';

const DeadLetterParams = Type.Object({ id: DeadLetterIdSchema });

/** What actors could not process, and effects that could not be carried out. */
export function deadLetterRoutes(app: HttpApp, client: StatewattClient): void {
  app.get(
    '/dead-letters',
    {
      config: reads,
      schema: {
        operationId: 'listDeadLetters',
        summary: 'Dead letters, the oldest first, page by page',
        tags: ['actors'],
        querystring: DeadLettersQuerySchema,
        response: { 200: DeadLettersPage, ...errorAnswers },
      },
    },
    (request) => client.deadLetters(request.query),
  );

  app.get(
    '/dead-letters/:id',
    {
      config: reads,
      schema: {
        operationId: 'getDeadLetter',
        summary: 'One dead letter with its event, state and the effect’s parameters',
        tags: ['actors'],
        params: DeadLetterParams,
        response: { 200: DeadLetterDetail, ...errorAnswers },
      },
    },
    (request) => client.deadLetter(request.params.id),
  );

  app.post(
    '/dead-letters/:id/replay',
    {
      config: configures,
      schema: {
        operationId: 'replayDeadLetter',
        summary:
          'Send the command again, or run the effect again under its old key; the letter goes when that succeeded',
        tags: ['actors'],
        params: DeadLetterParams,
        body: NoBody,
        response: { 200: ReplayReply, ...errorAnswers },
      },
    },
    (request) => client.replayDeadLetter(request.params.id),
  );

  app.post(
    '/dead-letters/:id/discard',
    {
      config: configures,
      schema: {
        operationId: 'discardDeadLetter',
        summary: 'Remove a dead letter for good',
        tags: ['actors'],
        params: DeadLetterParams,
        body: NoBody,
        response: { 204: Type.Null({ description: 'removed' }), ...errorAnswers },
      },
    },
    async (request, reply) => {
      await client.discardDeadLetter(request.params.id);
      return reply.code(204).send(null);
    },
  );
}
