import Type, { type Static } from 'typebox';
import { brokerKeys, REFERENCE, TlsFileSchema } from '../config/schema/broker.js';
import { closed, millis, tagged, words } from '../config/schema/helpers.js';
import { FORWARDER_TYPES, PAYLOADS } from './forwarder.js';
import { POINT_FIELDS } from './template.js';

export const FORWARDER_ID = '^[A-Za-z0-9_-]{1,64}$';

export const FORWARDER_DEFAULTS = {
  payload: 'point',
  httpPayload: 'batch',
  send: 'all',
  batchPoints: 500,
  waitMs: 1000,
  maxPointsPerSecond: 50_000,
  timeoutMs: 10_000,
  topic: 'statewatt/{site}/{channel}/{kind}/{id}',
  batchTopic: 'statewatt/{site}',
  subject: 'site.{site}.{channel}.{kind}.{id}',
  batchSubject: 'site.{site}',
} as const;
const D = FORWARDER_DEFAULTS;
const FIELDS = `fields: ${POINT_FIELDS.map((field) => `{${field}}`).join(' ')}`;

const Pattern = Type.String({
  minLength: 1,
  description: '<channel>:<kind>:<id>; numbers may be ranges, each may be *',
  examples: ['1001:T:1-10', '*:T:*'],
});
const PointRuleSchema = closed({
  match: Pattern,
  name: Type.Optional(Type.String({ minLength: 1, description: `name to send; default: the point’s own; ${FIELDS}` })),
  unit: Type.Optional(Type.String({ description: 'unit to send; default: the point’s own' })),
  scale: Type.Optional(Type.Number({ default: 1, description: 'T and A: value sent = value · scale + offset' })),
  offset: Type.Optional(Type.Number({ default: 0 })),
});
export type PointRuleFile = Static<typeof PointRuleSchema>;

const common = {
  id: Type.String({ pattern: FORWARDER_ID, description: 'unique in the site: 1 to 64 of A-Z a-z 0-9 _ -' }),
  name: Type.Optional(Type.String({ minLength: 1, description: 'for people; default: the id' })),
  enabled: Type.Optional(Type.Boolean({ default: true, description: 'false: known, but nothing is sent' })),
  points: Type.Optional(
    Type.Array(
      Type.Unsafe<string | PointRuleFile>({
        anyOf: [Pattern, PointRuleSchema],
        type: ['string', 'object'],
        description: 'a pattern, or {match, name, unit, scale, offset}',
      }),
      { minItems: 1, description: 'which points are sent; the first that matches counts; default: all' },
    ),
  ),
  send: Type.Optional(
    words(['all', 'change', 'interval'], { default: D.send, description: 'which readings of them are sent' }),
  ),
  deadband: Type.Optional(
    Type.Number({ minimum: 0, default: 0, description: 'with send: change; a smaller change is not sent' }),
  ),
  interval_ms: Type.Optional(millis('with send: interval; time between two readings that are sent')),
  payload: Type.Optional(words(PAYLOADS, { description: 'one message a point, only its value, or many in one' })),
  batch: Type.Optional(
    closed({
      points: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 100_000, default: D.batchPoints, description: 'points of a full batch' }),
      ),
      wait_ms: Type.Optional(
        millis('longest that a reading waits for more', { minimum: 10, maximum: 60_000, default: D.waitMs }),
      ),
    }),
  ),
  max_points_per_second: Type.Optional(
    Type.Integer({ minimum: 1, default: D.maxPointsPerSecond, description: 'bound for catching up' }),
  ),
  begin: Type.Optional(
    words(['now', 'oldest'], { default: 'now', description: 'where one begins that has never sent' }),
  ),
};

const MqttForwarderFile = closed({
  ...common,
  type: words(['mqtt']),
  ...brokerKeys,
  topic: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, default: D.topic, description: FIELDS })),
  retain: Type.Optional(Type.Boolean({ default: false, description: 'the broker keeps the last of each topic' })),
});
export type MqttForwarderFile = Static<typeof MqttForwarderFile>;

const HttpForwarderFile = closed({
  ...common,
  type: words(['http']),
  url: Type.String({ pattern: '^https?://[^\\s/]+', description: 'gets a POST with JSON for each batch' }),
  headers: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description: `of each request; ${REFERENCE}`,
      examples: [{ Authorization: 'Bearer ${TOKEN}' }],
    }),
  ),
  tls: Type.Optional(TlsFileSchema),
  timeout_ms: Type.Optional(millis('time to wait for an answer', { default: D.timeoutMs })),
});
export type HttpForwarderFile = Static<typeof HttpForwarderFile>;

const NatsForwarderFile = closed({
  ...common,
  type: words(['nats']),
  url: Type.String({
    minLength: 1,
    description: `NATS servers, comma separated; ${REFERENCE}`,
    examples: ['nats://site:${HUB_PASSWORD}@hub.example.org:4222'],
  }),
  credentials: Type.Optional(Type.String({ minLength: 1, description: 'credentials file of a NATS user' })),
  tls: Type.Optional(TlsFileSchema),
  subject: Type.Optional(Type.String({ minLength: 1, maxLength: 255, default: D.subject, description: FIELDS })),
  jetstream: Type.Optional(
    Type.Boolean({ default: true, description: 'a stream takes the messages; false: whoever listens' }),
  ),
});
export type NatsForwarderFile = Static<typeof NatsForwarderFile>;

export type ForwarderFile = MqttForwarderFile | HttpForwarderFile | NatsForwarderFile;

/** A target of forwarding as site.yaml writes it. */
export const ForwarderFileSchema = tagged(
  'type',
  [
    { values: [FORWARDER_TYPES[0]], schema: MqttForwarderFile },
    { values: [FORWARDER_TYPES[1]], schema: HttpForwarderFile },
    { values: [FORWARDER_TYPES[2]], schema: NatsForwarderFile },
  ],
  { common },
);
