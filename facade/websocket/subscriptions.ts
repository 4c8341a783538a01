import { Ajv } from 'ajv';
import Type, { type Static } from 'typebox';
import type { AlarmsWatchFilter } from '../../actors/client/alarm-watch.js';
import {
  METER_EVENTS,
  meterEventFilter,
  type MeterEventsFilter,
  type MeterEventType,
} from '../../actors/client/meter-watch.js';
import { formatAddress, isOfModel, toAddress } from '../../actors/client/addresses.js';
import type { StatewattClient } from '../../actors/client/client.js';
import { ModelIdSchema } from '../../actors/client/model-schemas.js';
import { watchAny } from '../../actors/client/watch-points.js';
import { StatewattError } from '../../errors/error.js';
import { ALARM_LEVELS, type AlarmLevel } from '../../site/alarms.js';
import { invalidParams } from './methods.js';
import { OWN_SCHEMAS, validator, type Validator } from '../../site/validator.js';

/** Subscriptions of one connection. */
const MAX_SUBSCRIPTIONS = 100;
const closed = { additionalProperties: false } as const;

export const PointsTopic = Type.Object(
  {
    topic: Type.Unsafe<'points'>({ type: 'string', enum: ['points'] }),
    channel: Type.Optional(Type.Integer({ minimum: 1, maximum: 4_294_967_295 })),
    points: Type.Optional(Type.Array(Type.String({ maxLength: 140 }), { minItems: 1, maxItems: 1_000 })),
  },
  closed,
);
export const AlarmsTopic = Type.Object(
  {
    topic: Type.Unsafe<'alarms'>({ type: 'string', enum: ['alarms'] }),
    levels: Type.Optional(
      Type.Array(Type.Unsafe<AlarmLevel>({ type: 'string', enum: [...ALARM_LEVELS] }), { minItems: 1 }),
    ),
    source: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  },
  closed,
);
export const ModelTopic = Type.Object(
  { topic: Type.Unsafe<'model'>({ type: 'string', enum: ['model'] }), model: ModelIdSchema },
  closed,
);
export const ReadingsTopic = Type.Object(
  {
    topic: Type.Unsafe<'readings'>({ type: 'string', enum: ['readings'] }),
    event_types: Type.Optional(
      Type.Array(Type.Unsafe<MeterEventType>({ type: 'string', enum: [...METER_EVENTS] }), { minItems: 1 }),
    ),
    meters: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, maxItems: 1_000 })),
    /** kWh. */
    min_amount: Type.Optional(
      Type.Unsafe<number | string>({
        anyOf: [
          { type: 'number', minimum: 0 },
          { type: 'string', maxLength: 64 },
        ],
      }),
    ),
  },
  closed,
);
type Topic =
  Static<typeof PointsTopic> | Static<typeof AlarmsTopic> | Static<typeof ModelTopic> | Static<typeof ReadingsTopic>;
const Unsubscribe = Type.Object({ subscription: Type.Integer({ minimum: 1 }) }, closed);

const ajv = new Ajv({ ...OWN_SCHEMAS, allErrors: true, verbose: true, strict: true, allowUnionTypes: true });
const isTopic = {
  points: validator(() => ajv.compile<Static<typeof PointsTopic>>(PointsTopic)),
  alarms: validator(() => ajv.compile<Static<typeof AlarmsTopic>>(AlarmsTopic)),
  model: validator(() => ajv.compile<Static<typeof ModelTopic>>(ModelTopic)),
  readings: validator(() => ajv.compile<Static<typeof ReadingsTopic>>(ReadingsTopic)),
};
const isUnsubscribe = validator(() => ajv.compile<Static<typeof Unsubscribe>>(Unsubscribe));

/** Pushes one update; resolves when it has left for the network, so that a slow reader gets the newest state next. */
export type Push = (method: string, params: object) => Promise<void>;

/** What one connection has subscribed to. */
export class Subscriptions {
  readonly #client: StatewattClient;
  readonly #push: Push;
  readonly #open = new Map<number, AbortController>();
  #last = 0;

