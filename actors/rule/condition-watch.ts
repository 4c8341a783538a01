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

/** A channel of the condition, and how far its frames were told. */
interface Watched {
  /** By point key. */
  readonly slots: Map<number, number>;
  /** The newest frame. */
  epoch: number;
  seq: number;
  /** Readers do not have it yet: what they have is older. */
  ahead: boolean;
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
  readonly #channels = new Map<number, Watched>();
  readonly #addresses: readonly string[];
  readonly #values: Float64Array;
  /** Slots that a frame has told of; what is read at the start is older. */
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
      const watched = this.#channels.get(channel) ?? { slots: new Map(), epoch: -1, seq: -1, ahead: false };
      watched.slots.set(pointKey(kind, id), slot);
      this.#channels.set(channel, watched);
    });
  }

  /** Resolves when the condition has been evaluated for the first time, or the watch has been closed. */
  async start(): Promise<void> {
    for (const [channel, watched] of this.#channels) {
      this.#ends.push(this.#source.frames.watch(channel, (frame, readable) => this.#take(watched, frame, readable)));
    }
    await Promise.all([...this.#channels].map(([channel, { slots }]) => this.#prime(channel, slots)));
    this.#ready = true;
    this.#check();
  }

  /**
   * What the condition is now, with the newest values that readers have: somebody else may have written them. Those of a
   * store that cannot be read now, or is behind what was read here, are as they were. The next change is told against
   * what is answered.
   */
  async look(): Promise<Finding> {
    await Promise.all([...this.#channels].map(([channel, watched]) => this.#readAgain(channel, watched)));
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
        for (const point of await this.#source.read(channel)) {
          const slot = slots.get(pointKey(point.kind, point.id));
          if (slot !== undefined && this.#told[slot] !== 1) this.#setValue(slot, point);
        }
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // The store is away; it says so itself.
      }
    }
  }

  async #readAgain(channel: number, watched: Watched): Promise<void> {
    const { epoch, seq } = watched;
    let values: readonly PointValue[];
    try {
      values = await this.#source.read(channel);
    } catch {
      return; // The store is away; it says so itself.
    }
    if (watched.ahead || watched.seq !== seq || watched.epoch !== epoch) return;
    for (const point of values) {
      const slot = watched.slots.get(pointKey(point.kind, point.id));
      if (slot !== undefined) this.#setValue(slot, point);
    }
  }

  #take(watched: Watched, frame: Frame, readable: boolean): void {
    const { epoch, seq, keys, values, quality } = frame;
    const order = epoch - watched.epoch || seq - watched.seq;
    if (readable && order >= 0) watched.ahead = false;
    if (order <= 0) return;
    watched.epoch = epoch;
    watched.seq = seq;
    watched.ahead = !readable;
    const { slots } = watched;
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
