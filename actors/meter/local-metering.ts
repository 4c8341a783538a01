import type { Bus } from '../../bus/connection.js';
import { LastMessages } from '../../bus/last-messages.js';
import { StatewattError } from '../../errors/error.js';
import type { PointScope } from '../../site/expressions/index.js';
import { checkSource } from '../../site/metering/check-source.js';
import { formatKilowattHours } from '../../site/metering/energy.js';
import type { HeldReading, MeterRecord, MeterSource } from '../../site/metering/readings.js';
import type { Tokenization } from '../../site/metering/tokenization.js';
import type { WorkerPool } from '../../workers/pool.js';
import { watchMeterEvents, type MeterEventsFilter, type MeterEventsUpdate } from '../client/meter-watch.js';
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
import { tellReading, tellReleased } from './reading-event.js';
import { checkWallet, normalKey } from './reading-form.js';
import type { ReadingArchive } from './older-readings.js';
import { ReadingService } from './reading-service.js';
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
  /** Of the site; missing: what a meter's source is cannot be checked. */
  readonly points?: () => PointScope;
  readonly now?: () => number;
}

const DEFAULT_LIMIT = 100;

/**
 * What a schema cannot say of a meter that is to be registered.
 *
 * @param points of the site; undefined: they are not known
 * @throws `meters.invalid_wallet`, `meters.invalid_source`
 */
export function checkNewMeter({ publicKey, source, wallet }: NewMeter, points: PointScope | undefined): void {
  checkWallet(wallet, 'meters.invalid_wallet');
  if ((publicKey === undefined) === (source === undefined)) {
    throw invalidSource(`${publicKey === undefined ? 'neither' : 'both'} publicKey and source; wanted: one of them`);
  }
  const [problem] = source === undefined ? [] : checkSource(source, points);
  if (problem === undefined) return;
  throw invalidSource(`source.${problem.key} is ${problem.found}; allowed: ${problem.allowed}`);
}

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

  async register(meter: NewMeter): Promise<MeterView> {
    checkNewMeter(meter, this.#parts.points?.());
    const { id, publicKey, source, wallet, user } = meter;
    return this.#keep(
      await this.#parts.system.ask(meterRef(this.#parts.kind, id), {
        ...{ type: 'register' as const, publicKey: publicKey === undefined ? null : normalKey(publicKey) },
        ...{ source: source === undefined ? null : ordered(source), wallet, user },
      }),
    );
  }

  async command(id: string, command: MeterCommand): Promise<MeterView> {
    const { system, kind } = this.#parts;
    const checked = command.type === 'rotate' ? { ...command, publicKey: normalKey(command.publicKey) } : command;
    if (checked.type === 'reassign') checkWallet(checked.wallet, 'meters.invalid_wallet');
    const held = checked.type === 'release' ? await this.#findHeld(id, checked.sequence) : undefined;
    const view = this.#keep(await system.ask(meterRef(kind, id), checked));
    if (held !== undefined) tellReleased(this.#parts.bus, id, held);
    return view;
  }

  async held(id: string): Promise<HeldReadingView[]> {
    const { system, kind } = this.#parts;
    const held = await system.ask(meterRef(kind, id), { type: 'listHeld' });
    return held.map(({ energy, marks, ...rest }) => ({
      ...{ ...rest, kwh: formatKilowattHours(BigInt(energy)) },
      ...(marks === undefined ? {} : { marks: [...marks] }),
    }));
  }

  async readings(id: string, query: MeterReadingsQuery): Promise<MeterReadingsPage> {
    await this.#describe(id);
    return readReadings(this.#parts.bus, id, query);
  }

  async submit(readings: readonly unknown[]): Promise<ReadingsReply> {
    const { results, judged } = await this.#service.submit(readings);
    for (const { reading, result } of judged) {
      const { meter, sequence, end, energy } = reading;
      tellReading(this.#parts.bus, { ...result, meter, sequence, end, energy }, this.#registrations.get(meter));
    }
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

  async #findHeld(id: string, sequence: number): Promise<HeldReading | undefined> {
    const { system, kind } = this.#parts;
    const held = await system.ask(meterRef(kind, id), { type: 'listHeld' });
    return held.find((each) => each.sequence === sequence);
  }
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

function invalidSource(what: string): StatewattError {
  return new StatewattError('meters.invalid_source', 'invalid', what);
}

/** Its keys in one order, so that the same again is known to be the same. */
function ordered({ channel, point, unit, rollover, intervalSecs }: MeterSource): MeterSource {
  return {
    ...{ channel, point, unit },
    ...(rollover === undefined ? {} : { rollover }),
    ...(intervalSecs === undefined ? {} : { intervalSecs }),
  };
}

/** A meter as it is shown. */
function viewMeter(record: MeterRecord): MeterView {
  const { id, state, publicKey, formerKeys, source, register, wallet, user, registeredAt } = record;
  const { revoked, last, readings, energy, tokens, held } = record;
  return {
    ...{ id, state, publicKey, formerKeys: [...formerKeys], source, register: viewRegister(register) },
    ...{ wallet, user, registeredAt, revoked, last, readings, kwh: formatKilowattHours(BigInt(energy)), tokens, held },
  };
}

/** @param register undefined: of an announcement from before there were any */
function viewRegister(register: MeterRecord['register'] | undefined): MeterView['register'] {
  if (register === null || register === undefined) return null;
  const { energy, at, replacements } = register;
  return { kwh: formatKilowattHours(BigInt(energy)), at, replacements };
}
