import type { NatsConnection } from '@nats-io/transport-node';
import { meteringEndpoints as endpoints } from './metering-endpoints.js';
import { watchMeterEvents, type MeterEventsFilter, type MeterEventsUpdate } from './meter-watch.js';
import type {
  HeldReadingView,
  MeterCommand,
  MeteringClient,
  MeterReadingsPage,
  MeterReadingsQuery,
  MetersPage,
  MetersQuery,
  MeterView,
  NewMeter,
  ReadingsReply,
} from './metering.js';
import type { Asker } from './remote-ask.js';

/** Readings of one message: what a server's usual max_payload of 1 MiB has room for. */
const PER_MESSAGE = 2_000;
/** Signatures of so many readings take a while. */
const SUBMIT_TIMEOUT_MS = 60_000;

/** The meters of a site that runs elsewhere, over its NATS services. */
export class RemoteMetering implements MeteringClient {
  readonly #nats: NatsConnection;
  readonly #asker: Asker;
  readonly #closed: AbortSignal;

  constructor(nats: NatsConnection, asker: Asker, closed: AbortSignal) {
    this.#nats = nats;
    this.#asker = asker;
    this.#closed = closed;
  }

  list(query: MetersQuery): Promise<MetersPage> {
    return this.#asker.ask(endpoints.metersList, query);
  }

  get(id: string): Promise<MeterView> {
    return this.#asker.ask(endpoints.metersGet, { id });
  }

  register(meter: NewMeter): Promise<MeterView> {
    return this.#asker.ask(endpoints.metersRegister, meter);
  }

  command(id: string, command: MeterCommand): Promise<MeterView> {
    return this.#asker.ask(endpoints.metersCommand, { id, command });
  }

  async held(id: string): Promise<HeldReadingView[]> {
    return (await this.#asker.ask(endpoints.metersHeld, { id })).held;
  }

  readings(id: string, query: MeterReadingsQuery): Promise<MeterReadingsPage> {
    return this.#asker.ask(endpoints.metersReadings, { id, ...query });
  }

  async submit(readings: readonly unknown[]): Promise<ReadingsReply> {
    const reply = await this.#submit(readings.slice(0, PER_MESSAGE));
    for (let from = PER_MESSAGE; from < readings.length; from += PER_MESSAGE) {
      const next = await this.#submit(readings.slice(from, from + PER_MESSAGE));
      for (const count of ['accepted', 'held', 'rejected', 'duplicates', 'failed'] as const)
        reply[count] += next[count];
      reply.results.push(...next.results);
    }
    return reply;
  }

  watch(filter: MeterEventsFilter, signal: AbortSignal): AsyncIterable<MeterEventsUpdate> {
    return watchMeterEvents(this.#nats, filter, AbortSignal.any([signal, this.#closed]));
  }

  #submit(readings: readonly unknown[]): Promise<ReadingsReply> {
    return this.#asker.ask(endpoints.readingsSubmit, { readings: [...readings] }, SUBMIT_TIMEOUT_MS);
  }
}
