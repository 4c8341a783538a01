import assert from 'node:assert/strict';
import fc from 'fast-check';
import { groupSlots, planBlocks, type Slot } from '../../../protocols/modbus/plan.js';
import type { ModbusLimits } from '../../../site/model.js';
import { modbusChannel, type TestPoint } from '../../support/modbus.js';

/** Blocks as `unit/function address+count`. */
function planned(points: readonly TestPoint[], limits: Partial<ModbusLimits> = {}): string[] {
  const channel = modbusChannel(502, points, limits);
  return groupSlots(channel).flatMap((group) =>
    planBlocks(group, group.slots, channel.limits).map(
      ({ unitId, functionCode, address, count }) => `${unitId}/${functionCode} ${address}+${count}`,
    ),
  );
}

describe('modbus read plan', () => {
  it('reads neighbours together and spans gaps up to the limit', () => {
    const points = [{ address: 10 }, { address: 11, dataType: 'float32' }, { address: 18 }, { address: 24 }] as const;
    assert.deepEqual(planned(points, { maxGap: 5 }), ['1/3 10+15']);
    assert.deepEqual(planned(points, { maxGap: 4 }), ['1/3 10+3', '1/3 18+1', '1/3 24+1']);
  });

  it('keeps units and functions apart', () => {
    const points = [
      { address: 1, unitId: 2 },
      { address: 1 },
      { address: 2, functionCode: 4 },
      { address: 3, functionCode: 1 },
    ] as const;
    assert.deepEqual(planned(points), ['1/1 3+1', '1/3 1+1', '1/4 2+1', '2/3 1+1']);
  });

  it('never splits a value at the limit', () => {
    const points = Array.from({ length: 70 }, (_, index) => ({ address: index * 2, dataType: 'int32' as const }));
    assert.deepEqual(planned(points), ['1/3 0+124', '1/3 124+16']);
  });

  it('reads bits by the limit for bits', () => {
    const points = Array.from({ length: 3000 }, (_, address) => ({ address, functionCode: 2 as const }));
    assert.deepEqual(planned(points), ['1/2 0+2000', '1/2 2000+1000']);
  });

  it('asks once for what several points share', () => {
    const points = [
      { address: 5, bit: 0 },
      { address: 5, bit: 15 },
      { address: 5, dataType: 'uint32' },
      { address: 6 },
    ] as const;
    const [group] = groupSlots(modbusChannel(502, points));
    assert.deepEqual(
      group?.slots.map(({ address, length, points: { length: of } }) => [address, length, of]),
      [[5, 2, 4]],
    );
    assert.deepEqual(planned(points), ['1/3 5+2']);
  });

  it('holds for any points and limits: each slot once, within count and gap, none across a refused address', () => {
    const slots = fc
      .array(fc.record({ gap: fc.nat(8), length: fc.integer({ min: 1, max: 4 }), refused: fc.boolean() }), {
        minLength: 1,
        maxLength: 120,
      })
      .map((list) => {
        let address = 0;
        return list.map(({ gap, length, refused }) => {
          const slot: Slot = { address: address + gap, length, points: [] };
          address = slot.address + length;
          return { slot, refused };
        });
      });
    const limits = fc.record({ maxRegistersPerRead: fc.integer({ min: 4, max: 125 }), maxGap: fc.nat(10) });
    fc.assert(
      fc.property(slots, limits, (list, { maxRegistersPerRead, maxGap }) => {
        const wanted = list.filter(({ refused }) => !refused).map(({ slot }) => slot);
        const holes = list.filter(({ refused }) => refused).map(({ slot }) => slot);
        const all = { ...modbusChannel(502, []).limits, maxRegistersPerRead, maxGap };
        const blocks = planBlocks({ unitId: 1, functionCode: 3 }, wanted, all, holes);
        assert.deepEqual(
          blocks.flatMap((block) => block.slots),
          wanted,
        );
        for (const block of blocks) {
          const end = block.address + block.count;
          assert.ok(block.count <= maxRegistersPerRead);
          assert.ok(block.slots.every(({ address, length }) => address >= block.address && address + length <= end));
          for (const [index, slot] of block.slots.entries()) {
            const next = block.slots[index + 1];
            assert.ok(next === undefined || next.address - slot.address - slot.length <= maxGap);
          }
          assert.ok(!holes.some(({ address, length }) => address < end && address + length > block.address));
        }
      }),
    );
  });
});
