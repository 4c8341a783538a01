import Type, { type Static } from 'typebox';
import { MAX_POINT_ID, POINT_KINDS, QUALITIES } from '../../site/points.js';

/**
 * What callers may ask and what they get, once, for every face: HTTP routes, NATS services and the CLI validate and
 * document with these.
 */
function literals<T extends readonly string[]>(values: T) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });
}

export const PointKindSchema = literals(POINT_KINDS);
export const QualitySchema = literals(QUALITIES);
export const CHANNEL_STATES = ['stopped', 'connecting', 'online', 'backingOff', 'faulted', 'paused'] as const;
export const ChannelStateSchema = literals(CHANNEL_STATES);
export const CHANNEL_COMMANDS = ['start', 'stop', 'pause', 'resume', 'reset'] as const;
export type ChannelCommandName = (typeof CHANNEL_COMMANDS)[number];

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Millis = (description: string) => Type.Number({ description: `${description} (ms since the Unix epoch)` });
/** The last instant that a Date can hold (ECMA-262, section 21.4.1.1). */
const MAX_MILLIS = 8.64e15;
const AskedMillis = (description: string) =>
  Type.Number({ description: `${description} (ms since the Unix epoch)`, minimum: 0, maximum: MAX_MILLIS });

export const ChannelStatsSchema = Type.Object({
  totalReads: Type.Integer({ description: 'requests answered with data' }),
  totalFrames: Type.Integer(),
  readErrors: Type.Integer({ description: 'requests that failed while the link was up' }),
  connectionErrors: Type.Integer({ description: 'links that could not be opened or were lost' }),
  reconnectCount: Type.Integer({ description: 'links opened after a loss' }),
  missedCycles: Type.Integer({ description: 'cycles that could not start in their time' }),
  droppedValues: Type.Integer({ description: 'values that came by themselves, and were given up as too many waited' }),
  lastError: Nullable(Type.String()),
  lastErrorAt: Nullable(Millis('when lastError happened')),
  lastGoodAt: Nullable(Millis('when a cycle last read good values')),
  roundTripMs: Type.Object({ p50: Type.Number(), p95: Type.Number(), p99: Type.Number(), max: Type.Number() }),
});
export type ChannelStats = Static<typeof ChannelStatsSchema>;

export const ChannelViewSchema = Type.Object({
  id: Type.Integer(),
  ref: Type.String({ description: 'actor reference, `channel/<id>`' }),
  name: Type.String(),
  protocol: Type.String(),
  address: Type.String({ description: 'host:port, device path, URL of a broker, or "virtual"' }),
  enabled: Type.Boolean(),
  state: ChannelStateSchema,
  since: Millis('when it entered the state'),
  pollingIntervalMs: Type.Integer(),
  points: Type.Object({ T: Type.Integer(), S: Type.Integer(), C: Type.Integer(), A: Type.Integer() }),
  stats: ChannelStatsSchema,
});
export type ChannelView = Static<typeof ChannelViewSchema>;

export const PointViewSchema = Type.Object({
  address: Type.String({
    description:
      '`comsrv:<channel>:<kind>:<id>`, or `model:<id>:<point>`: then `channel` and `id` say where it is stored',
  }),
  channel: Type.Integer(),
  kind: PointKindSchema,
  id: Type.Integer(),
  name: Type.String(),
  unit: Type.String(),
  writable: Type.Boolean(),
  value: Type.Union([Type.Number(), Type.String(), Type.Null()]),
  quality: QualitySchema,
  time: Nullable(Millis('source time')),
  min: Type.Optional(Type.Number({ description: 'least value within the limits; a write below it is refused' })),
  max: Type.Optional(Type.Number({ description: 'greatest value within the limits; a write above it is refused' })),
  deadband: Type.Optional(
    Type.Number({ description: 'least change that is reported; absent: the value is reported in every cycle' }),
  ),
});
export type PointView = Static<typeof PointViewSchema>;

