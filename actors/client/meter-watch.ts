import type { Msg, NatsConnection } from '@nats-io/transport-node';
import Type, { type Static } from 'typebox';
import { subjects } from '../../bus/subjects.js';
import { StatewattError } from '../../errors/error.js';
import { parseKilowattHours } from '../../site/metering/energy.js';
import { Waiting } from './waiting.js';

export const METER_EVENTS = [
  'MeterReadingReceived',
  'MeterReadingValidated',
  'MeterReadingValidationFailed',
  'TokensMinted',
  'MintFailed',
  'BatchMintingCompleted',
] as const;
export type MeterEventType = (typeof METER_EVENTS)[number];

/** What became of a reading, or of a mint batch, as it is told to those who listen. */
export const MeterEventSchema = Type.Object({
  type: Type.Unsafe<MeterEventType>({ type: 'string', enum: [...METER_EVENTS] }),
  user_id: Type.Union([Type.String({ description: 'whose the meter is' }), Type.Null()]),
  wallet_address: Type.Union([Type.String(), Type.Null()]),
  meter_id: Type.Union([Type.String(), Type.Null()], { description: 'null: of a batch' }),
  kwh_amount: Type.String({ description: 'kWh, decimal text; of a batch their sum' }),
  timestamp: Type.String({ description: 'end of the reading, or of the batch, RFC 3339' }),
  sequence: Type.Union([Type.Integer(), Type.Null()]),
  held: Type.Optional(Type.Boolean({ description: 'it waits for a person' })),
  tokens: Type.Optional(Type.String({ description: 'owed for it, base units' })),
  error_code: Type.Optional(Type.String()),
  error_reason: Type.Optional(Type.String({ description: 'why it was rejected, or not minted' })),
  batch_id: Type.Optional(Type.String()),
  tokens_minted: Type.Optional(Type.String({ description: 'base units' })),
  transaction_signature: Type.Optional(
    Type.Union([Type.String(), Type.Null()], { description: 'null: it was worth no tokens' }),
  ),
  retry_at: Type.Optional(
    Type.Union([Type.String(), Type.Null()], { description: 'RFC 3339; null: when somebody has it tried again' }),
  ),
  total: Type.Optional(Type.Integer({ description: 'readings of the batch' })),
  successful: Type.Optional(Type.Integer()),
  failed: Type.Optional(Type.Integer()),
});
export type MeterEvent = Static<typeof MeterEventSchema>;

/** Which events a listener wants to hear; all that is given must match. */
export interface MeterEventsFilter {
  event_types?: readonly MeterEventType[];
  meters?: readonly string[];
  /** kWh, decimal text. */
  min_amount?: string;
  /** Only those of this user's meters. */
  user?: string;
}

export interface MeterEventsUpdate {
  events: MeterEvent[];
  /** More came than could wait for this listener. */
  missed: boolean;
}

/** Events of one update, and those that wait for a slow listener. */
const BATCH = 100;
const MAX_WAITING = 10_000;

/** For one listener: the events that it wants, oldest first; too slow, it misses the oldest and is told so. */
export class WaitingMeterEvents extends Waiting<MeterEventsUpdate> {
  readonly #wanted: (event: MeterEvent) => boolean;
  readonly #max: number;
  #events: MeterEvent[] = [];
  #missed = false;

  /** @throws `energy.invalid`, `energy.too_precise` for the least amount */
  constructor(filter: MeterEventsFilter, max = MAX_WAITING) {
    super();
    this.#wanted = meterEventFilter(filter);
    this.#max = max;
  }

  take(message: Msg): void {
    this.add(message.json<MeterEvent>());
  }

  add(event: MeterEvent): void {
    if (!this.#wanted(event)) return;
    this.#events.push(event);
    if (this.#events.length > this.#max) {
      this.#events.splice(0, BATCH);
      this.#missed = true;
    }
    this.wake();
  }

  protected override next(): MeterEventsUpdate | undefined {
    if (this.#events.length === 0) return undefined;
    const events = this.#events.slice(0, BATCH);
    this.#events = this.#events.slice(BATCH);
    const missed = this.#missed;
    this.#missed = false;
    return { events, missed };
  }
}

/** Whether an event is one that a listener wants. @throws `energy.invalid`, `energy.too_precise` */
export function meterEventFilter(filter: MeterEventsFilter): (event: MeterEvent) => boolean {
  const { event_types: types, meters, min_amount: minimum, user } = filter;
  const least = minimum === undefined ? 0n : parseKilowattHours(minimum);
  return (event) =>
    (types === undefined || types.includes(event.type)) &&
    (meters === undefined || (event.meter_id !== null && meters.includes(event.meter_id))) &&
    (user === undefined || event.user_id === user) &&
    (least === 0n || parseKilowattHours(event.kwh_amount) >= least);
}

/** Events of meters as they are published, until the signal aborts. */
export async function* watchMeterEvents(
  nats: NatsConnection,
  filter: MeterEventsFilter,
  signal: AbortSignal,
): AsyncGenerator<MeterEventsUpdate> {
  if (signal.aborted) return;
  const waiting = new WaitingMeterEvents(filter);
  const subscriptions = (filter.event_types ?? ['*' as const]).map((type) =>
    nats.subscribe(subjects.liveReading(type, '*'), {
      callback: (error, message) => {
        if (error !== null) waiting.fail(new StatewattError('client.not_permitted', 'conflict', error.message));
        else waiting.take(message);
      },
    }),
  );
  try {
    yield* waiting.updates(signal);
  } finally {
    if (!nats.isClosed()) for (const subscription of subscriptions) subscription.unsubscribe();
  }
}
