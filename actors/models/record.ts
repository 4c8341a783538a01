import type { StoragePlan, Storing } from '../../site/history/mapping.js';
import { formatModelAddress } from '../../site/models/address.js';
import { firstChannel, storedId } from '../../site/models/stored-address.js';
import type { Model } from '../../site/models/model.js';
import { pointKey, QUALITIES, type Frame } from '../../site/points.js';
import type { FrameLine } from '../channel/worker.js';
import { isChosen, keepChosen, type Choice } from '../projections/choices.js';
import { PointSelector } from '../projections/point-selector.js';
import type { ModelValues } from './values.js';

/** So often at least a value that is known is told, though it has not changed. */
export const BEAT_MS = 60_000;
const RETRY_MS = 500;
/** What is told of computed points that no mapping is about: they are computed anew with each reading. */
const ON_CHANGE: Storing = { mode: 'change', deadband: 0, maxIntervalMs: BEAT_MS };

/** What a record needs of its node. */
export interface RecordParts {
  /** The number of a model, for ever. @throws what may pass */
  claim(model: string): Promise<number>;
  /** Where its frames go: to the stream, each once and in order, over the spool while that is away. */
  openLine(): FrameLine;
  /** What is to be stored, as of now. */
  plan(): StoragePlan;
  /** The newest frame of the model in the stream, from whatever activation. */
  newest(channel: number): Promise<Frame | undefined>;
}

/**
 * Tells what a model holds and computes as frames of a channel of its own, so that history and rules have it like what a
 * channel reads. Points that stand for one of a channel are not in it: they are there already. What is held is told each
 * time that it is set, marked when it is not to be stored; what is computed, as storage is mapped. So what is stored of a
 * model is chosen where it lives and its names are known, whoever has made it and wherever history is written.
 */
export class ModelRecord {
  readonly epoch: number;
  readonly #model: string;
  readonly #line: FrameLine;
  readonly #parts: RecordParts;
  readonly #selector = new PointSelector(ON_CHANGE);
  /** The one that it is likely to be, until that is known. */
  #channel: number;
  #seq = 0;
  #values: ModelValues | undefined;
  /** Key of a frame's point, by slot; only of those that are told. */
  #keys: ReadonlyMap<number, number> = new Map();
  #plan: { readonly of: StoragePlan; readonly own: StoragePlan } | undefined;
  #names: ReadonlyMap<number, string> = new Map();
  /** When values were told last by the activation before, by key; undefined until that is known. */
  #before: ReadonlyMap<number, number> | undefined;
  #waiting: Frame[] = [];
  #closed = false;

  constructor(model: string, epoch: number, parts: RecordParts) {
    this.epoch = epoch;
    this.#model = model;
    this.#channel = firstChannel(model);
    this.#parts = parts;
    this.#line = parts.openLine();
    void this.#begin();
  }

  /** The model is this from now on; undefined: it cannot be made. */
  use(values: ModelValues | undefined): void {
    this.#values = values;
    const told = values === undefined ? [] : toldPoints(values.model);
    this.#keys = new Map(told.map(({ slot, key }) => [slot, key]));
    this.#names = new Map(told.map(({ key, name }) => [key, name]));
    this.#plan = undefined;
  }

