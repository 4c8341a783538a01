import { setTimeout as sleep } from 'node:timers/promises';
import type { Health } from '../actors/client/schemas.js';
import type { Bus } from '../bus/connection.js';
import { STREAM } from '../bus/streams.js';
import { errorMessage } from '../errors/error.js';

const LOOK_MS = 250;
/** A node gives an answer about its health again for half a second; a paused channel tells its last values within this. */
const STILL_MS = 1_500;

export interface RestOptions {
  /** Not over a link that fails. */
  readonly bus: Bus;
  /** How each node is; of several nodes only one writes history. */
  readonly healths: () => Promise<readonly Health[]>;
  /** Ends what makes frames; asked again until it succeeds. Absent: frames go on, and nothing is awaited but history. */
  readonly pause?: () => Promise<void>;
  /** At most so long. */
  readonly ms: number;
}

export interface Rest {
  /** Everything up to this sequence of the stream of frames is, or should be, in history. */
  readonly upTo: number;
  /** Undefined: it came to rest. */
  readonly problem: string | undefined;
}

/**
 * Waits until all frames that were made are in the stream, and those of the stream in history.
 *
 * What a node says of the stream may be older than the last frame. So the end of the stream is looked up here, when nothing
 * is under way to it any more, and history must have come so far. Frames that come later (models tell their values once a
 * minute) are behind that end.
 */
export async function comeToRest({ bus, healths, pause, ms }: RestOptions): Promise<Rest> {
  const until = performance.now() + ms;
  const begun = performance.now();
  let problem = pause === undefined ? undefined : 'channels could not be paused';
  let [upTo, seen, since] = [0, -1, performance.now()];
  for (let isPaused = pause === undefined, isStill = isPaused; performance.now() < until; await sleep(LOOK_MS)) {
    try {
      if (!isPaused) {
        await pause?.();
        isPaused = true;
        since = performance.now();
      }
      const all = await healths();
      const { last_seq: last } = (await bus.manager.streams.info(STREAM.frames)).state;
      if (!isStill) {
        problem = onTheWay(all);
        if (last !== seen || problem !== undefined) [seen, since] = [last, performance.now()];
        problem ??= 'frames are still coming';
        isStill = performance.now() - since >= STILL_MS;
        if (!isStill) continue;
      }
      if (upTo === 0) upTo = last;
      const committed = Math.max(-1, ...all.map(({ parts }) => Number(parts.history?.facts?.committed ?? -1)));
      if (committed >= upTo) return { upTo, problem: undefined };
      problem = committed < 0 ? 'no node says that it writes history' : `history is at ${committed} of ${upTo}`;
    } catch (error) {
      problem = errorMessage(error);
    }
  }
  const waited = ((performance.now() - begun) / 1_000).toFixed(0);
  return { upTo, problem: `${problem ?? 'history is behind'}, ${waited} s after the end of the load` };
}

/** What a node has that is not in the stream; undefined: nothing. */
function onTheWay(healths: readonly Health[]): string | undefined {
  for (const { node, parts } of healths) {
    const { waiting, bytes } = parts.spool?.facts ?? {};
    if (Number(waiting) > 0 || Number(bytes) > 0) return `${node} has ${waiting} frames in memory, ${bytes} B on disk`;
  }
  return undefined;
}
