import assert from 'node:assert/strict';
import { PollTurns } from '../../../actors/channel/poll-turns.js';

describe('turns of polls', () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('begins at once while the slice of the turn is not used up', async () => {
    let now = 0;
    const turns = new PollTurns(3, () => now);
    const begun: number[] = [];
    const poll = (id: number) => () => {
      begun.push(id);
      now += 1;
      return Promise.resolve(id);
    };
    const answers = [1, 2, 3, 4, 5, 6, 7, 8].map((id) => turns.begin(poll(id)));
    assert.deepEqual(begun, [1, 2, 3]);
    assert.equal(turns.waiting, 5);
    assert.deepEqual(await Promise.all(answers), [1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('goes on in order, a slice each turn, and lets what comes later wait behind', async () => {
    let now = 0;
    const turns = new PollTurns(2, () => now);
    const begun: string[] = [];
    const poll = (id: string) => () => {
      begun.push(id);
      now += 1;
      return Promise.resolve();
    };
    for (const id of 'abcdef') void turns.begin(poll(id));
    const counts = [begun.length];
    while (turns.waiting > 0) {
      await turn();
      counts.push(begun.length);
      if (counts.length === 2) void turns.begin(poll('g'));
    }
    assert.equal(begun.join(''), 'abcdefg');
    // Another's immediate may come before ours in a turn: never more than a slice, though.
    counts.slice(1).forEach((count, index) => assert.ok(count - (counts[index] as number) <= 2));
  });

  it('hands on what a poll throws, also one that had to wait', async () => {
    let now = 0;
    const turns = new PollTurns(1, () => now);
    const failing = () => {
      now += 1;
      return Promise.reject(new Error('gone'));
    };
    const both = [turns.begin(failing), turns.begin(failing)];
    for (const each of both) await assert.rejects(each, /gone/);
  });
});
