import type { PointsUpdate } from '../actors/client/client.js';
import type { PointView } from '../actors/client/schemas.js';
import type { LiveFeed } from '../actors/projections/live-feed.js';
import type { PointIndexes } from './point-index.js';
import type { SiteHolder } from './site-holder.js';

/** What one watcher has not yet taken: the newest value of each changed point, never a queue. */
interface Pending {
  time: number;
  readonly points: Map<string, PointView>;
}

/**
 * Live changes of one channel or all, until the signal aborts. A reader who is slow gets, for each channel, the newest
 * state of what has changed since it last took.
 */
export async function* watchUpdates(
  feed: LiveFeed,
  holder: SiteHolder,
  indexes: PointIndexes,
  channel: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<PointsUpdate> {
  const pending = new Map<number, Pending>();
  let wake: (() => void) | undefined;
  const end = feed.watch((frame) => {
    if (channel !== undefined && frame.channel !== channel) return;
    const config = holder.channel(frame.channel);
    if (config === undefined) return;
    let update = pending.get(frame.channel);
    if (update === undefined) pending.set(frame.channel, (update = { time: 0, points: new Map() }));
    update.time = frame.time;
    for (const view of indexes.of(config).viewsOf(frame)) update.points.set(view.address, view);
    wake?.();
  });
  const aborted = (): void => wake?.();
  signal.addEventListener('abort', aborted);
  try {
    while (!signal.aborted) {
      const next = pending.entries().next();
      if (next.done === true) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const [id, { time, points }] = next.value;
      pending.delete(id);
      yield { channel: id, time, points: [...points.values()] };
    }
  } finally {
    end();
    signal.removeEventListener('abort', aborted);
  }
}
