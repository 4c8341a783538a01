import { StatewattError } from '../../errors/error.js';
import {
  WaitingMeterEvents,
  type MeterEvent,
  type MeterEventsFilter,
  type MeterEventsUpdate,
} from '../../actors/client/meter-watch.js';
import type {
  HeldReadingView,
  MeterCommand,
  MeteringClient,
  MeterReadingsPage,
  MetersPage,
  MetersQuery,
  MeterView,
  NewMeter,
  ReadingResult,
  ReadingsReply,
} from '../../actors/client/metering.js';
import { checkNewMeter } from '../../actors/meter/local-metering.js';
import { meterActorId } from '../../actors/meter/meter-id.js';
import { parseReading } from '../../actors/meter/reading-form.js';

/** Meters in memory, for tests of the faces: every reading whose form is right is accepted, 1 kWh for 1 token. */
export class FakeMetering implements MeteringClient {
  readonly meters = new Map<string, MeterView>();
  readonly heldReadings: HeldReadingView[] = [];
  readonly #waiting = new Set<WaitingMeterEvents>();
  readonly #time: number;

  constructor(time: number) {
    this.#time = time;
  }

  list({ user, limit = 100, cursor = '' }: MetersQuery): Promise<MetersPage> {
    const all = [...this.meters.values()].filter((meter) => meter.id > cursor && (user ?? meter.user) === meter.user);
    const meters = all.slice(0, limit);
    return Promise.resolve({ meters, nextCursor: all.length > limit ? (meters.at(-1)?.id ?? null) : null });
  }

  async get(id: string): Promise<MeterView> {
    const meter = this.meters.get(id);
    if (meter === undefined) throw new StatewattError('meters.not_found', 'not_found', `there is no meter ${id}`);
    return meter;
  }

  async register(given: NewMeter): Promise<MeterView> {
    checkNewMeter(given, undefined);
    const { id, publicKey, source, wallet, user } = given;
    meterActorId(id);
    const meter: MeterView = {
      ...{ id, state: 'active', publicKey: publicKey ?? null, source: source ?? null, register: null, wallet, user },
      ...{ formerKeys: [], registeredAt: this.#time, revoked: null, last: null },
      ...{ readings: 0, kwh: '0', tokens: '0', held: 0 },
    };
    this.meters.set(id, meter);
    return meter;
  }

  async command(id: string, { type, ...rest }: MeterCommand): Promise<MeterView> {
    const meter = await this.get(id);
    if (type !== 'revoke') return Object.assign(meter, type === 'release' || type === 'refuse' ? { held: 0 } : rest);
    const { by, reason } = rest as { by: string; reason: string };
    return Object.assign(meter, { state: 'revoked', revoked: { at: this.#time, by, reason } });
  }

  async held(id: string): Promise<HeldReadingView[]> {
    await this.get(id);
    return this.heldReadings;
  }

  async readings(id: string): Promise<MeterReadingsPage> {
    await this.get(id);
    return { readings: [], nextCursor: null };
  }

  submit(readings: readonly unknown[]): Promise<ReadingsReply> {
    const results = readings.map((value): ReadingResult => {
      try {
        const { meter, sequence, energy } = parseReading(value);
        return { meter, sequence, verdict: 'accepted', tokens: String(energy) };
      } catch (error) {
        if (!(error instanceof StatewattError)) throw error;
        return { meter: null, sequence: null, verdict: 'rejected', code: error.code, message: error.message };
      }
    });
    const accepted = results.filter(({ verdict }) => verdict === 'accepted').length;
    const counts = { accepted, held: 0, rejected: results.length - accepted, duplicates: 0, failed: 0 };
    return Promise.resolve({ ...counts, results });
  }

  /** Tells those who listen. */
  publish(event: MeterEvent): void {
    for (const waiting of this.#waiting) waiting.add(event);
  }

  async *watch(filter: MeterEventsFilter, signal: AbortSignal): AsyncGenerator<MeterEventsUpdate> {
    const waiting = new WaitingMeterEvents(filter);
    this.#waiting.add(waiting);
    try {
      yield* waiting.updates(signal);
    } finally {
      this.#waiting.delete(waiting);
    }
  }
}
