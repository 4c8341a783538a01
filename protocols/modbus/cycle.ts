import type { ModbusLimits } from '../../site/model.js';
import type { Readings } from '../../site/readings.js';
import { LinkError, type PollOutcome, type ProtocolError } from '../driver.js';
import type { Line, ModbusRequest, RequestSource } from './link.js';
import {
  GATEWAY_PATH_UNAVAILABLE,
  GATEWAY_TARGET_FAILED,
  ILLEGAL_FUNCTION,
  SERVER_DEVICE_BUSY,
  exceptionOf,
  isAddressRefusal,
} from './pdu.js';
import type { PlannedBlock, UnitPlan } from './unit.js';

/** A block that the device refused, and whether it refuses the function altogether. */
export interface RefusedBlock {
  readonly planned: PlannedBlock;
  readonly functionRefused: boolean;
}

/** Reads every planned block once, with as many requests under way as the line allows. */
export class Cycle implements RequestSource {
  readonly #line: Line;
  readonly #units: readonly UnitPlan[];
  readonly #retries: number;
  readonly #readings: Readings;
  readonly #time: number;
  readonly #queue: BlockRead[] = [];
  #next = 0;
  #underWay = 0;
  #end: { resolve: () => void; reject: (error: LinkError) => void } | undefined;
  readonly outcome: PollOutcome = { reads: 0, errors: 0, roundTrips: [] };
  readonly refused: RefusedBlock[] = [];
  /** Any answer, also an exception, shows that the link is alive. */
  answered = false;
  timedOut = false;

  constructor(line: Line, units: readonly UnitPlan[], limits: ModbusLimits, readings: Readings, time: number) {
    this.#line = line;
    this.#units = units;
    this.#retries = limits.retries;
    this.#readings = readings;
    this.#time = time;
    const now = performance.now();
    for (const unit of units) this.#prepare(unit, now);
    // Units and blocks that failed come last, so that the healthy ones do not wait for their timeouts.
    for (const unit of units) if (!unit.skip && !unit.backoff.failing) this.#enqueueAll(unit, now);
    for (const unit of units) if (!unit.skip && unit.backoff.failing) this.#enqueueProbe(unit);
  }

