import type { Bus } from '../../bus/connection.js';
import { LastMessages } from '../../bus/last-messages.js';
import { subjects } from '../../bus/subjects.js';
import { formatKilowattHours } from '../../site/metering/energy.js';
import type { HeldReading, MeterRecord } from '../../site/metering/readings.js';
import type { Tokenization } from '../../site/metering/tokenization.js';
import type { WorkerPool } from '../../workers/pool.js';
import {
  watchMeterEvents,
  type MeterEvent,
  type MeterEventsFilter,
  type MeterEventsUpdate,
} from '../client/meter-watch.js';
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
  ReadingResult,
  ReadingsReply,
} from '../client/metering.js';
import { meterRef, type MeterKind } from '../meter.js';
import { knownActors } from '../runtime/known-actors.js';
import type { ActorSystem } from '../runtime/system.js';
import { meterIdOf } from './meter-id.js';
import { readMeter, readReadings } from './meter-journal.js';
import { checkWallet, normalKey } from './reading-form.js';
import type { ReadingArchive } from './older-readings.js';
import { ReadingService, type Judged } from './reading-service.js';
import { Registrations } from './registrations.js';

export interface LocalMeteringParts {
  readonly bus: Bus;
  readonly system: ActorSystem;
  readonly kind: MeterKind;
  /** Verifies signatures. */
  readonly pool: WorkerPool;
  readonly settings: () => Tokenization;
  /** What became of readings that meters remember no more. */
  readonly archive?: ReadingArchive;
  readonly now?: () => number;
}

const DEFAULT_LIMIT = 100;

/** The meters of a site as a node answers them: commands and readings go to the actors, lists come from their journals. */
export class LocalMetering implements MeteringClient {
  readonly #parts: LocalMeteringParts;
  readonly #registrations: Registrations;
  readonly #service: ReadingService;
  readonly #last: LastMessages;
  readonly #stopped = new AbortController();

  constructor(parts: LocalMeteringParts) {
    this.#parts = parts;
    this.#registrations = new Registrations(parts.system, parts.kind);
    this.#service = new ReadingService({ ...parts, registrations: this.#registrations });
    this.#last = new LastMessages(parts.bus);
  }

  /** Ends watches. */
  stop(): void {
    this.#stopped.abort();
    this.#last.close();
  }

