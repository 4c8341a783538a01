import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Framing } from '../../../protocols/modbus/framing.js';
import { MbapFraming } from '../../../protocols/modbus/mbap.js';
import { RtuFraming, crc16 } from '../../../protocols/modbus/rtu.js';

interface Seen {
  transaction: number;
  unitId: number;
  pdu: number[];
}

/** Feeds bytes in pieces of the given lengths (the last one over and over); answers the frames and what broke. */
function feed(framing: Framing, bytes: Uint8Array, pieces: readonly number[]): { seen: Seen[]; broken?: string } {
  const seen: Seen[] = [];
  for (let offset = 0, turn = 0; offset < bytes.length; turn++) {
    const size = pieces[Math.min(turn, pieces.length - 1)] ?? bytes.length;
    const broken = framing.push(bytes.subarray(offset, offset + size), (transaction, unitId, from, start, end) =>
      seen.push({ transaction, unitId, pdu: Array.from(from.subarray(start, end)) }),
    );
    if (broken !== undefined) return { seen, broken };
    offset += size;
  }
  return { seen };
}

const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 });
const noise = fc.uint8Array({ maxLength: 1000 });

describe('modbus TCP framing', () => {
  const frames = fc.array(
    fc
      .tuple(fc.nat(0xffff), fc.nat(255), fc.uint8Array({ minLength: 2, maxLength: 253 }))
      .map(([transaction, unitId, bytes]) => ({ transaction, unitId, pdu: Array.from(bytes) })),
    { maxLength: 12 },
  );

  it('finds every frame, however segments cut or merge them', () => {
    fc.assert(
      fc.property(frames, pieces, (list, sizes) => {
        const framing = new MbapFraming();
        const bytes = Buffer.concat(
          list.map(({ transaction, unitId, pdu }) => framing.frame(transaction, unitId, Uint8Array.from(pdu))),
        );
        assert.deepEqual(feed(framing, bytes, sizes), { seen: list });
      }),
    );
  });

  it('takes any bytes without throwing, and stops at the first that make no sense', () => {
    fc.assert(
      fc.property(noise, pieces, (bytes, sizes) => {
        const { seen, broken } = feed(new MbapFraming(), bytes, sizes);
        const used = seen.reduce((sum, { pdu }) => sum + pdu.length + 7, 0);
        // What is kept without a verdict is never more than one frame.
        assert.ok(broken !== undefined || bytes.length - used < 260);
      }),
    );
  });

  it('says what broke', () => {
    const broken = (hex: string) => feed(new MbapFraming(), Buffer.from(hex, 'hex'), [100]).broken;
    assert.match(broken('00010001000301830200') ?? '', /protocol 1: allowed is 0/);
    assert.match(broken('00010000ffff0103') ?? '', /length 65535: allowed are 3 to 254/);
    assert.match(broken('00010000000201') ?? '', /length 2/);
  });

  it('completes no answer that was cut short with the bytes of the next', () => {
    const whole = new MbapFraming();
    const [first, second] = [7, 8].map((transaction) =>
      whole.frame(transaction, 1, Uint8Array.of(3, 6, 0, 1, 0, 2, 0, 3)),
    ) as [Uint8Array, Uint8Array];
    for (let lost = 1; lost < second.length; lost++) {
      const cut = first.subarray(0, first.length - lost);
      const inTwo = new MbapFraming();
      const seen: number[] = [];
      const push = (framing: MbapFraming, bytes: Uint8Array) =>
        framing.push(
          bytes,
          (transaction) => seen.push(transaction),
          (transaction) => transaction === 8,
        );
      assert.equal(push(inTwo, cut), undefined);
      assert.match(push(inTwo, second) ?? 'nothing', /broke off after/, `${lost} bytes lost, two segments`);
      // In one segment they look like one frame and the rest of another.
      assert.match(
        push(new MbapFraming(), Buffer.concat([cut, second])) ?? 'nothing',
        /protocol|length/,
        `${lost} lost`,
      );
      assert.deepEqual(seen, [], `${lost} bytes lost`);
    }
  });

  it('distrusts a stream whose last frame broke off when its request is given up', () => {
    const framing = new MbapFraming();
    assert.equal(framing.expire(), undefined);
    feed(framing, Buffer.from('000100000005010302', 'hex'), [100]);
    assert.match(framing.expire() ?? '', /broke off after 9 bytes/);
  });
});

