import { ruleMatcher, STORE_ALL, STORES_ALL, type StoragePlan, type Storing } from '../../site/history/mapping.js';
import { keyId, keyKind, type Frame } from '../../site/points.js';
import type { Choice } from './choices.js';

/** A point, and what was stored of it last. */
interface Cell {
  store: Storing;
  time: number;
  value: number;
  text: string | undefined;
  /** NOTHING: nothing was stored so far. */
  quality: number;
}
const NOTHING = -1;

type Channels = Map<number, Map<number, Cell>>;

/**
 * Chooses what of each frame is stored, by the plan in force, of what is not left out already. It knows what it has chosen itself, so the first value of
 * each point is always chosen; a value that is older than the one before it begins anew.
 */
export class PointSelector {
  readonly #byDefault: Storing;
  #plan = STORES_ALL;
  #rules: readonly { readonly store: Storing; readonly isMeant: ReturnType<typeof ruleMatcher> }[] = [];
  readonly #newest: Channels = new Map();
  /** Frames that come late have their own order. */
  readonly #late: Channels = new Map();

  /** @param byDefault of points that no rule of the plan is about */
  constructor(byDefault: Storing = STORE_ALL) {
    this.#byDefault = byDefault;
  }

  /** What was stored last of each point stays known. */
  use(plan: StoragePlan): void {
    if (plan === this.#plan) return;
    this.#plan = plan;
    this.#rules = plan.rules.map((rule) => ({ store: rule.store, isMeant: ruleMatcher(rule) }));
    for (const channels of [this.#newest, this.#late]) {
      for (const [channel, cells] of channels)
        for (const [key, cell] of cells) cell.store = this.#storingOf(channel, key);
    }
  }

  /** @param late the frame was read before others of its channel that have come already */
  choose(frame: Frame, late: boolean): Choice {
    const { keys, values, quality, ages, texts, leftOut, channel } = frame;
    if (this.#rules.length === 0 && this.#byDefault.mode === 'all' && leftOut === undefined) return 'all';
    const channels = late ? this.#late : this.#newest;
    let cells = channels.get(channel);
    if (cells === undefined) channels.set(channel, (cells = new Map<number, Cell>()));
    let bits: Uint8Array | undefined;
    let kept = 0;
    for (let index = 0; index < keys.length; index++) {
      if (leftOut?.[index] === 1) continue;
      const key = keys[index] as number;
      let cell = cells.get(key);
      if (cell === undefined) {
        cell = { store: this.#storingOf(channel, key), time: 0, value: 0, text: undefined, quality: NOTHING };
        cells.set(key, cell);
      }
      const age = ages === undefined ? 0 : (ages[index] as number);
      if (!take(cell, values[index] as number, texts?.get(index), quality[index] as number, frame.time - age)) continue;
      bits ??= new Uint8Array((keys.length + 7) >>> 3);
      bits[index >>> 3] = (bits[index >>> 3] as number) | (1 << (index & 7));
      kept += 1;
    }
    if (bits === undefined) return keys.length === 0 ? 'all' : 'none';
    return kept === keys.length ? 'all' : bits;
  }

  /** Whether a rule of the plan in force is about the point. */
  isMapped(channel: number, key: number): boolean {
    return this.#mapped(channel, key) !== undefined;
  }

  #storingOf(channel: number, key: number): Storing {
    return this.#mapped(channel, key) ?? this.#byDefault;
  }

  #mapped(channel: number, key: number): Storing | undefined {
    const [kind, id] = [keyKind(key), keyId(key)];
    const name = this.#plan.nameOf(channel, kind, id);
    return this.#rules.find(({ isMeant }) => isMeant(channel, kind, id, name))?.store;
  }
}

/** Whether the value is to be stored; if so, it is the last one from now on. */
function take(cell: Cell, value: number, text: string | undefined, quality: number, time: number): boolean {
  if (!isDue(cell, value, text, quality, time)) return false;
  cell.value = value;
  cell.text = text;
  cell.quality = quality;
  cell.time = time;
  return true;
}

function isDue(cell: Cell, value: number, text: string | undefined, quality: number, time: number): boolean {
  const { store } = cell;
  if (store.mode === 'all') return true;
  if (store.mode === 'never') return false;
  if (quality !== cell.quality || time < cell.time) return true;
  if (store.mode === 'interval') {
    return Math.floor(time / store.intervalMs) !== Math.floor(cell.time / store.intervalMs);
  }
  if (text !== cell.text) return true;
  if (value !== cell.value && Math.abs(value - cell.value) >= store.deadband) return true;
  return store.maxIntervalMs !== undefined && time - cell.time >= store.maxIntervalMs;
}
