import { StatewattError } from '../../errors/error.js';
import type { MeterRecord } from '../../site/metering/readings.js';
import { meterRef, type MeterKind } from '../meter.js';
import type { ActorSystem } from '../runtime/system.js';

/** Meters asked about at the same time. */
const AT_ONCE = 64;

/**
 * What meters are registered with, remembered so that not each reading asks its meter first. It may be behind: the meter
 * itself has the last word, and what would be rejected is looked at again with what is so now.
 */
export class Registrations {
  readonly #system: ActorSystem;
  readonly #kind: MeterKind;
  readonly #capacity: number;
  /** In the order in which they were learnt. */
  readonly #known = new Map<string, MeterRecord>();

  constructor(system: ActorSystem, kind: MeterKind, capacity = 100_000) {
    this.#system = system;
    this.#kind = kind;
    this.#capacity = capacity;
  }

  /** As it was last known. */
  get(meter: string): MeterRecord | undefined {
    return this.#known.get(meter);
  }

  learn(record: MeterRecord): void {
    this.#known.delete(record.id);
    if (this.#known.size >= this.#capacity) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    this.#known.set(record.id, record);
  }

  /**
   * Asks the meters what they are now.
   *
   * @returns those that could not be asked, with why; a meter that is not registered is forgotten
   */
  async refresh(meters: Iterable<string>): Promise<Map<string, StatewattError>> {
    const failed = new Map<string, StatewattError>();
    const left = meters[Symbol.iterator]();
    const work = async (): Promise<void> => {
      for (let next = left.next(); next.done !== true; next = left.next()) await this.#ask(next.value, failed);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return failed;
  }

  async #ask(meter: string, failed: Map<string, StatewattError>): Promise<void> {
    try {
      this.learn(await this.#system.ask(meterRef(this.#kind, meter), { type: 'describe' }));
    } catch (error) {
      if (!(error instanceof StatewattError)) throw error;
      if (error.code === 'meters.not_found') this.#known.delete(meter);
      else failed.set(meter, error);
    }
  }
}
