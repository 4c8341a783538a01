import assert from 'node:assert/strict';
import { Gate } from '../../../actors/channel/gate.js';

/** Work that ends when told. */
function held(): { work: () => Promise<string>; end: () => void; fail: (error: Error) => void; begun: boolean } {
  const settle: { end?: () => void; fail?: (error: Error) => void } = {};
  const promise = new Promise<string>((resolve, reject) => {
    settle.end = () => resolve('done');
    settle.fail = reject;
  });
  const job = {
    begun: false,
    work: () => {
      job.begun = true;
      return promise;
    },
    end: () => settle.end?.(),
    fail: (error: Error) => settle.fail?.(error),
  };
  return job;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Gate', () => {
  it('lets so many through at once and the rest in order', async () => {
    const gate = new Gate(2);
    const jobs = [held(), held(), held(), held()] as const;
    const ends = jobs.map((job) => gate.through(job.work));
    await turn();
    assert.deepEqual(
      jobs.map((job) => job.begun),
      [true, true, false, false],
    );
    jobs[1].end();
    assert.equal(await ends[1], 'done');
    assert.deepEqual(
      jobs.map((job) => job.begun),
      [true, true, true, false],
    );
    jobs[0].end();
    jobs[2].end();
    jobs[3].end();
    await Promise.all(ends);
    assert.equal(jobs[3].begun, true);
  });

  it('gives the place of work that failed to the next', async () => {
    const gate = new Gate(1);
    const jobs = [held(), held()] as const;
    const ends = jobs.map((job) => gate.through(job.work));
    jobs[0].fail(new Error('no'));
    await assert.rejects(ends[0] as Promise<string>, /no/);
    jobs[1].end();
    assert.equal(await ends[1], 'done');
  });

  it('has its places back when all are done', async () => {
    const gate = new Gate(1);
    for (let round = 0; round < 3; round++) {
      assert.equal(await gate.through(() => Promise.resolve(round)), round);
    }
    await assert.rejects(
      gate.through(() => {
        throw new Error('at once');
      }),
      /at once/,
    );
    assert.equal(await gate.through(() => Promise.resolve('after')), 'after');
  });
});
