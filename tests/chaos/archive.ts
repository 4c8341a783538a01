import assert from 'node:assert/strict';
import { join } from 'node:path';
import { connectBus, type Bus } from '../../bus/connection.js';
import { decodeFrame } from '../../bus/frame-codec.js';
import { startEmbeddedServer } from '../../bus/server.js';
import { STREAM } from '../../bus/streams.js';
import type { Verdict } from '../../chaos/checks/finding.js';
import { checkFrames } from '../../chaos/checks/frames.js';
import { checkRollups } from '../../chaos/checks/rollups.js';
import { eachMessage } from '../../chaos/checks/stream.js';
import { startEmbeddedEngine } from '../../protocols/clickhouse/engine/start.js';
import type { Frame } from '../../site/points.js';

/** What the data folder of a stopped site holds. */
export interface Archive {
  /** In the order of the stream. */
  readonly frames: readonly Frame[];
  /** What the checks of chaos runs say of its frames and its history. */
  readonly verdicts: readonly Verdict[];
}

/** @param seen frames that were seen in the stream, by name, with their sequences */
export async function openArchive(data: string, seen: ReadonlyMap<string, number>): Promise<Archive> {
  const server = await startEmbeddedServer({ dataFolder: join(data, 'nats'), port: 0 });
  try {
    const engine = await startEmbeddedEngine({ dataFolder: join(data, 'history') });
    try {
      const bus = await connectBus({ servers: [server.url], name: 'archive', ensureStreams: false });
      const verdicts = [
        ...(await checkFrames(bus, engine.url, seen, { upTo: Number.MAX_SAFE_INTEGER })),
        await checkRollups(engine.url),
      ];
      const frames = await readFrames(bus);
      await bus.close();
      return { frames, verdicts };
    } finally {
      await engine.stop();
    }
  } finally {
    await server.stop();
  }
}

/** No frame that was acknowledged is lost, none is missing or twice, each is in history exactly once. */
export function assertSound({ frames, verdicts }: Archive): void {
  assert.ok(frames.length > 0);
  assert.deepEqual(
    verdicts.filter(({ passed }) => !passed),
    [],
  );
}

async function readFrames(bus: Bus): Promise<Frame[]> {
  const frames: Frame[] = [];
  await eachMessage(bus, STREAM.frames, 'frame.>', ({ data }) => {
    frames.push(decodeFrame(data));
  });
  return frames;
}