  async list({ user, wallet, state, limit = DEFAULT_LIMIT, cursor = '' }: MetersQuery): Promise<MetersPage> {
    const ids = (await knownActors(this.#parts.bus, this.#parts.kind.kind)).map(meterIdOf).filter((id) => id > cursor);
    ids.sort((a, b) => (a < b ? -1 : 1));
    const meters: MeterView[] = [];
    for (let from = 0; from < ids.length; from += limit) {
      const records = await Promise.all(ids.slice(from, from + limit).map((id) => readMeter(this.#last, id)));
      for (const record of records) {
        if (record === undefined) continue;
        if (user !== undefined && record.user !== user) continue;
        if (wallet !== undefined && record.wallet !== wallet) continue;
        if (state !== undefined && record.state !== state) continue;
        if (meters.length === limit) return { meters, nextCursor: meters.at(-1)?.id ?? null };
        meters.push(viewMeter(record));
      }
    }
    return { meters, nextCursor: null };
  }

  async get(id: string): Promise<MeterView> {
    return viewMeter(await this.#describe(id));
  }

  async register({ id, publicKey, wallet, user }: NewMeter): Promise<MeterView> {
    checkWallet(wallet, 'meters.invalid_wallet');
    const key = normalKey(publicKey);
    return this.#keep(
      await this.#parts.system.ask(meterRef(this.#parts.kind, id), {
        ...{ type: 'register' as const, publicKey: key, source: null, wallet, user },
      }),
    );
  }

  async command(id: string, command: MeterCommand): Promise<MeterView> {
    const { system, kind } = this.#parts;
    const checked = command.type === 'rotate' ? { ...command, publicKey: normalKey(command.publicKey) } : command;
    if (checked.type === 'reassign') checkWallet(checked.wallet, 'meters.invalid_wallet');
    const held = checked.type === 'release' ? await this.#findHeld(id, checked.sequence) : undefined;
    const view = this.#keep(await system.ask(meterRef(kind, id), checked));
    if (held !== undefined) this.#publish(validated(id, held));
    return view;
  }

  async held(id: string): Promise<HeldReadingView[]> {
    const { system, kind } = this.#parts;
    const held = await system.ask(meterRef(kind, id), { type: 'listHeld' });
    return held.map(({ energy, ...rest }) => ({ ...rest, kwh: formatKilowattHours(BigInt(energy)) }));
  }

  async readings(id: string, query: MeterReadingsQuery): Promise<MeterReadingsPage> {
    await this.#describe(id);
    return readReadings(this.#parts.bus, id, query);
  }

  async submit(readings: readonly unknown[]): Promise<ReadingsReply> {
    const { results, judged } = await this.#service.submit(readings);
    for (const each of judged) this.#tell(each);
    return summary(results);
  }

  watch(filter: MeterEventsFilter, signal: AbortSignal): AsyncIterable<MeterEventsUpdate> {
    return watchMeterEvents(this.#parts.bus.nats, filter, AbortSignal.any([signal, this.#stopped.signal]));
  }

  async #describe(id: string): Promise<MeterRecord> {
    const { system, kind } = this.#parts;
    return system.ask(meterRef(kind, id), { type: 'describe' });
  }

  #keep(record: MeterRecord): MeterView {
    this.#registrations.learn(record);
    return viewMeter(record);
  }

  /** Tells everybody who listens; nobody may. */
  #tell(judged: Judged): void {
    for (const event of eventsOf(judged, this.#registrations.get(judged.reading.meter))) this.#publish(event);
  }

  #publish(event: MeterEvent): void {
    this.#parts.bus.nats.publish(subjects.liveReading(event.type, event.meter_id ?? '_'), JSON.stringify(event));
  }

  async #findHeld(id: string, sequence: number): Promise<HeldReading | undefined> {
    const { system, kind } = this.#parts;
    const held = await system.ask(meterRef(kind, id), { type: 'listHeld' });
    return held.find((each) => each.sequence === sequence);
  }
}

/** What is told of a reading; nothing when it was told before, or nothing became of it. */
function eventsOf({ reading, result }: Judged, meter: MeterRecord | undefined): MeterEvent[] {
  const common = {
    user_id: meter?.user ?? null,
    wallet_address: meter?.wallet ?? null,
    meter_id: reading.meter,
    kwh_amount: formatKilowattHours(reading.energy),
    timestamp: timeText(reading.end),
    sequence: reading.sequence,
  };
  if (result.verdict === 'rejected') {
    const { code = '', message = '' } = result;
    return [{ type: 'MeterReadingValidationFailed', ...common, error_code: code, error_reason: message }];
  }
  if (result.duplicate === true) return [];
  if (result.verdict === 'held') return [{ type: 'MeterReadingReceived', ...common, held: true }];
  if (result.verdict !== 'accepted') return [];
  return [
    { type: 'MeterReadingReceived', ...common },
    { type: 'MeterReadingValidated', ...common, tokens: result.tokens ?? '0' },
  ];
}

/** Of a reading that a person has let through. */
function validated(meter: string, { user, wallet, energy, end, sequence, tokens }: HeldReading): MeterEvent {
  return {
    ...{ type: 'MeterReadingValidated', user_id: user, wallet_address: wallet, meter_id: meter, sequence, tokens },
    ...{ kwh_amount: formatKilowattHours(BigInt(energy)), timestamp: timeText(end) },
  };
}

/** The last instant that a Date can hold (ECMA-262, section 21.4.1.1). */
const MAX_MILLIS = 8.64e15;

function timeText(at: number): string {
  return new Date(Math.min(at, MAX_MILLIS)).toISOString();
}

function summary(results: ReadingResult[]): ReadingsReply {
  const reply: ReadingsReply = { accepted: 0, held: 0, rejected: 0, duplicates: 0, failed: 0, results };
  for (const { verdict, duplicate } of results) {
    if (verdict === 'refused') reply.rejected += 1;
    else reply[verdict] += 1;
    if (duplicate === true && verdict !== 'refused') reply.duplicates += 1;
  }
  return reply;
}

/** A meter as it is shown. */
function viewMeter(record: MeterRecord): MeterView {
  const {
    id,
    state,
    publicKey,
    formerKeys,
    wallet,
    user,
    registeredAt,
    revoked,
    last,
    readings,
    energy,
    tokens,
    held,
  } = record;
  return {
    ...{ id, state, publicKey, formerKeys: [...formerKeys], wallet, user, registeredAt },
    ...{ revoked, last, readings, kwh: formatKilowattHours(BigInt(energy)), tokens, held },
  };
}
