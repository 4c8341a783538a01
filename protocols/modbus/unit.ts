import type { ModbusLimits } from '../../site/model.js';
import type { Readings } from '../../site/readings.js';
import { Block, planBlocks, type Slot, type SlotGroup } from './plan.js';
import type { Adaptation } from './adapt.js';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/** A refused slot is asked for again this much later: devices change with their firmware and modules. */
export const REFUSED_PROBE_MS = 60_000;

/** When something that gave no answer is tried again: after 0.5 s, then doubling to 10 s. */
export class Backoff {
  #delayMs = 0;
  #until = 0;

  get failing(): boolean {
    return this.#delayMs > 0;
  }
  /** The longer it has failed, the higher; 0 when it does not. */
  get delayMs(): number {
    return this.#delayMs;
  }
  due(now: number): boolean {
    return now >= this.#until;
  }
  /** How long it is not to be tried, ms; not above 0 when it may be. */
  restMs(now: number): number {
    return this.#until - now;
  }
  fail(now: number): void {
    this.#delayMs = Math.min(LONGEST_DELAY_MS, this.#delayMs === 0 ? FIRST_DELAY_MS : this.#delayMs * 2);
    this.#until = now + this.#delayMs;
  }
  succeed(): void {
    this.#delayMs = 0;
    this.#until = 0;
  }
  /** It may be tried at once, though it still counts as failing. */
  hasten(): void {
    this.#until = 0;
  }
}

/** A block of the plan with what is remembered of it. */
export interface PlannedBlock {
  readonly block: Block;
  readonly group: GroupPlan;
  /** Of a block that got no answer. */
  readonly backoff: Backoff;
}

export interface RefusedSlot {
  readonly slot: Slot;
  readonly group: GroupPlan;
  probeAt: number;
}

/** What is read with one function of one unit, as learnt so far. */
export class GroupPlan {
  readonly unit: UnitPlan;
  readonly #group: SlotGroup;
  readonly #limits: ModbusLimits;
  blocks: PlannedBlock[];
  refused: RefusedSlot[] = [];

  constructor(unit: UnitPlan, group: SlotGroup, limits: ModbusLimits) {
    this.unit = unit;
    this.#group = group;
    this.#limits = limits;
    this.blocks = planBlocks(group, group.slots, limits).map((block) => this.#planned(block));
  }

  /** Remembers how a refused block can be read. */
  learn(refusedBlock: PlannedBlock, { good, refused, left }: Adaptation, now: number): void {
    const runs = left.length > 0 ? [...good, left] : good;
    const replacement = runs.map((slots) => this.#planned(this.block(slots)));
    this.blocks = this.blocks.flatMap((planned) => (planned === refusedBlock ? replacement : [planned]));
    for (const slot of refused) this.refused.push({ slot, group: this, probeAt: now + REFUSED_PROBE_MS });
  }

  /** The device gives a slot again that it refused: the blocks are planned anew around what is still refused. */
  restore(given: RefusedSlot): void {
    this.refused = this.refused.filter((entry) => entry !== given);
    const holes = new Set(this.refused.map((entry) => entry.slot));
    const wanted = this.#group.slots.filter((slot) => !holes.has(slot));
    const barriers = this.#group.slots.filter((slot) => holes.has(slot));
    this.blocks = planBlocks(this.#group, wanted, this.#limits, barriers).map((block) => this.#planned(block));
  }

  block(slots: readonly Slot[]): Block {
    return new Block(this.#group.unitId, this.#group.functionCode, slots);
  }

  #planned(block: Block): PlannedBlock {
    return { block, group: this, backoff: new Backoff() };
  }
}

/** One unit (server device) of a connection: its blocks, and whether it answers. */
export class UnitPlan {
  readonly id: number;
  readonly groups: GroupPlan[] = [];
  readonly backoff = new Backoff();
  /** In the cycle under way: it answered; nothing more is asked of it. */
  answered = false;
  skip = false;

  constructor(id: number) {
    this.id = id;
  }

  /** Every block, those that answer first and those that gave no answer longest last. Of this moment: not to be kept. */
  blocksByTrust(): readonly PlannedBlock[] {
    const [first] = this.groups;
    const blocks =
      this.groups.length === 1 && first !== undefined ? first.blocks : this.groups.flatMap((group) => group.blocks);
    if (!blocks.some(({ backoff }) => backoff.failing)) return blocks;
    return blocks.toSorted((left, right) => left.backoff.delayMs - right.backoff.delayMs);
  }

  markStale(readings: Readings): void {
    for (const group of this.groups) {
      for (const { block } of group.blocks) block.markStale(readings);
      for (const { slot } of group.refused) for (const { index } of slot.points) readings.setBad(index);
    }
  }
}

/** The units of a channel with the blocks to read, planned from its point table. */
export function planUnits(groups: readonly SlotGroup[], limits: ModbusLimits): UnitPlan[] {
  const units = new Map<number, UnitPlan>();
  for (const group of groups) {
    let unit = units.get(group.unitId);
    if (unit === undefined) units.set(group.unitId, (unit = new UnitPlan(group.unitId)));
    unit.groups.push(new GroupPlan(unit, group, limits));
  }
  return [...units.values()];
}