  constructor(client: StatewattClient, push: Push) {
    this.#client = client;
    this.#push = push;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * @param only whose readings are told of; undefined: everybody's
   * @throws `ws.too_many_subscriptions`, `points.invalid_address`, `points.not_found`, `points.not_of_channel`, `channels.not_found`,
   *   `models.not_found`, `models.point_not_found`, `energy.invalid`; RpcFault for wrong params
   */
  async add(params: unknown, only?: string): Promise<{ subscription: number }> {
    const topic = readTopic(params);
    if (this.#open.size >= MAX_SUBSCRIPTIONS) {
      throw new StatewattError(
        'ws.too_many_subscriptions',
        'busy',
        `${this.#open.size} subscriptions are open; allowed are ${MAX_SUBSCRIPTIONS}`,
      );
    }
    const subscription = ++this.#last;
    const abort = new AbortController();
    this.#open.set(subscription, abort);
    try {
      const watch = await this.#watch(topic, only, abort.signal);
      void this.#run(subscription, topic.topic, watch, abort.signal);
    } catch (error) {
      this.#open.delete(subscription);
      throw error;
    }
    return { subscription };
  }

  /** @throws `ws.no_subscription`; RpcFault for wrong params */
  remove(params: unknown): object {
    if (!isUnsubscribe(params)) throw invalidParams(isUnsubscribe);
    const abort = this.#open.get(params.subscription);
    if (abort === undefined) {
      throw new StatewattError('ws.no_subscription', 'not_found', `there is no subscription ${params.subscription}`);
    }
    this.#open.delete(params.subscription);
    abort.abort();
    return {};
  }

  end(): void {
    for (const abort of this.#open.values()) abort.abort();
    this.#open.clear();
  }

  async #watch(topic: Topic, only: string | undefined, signal: AbortSignal): Promise<AsyncIterable<object>> {
    if (topic.topic === 'points') return this.#points(topic, signal);
    if (topic.topic === 'alarms') return this.#alarms(topic, signal);
    if (topic.topic === 'readings') return this.#readings(topic, only, signal);
    await this.#client.model(topic.model); // One that is not there would be silent for ever.
    return this.#client.watchModel(topic.model, signal);
  }

  async #points({ channel, points }: Static<typeof PointsTopic>, signal: AbortSignal): Promise<AsyncIterable<object>> {
    const wanted = points?.map(toAddress);
    if (wanted === undefined) {
      // A subscription to a channel that is not there would be silent for ever.
      if (channel !== undefined) await this.#client.channel(channel);
      return this.#client.watchPoints(channel === undefined ? {} : { channel }, signal);
    }
    const stray = wanted.find((point) => channel !== undefined && (isOfModel(point) || point.channel !== channel));
    if (stray !== undefined) {
      const text = `${formatAddress(stray)} is not of channel ${channel}; leave channel out`;
      throw new StatewattError('points.not_of_channel', 'invalid', text);
    }
    return watchAny(this.#client, wanted, signal);
  }

  #alarms({ levels, source }: Static<typeof AlarmsTopic>, signal: AbortSignal): AsyncIterable<object> {
    const filter: AlarmsWatchFilter = {
      ...(levels === undefined ? {} : { levels }),
      ...(source === undefined ? {} : { source }),
    };
    return this.#client.alarms.watch(filter, signal);
  }

  #readings(
    { event_types, meters, min_amount }: Static<typeof ReadingsTopic>,
    user: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<object> {
    const filter: MeterEventsFilter = {
      ...(event_types === undefined ? {} : { event_types }),
      ...(meters === undefined ? {} : { meters }),
      ...(min_amount === undefined ? {} : { min_amount: String(min_amount) }),
      ...(user === undefined ? {} : { user }),
    };
    meterEventFilter(filter); // An amount that is none is refused at once.
    return this.#client.metering.watch(filter, signal);
  }

  /** Ends with the subscription, the connection, or what fails. Never rejects. */
  async #run(subscription: number, method: string, watch: AsyncIterable<object>, signal: AbortSignal): Promise<void> {
    try {
      for await (const update of watch) {
        if (signal.aborted) return;
        await this.#push(method, { subscription, ...update });
      }
    } catch (thrown) {
      if (signal.aborted) return;
      this.#open.delete(subscription);
      const { code, message } =
        thrown instanceof StatewattError ? thrown : { code: 'internal.unexpected', message: 'the subscription failed' };
      await this.#push('failed', { subscription, code, message }).catch(() => undefined);
    }
  }
}

function readTopic(params: unknown): Topic {
  const { topic } = (params ?? {}) as { topic?: unknown };
  if (topic === 'alarms') return checked(isTopic.alarms, params);
  if (topic === 'readings') return checked(isTopic.readings, params);
  return topic === 'model' ? checked(isTopic.model, params) : checked(isTopic.points, params);
}

function checked<T>(validate: Validator<T>, params: unknown): T {
  if (validate(params)) return params;
  throw invalidParams(validate);
}
