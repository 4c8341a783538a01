import { GOOD, pointKey, type Frame, type PointKind } from '../../../site/points.js';
import type { SequencedFrame } from '../../../protocols/clickhouse/types.js';

/** Start of the current UTC day: within every tier's time to live, and no test crosses midnight by itself. */
export const TODAY = Math.floor(Date.now() / 86_400_000) * 86_400_000;

export interface TestPoint {
  kind?: PointKind;
  id: number;
  value: number | string;
  quality?: number;
  age?: number;
}

export function frame(channel: number, time: number, points: readonly TestPoint[], seq = 1): Frame {
  const texts = new Map<number, string>();
  points.forEach(({ value }, index) => {
    if (typeof value === 'string') texts.set(index, value);
  });
  return {
    channel,
    epoch: 1,
    seq,
    time,
    keys: Uint32Array.from(points, ({ kind = 'T', id }) => pointKey(kind, id)),
    values: Float64Array.from(points, ({ value }) => (typeof value === 'string' ? 0 : value)),
    quality: Uint8Array.from(points, ({ quality = GOOD }) => quality),
    ...(points.some(({ age }) => age !== undefined) ? { ages: Uint32Array.from(points, ({ age = 0 }) => age) } : {}),
    ...(texts.size > 0 ? { texts } : {}),
  };
}

/** Frames of `channels` channels × `cycles` cycles a second apart, `points` points each; values are whole numbers. */
export function frames(options: {
  channels: number;
  points: number;
  cycles: number;
  from: number;
  firstSequence?: number;
  stepMs?: number;
}): SequencedFrame[] {
  const { channels, points, cycles, from, firstSequence = 1, stepMs = 1_000 } = options;
  const result: SequencedFrame[] = [];
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (let channel = 1; channel <= channels; channel++) {
      result.push({
        streamSequence: firstSequence + result.length,
        frame: frame(
          channel,
          from + cycle * stepMs,
          Array.from({ length: points }, (_, index) => ({
            id: index + 1,
            value: (cycle * 7 + index * 3 + channel) % 100,
          })),
        ),
      });
    }
  }
  return result;
}