export const PointsQuerySchema = Type.Object(
  {
    channel: Type.Optional(Type.Integer({ minimum: 1, maximum: 4294967295 })),
    kind: Type.Optional(PointKindSchema),
    id: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_POINT_ID })),
    name: Type.Optional(Type.String({ description: 'part of the name, any case', minLength: 1 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10000, default: 1000 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the previous page' })),
  },
  { additionalProperties: false },
);
export type PointsQuery = Static<typeof PointsQuerySchema>;
export const PointsPageSchema = Type.Object({
  points: Type.Array(PointViewSchema),
  nextCursor: Nullable(Type.String()),
});
export type PointsPage = Static<typeof PointsPageSchema>;

export const RESOLUTIONS = ['raw', '1m', '1h', '1d', 'auto'] as const;
export const HistoryQuerySchema = Type.Object(
  {
    channel: Type.Integer({ minimum: 1, maximum: 4294967295 }),
    kind: PointKindSchema,
    id: Type.Integer({ minimum: 1, maximum: MAX_POINT_ID }),
    from: Type.Optional(AskedMillis('inclusive; default one hour before `to`')),
    to: Type.Optional(AskedMillis('exclusive; default now')),
    resolution: Type.Optional(literals(RESOLUTIONS)),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10000, default: 1000 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the previous page' })),
  },
  { additionalProperties: false },
);
export type HistoryQuery = Static<typeof HistoryQuerySchema>;

/** raw rows carry value and quality; rollup rows carry avg, min, max, first, last and count of the good values. */
export const HistoryRowSchema = Type.Object({
  time: Millis('source time, or start of the interval'),
  value: Type.Union([Type.Number(), Type.String(), Type.Null()], { description: 'raw: the value; rollup: the mean' }),
  quality: Type.Optional(QualitySchema),
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
  first: Type.Optional(Type.Number()),
  last: Type.Optional(Type.Number()),
  count: Type.Optional(Type.Integer()),
});
export type HistoryRow = Static<typeof HistoryRowSchema>;
export const HistoryPageSchema = Type.Object({
  channel: Type.Integer({ description: 'where it is stored' }),
  kind: PointKindSchema,
  id: Type.Integer(),
  model: Type.Optional(Type.String({ description: 'of a model’s point, whose values are as the model sees them' })),
  point: Type.Optional(Type.String()),
  resolution: literals(['raw', '1m', '1h', '1d'] as const),
  from: Type.Number(),
  to: Type.Number(),
  rows: Type.Array(HistoryRowSchema, { description: 'ascending by time' }),
  nextCursor: Nullable(Type.String()),
});
export type HistoryPage = Static<typeof HistoryPageSchema>;

export const WriteRequestSchema = Type.Object(
  {
    channel: Type.Integer({ minimum: 1, maximum: 4294967295 }),
    kind: literals(['C', 'A'] as const),
    id: Type.Integer({ minimum: 1, maximum: MAX_POINT_ID }),
    value: Type.Union([Type.Number(), Type.Boolean(), Type.String()]),
    /** Makes a repeated request answer the first result instead of writing again. */
    commandId: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    deadlineMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 60000, default: 5000 })),
  },
  { additionalProperties: false },
);
export type WriteRequest = Static<typeof WriteRequestSchema>;
export const WriteReplySchema = Type.Object({
  commandId: Type.String(),
  address: Type.String(),
  written: Type.Union([Type.Number(), Type.String()]),
  readBack: Type.Union([Type.Number(), Type.String(), Type.Null()]),
  confirmed: Type.Boolean(),
  answer: Type.String({ description: 'what the device answered: ok, or the name of its exception' }),
  roundTripMs: Type.Number(),
});
export type WriteReply = Static<typeof WriteReplySchema>;

export const ActorViewSchema = Type.Object({
  ref: Type.String(),
  kind: Type.String(),
  id: Type.String(),
  state: Type.String({ description: 'the state chart’s value; "failed" when parked by its supervisor' }),
  node: Type.String(),
  partition: Type.Integer(),
  mailbox: Type.Integer({ description: 'commands waiting' }),
  commands: Type.Integer({ description: 'commands taken since it came to its node' }),
  restarts: Type.Integer(),
  seq: Type.Integer({ description: 'journal sequence of the current state' }),
  activatedAt: Millis('when this activation began'),
  lastError: Nullable(Type.String()),
  parent: Type.Optional(
    Type.String({ description: 'the actor that supervises it; absent: its partition’s supervisor' }),
  ),
  children: Type.Optional(
    Type.Array(Type.String(), { description: 'the actors that it supervises, in the order of their start' }),
  ),
});
export type ActorView = Static<typeof ActorViewSchema>;
export const ActorDetailSchema = Type.Intersect([
  ActorViewSchema,
  Type.Object({
    context: Type.Unknown(),
    transitions: Type.Array(
      Type.Object({
        at: Type.Number(),
        event: Type.String(),
        from: Type.String(),
        to: Type.String(),
        seq: Type.Integer(),
      }),
      { description: 'the last ones of this activation, newest last' },
    ),
    timers: Type.Array(
      Type.Object({
        id: Nullable(Type.String({ description: 'what the state chart cancels it by' })),
        event: Type.String({ description: 'type of the event that the actor is to get' }),
        due: Millis('when it fires'),
      }),
      { description: 'those that the actor has set and that wait, the next one first' },
    ),
  }),
]);
export type ActorDetail = Static<typeof ActorDetailSchema>;

export const NodeViewSchema = Type.Object({
  node: Type.String(),
  instance: Type.String({ description: 'unique for each run of the node' }),
  draining: Type.Boolean({ description: 'it gives its partitions away and takes no more' }),
  partitions: Type.Array(Type.Integer(), { description: 'the partitions that it owns, ascending' }),
  actors: Type.Integer({ description: 'actors that live on it' }),
  heardAt: Millis('when the node that answers last heard it'),
});
export type NodeView = Static<typeof NodeViewSchema>;

export const PartHealthSchema = Type.Object({
  status: literals(['up', 'degraded', 'down'] as const),
  detail: Type.String(),
  facts: Type.Optional(
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
  ),
});
export type PartHealth = Static<typeof PartHealthSchema>;
export const HealthSchema = Type.Object({
  status: literals(['healthy', 'degraded', 'unhealthy'] as const),
  ready: Type.Boolean(),
  node: Type.String(),
  site: Type.String(),
  version: Type.String(),
  uptimeMs: Type.Number(),
  parts: Type.Record(Type.String(), PartHealthSchema, {
    description: 'nats, realtime, history, spool, channels, actors …',
  }),
});
export type Health = Static<typeof HealthSchema>;
