import type { Sending } from '../../site/forwarding/forwarder.js';
import type { SelectedPoint, Selection } from '../../site/forwarding/selection.js';
import { keyId, keyKind, QUALITIES, type Frame } from '../../site/points.js';
import type { Item } from './batch.js';

/** What was sent last of a point. */
interface Last {
  value: number | string | null;
  quality: number;
  /** Number of the interval that its time is in. */
  interval: number;
}

/**
 * Chooses from frames, in their order, the readings that are to be sent. A new one chooses at least what another would
 * have chosen from the same frames: it does not know what was sent before.
 */
export class Sampler {
  readonly #selection: Selection;
  readonly #send: Sending;
  readonly #last = new Map<SelectedPoint, Last>();

  constructor(selection: Selection, send: Sending) {
    this.#selection = selection;
    this.#send = send;
  }

  /** Whether a channel has any point that is sent. */
  wants(channel: number): boolean {
    return this.#selection.channels.has(channel);
  }

  /** Appends the readings of a frame. */
  take(frame: Frame, items: Item[]): void {
    const selected = this.#selection.channels.get(frame.channel);
    if (selected === undefined) return;
    const { keys, values, quality, ages, texts, channel, epoch, seq } = frame;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as number;
      const point = selected.get(key);
      if (point === undefined) continue;
      const time = frame.time - (ages?.[index] ?? 0);
      const value = texts?.get(index) ?? scaled(values[index] as number, point);
      const grade = quality[index] as number;
      if (!this.#isDue(point, value, grade, time)) continue;
      const id = `${channel}/${epoch}/${seq}/${keyKind(key)}:${keyId(key)}`;
      items.push({ id, point, value, quality: QUALITIES[grade] ?? 'bad', time });
    }
  }

  #isDue(point: SelectedPoint, value: Item['value'], quality: number, time: number): boolean {
    const send = this.#send;
    if (send.mode === 'all') return true;
    const interval = send.mode === 'interval' ? Math.floor(time / send.intervalMs) : 0;
    const last = this.#last.get(point);
    if (last === undefined) {
      this.#last.set(point, { value, quality, interval });
      return true;
    }
    const due =
      send.mode === 'interval'
        ? last.interval !== interval
        : last.quality !== quality || hasMoved(last.value, value, send.deadband);
    if (due) Object.assign(last, { value, quality, interval });
    return due;
  }
}

function hasMoved(before: Item['value'], now: Item['value'], deadband: number): boolean {
  if (typeof before !== 'number' || typeof now !== 'number') return before !== now;
  return before !== now && Math.abs(now - before) >= deadband;
}

function scaled(value: number, { scale, offset }: SelectedPoint): number | null {
  return Number.isNaN(value) ? null : value * scale + offset;
}