  /** Points have another value, or quality; those that nobody could read now have it since `at` (ms since the Unix epoch). */
  changed(slots: readonly number[], at: number): void {
    if (this.#keys.size === 0) return;
    const model = this.#values?.model;
    const own = slots.filter((slot) => this.#keys.has(slot));
    const isHeld = (slot: number) => model?.points[slot]?.expression === undefined;
    this.#tell(own.filter(isHeld), { at, chosen: false });
    this.#tell(
      own.filter((slot) => !isHeld(slot)),
      { at, chosen: true },
    );
  }

  /** Tells what is known as it is at `now`, unless it has been told within BEAT_MS: at the beginning, and each BEAT_MS. */
  beat(now: number): void {
    const known = [...this.#keys.keys()].filter((slot) => this.#values?.at(slot).quality !== 'bad');
    this.#tell(known, { at: now, now, chosen: true });
  }

  /** What was told goes its way; nothing more is taken. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#line.close();
  }

  /** What the activation before has told must not be told once more. */
  async #begin(): Promise<void> {
    let newest: Frame | undefined;
    const channel = await this.#claim();
    if (channel === undefined) return;
    this.#channel = channel;
    try {
      newest = await this.#parts.newest(channel);
    } catch {
      // The stream is away, and says so itself: it is as if nothing had been told.
    }
    const before = new Map<number, number>();
    newest?.keys.forEach((key, index) => before.set(key, newest.time - (newest.ages?.[index] ?? 0)));
    this.#before = before;
    for (const frame of this.#waiting.splice(0)) this.#publish(frame);
  }

  /** Without its number nothing can be told. undefined: it was closed before. */
  async #claim(): Promise<number | undefined> {
    while (!this.#closed) {
      try {
        return await this.#parts.claim(this.#model);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // The bus is away; it says so itself.
      }
    }
    return undefined;
  }

  #tell(slots: readonly number[], { at, now, chosen }: { at: number; now?: number; chosen: boolean }): void {
    if (this.#closed || slots.length === 0) return;
    const frame = this.#frame(slots, at, now);
    this.#selector.use(this.#ownPlan());
    const choice = this.#selector.choose(frame, false); // What is told anyway counts too.
    const told = chosen ? keepChosen(frame, choice) : this.#marked(frame, choice);
    if (told === undefined) return;
    if (this.#before === undefined) this.#waiting.push(told);
    else this.#publish(told);
  }

  /** What a mapping leaves out is told to rules and readers, and not stored. */
  #marked(frame: Frame, choice: Choice): Frame {
    const leftOut = Uint8Array.from(frame.keys, (key, index) =>
      Number(!isChosen(choice, index) && this.#selector.isMapped(frame.channel, key)),
    );
    return leftOut.includes(1) ? { ...frame, leftOut } : frame;
  }

  #publish(frame: Frame): void {
    const { keys, time, ages } = frame;
    const bits = new Uint8Array((keys.length + 7) >>> 3);
    for (let index = 0; index < keys.length; index++) {
      const told = this.#before?.get(keys[index] as number) ?? -Infinity;
      if (time - (ages?.[index] ?? 0) > told) bits[index >>> 3] = (bits[index >>> 3] as number) | (1 << (index & 7));
    }
    const fresh = keepChosen(frame, bits);
    if (fresh === undefined) return;
    this.#seq += 1;
    this.#line.publish({ ...fresh, channel: this.#channel, seq: this.#seq });
  }

  /** With `now` all values are as of then. */
  #frame(slots: readonly number[], at: number, now: number | undefined): Frame {
    const values = this.#values as ModelValues;
    const found = slots.map((slot) => values.at(slot));
    const times = found.map(({ quality, time }) => Math.floor(now ?? (quality === 'bad' ? at : (time ?? at))));
    const time = Math.max(...times);
    const texts = new Map<number, string>();
    found.forEach(({ value }, index) => {
      if (typeof value === 'string') texts.set(index, value);
    });
    return {
      ...{ channel: this.#channel, epoch: this.epoch, seq: 0, time },
      keys: Uint32Array.from(slots, (slot) => this.#keys.get(slot) as number),
      values: Float64Array.from(found, ({ value }) => (typeof value === 'number' ? value : NaN)),
      quality: Uint8Array.from(found, ({ quality }) => Math.max(0, QUALITIES.indexOf(quality))),
      ...(times.every((each) => each === time) ? {} : { ages: Uint32Array.from(times, (each) => time - each) }),
      ...(texts.size > 0 ? { texts } : {}),
    };
  }

  /** The plan in force, with the names of this model's points. */
  #ownPlan(): StoragePlan {
    const plan = this.#parts.plan();
    if (this.#plan?.of !== plan) {
      const nameOf: StoragePlan['nameOf'] = (_channel, kind, id) => this.#names.get(pointKey(kind, id));
      this.#plan = { of: plan, own: { rules: plan.rules, nameOf } };
    }
    return this.#plan.own;
  }
}

/** The points that stand for none of a channel. */
function toldPoints({ definition, points }: Model) {
  return points.flatMap(({ name, kind, route }, slot) => {
    if (route !== undefined) return [];
    const address = { model: definition.id, point: name };
    return [{ slot, key: pointKey(kind, storedId(address)), name: formatModelAddress(address) }];
  });
}
