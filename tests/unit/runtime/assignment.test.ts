import assert from 'node:assert/strict';
import fc from 'fast-check';
import { assign, emptyTable, type PartitionTable } from '../../../actors/runtime/placement/assignment.js';

const PARTITIONS = 32;

describe('partition assignment', () => {
  const members = fc.uniqueArray(
    fc.integer({ min: 0, max: 11 }).map((n) => `n${n}`),
    { maxLength: 8 },
  );

  const counts = (table: PartitionTable): Map<string | null, number> => {
    const found = new Map<string | null, number>();
    for (const owner of table.owners) found.set(owner, (found.get(owner) ?? 0) + 1);
    return found;
  };

  it('gives every partition an owner, evenly, through any coming and going, and moves no more than it must', () => {
    fc.assert(
      fc.property(fc.array(members, { minLength: 1, maxLength: 10 }), (history) => {
        let table = emptyTable(PARTITIONS);
        for (const there of history) {
          const next = assign(table, there);
          if (there.length === 0) {
            assert.ok(next.owners.every((owner) => owner === null));
          } else {
            const held = counts(next);
            assert.ok(!held.has(null));
            const sizes = there.map((member) => held.get(member) ?? 0);
            assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `uneven: ${sizes.join(' ')}`);
            const staying = [...counts(table)].filter(([owner]) => owner !== null && there.includes(owner));
            const mustMove =
              PARTITIONS - staying.reduce((sum, [, n]) => sum + Math.min(n, Math.ceil(PARTITIONS / there.length)), 0);
            const moved = next.owners.filter((owner, partition) => owner !== table.owners[partition]).length;
            assert.ok(moved <= mustMove + there.length, `${moved} moved, ${mustMove} had to`);
          }
          next.owners.forEach((owner, partition) => {
            const changed = owner !== table.owners[partition];
            assert.equal(next.epochs[partition], (table.epochs[partition] as number) + (changed ? 1 : 0));
          });
          next.before?.forEach((former, partition) => {
            const [owner, successor] = [table.owners[partition], next.owners[partition]];
            assert.ok(former.length <= 4 && former.every(({ instance }) => instance !== successor));
            assert.equal(new Set(former.map(({ instance }) => instance)).size, former.length);
            if (owner === successor) assert.deepEqual(former, table.before?.[partition] ?? []);
            else if (owner !== null && owner !== undefined)
              assert.deepEqual(former.at(-1), { instance: owner, lostBy: next.version });
          });
          assert.equal(next === table, next.version === table.version);
          assert.equal(assign(next, [...there].reverse()), next, 'the same members, another order');
          table = next;
        }
      }),
    );
  });

  it('names those who had a partition before, also one that may never have heard of it', () => {
    const only = (name: string, table: PartitionTable) => assign(table, [name]);
    const third = only('c', only('b', only('a', emptyTable(1))));
    assert.deepEqual(third.before, [
      [
        { instance: 'a', lostBy: 2 },
        { instance: 'b', lostBy: 3 },
      ],
    ]);
    assert.deepEqual(only('a', third).before, [
      [
        { instance: 'b', lostBy: 3 },
        { instance: 'c', lostBy: 4 },
      ],
    ]);
  });

  it('names nobody who is known to be gone', () => {
    const [first, second] = ['a', 'b'].map(
      (name) => (table: PartitionTable) => assign(table, [name], new Set(['b', name])),
    );
    assert.ok(first && second);
    const table = second(first(emptyTable(1)));
    assert.deepEqual(table.before, [[]], 'a is not there any more');
    assert.deepEqual(assign(table, ['c'], new Set(['b', 'c'])).before, [[{ instance: 'b', lostBy: 3 }]]);
    assert.deepEqual(assign(assign(table, ['c']), ['d'], new Set(['d'])).before, [[]]);
  });
});
