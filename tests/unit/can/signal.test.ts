import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SignalReader } from '../../../protocols/can/signal.js';
import { layoutOf, type CanByteOrder, type CanSignal } from '../../../site/channels/can.js';

function signal(
  startBit: number,
  length: number,
  byteOrder: CanByteOrder,
  encoding: CanSignal['encoding'] = 'unsigned',
): CanSignal {
  return { canId: 1, extended: false, startBit, length, byteOrder, encoding, staleAfterMs: 0 };
}

/** Bits of a signal from the least significant on, by the numbering of DBC files, one by one. */
function bitsOf({ startBit, length, byteOrder }: CanSignal): number[] {
  const bits: number[] = [];
  for (let bit = startBit; bits.length < length;) {
    bits.push(bit);
    if (byteOrder === 'little') bit += 1;
    else if (bit % 8 === 0) bit += 15;
    else bit -= 1;
  }
  return byteOrder === 'little' ? bits : bits.reverse();
}

/** Slow and plain: one bit after the other, in whole numbers of any size. */
function reference(data: Uint8Array, wanted: CanSignal): number {
  let raw = 0n;
  bitsOf(wanted).forEach((bit, at) => {
    if (((data[bit >> 3] as number) >> (bit & 7)) & 1) raw |= 1n << BigInt(at);
  });
  if (wanted.encoding === 'signed') return Number(BigInt.asIntN(wanted.length, raw));
  if (wanted.encoding === 'unsigned') return Number(raw);
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, raw);
  return wanted.length === 32 ? view.getFloat32(4) : view.getFloat64(0);
}

describe('signals of CAN frames', () => {
  it('are where a DBC file says', () => {
    const data = Uint8Array.of(0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0);
    const cases: [CanSignal, number][] = [
      [signal(0, 8, 'little'), 0x12],
      [signal(0, 16, 'little'), 0x3412],
      [signal(7, 16, 'big'), 0x1234],
      [signal(4, 8, 'little'), 0x41],
      [signal(3, 8, 'big'), 0x23],
      [signal(0, 9, 'big'), 0x34],
      [signal(0, 64, 'little'), 0xf0debc9a78563412],
      [signal(7, 64, 'big'), 0x123456789abcdef0],
      [signal(56, 8, 'little', 'signed'), -16],
      [signal(63, 4, 'big', 'signed'), -1],
      [signal(63, 1, 'little', 'signed'), -1],
      [signal(63, 1, 'big'), 1],
    ];
    for (const [wanted, value] of cases)
      assert.equal(new SignalReader(wanted).read(data), value, JSON.stringify(wanted));
    const pi = new Uint8Array(new Float32Array([3.5]).buffer);
    assert.equal(new SignalReader(signal(0, 32, 'little', 'float')).read(pi), 3.5);
    assert.equal(new SignalReader(signal(7, 32, 'big', 'float')).read(pi.reverse()), 3.5);
  });

  it('are read as one bit after the other would be, in both byte orders and every encoding', () => {
    const wanted = fc
      .record({
        startBit: fc.nat(511),
        length: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.constantFrom(32, 33, 53, 54, 64)),
        byteOrder: fc.constantFrom<CanByteOrder>('little', 'big'),
        encoding: fc.constantFrom<CanSignal['encoding']>('unsigned', 'signed', 'float'),
      })
      .map(({ startBit, length, byteOrder, encoding }) =>
        signal(startBit, encoding === 'float' ? (length > 32 ? 64 : 32) : length, byteOrder, encoding),
      )
      .filter((each) => layoutOf(each).bytes <= 64);
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
      fc.constantFrom(new Uint8Array(64).fill(0xff), new Uint8Array(64)),
    );
    fc.assert(
      fc.property(wanted, bytes, (each, data) => {
        const reader = new SignalReader(each);
        // Only the bytes that it says it needs.
        assert.ok(Object.is(reader.read(data.slice(0, reader.bytes)), reference(data, each)));
        assert.equal(reader.bytes, Math.max(...bitsOf(each).map((bit) => bit >> 3)) + 1);
      }),
      { numRuns: 2_000 },
    );
  });
});
