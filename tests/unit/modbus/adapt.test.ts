import assert from 'node:assert/strict';
import fc from 'fast-check';
import { adapt, type ReadResult } from '../../../protocols/modbus/adapt.js';
import { Block, type Slot } from '../../../protocols/modbus/plan.js';

/** A block of `length` single registers. */
function blockOf(length: number): Block {
  const slots = Array.from({ length }, (_, address): Slot => ({ address, length: 1, points: [] }));
  return new Block(1, 3, slots);
}

/** A device that refuses some addresses, and reads of more than `most` registers. */
function device(holes: ReadonlySet<number>, most = Infinity) {
  const reads: number[] = [];
  const read = (slots: readonly Slot[]): Promise<ReadResult> => {
    reads.push(slots.length);
    const refused = slots.length > most || slots.some(({ address }) => holes.has(address));
    return Promise.resolve(refused ? 'refused' : 'data');
  };
  return { read, reads };
}

const lengths = (runs: readonly (readonly Slot[])[]): number[] => runs.map((run) => run.length);

describe('adapting a block that a device refuses', () => {
  it('finds the longest runs around what is refused', async () => {
    const { read } = device(new Set([0, 7, 8]));
    const { good, refused, left } = await adapt(blockOf(20), read, 100);
    assert.deepEqual(lengths(good), [6, 11]);
    assert.deepEqual(
      refused.map(({ address }) => address),
      [0, 7, 8],
    );
    assert.deepEqual(left, []);
  });

  it('finds how many the device gives at once', async () => {
    const { read } = device(new Set(), 30);
    assert.deepEqual(lengths((await adapt(blockOf(100), read, 100)).good), [30, 30, 30, 10]);
  });

  it('stops at its budget, keeping what it knows', async () => {
    const { read, reads } = device(new Set([50]));
    const { good, left } = await adapt(blockOf(100), read, 3);
    assert.equal(reads.length, 3);
    assert.ok(good.length === 1 && left.length + (good[0]?.length ?? 0) === 100);
  });

  it('stops when a read fails', async () => {
    const { good, refused, left } = await adapt(blockOf(10), () => Promise.resolve('failed'), 100);
    assert.deepEqual([good, refused, left.length], [[], [], 10]);
  });

  it('sorts every slot rightly, with few reads, whatever the device refuses', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 125 }),
        fc.uniqueArray(fc.nat(124), { maxLength: 8 }),
        fc.integer({ min: 1, max: 125 }),
        async (length, holeList, most) => {
          const holes = new Set(holeList.filter((address) => address < length));
          fc.pre(holes.size > 0 || length > most); // the block was refused
          const { read, reads } = device(holes, most);
          const { good, refused, left } = await adapt(blockOf(length), read, 10_000);
          assert.deepEqual(left, []);
          assert.deepEqual(new Set(refused.map(({ address }) => address)), holes);
          const given = good.flatMap((run) => run.map(({ address }) => address));
          assert.deepEqual(
            given,
            Array.from({ length }, (_, address) => address).filter((address) => !holes.has(address)),
          );
          assert.ok(good.every((run) => run.length <= most));
          const breaks = holes.size + Math.ceil(length / most);
          assert.ok(reads.length <= (2 * breaks + 1) * (2 + Math.log2(length + 1)), `${reads.length} reads`);
        },
      ),
    );
  });
});