  /** Rejects with LinkError when the connection is gone. */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#end = { resolve, reject };
      this.#line.join(this);
      this.#finishWhenDone();
    });
  }

  /** Counts a failed request. */
  fail(error: ProtocolError): void {
    this.outcome.errors += 1;
    this.outcome.lastError = error;
  }

  #prepare(unit: UnitPlan, now: number): void {
    unit.answered = false;
    // Nothing is gained by sparing others from the only unit there is.
    unit.skip = this.#units.length > 1 && !unit.backoff.due(now);
    if (unit.skip) unit.markStale(this.#readings);
  }

  #enqueueAll(unit: UnitPlan, now: number): void {
    for (const planned of unit.blocksByTrust()) {
      if (planned.backoff.due(now)) this.#queue.push(new BlockRead(this, planned));
      else planned.block.markStale(this.#readings);
    }
  }

  /** One block shows whether a unit is back, another one each time; the others follow when it is. */
  #enqueueProbe(unit: UnitPlan): void {
    const planned = unit.blocksByTrust()[0];
    if (planned !== undefined) this.#queue.push(new BlockRead(this, planned));
  }

  lost(error: LinkError): void {
    this.#finish(error);
  }

  take(): ModbusRequest | undefined {
    while (this.#next < this.#queue.length) {
      const read = this.#queue[this.#next++] as BlockRead;
      if (!read.planned.group.unit.skip) {
        this.#underWay += 1;
        return read;
      }
      read.planned.block.markStale(this.#readings);
    }
    this.#finishWhenDone(); // what was left may all have been skipped
    return undefined;
  }

  /** An answer arrived, or will not. */
  settle(read: BlockRead, error: ProtocolError | undefined, bytes: Uint8Array, start: number, ms: number): void {
    if (this.#end === undefined) return; // The channel was closed meanwhile; the connection is others' too.
    this.#underWay -= 1;
    if (error === undefined) this.#store(read.planned, bytes, start, ms);
    else if (error instanceof LinkError) this.#finish(error);
    else this.#failed(read, error);
    this.#finishWhenDone();
  }

  #store(planned: PlannedBlock, bytes: Uint8Array, start: number, ms: number): void {
    planned.block.store(bytes, start + 2, this.#readings, this.#time);
    this.outcome.reads += 1;
    this.outcome.roundTrips.push(ms);
    this.#alive(planned);
  }

  #alive(planned: PlannedBlock): void {
    const { unit } = planned.group;
    this.answered = true;
    unit.answered = true;
    planned.backoff.succeed();
    if (!unit.backoff.failing) return;
    unit.backoff.succeed();
    for (const other of unit.blocksByTrust()) {
      if (other !== planned) this.#queue.push(new BlockRead(this, other));
    }
    this.#line.offer(this);
  }

  #failed(read: BlockRead, error: ProtocolError): void {
    const { planned } = read;
    const { unit } = planned.group;
    const exception = exceptionOf(error);
    this.fail(error);
    if (exception !== undefined) this.answered = true;
    const gatewaySaysNo = exception === GATEWAY_PATH_UNAVAILABLE || exception === GATEWAY_TARGET_FAILED;
    if (exception !== undefined && !gatewaySaysNo) this.#alive(planned);

    if (exception === ILLEGAL_FUNCTION || isAddressRefusal(error)) {
      this.refused.push({ planned, functionRefused: exception === ILLEGAL_FUNCTION });
      return;
    }
    const again = exception === undefined || exception === SERVER_DEVICE_BUSY;
    // A unit that is only being probed, or was given up meanwhile, gets no second try.
    if (again && read.tries < this.#retries && !unit.skip && !unit.backoff.failing) {
      read.tries += 1;
      this.#queue.splice(this.#next, 0, read);
      this.#line.offer(this);
      return;
    }
    planned.block.markStale(this.#readings);
    if (gatewaySaysNo) this.#giveUp(unit, planned, false);
    else if (error.code === 'protocol.timeout') {
      this.timedOut = true;
      this.#giveUp(unit, planned, unit.answered);
    }
  }

  /**
   * Asks nothing more of a unit in this cycle, and later of the block, or of the whole unit, only now and then. The
   * block is remembered in both cases: the next time another one goes first, in case only this one gets no answer.
   */
  #giveUp(unit: UnitPlan, planned: PlannedBlock, blockOnly: boolean): void {
    const now = performance.now();
    planned.backoff.fail(now);
    if (!blockOnly) {
      if (!unit.skip) unit.backoff.fail(now);
      unit.markStale(this.#readings);
    }
    unit.skip = true;
  }

  #finishWhenDone(): void {
    if (this.#underWay > 0 || this.#next < this.#queue.length) return;
    this.#finish(undefined);
  }

  #finish(error: LinkError | undefined): void {
    const end = this.#end;
    if (end === undefined) return;
    this.#end = undefined;
    this.#line.leave(this);
    if (error === undefined) end.resolve();
    else end.reject(error);
  }
}

/** One block's read within a cycle. */
class BlockRead implements ModbusRequest {
  readonly #cycle: Cycle;
  readonly planned: PlannedBlock;
  readonly unitId: number;
  readonly pdu: Uint8Array;
  tries = 0;

  constructor(cycle: Cycle, planned: PlannedBlock) {
    this.#cycle = cycle;
    this.planned = planned;
    this.unitId = planned.block.unitId;
    this.pdu = planned.block.pdu;
  }

  done(error: ProtocolError | undefined, bytes: Uint8Array, start: number, roundTripMs: number): void {
    this.#cycle.settle(this, error, bytes, start, roundTripMs);
  }
}
