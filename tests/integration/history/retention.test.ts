import assert from 'node:assert/strict';
import { KEEP, startTestEngine, type TestEngine } from './engine.js';
import { frame, TODAY } from './frames.js';

const DAY = 86_400_000;

describe('history retention', function () {
  this.timeout(60_000);
  let test: TestEngine;
  before(async () => {
    test = await startTestEngine();
  });
  after(() => test.stop());

  it('lets go at once what a shorter time leaves behind, in each tier by itself', async () => {
    const store = await test.store('retention');
    const days = [1, 10, 20];
    await store.insert({
      token: 'live',
      frames: days.map((age, index) => ({
        streamSequence: index + 1,
        frame: frame(7, TODAY - age * DAY, [{ id: 1, value: age }]),
      })),
    });
    const ages = async (resolution: 'raw' | '1h') => {
      const query = { channel: 7, kind: 'T', id: 1, from: TODAY - 30 * DAY, to: TODAY, resolution } as const;
      return (await store.query(query)).rows.map(({ value }) => value);
    };
    assert.deepEqual(await ages('raw'), [20, 10, 1]);
    await store.keep({ ...KEEP, rawDays: 15 });
    assert.deepEqual(await ages('raw'), [10, 1]);
    await store.keep({ ...KEEP, rawDays: 5 });
    assert.deepEqual(await ages('raw'), [1]);
    assert.deepEqual(await ages('1h'), [20, 10, 1]);
    const result = await test.client('retention').query({
      query: `SELECT name FROM system.tables WHERE database = 'retention' AND position(engine_full, 'toIntervalDay(5)') > 0`,
      format: 'JSONEachRow',
    });
    assert.deepEqual(await result.json(), [{ name: 'raw' }]);
  });
});
