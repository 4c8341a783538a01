import type { ModbusLimits } from '../../site/model.js';
import type { Readings } from '../../site/readings.js';
import { LinkError, type PollOutcome, type ProtocolError } from '../driver.js';
import { adapt, type ReadResult } from './adapt.js';
import { Cycle, type RefusedBlock } from './cycle.js';
import type { Line } from './link.js';
import { isAddressRefusal } from './pdu.js';
import type { Block, SlotGroup } from './plan.js';
import { REFUSED_PROBE_MS, planUnits, type RefusedSlot, type UnitPlan } from './unit.js';

/** Most requests of one cycle that find out what a device refuses; what is left goes on in the next cycle. */
const ADAPT_BUDGET = 256;

/** Reads a channel's points cycle by cycle and remembers, over reconnections, what its device refuses. */
export class Poller {
  readonly #groups: readonly SlotGroup[];
  readonly #limits: ModbusLimits;
  readonly #units: readonly UnitPlan[];

  constructor(groups: readonly SlotGroup[], limits: ModbusLimits) {
    this.#groups = groups;
    this.#limits = limits;
    this.#units = planUnits(this.#groups, limits);
  }

  /**
   * How long, ms, until any unit may be asked again, when none has answered; else 0. Matters where others are asked over
   * the same connection, and would wait for the timeouts.
   */
  get restMs(): number {
    const now = performance.now();
    return Math.max(0, Math.min(...this.#units.map(({ backoff }) => backoff.restMs(now))));
  }

  /** A new connection: every unit gets its chance at once. */
  reset(): void {
    for (const unit of this.#units) {
      unit.backoff.succeed();
      for (const group of unit.groups) for (const { backoff } of group.blocks) backoff.hasten();
    }
  }

  /**
   * Reads every point once. `time` (ms since the Unix epoch) is the values' source time.
   * @throws LinkError when the connection is gone, or when nothing at all answered within its time
   */
  async poll(line: Line, readings: Readings, time: number): Promise<PollOutcome> {
    const cycle = new Cycle(line, this.#units, this.#limits, readings, time);
    await cycle.run();
    if (cycle.timedOut && !cycle.answered) {
      const lost = new LinkError(`no request of a cycle was answered: ${cycle.outcome.lastError?.message ?? ''}`, {
        cause: cycle.outcome.lastError,
      });
      line.silent(
        lost,
        this.#units.map(({ id }) => id),
      );
      throw lost;
    }
    if (cycle.refused.length > 0 || this.#refusing()) {
      const side = new SideReads(line, readings, time, cycle.outcome);
      for (const refused of cycle.refused) await this.#adapt(refused, side, readings);
      await this.#probeRefused(side);
    }
    return cycle.outcome;
  }

  #refusing(): boolean {
    return this.#units.some((unit) => unit.groups.some((group) => group.refused.length > 0));
  }

  async #adapt({ planned, functionRefused }: RefusedBlock, side: SideReads, readings: Readings): Promise<void> {
    const { block, group } = planned;
    const adaptation = functionRefused
      ? { good: [], refused: block.slots, left: [] }
      : await adapt(block, (slots) => side.read(group.block(slots)), Math.max(0, ADAPT_BUDGET - side.spent));
    if (adaptation.refused.length > 0) group.block(adaptation.refused).markBad(readings);
    if (adaptation.left.length > 0) group.block(adaptation.left).markStale(readings);
    group.learn(planned, adaptation, performance.now());
  }

  /** One refused slot a cycle is asked for again when its time has come; while they are given, the next ones too. */
  async #probeRefused(side: SideReads): Promise<void> {
    for (;;) {
      const now = performance.now();
      const due = this.#dueProbe(now);
      if (due === undefined || side.spent >= ADAPT_BUDGET) return;
      due.probeAt = now + REFUSED_PROBE_MS;
      if ((await side.read(due.group.block([due.slot]))) !== 'data') return;
      due.group.restore(due);
      for (const other of due.group.refused) other.probeAt = now;
    }
  }

  #dueProbe(now: number): RefusedSlot | undefined {
    for (const unit of this.#units) {
      if (unit.skip || unit.backoff.failing) continue;
      for (const group of unit.groups) {
        const due = group.refused.find((slot) => slot.probeAt <= now);
        if (due !== undefined) return due;
      }
    }
    return undefined;
  }
}

/** Single reads beside the plan, one after the other, counted in the cycle's outcome. */
class SideReads {
  readonly #line: Line;
  readonly #readings: Readings;
  readonly #time: number;
  readonly #outcome: PollOutcome;
  spent = 0;

  constructor(line: Line, readings: Readings, time: number, outcome: PollOutcome) {
    this.#line = line;
    this.#readings = readings;
    this.#time = time;
    this.#outcome = outcome;
  }

  /** @throws LinkError */
  read(block: Block): Promise<ReadResult> {
    this.spent += 1;
    return new Promise((resolve, reject) => {
      this.#line.request({
        unitId: block.unitId,
        pdu: block.pdu,
        done: (error, bytes, start, roundTripMs) => {
          if (error === undefined) {
            block.store(bytes, start + 2, this.#readings, this.#time);
            this.#outcome.reads += 1;
            this.#outcome.roundTrips.push(roundTripMs);
            resolve('data');
          } else if (error instanceof LinkError) {
            reject(error);
          } else {
            resolve(this.#failed(error));
          }
        },
      });
    });
  }

  #failed(error: ProtocolError): ReadResult {
    this.#outcome.errors += 1;
    this.#outcome.lastError = error;
    return isAddressRefusal(error) ? 'refused' : 'failed';
  }
}
