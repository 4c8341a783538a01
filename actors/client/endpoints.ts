import Type from 'typebox';
import { subjects } from '../../bus/subjects.js';
import { StatewattError } from '../../errors/error.js';
import { AddressSchema, historyOfAny, readAny, toAddress, writeAny } from './addresses.js';
import { archiveEndpoints } from './archive-endpoints.js';
import { accessEndpoints } from './access-endpoints.js';
import { configurationEndpoints } from './configuration-endpoints.js';
import { alarmEndpoints, liveAlarmSubject } from './alarm-endpoints.js';
import {
  DeadLetterDetailSchema,
  DeadLetterIdSchema,
  DeadLettersPageSchema,
  DeadLettersQuerySchema,
  ReplayReplySchema,
} from './dead-letter-schemas.js';
import { forwardingEndpoints } from './forwarding-endpoints.js';
import { ledgerEndpoints } from './ledger-endpoints.js';
import { meteringEndpoints } from './metering-endpoints.js';
import { mintingEndpoints } from './minting-endpoints.js';
import { modelEndpoints } from './model-endpoints.js';
import { endpoint, LeaseSchema, type Endpoint } from './endpoint.js';
import { pageOf } from './page.js';
import { KilledWorkerSchema, SupervisorViewSchema } from './supervision-schemas.js';
import { ruleEndpoints } from './rule-endpoints.js';
import {
  ActorDetailSchema,
  ActorViewSchema,
  CHANNEL_COMMANDS,
  ChannelViewSchema,
  HealthSchema,
  HistoryPageSchema,
  HistoryQuerySchema,
  NodeViewSchema,
  PointsPageSchema,
  PointsQuerySchema,
  PointViewSchema,
  WriteReplySchema,
  WriteRequestSchema,
} from './schemas.js';

export {
  SERVICES,
  serviceName,
  type Endpoint,
  type EndpointContext,
  type Lease,
  type ServiceName,
} from './endpoint.js';

const closed = { additionalProperties: false } as const;
const channel = HistoryQuerySchema.properties.channel;
const address = AddressSchema;
const ref = Type.String({ description: '`<kind>/<id>`', examples: ['channel/1001'] });
const { limit, cursor } = PointsQuerySchema.properties;
const nextCursor = Type.Union([Type.String(), Type.Null()]);
const { from, to, resolution } = HistoryQuerySchema.properties;
const { value, commandId, deadlineMs } = WriteRequestSchema.properties;

const NoRequest = Type.Object({}, closed);
const PageRequest = Type.Object({ limit, cursor }, closed);

