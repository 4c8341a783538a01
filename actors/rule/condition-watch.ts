import { nameOfPoint, type Evaluator, type Expression } from '../../site/expressions/index.js';
import {
  isBehind,
  pointKey,
  QUALITIES,
  type ChannelReading,
  type Frame,
  type FramePosition,
  type PointValue,
} from '../../site/points.js';
import type { FramePositions, PointValues } from '../../site/rules/rule.js';
import type { FrameRouter } from './frame-router.js';

/** Where a condition gets its values from. */
export interface ValueSource {
  readonly frames: FrameRouter;
  /** The newest values of a channel. */
  readChannel(channel: number): Promise<ChannelReading>;
}

/** What an evaluation found; null: unknown. */
export interface Finding {
  readonly value: boolean | null;
  readonly values: PointValues;
  /** The frames that it is as of. */
  readonly upTo: FramePositions;
}

/** One channel of the condition. */
interface Source {
  readonly channel: number;
  /** Places of its points among the values, by point key. */
  readonly slots: ReadonlyMap<number, number>;
  /** An earlier watch has told what was found as of this frame: nothing older is told any more. */
  readonly known: FramePosition | undefined;
  /** The newest frame that the values are as of; epoch 0: none. */
  readonly position: { epoch: number; seq: number };
  /** As of which frame readers had what was read of them; epoch 0: it is not known. */
  read: FramePosition;
  /** Called when `position` has reached `known`. */
  reached: () => void;
}

const NONE: FramePosition = { epoch: 0, seq: 0 };
const RETRY_MS = 500;
/** How often what readers have is looked at again while it is older than what was told. */
const LOOK_AGAIN_MS = 2_000;
/** Frames that are not there after so long do not come: the stream was lost, or a clock was wrong. */
const PATIENCE_MS = 30_000;
/** setTimeout takes no more. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Evaluates one condition on every frame of its channels, and when time alone may change it. It begins with the newest
 * values that readers have, and says nothing before it has them.
 *
 * It never goes back: frames come here late after a pause of the process, and what readers have may be newer; then such a
 * frame says nothing new. And what an earlier watch has told, on another node perhaps, is not told again from frames
 * that are older than that.
 */
export class ConditionWatch {
  readonly #evaluator: Evaluator;
  readonly #parts: ValueSource;
  readonly #onChange: (finding: Finding) => void;
  readonly #sources: readonly Source[];
  readonly #addresses: readonly string[];
  readonly #values: Float64Array;
  /** Slots that a frame has told of since what readers have was asked for. */
  readonly #told: Uint8Array;
  /** Slots that what was read of readers has told of. */
  readonly #read: Uint8Array;
  readonly #ends: (() => void)[] = [];
  #ready = false;
  #closed = false;
  #last: boolean | null | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = Infinity;

  /**
   * @param onChange hears the first finding and each that differs from the one before
   * @param known what an earlier watch of the condition has told was as of these frames
   */
  constructor(
    expression: Expression,
    parts: ValueSource,
    onChange: (finding: Finding) => void,
    known: FramePositions = {},
  ) {
    this.#evaluator = expression.start();
    this.#parts = parts;
    this.#onChange = onChange;
    this.#addresses = expression.points.map(nameOfPoint);
    this.#values = new Float64Array(expression.points.length).fill(NaN);
    this.#told = new Uint8Array(expression.points.length);
    this.#read = new Uint8Array(expression.points.length);
    const slots = new Map<number, Map<number, number>>();
    expression.points.forEach(({ channel, kind, id }, slot) => {
      const ofChannel = slots.get(channel) ?? new Map<number, number>();
      slots.set(channel, ofChannel.set(pointKey(kind, id), slot));
    });
    this.#sources = [...slots].map(([channel, ofChannel]) => {
      const [epoch, seq] = known[channel] ?? [0, 0];
      const before = epoch === 0 ? undefined : { epoch, seq };
      return {
        ...{ channel, slots: ofChannel, known: before, position: { ...NONE }, read: NONE },
        reached: () => undefined,
      };
    });
  }

  /** Resolves when the condition has been evaluated for the first time, or the watch has been closed. */
  async start(): Promise<void> {
    for (const source of this.#sources) {
      this.#ends.push(this.#parts.frames.watch(source.channel, (frame) => this.#take(source, frame)));
    }
    await Promise.all(this.#sources.map((source) => this.#prime(source)));
    this.#ready = true;
    this.#check();
  }

  /**
   * What the condition is now, with the newest values that readers have: somebody else may have written them. Those of a
   * store that cannot be read now are as they were. The next change is told against what is answered.
   */
  async look(): Promise<Finding> {
    await Promise.all(this.#sources.map((source) => this.#readAgain(source)));
    const finding = this.#evaluate();
    this.#last = finding.value;
    this.#wakeLater();
    return finding;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const end of this.#ends) end();
    for (const source of this.#sources) source.reached();
  }

  async #prime(source: Source): Promise<void> {
    for (let behindMs = 0; !this.#closed;) {
      try {
        this.#fill(source, await this.#parts.readChannel(source.channel));
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // The store is away; it says so itself.
        continue;
      }
      if (isUpToDate(source) || behindMs >= PATIENCE_MS) return;
      await untilReached(source, LOOK_AGAIN_MS);
      if (isUpToDate(source)) return;
      behindMs += LOOK_AGAIN_MS;
    }
  }

  async #readAgain(source: Source): Promise<void> {
    for (const slot of source.slots.values()) this.#told[slot] = 0;
    try {
      this.#fill(source, await this.#parts.readChannel(source.channel));
    } catch {
      return; // The store is away; it says so itself.
    }
  }

  /** Takes what was read, where no frame has told something newer since the reading began. */
  #fill(source: Source, { points, asOf }: ChannelReading): void {
    const { slots, position } = source;
    const isNewest = asOf !== undefined && !isBehind(asOf, position);
    for (const point of points) {
      const slot = slots.get(pointKey(point.kind, point.id));
      if (slot === undefined || (this.#told[slot] === 1 && !isNewest)) continue;
      this.#setValue(slot, point);
      this.#read[slot] = 1;
    }
    if (isNewest) source.read = asOf;
    const reached = asOf ?? this.#parts.frames.position(source.channel);
    if (reached !== undefined && isBehind(position, reached)) moveTo(position, reached);
  }

  #take(source: Source, frame: Frame): void {
    const { slots, position } = source;
    const { keys, values, quality } = frame;
    const isRead = !isBehind(source.read, frame);
    let touched = false;
    for (let index = 0; index < keys.length; index++) {
      const slot = slots.get(keys[index] as number);
      if (slot === undefined || (isRead && this.#read[slot] === 1)) continue;
      this.#told[slot] = 1;
      this.#set(slot, values[index] as number, quality[index] as number);
      touched = true;
    }
    if (isBehind(position, frame)) moveTo(position, frame);
    if (!this.#ready && isUpToDate(source)) source.reached();
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
    const upTo: Record<string, readonly [epoch: number, seq: number]> = {};
    for (const { channel, position } of this.#sources) {
      if (position.epoch > 0) upTo[channel] = [position.epoch, position.seq];
    }
    return { value: Number.isNaN(result) ? null : result === 1, values, upTo };
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

function isUpToDate({ known, position }: Source): boolean {
  return known === undefined || !isBehind(position, known);
}

function moveTo(position: { epoch: number; seq: number }, { epoch, seq }: FramePosition): void {
  position.epoch = epoch;
  position.seq = seq;
}

/** Resolves when the values have reached what is known, and at the latest after `ms`. */
async function untilReached(source: Source, ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    source.reached = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
