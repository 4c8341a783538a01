import { fromChannel, type Model, type Route } from '../../site/models/model.js';
import {
  BAD,
  GOOD,
  isState,
  OUT_OF_RANGE,
  pointKey,
  QUALITIES,
  type Frame,
  type PointValue,
  type Quality,
} from '../../site/points.js';
import { ComputedPoints } from './computed.js';
import type { HeldValue } from '../../machines/model.js';

/** One point's value as readers see it. */
export interface ModelValue {
  readonly value: number | string | null;
  readonly quality: Quality;
  /** Source time, ms since the Unix epoch; null when there never was a value. */
  readonly time: number | null;
}

const NO_SLOTS: readonly number[] = [];

/** The newest values of a model's points, column by column, in the order of the model's points. */
export class ModelValues {
  readonly model: Model;
  /** Channels that its points come from. */
  readonly channels: ReadonlySet<number>;
  readonly #slots = new Map<number, Map<number, number[]>>();
  readonly #values: (number | string | null)[];
  readonly #quality: Uint8Array;
  /** 0: there never was a value. */
  readonly #times: Float64Array;
  readonly #computed: ComputedPoints;

  constructor(model: Model, held: Readonly<Record<string, HeldValue>>) {
    this.model = model;
    const count = model.points.length;
    this.#values = new Array<number | string | null>(count).fill(null);
    this.#quality = new Uint8Array(count).fill(BAD);
    this.#times = new Float64Array(count);
    const columns = { values: this.#values, quality: this.#quality, times: this.#times };
    this.#computed = new ComputedPoints(model.formulas, columns);
    const set: number[] = [];
    for (const [slot, { name, route, expression }] of model.points.entries()) {
      if (route !== undefined) this.#listen(route, slot);
      else if (expression === undefined && Object.hasOwn(held, name)) {
        this.#hold(slot, held[name] as HeldValue);
        set.push(slot);
      }
    }
    this.channels = new Set(this.#slots.keys());
    this.#compute(set);
  }

  /** Takes what a point without a mapping was set to; answers the slots that have a new value. */
  hold(name: string, held: HeldValue): readonly number[] {
    const slot = this.model.points.findIndex(
      (point) => point.name === name && point.route === undefined && point.expression === undefined,
    );
    if (slot < 0) return NO_SLOTS;
    this.#hold(slot, held);
    return [slot, ...this.#compute([slot])];
  }

  /** Takes what a frame says; answers the slots that it says something of, and those that are computed from them. */
  applyFrame(frame: Frame): readonly number[] {
    const slots = this.#slots.get(frame.channel);
    if (slots === undefined) return NO_SLOTS;
    const changed: number[] = [];
    const { keys, values, quality, ages, texts, time } = frame;
    for (let index = 0; index < keys.length; index++) {
      const mine = slots.get(keys[index] as number);
      if (mine === undefined) continue;
      const value = texts?.get(index) ?? (values[index] as number);
      const known = typeof value === 'string' || !Number.isNaN(value);
      for (const slot of mine) {
        this.#set(slot, known ? value : null, quality[index] as number, time - (ages?.[index] ?? 0));
        changed.push(slot);
      }
    }
    return changed.length === 0 ? NO_SLOTS : changed.concat(this.#compute(changed));
  }

  /** Takes what readers have of a channel now, where no frame has told it yet. */
  applyStored(points: readonly PointValue[]): void {
    const changed: number[] = [];
    for (const { channel, kind, id, value, quality, time } of points) {
      for (const slot of this.#slots.get(channel)?.get(pointKey(kind, id)) ?? NO_SLOTS) {
        if (this.#times[slot] !== 0) continue;
        this.#set(slot, value, QUALITIES.indexOf(quality), time ?? 0);
        changed.push(slot);
      }
    }
    this.#compute(changed);
  }

  /** Of one point, by its place in the model. */
  at(slot: number): ModelValue {
    const time = this.#times[slot] as number;
    return {
      value: this.#values[slot] ?? null,
      quality: QUALITIES[this.#quality[slot] as number] as Quality,
      time: time === 0 ? null : time,
    };
  }

  #listen(route: Route, slot: number): void {
    let ofChannel = this.#slots.get(route.channel);
    if (ofChannel === undefined) this.#slots.set(route.channel, (ofChannel = new Map<number, number[]>()));
    const key = pointKey(route.kind, route.id);
    const slots = ofChannel.get(key);
    if (slots === undefined) ofChannel.set(key, [slot]);
    else slots.push(slot);
  }

  #hold(slot: number, { value, at }: HeldValue): void {
    this.#values[slot] = value;
    this.#times[slot] = at;
    this.#quality[slot] = this.#within(slot, value) ? GOOD : OUT_OF_RANGE;
  }

  /** What cannot be read now keeps its last value. */
  #set(slot: number, value: number | string | null, quality: number, time: number): void {
    this.#quality[slot] = quality;
    if (value === null) return;
    const { route, kind } = this.model.points[slot] as Model['points'][number] & { route: Route };
    let own = typeof value === 'number' ? fromChannel(route, value) : value;
    if (typeof own === 'number' && isState(kind)) own = own === 0 ? 0 : 1;
    this.#values[slot] = own;
    this.#times[slot] = time;
    if (quality === GOOD && !this.#within(slot, own)) this.#quality[slot] = OUT_OF_RANGE;
  }

  /** What reads these points; answers the slots of the results. */
  #compute(changed: readonly number[]): readonly number[] {
    return this.#computed.update(changed, (slot, result, time) => {
      if (Number.isNaN(result)) {
        this.#quality[slot] = BAD; // The last value stays.
        return;
      }
      this.#values[slot] = result;
      this.#times[slot] = time;
      this.#quality[slot] = this.#within(slot, result) ? GOOD : OUT_OF_RANGE;
    });
  }

  #within(slot: number, value: number | string): boolean {
    const { min = -Infinity, max = Infinity } = this.model.points[slot] as Model['points'][number];
    return typeof value === 'string' || (value >= min && value <= max);
  }
}