/** Every request of the public interface on NATS; the services and the remote client are both made from it. */
export const endpoints = {
  pointsList: endpoint('points', 'list', {
    summary: 'Points with their newest values, page by page',
    request: PointsQuerySchema,
    response: PointsPageSchema,
    call: ({ client }, query) => client.points(query),
  }),
  pointsGet: endpoint('points', 'get', {
    summary: 'The newest value of one point',
    request: Type.Object({ address }, closed),
    response: PointViewSchema,
    call: async ({ client }, { address }) => readAny(client, toAddress(address)),
  }),
  pointsWrite: endpoint('points', 'write', {
    summary: 'Write a control (C) or adjustment (A) point; answers what the device said',
    changes: true,
    request: Type.Object({ address, value, commandId, deadlineMs }, closed),
    response: WriteReplySchema,
    call: async ({ client }, { address, ...request }) => writeAny(client, toAddress(address), address, request),
  }),
  pointsWatch: endpoint('points', 'watch', {
    summary: 'Have live changes published on the subject in the answer; ask again before leaseMs have passed',
    request: Type.Object({ channel: Type.Optional(channel) }, closed),
    response: LeaseSchema,
    call: async ({ client, watch }, request) => {
      // A watch of a channel that is not there would be silent for ever.
      if (request.channel !== undefined) await client.channel(request.channel);
      return watch(request.channel ?? '*');
    },
  }),

  channelsList: endpoint('channels', 'list', {
    summary: 'Channels with their state and statistics, ascending by id, page by page',
    request: PageRequest,
    response: Type.Object({ channels: Type.Array(ChannelViewSchema), nextCursor }),
    call: async ({ client }, query) => {
      const { items, nextCursor } = pageOf(await client.channels(), query, ({ id }) => id, toChannelCursor);
      return { channels: items, nextCursor };
    },
  }),
  channelsGet: endpoint('channels', 'get', {
    summary: 'One channel with its state and statistics',
    request: Type.Object({ id: channel }, closed),
    response: ChannelViewSchema,
    call: ({ client }, { id }) => client.channel(id),
  }),
  channelsCommand: endpoint('channels', 'command', {
    summary: 'Start, stop, pause, resume or reset a channel; answers the channel once the command is durable',
    changes: true,
    request: Type.Object(
      {
        id: channel,
        command: Type.Unsafe<(typeof CHANNEL_COMMANDS)[number]>({ type: 'string', enum: [...CHANNEL_COMMANDS] }),
      },
      closed,
    ),
    response: ChannelViewSchema,
    call: ({ client }, { id, command }) => client.commandChannel(id, command),
  }),

  actorsList: endpoint('actors', 'list', {
    summary: 'Activations of actors, ascending by reference, page by page',
    request: PageRequest,
    response: Type.Object({ actors: Type.Array(ActorViewSchema), nextCursor }),
    call: async ({ client }, query) => {
      const { items, nextCursor } = pageOf(await client.actors(), query, ({ ref }) => ref, String);
      return { actors: items, nextCursor };
    },
  }),
  actorsGet: endpoint('actors', 'get', {
    summary: 'One actor with its context, timers and last transitions',
    request: Type.Object({ ref }, closed),
    response: ActorDetailSchema,
    call: ({ client }, { ref }) => client.actor(ref),
  }),
  actorsKill: endpoint('actors', 'kill', {
    summary: 'Crash the activation, as a fault would; its supervisor restarts it',
    changes: true,
    request: Type.Object({ ref }, closed),
    response: Type.Object({}),
    call: async ({ client }, { ref }) => {
      await client.killActor(ref);
      return {};
    },
  }),
  actorsRestart: endpoint('actors', 'restart', {
    summary: 'Stop the activation in order and start it from its journal; clears "failed"',
    changes: true,
    request: Type.Object({ ref }, closed),
    response: ActorViewSchema,
    call: ({ client }, { ref }) => client.restartActor(ref),
  }),
  actorsSupervisors: endpoint('actors', 'supervisors', {
    summary: 'The supervisors of the partitions: restarts, escalations, what was given up, used up intensities',
    request: NoRequest,
    response: Type.Object({ supervisors: Type.Array(SupervisorViewSchema) }),
    call: async ({ client }) => ({ supervisors: await client.supervisors() }),
  }),

  ...alarmEndpoints,
  ...ruleEndpoints,

  deadLettersList: endpoint('dead-letters', 'list', {
    summary: 'Dead letters, the oldest first, page by page',
    request: DeadLettersQuerySchema,
    response: DeadLettersPageSchema,
    call: ({ client }, query) => client.deadLetters(query),
  }),
  deadLettersGet: endpoint('dead-letters', 'get', {
    summary: 'One dead letter with its event, state and the effect’s parameters',
    request: Type.Object({ id: DeadLetterIdSchema }, closed),
    response: DeadLetterDetailSchema,
    call: ({ client }, { id }) => client.deadLetter(id),
  }),
  deadLettersReplay: endpoint('dead-letters', 'replay', {
    summary: 'Send the command again, or run the effect again under its old key; the letter goes when that succeeded',
    changes: true,
    request: Type.Object({ id: DeadLetterIdSchema }, closed),
    response: ReplayReplySchema,
    call: ({ client }, { id }) => client.replayDeadLetter(id),
  }),
  deadLettersDiscard: endpoint('dead-letters', 'discard', {
    summary: 'Remove a dead letter for good',
    changes: true,
    request: Type.Object({ id: DeadLetterIdSchema }, closed),
    response: Type.Object({}),
    call: async ({ client }, { id }) => {
      await client.discardDeadLetter(id);
      return {};
    },
  }),

  nodesKillWorker: endpoint('nodes', 'kill-worker', {
    summary: 'End a worker thread of the node that answers, as a fault would; its job is done again',
    changes: true,
    request: NoRequest,
    response: KilledWorkerSchema,
    call: ({ client }) => client.killWorker(),
  }),

  nodesList: endpoint('nodes', 'list', {
    summary: 'The nodes that are there, with their partitions and actors',
    request: NoRequest,
    response: Type.Object({ nodes: Type.Array(NodeViewSchema) }),
    call: async ({ client }) => ({ nodes: await client.nodes() }),
  }),

  ...modelEndpoints(endpoint),
  ...forwardingEndpoints,
  ...meteringEndpoints,
  ...mintingEndpoints,
  ...ledgerEndpoints,

  historyQuery: endpoint('history', 'query', {
    summary: 'Past values of one point, ascending by time, page by page',
    request: Type.Object({ address, from, to, resolution, limit, cursor }, closed),
    response: HistoryPageSchema,
    call: async ({ client }, { address, ...query }) => historyOfAny(client, toAddress(address), query),
  }),
  ...archiveEndpoints,

  ...configurationEndpoints,
  ...accessEndpoints,

  healthGet: endpoint('health', 'get', {
    summary: 'The state of the node that answers, and of each of its parts',
    request: NoRequest,
    response: HealthSchema,
    call: ({ client }) => client.health(),
  }),
} as const;

/** The whole table, in the order of the documentation. */
export const ALL_ENDPOINTS: readonly Endpoint[] = Object.values(endpoints);

/** Live changes of a channel, or of all, are published on this subject while a lease of them is alive. */
export const liveSubject = subjects.live;
/** Live changes of a model are published on this subject while a lease of them is alive. */
export const liveModelSubject = subjects.liveModel;
export { liveAlarmSubject };

/** @throws `channels.invalid_cursor` */
function toChannelCursor(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new StatewattError(
    'channels.invalid_cursor',
    'invalid',
    `"${text.slice(0, 100)}" is no cursor; pass on the nextCursor of the page before.`,
  );
}
