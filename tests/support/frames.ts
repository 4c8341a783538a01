import type { Bus } from '../../bus/connection.js';
import { frameName } from '../../bus/frame-codec.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { subjects } from '../../bus/subjects.js';
import { pointKey, type Frame } from '../../site/points.js';

/** A frame with `points` telemetry points whose values tell its sequence. */
export function frame(channel: number, epoch: number, seq: number, points = 2): Frame {
  return {
    channel,
    epoch,
    seq,
    time: 1_700_000_000_000 + seq,
    keys: Uint32Array.from({ length: points }, (_, index) => pointKey('T', index + 1)),
    values: new Float64Array(points).fill(seq),
    quality: new Uint8Array(points),
  };
}

/** What FRAMES holds of a channel, in order: `epoch/seq`. */
export async function storedFrames(bus: Bus, channel: number, subject = subjects.frame(channel)): Promise<string[]> {
  const last = await bus.manager.direct.getMessage(STREAM.frames, { last_by_subj: subject });
  const found: string[] = [];
  for (let next = 1; last !== null && next <= last.seq;) {
    for (const message of await readBatch(bus, STREAM.frames, { seq: next, next_by_subj: subject, batch: 1_000 })) {
      const { epoch, seq } = frameName(message.data);
      found.push(`${epoch}/${seq}`);
      next = message.seq + 1;
    }
  }
  return found;
}

/** `epoch/1 … epoch/last`. */
export function names(epoch: number, last: number, first = 1): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => `${epoch}/${first + index}`);
}
