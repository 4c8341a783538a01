import Type, { type Static } from 'typebox';
import { RETAINED, TIME_UNITS } from '../../channels/mqtt.js';
import { BrokerFileSchema } from './broker.js';
import { channelKeys, pointKeys, PushPolling } from './channel-common.js';
import { closed, millis, words } from './helpers.js';

export const MQTT_CHANNEL_DEFAULTS = {
  retained: 'good',
  writeTimeoutMs: 5000,
  staleAfterMs: 0,
  timeUnit: 'ms',
  command: '{value}',
} as const;
const D = MQTT_CHANNEL_DEFAULTS;

const staleAfterMs = (description: string) =>
  Type.Optional(millis(description, { minimum: 0, maximum: 2_147_483_647, default: D.staleAfterMs }));
const path = (description: string) => Type.Optional(Type.String({ minLength: 1, description, examples: ['$.power'] }));

const MqttPoint = closed({
  ...pointKeys,
  topic: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'topic of the values; + and # may stand in it',
      examples: ['meter/power'],
    }),
  ),
  value_path: path('where in a JSON payload the value is; default: the payload is the value'),
  time_path: path('where its time is; default: the time at which it came'),
  time_unit: Type.Optional(words(TIME_UNITS, { default: D.timeUnit, description: 'of a time that is a number' })),
  quality_path: path('where its quality is; default: it is good'),
  on: Type.Optional(Type.String({ minLength: 1, description: 'text that means 1' })),
  off: Type.Optional(Type.String({ minLength: 1, description: 'text that means 0' })),
  command_topic: Type.Optional(
    Type.String({ minLength: 1, description: 'C and A: topic that a write is published on' }),
  ),
  command: Type.Optional(
    Type.String({ minLength: 1, default: D.command, description: 'payload of a write, with {value} and {time}' }),
  ),
  stale_after_ms: staleAfterMs('silence after which the value is stale, 0 = never; wins over the channel’s own'),
});

export const MqttChannelFile = closed({
  ...channelKeys,
  protocol: words(['mqtt']),
  broker: BrokerFileSchema,
  polling: Type.Optional(PushPolling),
  polling_config: Type.Optional(PushPolling),
  retained: Type.Optional(
    words(RETAINED, { default: D.retained, description: 'what is made of messages that the broker has kept' }),
  ),
  write_timeout_ms: Type.Optional(millis('how long a write waits to be confirmed', { default: D.writeTimeoutMs })),
  stale_after_ms: staleAfterMs('silence of a point after which its value is stale, 0 = never'),
  points: Type.Optional(Type.Array(MqttPoint, { description: 'points without tables' })),
});
export type MqttChannelFile = Static<typeof MqttChannelFile>;
