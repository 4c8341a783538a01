import { HistoryProjection, type HistoryTarget } from '../../actors/projections/history.js';
import type { Bus } from '../../bus/connection.js';
import { encodeFrame } from '../../bus/frame-codec.js';
import { subjects } from '../../bus/subjects.js';
import type { StoragePlan } from '../../site/history/mapping.js';
import type { Frame } from '../../site/points.js';
import { eventually } from './temp.js';

/** Frames that are published at once. */
const WINDOW = 200;

/** Puts frames into their stream; answers the sequence of the last one. */
export async function publishFrames(bus: Bus, frames: readonly Frame[]): Promise<number> {
  let last = 0;
  for (let at = 0; at < frames.length; at += WINDOW) {
    const acks = await Promise.all(
      frames
        .slice(at, at + WINDOW)
        .map((frame) => bus.jetstream.publish(subjects.frame(frame.channel), encodeFrame(frame))),
    );
    last = Math.max(last, ...acks.map(({ seq }) => seq));
  }
  return last;
}

/** Has the projection write what the stream holds, up to a sequence; answers seconds and what was written. */
export async function writeHistory(bus: Bus, target: HistoryTarget, storage: StoragePlan, upTo: number) {
  const projection = new HistoryProjection({ bus, target, storage: () => storage });
  const begun = performance.now();
  await projection.start();
  try {
    await eventually(() => (projection.committed >= upTo ? true : undefined), { within: 120_000, what: 'history' });
    return { seconds: (performance.now() - begun) / 1_000, ...projection.counters };
  } finally {
    await projection.stop();
  }
}