describe('modbus RTU framing', () => {
  const answer = (...bytes: number[]): Uint8Array => {
    const crc = crc16(Uint8Array.from(bytes), 0, bytes.length);
    return Uint8Array.of(...bytes, crc & 255, crc >> 8);
  };
  const readRequest = Uint8Array.of(3, 0, 0, 0, 1);

  it('has the CRC of the standard', () => {
    // "123456789" and the request 01 03 0000 000A: well-known check values of CRC-16/MODBUS.
    assert.equal(crc16(Buffer.from('123456789'), 0, 9), 0x4b37);
    const frame = new RtuFraming().frame(1, 1, Uint8Array.of(3, 0, 0, 0, 10));
    assert.equal(Buffer.from(frame).toString('hex'), '01030000000ac5cd');
  });

  it('finds the awaited answer in noise, however it is cut', () => {
    // Noise without the unit's id, so that no false start can hide the answer.
    const before = fc.array(fc.integer({ min: 18, max: 255 }), { maxLength: 30 });
    fc.assert(
      fc.property(before, fc.nat(255), fc.nat(255), pieces, (bytes, high, low, sizes) => {
        const framing = new RtuFraming();
        framing.frame(77, 17, readRequest);
        const sent = Buffer.concat([Uint8Array.from(bytes), answer(17, 3, 2, high, low)]);
        assert.deepEqual(feed(framing, sent, sizes), {
          seen: [{ transaction: 77, unitId: 17, pdu: [3, 2, high, low] }],
        });
      }),
    );
  });

  it('finds exceptions and answers to writes', () => {
    const framing = new RtuFraming();
    framing.frame(1, 5, readRequest);
    assert.deepEqual(feed(framing, answer(5, 0x83, 2), [1]).seen, [{ transaction: 1, unitId: 5, pdu: [0x83, 2] }]);
    framing.frame(2, 5, Uint8Array.of(6, 0, 1, 0, 9));
    assert.deepEqual(feed(framing, answer(5, 6, 0, 1, 0, 9), [3]).seen[0]?.pdu, [6, 0, 1, 0, 9]);
  });

  it('ignores answers of other units, with a wrong CRC, or that nobody awaits', () => {
    const framing = new RtuFraming();
    assert.deepEqual(feed(framing, answer(5, 3, 2, 0, 1), [100]), { seen: [] });
    framing.frame(1, 5, readRequest);
    const damaged = answer(5, 3, 2, 0, 1);
    damaged[4] = 2;
    assert.deepEqual(feed(framing, answer(6, 3, 2, 0, 1), [100]), { seen: [] });
    assert.deepEqual(feed(framing, damaged, [100]), { seen: [] });
    assert.equal(feed(framing, answer(5, 3, 2, 0, 1), [100]).seen.length, 1);
    framing.frame(2, 5, readRequest);
    framing.expire();
    assert.deepEqual(feed(framing, answer(5, 3, 2, 0, 1), [100]), { seen: [] });
  });

  it('takes any bytes without throwing, and gives nothing with a wrong CRC', () => {
    fc.assert(
      fc.property(noise, pieces, fc.nat(255), fc.integer({ min: 1, max: 16 }), (bytes, sizes, unitId, functionCode) => {
        const framing = new RtuFraming();
        framing.frame(1, unitId, Uint8Array.of(functionCode, 0, 0, 0, 1));
        const { seen, broken } = feed(framing, bytes, sizes);
        assert.equal(broken, undefined);
        assert.ok(seen.length <= 1);
      }),
    );
  });
});
