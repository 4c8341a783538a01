import type { StatewattClient } from '../../../actors/client/client.js';
import { reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { PointsUpdate, StreamQuery, errorAnswers } from '../schemas.js';
import type { EventStreams } from '../stream.js';

/** Live changes of points, pushed. */
export function streamRoutes(app: HttpApp, client: StatewattClient, streams: EventStreams): void {
  app.get(
    '/points/stream',
    {
      exposeHeadRoute: false,
      config: { ...reads, untraced: true },
      schema: {
        operationId: 'streamPoints',
        summary: 'Live changes of points as Server-Sent Events',
        description:
          'Each event’s data is one channel’s changed points. An event `failed` carries an error envelope and ends ' +
          'the stream. A slow reader misses steps in between, never the newest value.',
        tags: ['points'],
        querystring: StreamQuery,
        response: {
          200: { description: 'the events', content: { 'text/event-stream': { schema: PointsUpdate } } },
          ...errorAnswers,
        },
      },
    },
    async (request, reply) => {
      const { channel } = request.query;
      // A stream of a channel that is not there would be silent for ever; this answers 404.
      if (channel !== undefined) await client.channel(channel);
      streams.admit();
      reply.hijack();
      await streams.run(reply.raw, channel === undefined ? {} : { channel }, {
        requestId: request.id,
        log: request.log,
      });
    },
  );
}
