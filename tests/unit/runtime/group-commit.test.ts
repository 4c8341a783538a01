import assert from 'node:assert/strict';
import { headers } from '@nats-io/transport-node';
import { GroupCommit, type Write } from '../../../actors/runtime/group-commit.js';
import type { Bus } from '../../../bus/connection.js';

describe('GroupCommit', () => {
  const write = (index: number): Write => ({ subject: `s.${index}`, payload: new Uint8Array(1), headers: headers() });

  it('tells the writers of a batch in their order, with turns of others in between', async () => {
    let sent = 0;
    const nats = {
      publish: () => (sent += 1),
      request: () => Promise.resolve({ json: () => ({ seq: (sent += 1) }) }),
    };
    const commits = new GroupCommit({ nats } as unknown as Bus, { fenced: true });
    const told: number[] = [];
    let longest = 0;
    let before = 0;
    let watching = true;
    const turn = (): void => {
      longest = Math.max(longest, told.length - before);
      before = told.length;
      if (watching) setImmediate(turn);
    };
    setImmediate(turn);
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const { seq } = await commits.write(write(index));
        await Promise.resolve(); // As a writer whose answer goes through several hands.
        work(1);
        told.push(seq);
      }),
    );
    watching = false;
    assert.deepEqual(
      told,
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    assert.ok(longest > 0 && longest <= 16, `${longest} ms of writers in one turn`);
  });

  it('tells writers that have little to do in one turn, however long the turns are', async () => {
    let sent = 0;
    const nats = {
      publish: () => (sent += 1),
      request: () => Promise.resolve({ json: () => ({ seq: (sent += 1) }) }),
    };
    const commits = new GroupCommit({ nats } as unknown as Bus, { fenced: true });
    let turns = 0;
    let watching = true;
    const turn = (): void => {
      turns += 1;
      work(20);
      if (watching) setImmediate(turn);
    };
    setImmediate(turn);
    await Promise.all(Array.from({ length: 200 }, (_, index) => commits.write(write(index))));
    watching = false;
    assert.ok(turns <= 10, `${turns} turns`);
  });

  /** Keeps the process busy. */
  function work(ms: number): void {
    const end = performance.now() + ms;
    while (performance.now() < end);
  }
});
