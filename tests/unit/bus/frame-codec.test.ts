import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeFrame, encodeFrame, frameName } from '../../../bus/frame-codec.js';
import { StatewattError } from '../../../errors/error.js';
import type { Frame } from '../../../site/points.js';

const uint32 = fc.nat({ max: 0xffff_ffff });

const frames: fc.Arbitrary<Frame> = fc.nat({ max: 40 }).chain((count) => {
  const column = { minLength: count, maxLength: count };
  return fc
    .record(
      {
        channel: uint32,
        epoch: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        time: fc.double({ noNaN: true }),
        seq: uint32,
        keys: fc.uint32Array(column),
        values: fc.float64Array(column),
        quality: fc.uint8Array(column),
        ages: fc.uint32Array(column),
        texts: fc
          .array(fc.tuple(uint32, fc.string({ unit: 'binary' })), { minLength: 1, maxLength: 5 })
          .map((pairs) => new Map(pairs)),
        leftOut: fc.uint8Array({ ...column, max: 1 }),
      },
      { requiredKeys: ['channel', 'epoch', 'time', 'seq', 'keys', 'values', 'quality'], noNullPrototype: true },
    )
    .map((frame): Frame => frame);
});

const empty: Frame = {
  channel: 1,
  epoch: 2,
  time: 3,
  seq: 4,
  keys: new Uint32Array(),
  values: new Float64Array(),
  quality: new Uint8Array(),
};

function isBadFrame(error: unknown): boolean {
  return error instanceof StatewattError && error.code === 'bus.bad_frame';
}

describe('frame codec', () => {
  it('gives back every frame that it was given, wherever its bytes begin', () => {
    fc.assert(
      fc.property(frames, fc.nat({ max: 15 }), (frame, offset) => {
        const bytes = encodeFrame(frame);
        const moved = new Uint8Array(bytes.length + offset).subarray(offset);
        moved.set(bytes);
        assert.deepEqual(decodeFrame(moved), frame);
        assert.deepEqual(frameName(moved), { channel: frame.channel, epoch: frame.epoch, seq: frame.seq });
      }),
    );
  });

  it('keeps NaN, the infinities and minus zero', () => {
    const values = new Float64Array([Number.NaN, Infinity, -Infinity, -0]);
    const frame = { ...empty, keys: new Uint32Array(4), values, quality: new Uint8Array(4) };
    assert.deepEqual(decodeFrame(encodeFrame(frame)).values, values);
  });

  it('has the layout that its description says', () => {
    const frame: Frame = {
      ...empty,
      keys: new Uint32Array([7]),
      values: new Float64Array([1]),
      quality: new Uint8Array([2]),
      ages: new Uint32Array([9]),
      texts: new Map([[0, 'é']]),
      leftOut: new Uint8Array([1]),
    };
    assert.equal(
      Buffer.from(encodeFrame(frame)).toString('hex'),
      [
        '01070000' + '01000000' + '0000000000000040' + '0000000000000840' + '04000000' + '01000000',
        '07000000' + '000000000000f03f' + '02' + '09000000',
        '0100' + '00000000' + '0200' + 'c3a9' + '01',
      ].join(''),
    );
    assert.equal(encodeFrame(empty).length, 32);
  });

  it('of any bytes makes a frame or throws bus.bad_frame', () => {
    const attempt = (bytes: Uint8Array): void => {
      for (const read of [decodeFrame, frameName]) {
        try {
          read(bytes);
        } catch (error) {
          assert.ok(isBadFrame(error), String(error));
        }
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt));
    // Nearly right: a version and flags that go through, cut or changed anywhere.
    fc.assert(
      fc.property(frames, fc.nat(), fc.nat({ max: 255 }), fc.nat(), (frame, where, value, cut) => {
        const bytes = encodeFrame(frame);
        bytes[where % bytes.length] = value;
        attempt(bytes.subarray(0, cut % (bytes.length + 1)));
      }),
    );
  });

  it('throws on every frame that is cut short', () => {
    const whole = encodeFrame({
      ...empty,
      texts: new Map([
        [0, 'a'],
        [1, 'bc'],
      ]),
      keys: new Uint32Array(2),
      values: new Float64Array(2),
      quality: new Uint8Array(2),
      leftOut: new Uint8Array([0, 1]),
    });
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => decodeFrame(whole.subarray(0, length)), isBadFrame, String(length));
    }
  });

  it('reads no other version', () => {
    const bytes = encodeFrame(empty);
    bytes[0] = 2;
    assert.throws(() => decodeFrame(bytes), /version 2, this reads 1/);
    assert.throws(() => frameName(bytes), isBadFrame);
  });

  it('refuses texts that its fields cannot count', () => {
    const long = { ...empty, texts: new Map([[0, 'x'.repeat(65_536)]]) };
    assert.throws(() => encodeFrame(long), isBadFrame);
    assert.equal(
      decodeFrame(encodeFrame({ ...empty, texts: new Map([[0, 'x'.repeat(65_535)]]) })).texts?.get(0)?.length,
      65_535,
    );
    const many = { ...empty, texts: new Map(Array.from({ length: 65_536 }, (_, index) => [index, ''])) };
    assert.throws(() => encodeFrame(many), isBadFrame);
  });
});
