import type { AlarmsWatchFilter } from '../../../actors/client/alarm-watch.js';
import type { StatewattClient } from '../../../actors/client/client.js';
import { reads } from '../access/needs.js';
import type { AlarmLevel } from '../../../site/alarms.js';
import type { HttpApp } from '../app.js';
import { AlarmsUpdate, AlarmStreamQuery, ModelChange, PointsUpdate, StreamQuery, errorAnswers } from '../schemas.js';
import { ModelParams } from './models.js';
import type { EventStreams } from '../stream.js';

/** Live changes of points, of alarms and of a model, pushed. */
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
      const filter = channel === undefined ? {} : { channel };
      await streams.run(reply.raw, (signal) => client.watchPoints(filter, signal), {
        requestId: request.id,
        log: request.log,
        identity: request.identity,
      });
    },
  );

  app.get(
    '/models/:id/stream',
    {
      exposeHeadRoute: false,
      config: { ...reads, untraced: true },
      schema: {
        operationId: 'streamModel',
        summary: 'Live changes of a model as Server-Sent Events',
        description:
          'Each event’s data holds the points that have changed. `remade` says that the model is another one: read it ' +
          'again. An event `failed` carries an error envelope and ends the stream, also when the model is removed.',
        tags: ['models'],
        params: ModelParams,
        response: {
          200: { description: 'the events', content: { 'text/event-stream': { schema: ModelChange } } },
          ...errorAnswers,
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await client.model(id);
      streams.admit();
      reply.hijack();
      await streams.run(reply.raw, (signal) => client.watchModel(id, signal), {
        requestId: request.id,
        log: request.log,
      });
    },
  );

  app.get(
    '/alarms/stream',
    {
      exposeHeadRoute: false,
      config: { ...reads, untraced: true },
      schema: {
        operationId: 'streamAlarms',
        summary: 'Changed alarms as Server-Sent Events',
        description:
          'Each event’s data holds alarms that have changed, each as it is then. A slow reader gets the newest state of ' +
          'each alarm; `missed` says that more have changed than could wait, and the list tells how all of them are. ' +
          'An event `failed` carries an error envelope and ends the stream.',
        tags: ['alarms'],
        querystring: AlarmStreamQuery,
        response: {
          200: { description: 'the events', content: { 'text/event-stream': { schema: AlarmsUpdate } } },
          ...errorAnswers,
        },
      },
    },
    async (request, reply) => {
      const { levels, source } = request.query;
      const filter: AlarmsWatchFilter = {
        ...(levels === undefined ? {} : { levels: levels.split(',') as AlarmLevel[] }),
        ...(source === undefined ? {} : { source }),
      };
      streams.admit();
      reply.hijack();
      await streams.run(reply.raw, (signal) => client.alarms.watch(filter, signal), {
        requestId: request.id,
        log: request.log,
        identity: request.identity,
      });
    },
  );
}
