import assert from 'node:assert/strict';
import { digestOf, encodeRows } from '../../../protocols/clickhouse/row-binary.js';
import type { SequencedFrame } from '../../../protocols/clickhouse/types.js';
import { pointKey, type Frame } from '../../../site/points.js';

describe('rows of a batch as RowBinary', () => {
  it('writes every column, little endian, in the order of the table', () => {
    const frame: Frame = {
      channel: 0xfffffffe,
      epoch: 1,
      seq: 1,
      time: 1_795_219_200_123,
      keys: Uint32Array.of(pointKey('A', 0x3fff_ffff), pointKey('T', 2)),
      values: Float64Array.of(-1.5, 0),
      quality: Uint8Array.of(3, 0),
      ages: Uint32Array.of(0, 1_000),
      texts: new Map([[1, 'ä']]),
    };
    const digest = digestOf('token');
    const { bytes, rows } = encodeRows([{ streamSequence: 2 ** 40 + 5, frame }], digest);
    assert.equal(rows, 2);
    assert.equal(bytes.length, 43 + 43 + 3);
    const row = (at: number) => ({
      channel: bytes.readUInt32LE(at),
      kind: bytes.readInt8(at + 4),
      point: bytes.readUInt32LE(at + 5),
      time: Number(bytes.readBigInt64LE(at + 9)),
      value: bytes.readDoubleLE(at + 17),
      quality: bytes.readInt8(at + 25),
      isNull: bytes.readUInt8(at + 26),
    });
    assert.deepEqual(row(0), {
      channel: 0xfffffffe,
      kind: 3,
      point: 0x3fff_ffff,
      time: 1_795_219_200_123,
      value: -1.5,
      quality: 3,
      isNull: 1,
    });
    assert.deepEqual(row(43), {
      channel: 0xfffffffe,
      kind: 0,
      point: 2,
      time: 1_795_219_199_123,
      value: NaN,
      quality: 0,
      isNull: 0,
    });
    assert.equal(bytes.subarray(43 + 27, 43 + 30).toString('latin1'), '\x02Ã¤');
    for (const at of [27, 43 + 30]) {
      assert.equal(Number(bytes.readBigUInt64LE(at)), 2 ** 40 + 5);
      assert.equal(bytes.readBigUInt64LE(at + 8).toString(), digest.text);
    }
  });

  it('writes the length of a long text in several bytes, and its characters in UTF-8', () => {
    for (const text of ['', 'x'.repeat(127), 'x'.repeat(128), '€'.repeat(20_000)]) {
      const frame: SequencedFrame = {
        streamSequence: 1,
        frame: {
          channel: 1,
          epoch: 1,
          seq: 1,
          time: 5,
          keys: Uint32Array.of(1),
          values: Float64Array.of(0),
          quality: Uint8Array.of(0),
          texts: new Map([[0, text]]),
        },
      };
      const { bytes } = encodeRows([frame], digestOf('t'));
      let length = 0;
      let at = 27;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++] as number;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      assert.equal(bytes.subarray(at, at + length).toString('utf8'), text);
      assert.equal(bytes.length, at + length + 16);
    }
  });

  it('gives a token the same digest each time, and another token another', () => {
    assert.deepEqual(digestOf('a'), digestOf('a'));
    assert.notEqual(digestOf('a').text, digestOf('b').text);
    const { low, high, text } = digestOf('a');
    assert.equal((BigInt(high) << 32n) + BigInt(low), BigInt(text));
  });
});
