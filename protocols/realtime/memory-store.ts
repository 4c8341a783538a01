import {
  GOOD,
  QUALITIES,
  keyId,
  keyKind,
  pointKey,
  type ChannelReading,
  type Frame,
  type PointKind,
  type PointValue,
  type Quality,
} from '../../site/points.js';
import type { ChannelConfig } from '../../site/model.js';
import { KnownPoints } from './known-points.js';
import type { RealtimeStore } from './store.js';

interface Cell {
  /** null until a value was read. */
  value: number | string | null;
  quality: number;
  /** Source time where it differs from the frame's, else undefined. */
  ownTime: number | undefined;
}

interface ChannelCells {
  epoch: number;
  seq: number;
  time: number;
  cells: Map<number, Cell>;
}

/** The realtime store of a node without Redis: the same reads, in process, nothing to connect to. */
export class MemoryStore implements RealtimeStore {
  readonly generation = 1;
  readonly #channels = new Map<number, ChannelCells>();
  readonly #known = new KnownPoints();

  apply(frames: readonly Frame[]): Promise<void> {
    for (const frame of frames) this.#applyFrame(this.#known.only(frame));
    return Promise.resolve();
  }

  read(channel: number): Promise<PointValue[]> {
    const stored = this.#channels.get(channel);
    return Promise.resolve(stored === undefined ? [] : viewAll(channel, stored));
  }

  readChannel(channel: number): Promise<ChannelReading> {
    const stored = this.#channels.get(channel);
    if (stored === undefined) return Promise.resolve({ points: [] });
    const { epoch, seq } = stored;
    return Promise.resolve({ points: viewAll(channel, stored), asOf: { epoch, seq } });
  }

  readPoint(channel: number, kind: PointKind, id: number): Promise<PointValue | undefined> {
    const stored = this.#channels.get(channel);
    const key = pointKey(kind, id);
    const cell = stored?.cells.get(key);
    if (stored === undefined || cell === undefined) return Promise.resolve(undefined);
    return Promise.resolve(view(channel, key, stored, cell));
  }

  setChannelConfig(channel: ChannelConfig): Promise<void> {
    this.#known.set(channel);
    const stored = this.#channels.get(channel.id);
    if (stored !== undefined) {
      const wanted = new Set(channel.points.map((point) => pointKey(point.kind, point.id)));
      for (const key of stored.cells.keys()) if (!wanted.has(key)) stored.cells.delete(key);
    }
    return Promise.resolve();
  }

  /** An in-process store has no outside readers, and inside, status is asked of the channel's actor. */
  setStatus(): Promise<void> {
    return Promise.resolve();
  }

  /** As of status: models are asked of their actors. */
  setModels(): Promise<void> {
    return Promise.resolve();
  }

  showModel(): Promise<void> {
    return Promise.resolve();
  }

  sweepModels(): Promise<number> {
    return Promise.resolve(0);
  }

  setTemplates(): Promise<void> {
    return Promise.resolve();
  }

  setAlarms(): Promise<void> {
    return Promise.resolve();
  }

  retainAlarms(): Promise<void> {
    return Promise.resolve();
  }

  setRules(): Promise<void> {
    return Promise.resolve();
  }

  retainRules(): Promise<void> {
    return Promise.resolve();
  }

  health(): { up: boolean; detail: string } {
    return { up: true, detail: 'in process' };
  }

  close(): Promise<void> {
    this.#channels.clear();
    return Promise.resolve();
  }

  #applyFrame(frame: Frame): void {
    let stored = this.#channels.get(frame.channel);
    if (stored === undefined) {
      stored = { epoch: frame.epoch, seq: frame.seq, time: frame.time, cells: new Map() };
      this.#channels.set(frame.channel, stored);
    } else if (stored.epoch > frame.epoch || (stored.epoch === frame.epoch && stored.seq >= frame.seq)) {
      return;
    }
    const previousTime = stored.time;
    stored.epoch = frame.epoch;
    stored.seq = frame.seq;
    stored.time = frame.time;
    const { keys, values, quality, ages, texts, time } = frame;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as number;
      let cell = stored.cells.get(key);
      if (cell === undefined) {
        cell = { value: null, quality: GOOD, ownTime: undefined };
        stored.cells.set(key, cell);
      }
      cell.quality = quality[index] as number;
      const value = texts?.get(index) ?? (values[index] as number);
      if (typeof value === 'number' && !Number.isFinite(value)) {
        cell.ownTime ??= previousTime;
        continue;
      }
      cell.value = value;
      const age = ages?.[index] ?? 0;
      cell.ownTime = age === 0 ? undefined : time - age;
    }
  }
}

function viewAll(channel: number, stored: ChannelCells): PointValue[] {
  const keys = [...stored.cells.keys()].sort((a, b) => a - b);
  return keys.map((key) => view(channel, key, stored, stored.cells.get(key) as Cell));
}

function view(channel: number, key: number, stored: ChannelCells, cell: Cell): PointValue {
  return {
    channel,
    kind: keyKind(key),
    id: keyId(key),
    value: cell.value,
    quality: QUALITIES[cell.quality] as Quality,
    time: cell.value === null ? null : (cell.ownTime ?? stored.time),
  };
}
