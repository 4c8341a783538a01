import type { PointView } from '../actors/client/schemas.js';
import type { ChannelConfig } from '../site/model.js';
import { pointKey, QUALITIES, type Frame, type PointDefinition, type PointValue } from '../site/points.js';
import { isWritable, viewPoint } from './views.js';

/** The points of one configuration of a channel, by key. */
export class PointIndex {
  readonly config: ChannelConfig;
  readonly #byKey = new Map<number, { point: PointDefinition; writable: boolean }>();

  constructor(config: ChannelConfig) {
    this.config = config;
    config.points.forEach((point, index) => {
      this.#byKey.set(pointKey(point.kind, point.id), { point, writable: isWritable(config, index) });
    });
  }

  find(kind: PointView['kind'], id: number): { point: PointDefinition; writable: boolean } | undefined {
    return this.#byKey.get(pointKey(kind, id));
  }

  /** All points with the values that a store has. */
  views(values: readonly PointValue[]): PointView[] {
    const known = new Map(values.map((value) => [pointKey(value.kind, value.id), value]));
    return [...this.#byKey].map(([key, { point, writable }]) =>
      viewPoint(this.config, point, writable, known.get(key)),
    );
  }

  /** The points of a frame; those that are no longer configured are left out. */
  viewsOf(frame: Frame): PointView[] {
    const views: PointView[] = [];
    for (let index = 0; index < frame.keys.length; index++) {
      const entry = this.#byKey.get(frame.keys[index] as number);
      if (entry === undefined) continue;
      const number = frame.values[index] as number;
      const text = frame.texts?.get(index);
      const never = text === undefined && Number.isNaN(number);
      views.push(
        viewPoint(this.config, entry.point, entry.writable, {
          channel: frame.channel,
          kind: entry.point.kind,
          id: entry.point.id,
          value: never ? null : (text ?? number),
          quality: QUALITIES[frame.quality[index] as number] ?? 'bad',
          time: never ? null : frame.time - (frame.ages?.[index] ?? 0),
        }),
      );
    }
    return views;
  }
}

/** Point indexes by configuration; a reloaded channel gets a new one. */
export class PointIndexes {
  readonly #indexes = new WeakMap<ChannelConfig, PointIndex>();

  of(config: ChannelConfig): PointIndex {
    let index = this.#indexes.get(config);
    if (index === undefined) {
      index = new PointIndex(config);
      this.#indexes.set(config, index);
    }
    return index;
  }
}
