import type { StatewattClient } from '../../../actors/client/client.js';
import { operates, reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { ChannelCommandBody, ChannelList, ChannelParams, ChannelView, errorAnswers } from '../schemas.js';

/** Device channels: their state, statistics and commands. */
export function channelRoutes(app: HttpApp, client: StatewattClient): void {
  app.get(
    '/channels',
    {
      config: reads,
      schema: {
        operationId: 'listChannels',
        summary: 'All channels of the site, with state and statistics',
        tags: ['channels'],
        response: { 200: ChannelList, ...errorAnswers },
      },
    },
    () => client.channels(),
  );

  app.get(
    '/channels/:id',
    {
      config: reads,
      schema: {
        operationId: 'getChannel',
        summary: 'One channel',
        tags: ['channels'],
        params: ChannelParams,
        response: { 200: ChannelView, ...errorAnswers },
      },
    },
    (request) => client.channel(request.params.id),
  );

  app.post(
    '/channels/:id/commands',
    {
      config: operates,
      schema: {
        operationId: 'commandChannel',
        summary: 'Command a channel; answers once the command is durable',
        tags: ['channels'],
        params: ChannelParams,
        body: ChannelCommandBody,
        response: { 200: ChannelView, ...errorAnswers },
      },
    },
    (request) => client.commandChannel(request.params.id, request.body.command),
  );
}
