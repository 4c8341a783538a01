import assert from 'node:assert/strict';
import { createClient } from '@clickhouse/client';
import { startEmbeddedEngine, type EmbeddedEngine } from '../../../protocols/clickhouse/engine/start.js';
import { createHistoryStore } from '../../../protocols/clickhouse/history-store.js';
import type { HistoryBatch } from '../../../protocols/clickhouse/types.js';
import { tempFolder } from '../../support/temp.js';
import { all, KEEP, totals, warmUp } from './engine.js';
import { frames, TODAY } from './frames.js';

const TRIALS = 24;
const ROWS = 20_000;

/** Over midnight: two partitions of raw, and of the monthly rollup on the first of a month. */
function batch(trial: number): HistoryBatch {
  return {
    token: `trial${trial}`,
    frames: frames({
      channels: 100,
      points: 50,
      cycles: 4,
      from: TODAY - 2_000 + trial * 100,
      firstSequence: 1_000 * trial + 1,
    }),
  };
}

describe('history engine, killed', function () {
  this.timeout(180_000);
  let folder: { path: string; remove: () => Promise<void> };
  beforeEach(async () => {
    folder = await tempFolder();
  });
  afterEach(() => folder.remove());

  it('has each batch exactly once in every tier after kills at any moment of an insert and of its repeat', async () => {
    let engine: EmbeddedEngine | undefined;
    let cutOff = 0;
    let usualMs = 400;
    try {
      for (let trial = 0; trial < TRIALS; trial++) {
        // The first kill comes in a running store's insert, the second in the repeat after a restart.
        for (const attempt of [0, 1]) {
          engine = await startEmbeddedEngine({ dataFolder: folder.path });
          const store = createHistoryStore({ url: engine.url });
          await store.prepare(KEEP);
          if (attempt === 0) await warmUp(store);
          const inserted = store.insert(batch(trial)).then(
            () => true,
            (error: unknown) => {
              assert.equal((error as { code?: string }).code, 'history.unavailable');
              return false;
            },
          );
          // Spread evenly over the time that an insert takes, and a little beyond.
          const moment = (((trial + attempt * 0.5) % TRIALS) / TRIALS) * 1.2 * usualMs;
          await new Promise((resolve) => setTimeout(resolve, moment));
          engine.child.kill();
          const acknowledged = await inserted;
          await store.close();
          await engine.stop();
          if (acknowledged) break;
          cutOff += 1;
        }
        engine = await startEmbeddedEngine({ dataFolder: folder.path });
        const client = createClient({ url: engine.url, database: 'statewatt' });
        const store = createHistoryStore({ url: engine.url });
        const begun = performance.now();
        await store.insert(batch(trial));
        usualMs = (usualMs + (performance.now() - begun)) / 2;
        assert.deepEqual(await totals(client), all((trial + 1) * ROWS), `after trial ${trial}`);
        await store.close();
        await client.close();
        await engine.stop();
      }
      assert.ok(cutOff >= TRIALS / 4, `only ${cutOff} inserts were cut off: the kills come too late to say anything`);
    } finally {
      await engine?.stop();
    }
  });
});
