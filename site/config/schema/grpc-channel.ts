import Type, { type Static } from 'typebox';
import { GRPC_MODES } from '../../channels/grpc.js';
import { REFERENCE, TlsFileSchema } from './broker.js';
import { channelKeys, pointKeys, PushPolling } from './channel-common.js';
import { closed, millis, words } from './helpers.js';

export const GRPC_CHANNEL_DEFAULTS = {
  mode: 'stream',
  deadlineMs: 2000,
  healthIntervalMs: 5000,
  staleAfterMs: 0,
} as const;
const D = GRPC_CHANNEL_DEFAULTS;

const texts = (description: string, example: Record<string, string>) =>
  Type.Optional(Type.Record(Type.String(), Type.String(), { description, examples: [example] }));
const staleAfterMs = (description: string) =>
  Type.Optional(millis(description, { minimum: 0, maximum: 2_147_483_647, default: D.staleAfterMs }));

const GrpcPoint = closed({
  ...pointKeys,
  source: Type.Optional(Type.String({ minLength: 1, description: 'name at the plug-in; default: the point’s name' })),
  stale_after_ms: staleAfterMs('silence after which the value is stale, 0 = never; wins over the channel’s own'),
});

export const GrpcChannelFile = closed({
  ...channelKeys,
  protocol: words(['grpc']),
  address: Type.String({
    minLength: 1,
    description: 'where the plug-in listens: host:port, or unix:/path of a socket',
    examples: ['127.0.0.1:50051', 'unix:/run/meter.sock'],
  }),
  tls: Type.Optional(TlsFileSchema),
  token: Type.Optional(Type.String({ minLength: 1, description: `sent as "authorization: Bearer …"; ${REFERENCE}` })),
  metadata: texts(`further metadata of every call; ${REFERENCE}`, { 'x-site': 'farm' }),
  mode: Type.Optional(
    words(GRPC_MODES, { default: D.mode, description: 'values as they come, or asked for once a cycle' }),
  ),
  connect_timeout_ms: Type.Optional(
    millis('time in which the plug-in must reach its device; default: the site’s connection_timeout_ms'),
  ),
  deadline_ms: Type.Optional(millis('longest that any other call may take', { default: D.deadlineMs })),
  health_interval_ms: Type.Optional(
    millis('time without a call after which the plug-in is asked how it is', { default: D.healthIntervalMs }),
  ),
  stale_after_ms: staleAfterMs('silence of a point after which its value is stale, 0 = never'),
  settings: texts(`what the plug-in needs to know; ${REFERENCE}`, { device: '/dev/ttyUSB0' }),
  polling: Type.Optional(PushPolling),
  polling_config: Type.Optional(PushPolling),
  points: Type.Optional(Type.Array(GrpcPoint, { description: 'points without tables' })),
});
export type GrpcChannelFile = Static<typeof GrpcChannelFile>;
