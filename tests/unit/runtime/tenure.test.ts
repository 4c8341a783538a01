import assert from 'node:assert/strict';
import { Tenure } from '../../../actors/runtime/placement/tenure.js';

describe('Tenure', () => {
  let leased: boolean;
  let held: Map<number, number>;
  /** What the table holds, as the next reading finds it. */
  let table: Map<number, number>;
  let readings: { end: (error?: Error) => void }[];
  let tenure: Tenure;

  beforeEach(() => {
    leased = true;
    held = new Map([[1, 7]]);
    table = new Map([[1, 7]]);
    readings = [];
    tenure = new Tenure({
      membership: {
        get leased() {
          return leased;
        },
      },
      epochOf: (partition) => held.get(partition),
      read: () =>
        new Promise((resolve, reject) => {
          readings.push({
            end: (error) => {
              if (error !== undefined) return reject(error);
              held = new Map(table);
              resolve();
            },
          });
        }),
    });
  });

  /** Hears itself and reads the table. */
  async function confirm(error?: Error): Promise<void> {
    tenure.heard();
    readings.shift()?.end(error);
    await new Promise((resolve) => setImmediate(resolve));
  }

  it('is there only when the table has been read under the lease', async () => {
    assert.equal(tenure.has(1), false);
    await confirm(new Error('the bus is away'));
    assert.equal(tenure.has(1), false);
    await confirm();
    assert.equal(tenure.has(1), true);
    assert.equal(tenure.has(2), false);
    assert.equal(await tenure.whenKnown(2), false);
  });

  it('does not come back with the lease alone: what was taken over meanwhile is lost', async () => {
    await confirm();
    leased = false;
    assert.equal(tenure.has(1), false);
    leased = true;
    assert.equal(tenure.has(1), false, 'the table as it was before the gap');
    const asked = tenure.whenKnown(1);
    table.clear();
    await confirm();
    assert.equal(await asked, false);
    assert.equal(tenure.has(1), false);
  });

  it('waits through a gap in which nobody took over, and goes on in the order of the questions', async () => {
    await confirm();
    leased = false;
    const answers: string[] = [];
    const asked = ['a', 'b'].map(async (name) => answers.push(`${name} ${await tenure.whenKnown(1)}`));
    leased = true;
    await confirm();
    await Promise.all(asked);
    assert.deepEqual(answers, ['a true', 'b true']);
  });

  it('does not count a table that was read across another gap', async () => {
    tenure.heard();
    tenure.interrupt();
    readings.shift()?.end();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(tenure.has(1), false);
    await confirm();
    assert.equal(tenure.has(1), true);
  });

  it('lets what is under way end when a partition goes in order, and nothing when it went in a gap', async () => {
    await confirm();
    const end = tenure.leave(1, 7);
    held.delete(1);
    assert.equal(tenure.has(1), true);
    end();
    assert.equal(tenure.has(1), false);
    held.set(1, 8);
    leased = false;
    tenure.leave(1, 7);
    table.clear();
    leased = true;
    await confirm();
    assert.equal(tenure.has(1), false);
  });

  it('ends the time of grace of what went in order when a gap follows', async () => {
    await confirm();
    tenure.leave(1, 7);
    held.delete(1);
    table.clear();
    leased = false;
    assert.equal(tenure.has(1), false);
    leased = true;
    await confirm();
    assert.equal(tenure.has(1), false, 'its new owner has begun');
  });

  it('of an ownership does not come back with a later one of the same partition', async () => {
    await confirm();
    assert.deepEqual([tenure.has(1, 7), tenure.has(1, 6)], [true, false]);
    leased = false;
    const [before, any] = [tenure.whenKnown(1, 7), tenure.whenKnown(1)];
    leased = true;
    table.set(1, 9); // It went elsewhere and came back meanwhile.
    await confirm();
    assert.deepEqual([await before, await any], [false, true]);
    assert.deepEqual([tenure.has(1, 7), tenure.has(1, 9)], [false, true]);
    const end = tenure.leave(1, 9);
    held.set(1, 11);
    assert.deepEqual([tenure.has(1, 9), tenure.has(1, 11), tenure.has(1, 10)], [true, true, false]);
    end();
    assert.equal(tenure.has(1, 9), false);
  });

  it('leaves nobody waiting once it is closed', async () => {
    const asked = tenure.whenKnown(1);
    tenure.close();
    assert.equal(await asked, false);
    assert.equal(await tenure.whenKnown(1), false);
  });
});
