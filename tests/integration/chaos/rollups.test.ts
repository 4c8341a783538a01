import assert from 'node:assert/strict';
import { checkRollups } from '../../../chaos/checks/rollups.js';
import { startTestEngine, type TestEngine } from '../history/engine.js';
import { frame, TODAY } from '../history/frames.js';

describe('the check of rollups', function () {
  this.timeout(60_000);
  let test: TestEngine;
  before(async () => {
    test = await startTestEngine();
  });
  after(() => test.stop());

  it('takes those of what was inserted, and finds one that counts a value twice', async () => {
    const store = await test.store('statewatt');
    const frames = [1, 2, 3].map((value, index) => ({
      streamSequence: index + 1,
      frame: frame(7, TODAY + value, [{ id: 1, value }]),
    }));
    await store.insert({ token: 'a', frames });
    const sound = await checkRollups(test.engine.url);
    assert.deepEqual([sound.passed, sound.checked], [true, '3 values']);
    const client = test.client('statewatt');
    await client.command({ query: 'INSERT INTO rollup_1h SELECT * FROM rollup_1h' });
    const planted = await checkRollups(test.engine.url);
    assert.equal(planted.passed, false);
    assert.match(planted.violations[0] ?? '', /^rollup_1h of 7:T:1 at .+: counts 6, raw has 3$/);
  });
});
