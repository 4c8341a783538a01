import assert from 'node:assert/strict';
import { STORES_ALL } from '../../../site/history/mapping.js';
import { publishFrames, writeHistory } from '../../support/history-flow.js';
import { startNats } from '../../support/nats.js';
import { startTestEngine } from './engine.js';
import { frames, TODAY } from './frames.js';

describe('ingestion into history', function () {
  this.timeout(120_000);

  it('takes more than 10,000 points a second from the stream, and none is missing', async () => {
    const [nats, engine] = await Promise.all([startNats(), startTestEngine()]);
    try {
      const bus = await nats.connect();
      const store = await engine.store('ingestion');
      const given = frames({ channels: 100, points: 100, cycles: 10, from: TODAY }).map(({ frame }) => frame);
      const last = await publishFrames(bus, given);
      const { seconds, points } = await writeHistory(bus, store, STORES_ALL, last);
      assert.equal(points, 100_000);
      assert.ok(points / seconds > 10_000, `${Math.round(points / seconds)} points a second`);
      const { rows } = await store.query({ channel: 7, kind: 'T', id: 9, from: TODAY, to: TODAY + 60_000 });
      assert.equal(rows.length, 10);
    } finally {
      await engine.stop();
      await nats.stop();
    }
  });
});
