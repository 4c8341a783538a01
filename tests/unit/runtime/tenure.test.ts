import assert from 'node:assert/strict';
import { Tenure } from '../../../actors/runtime/placement/tenure.js';

describe('Tenure', () => {
  let leased: boolean;
  let held: Set<number>;
  /** What the table holds, as the next reading finds it. */
  let table: Set<number>;
  let readings: { end: (error?: Error) => void }[];
  let tenure: Tenure;

  beforeEach(() => {
    leased = true;
    held = new Set([1]);
    table = new Set([1]);
    readings = [];
    tenure = new Tenure({
      membership: {
        get leased() {
          return leased;
        },
      },
      holds: (partition) => held.has(partition),
      read: () =>
        new Promise((resolve, reject) => {
          readings.push({
            end: (error) => {
              if (error !== undefined) return reject(error);
              held = new Set(table);
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
    const end = tenure.leave(1);
    held.delete(1);
    assert.equal(tenure.has(1), true);
    end();
    assert.equal(tenure.has(1), false);
    held.add(1);
    leased = false;
    tenure.leave(1);
    table.clear();
    leased = true;
    await confirm();
    assert.equal(tenure.has(1), false);
  });

  it('ends the time of grace of what went in order when a gap follows', async () => {
    await confirm();
    tenure.leave(1);
    held.delete(1);
    table.clear();
    leased = false;
    assert.equal(tenure.has(1), false);
    leased = true;
    await confirm();
    assert.equal(tenure.has(1), false, 'its new owner has begun');
  });

  it('leaves nobody waiting once it is closed', async () => {
    const asked = tenure.whenKnown(1);
    tenure.close();
    assert.equal(await asked, false);
    assert.equal(await tenure.whenKnown(1), false);
  });
});
