import { nameOfPoint, type Evaluator, type Expression } from '../../site/expressions/index.js';
import { pointKey, QUALITIES, type Frame, type PointValue } from '../../site/points.js';
import type { PointValues } from '../../site/rules/rule.js';
import type { FrameRouter } from './frame-router.js';

/** Where a condition gets its values from. */
export interface ValueSource {
  readonly frames: FrameRouter;
  /** The newest values of a channel. */
  read(channel: number): Promise<readonly PointValue[]>;
}

/** What an evaluation found; null: unknown. */
export interface Finding {
  readonly value: boolean | null;
  readonly values: PointValues;
}

const RETRY_MS = 500;
/** setTimeout takes no more. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Evaluates one condition on every frame of its channels, and when time alone may change it. It begins with the newest
 * values that readers have, and says nothing before it has them.
 */
export class ConditionWatch {
  readonly #evaluator: Evaluator;
  readonly #source: ValueSource;
  readonly #onChange: (finding: Finding) => void;
  /** Slots by channel and point key. */
  readonly #slots = new Map<number, Map<number, number>>();
  readonly #addresses: readonly string[];
  readonly #values: Float64Array;
  /** Slots that a frame has told of since what readers have was asked for: that is older. */
  readonly #told: Uint8Array;
  readonly #ends: (() => void)[] = [];
  #ready = false;
  #closed = false;
  #last: boolean | null | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = Infinity;

  /** `onChange` hears the first finding and each that differs from the one before. */
  constructor(expression: Expression, source: ValueSource, onChange: (finding: Finding) => void) {
    this.#evaluator = expression.start();
    this.#source = source;
    this.#onChange = onChange;
    this.#addresses = expression.points.map(nameOfPoint);
    this.#values = new Float64Array(expression.points.length).fill(NaN);
    this.#told = new Uint8Array(expression.points.length);
    expression.points.forEach(({ channel, kind, id }, slot) => {
      const slots = this.#slots.get(channel) ?? new Map<number, number>();
      this.#slots.set(channel, slots.set(pointKey(kind, id), slot));
    });
  }

  /** Resolves when the condition has been evaluated for the first time, or the watch has been closed. */
  async start(): Promise<void> {
    for (const channel of this.#slots.keys()) {
      this.#ends.push(this.#source.frames.watch(channel, (frame) => this.#take(frame)));
    }
    await Promise.all([...this.#slots].map(([channel, slots]) => this.#prime(channel, slots)));
    this.#ready = true;
    this.#check();
  }

  /**
   * What the condition is now, with the newest values that readers have: somebody else may have written them. Those of a
   * store that cannot be read now are as they were. The next change is told against what is answered.
   */
  async look(): Promise<Finding> {
    await Promise.all([...this.#slots].map(([channel, slots]) => this.#readAgain(channel, slots)));
    const finding = this.#evaluate();
    this.#last = finding.value;
    this.#wakeLater();
    return finding;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const end of this.#ends) end();
  }

  async #prime(channel: number, slots: ReadonlyMap<number, number>): Promise<void> {
    while (!this.#closed) {
      try {
        this.#fill(slots, await this.#source.read(channel));
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // The store is away; it says so itself.
      }
    }
  }

  async #readAgain(channel: number, slots: ReadonlyMap<number, number>): Promise<void> {
    for (const slot of slots.values()) this.#told[slot] = 0;
    try {
      this.#fill(slots, await this.#source.read(channel));
    } catch {
      return; // The store is away; it says so itself.
    }
  }

  /** What was read, where no frame has told since the reading began. */
  #fill(slots: ReadonlyMap<number, number>, values: readonly PointValue[]): void {
    for (const point of values) {
      const slot = slots.get(pointKey(point.kind, point.id));
      if (slot !== undefined && this.#told[slot] !== 1) this.#setValue(slot, point);
    }
  }

  #take(frame: Frame): void {
    const slots = this.#slots.get(frame.channel) as ReadonlyMap<number, number>;
    const { keys, values, quality } = frame;
    let touched = false;
    for (let index = 0; index < keys.length; index++) {
      const slot = slots.get(keys[index] as number);
      if (slot === undefined) continue;
      this.#told[slot] = 1;
      this.#set(slot, values[index] as number, quality[index] as number);
      touched = true;
    }
    if (touched && this.#ready) this.#check();
  }

  #setValue(slot: number, { value, quality }: PointValue): void {
    this.#set(slot, typeof value === 'number' ? value : NaN, QUALITIES.indexOf(quality));
  }

  #set(slot: number, value: number, quality: number): void {
    this.#values[slot] = value;
    this.#evaluator.set(slot, value, quality);
  }

  #check(): void {
    if (this.#closed) return;
    const result = this.#evaluator.evaluate(Date.now());
    this.#wakeLater();
    const value = Number.isNaN(result) ? null : result === 1;
    if (value === this.#last) return;
    this.#last = value;
    this.#onChange(this.#evaluate());
  }

  #evaluate(): Finding {
    const result = this.#evaluator.evaluate(Date.now());
    const values: Record<string, number | null> = {};
    for (const [slot, address] of this.#addresses.entries()) {
      const value = this.#values[slot] as number;
      values[address] = Number.isNaN(value) ? null : value;
    }
    return { value: Number.isNaN(result) ? null : result === 1, values };
  }

  #wakeLater(): void {
    const { wakeAt } = this.#evaluator;
    if (wakeAt === this.#wakeAt) return;
    this.#wakeAt = wakeAt;
    clearTimeout(this.#timer);
    if (wakeAt === Infinity) return;
    const wait = Math.min(LONGEST_TIMER_MS, Math.max(1, Math.ceil(wakeAt - Date.now())));
    this.#timer = setTimeout(() => {
      this.#wakeAt = Infinity;
      this.#check();
    }, wait);
  }
}
