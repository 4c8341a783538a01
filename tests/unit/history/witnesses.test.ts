import assert from 'node:assert/strict';
import { witnesses } from '../../../protocols/clickhouse/recovery.js';
import { BAD, GOOD, pointKey, type Frame } from '../../../site/points.js';

function frame(time: number, values: readonly number[], quality: number, more: Partial<Frame> = {}): Frame {
  return {
    channel: 3,
    epoch: 1,
    seq: 1,
    time,
    keys: Uint32Array.from(values, (_value, index) => pointKey('S', index + 1)),
    values: Float64Array.from(values),
    quality: new Uint8Array(values.length).fill(quality),
    ...more,
  };
}
const of = (...frames: Frame[]) =>
  witnesses({ token: 't', frames: frames.map((each, index) => ({ streamSequence: index + 1, frame: each })) }).map(
    ({ tier, partition, channel, kind, point, time }) => [
      tier.resolution,
      partition,
      `${channel}:${kind}:${point}`,
      time,
    ],
  );

describe('witnesses of a batch', () => {
  const time = Date.UTC(2026, 0, 31, 23, 59, 30);

  it('are one for each partition of each tier', () => {
    assert.deepEqual(of(frame(time, [1, 2], GOOD), frame(time + 60_000, [1, 2], GOOD)), [
      ['raw', 20_260_131, '3:S:1', time],
      ['1m', 202_601, '3:S:1', Date.UTC(2026, 0, 31, 23, 59)],
      ['1h', 2026, '3:S:1', Date.UTC(2026, 0, 31, 23)],
      ['1d', 2026, '3:S:1', Date.UTC(2026, 0, 31)],
      ['raw', 20_260_201, '3:S:1', time + 60_000],
      ['1m', 202_602, '3:S:1', Date.UTC(2026, 1, 1)],
    ]);
  });

  it('look for no rollup of what is not rolled up: bad values, texts, no numbers', () => {
    assert.deepEqual(of(frame(time, [1], BAD)), [['raw', 20_260_131, '3:S:1', time]]);
    assert.deepEqual(of(frame(time, [NaN], GOOD)), [['raw', 20_260_131, '3:S:1', time]]);
    assert.deepEqual(of(frame(time, [0], GOOD, { texts: new Map([[0, 'x']]) })), [['raw', 20_260_131, '3:S:1', time]]);
    const mixed = of(frame(time, [NaN, 7], GOOD));
    assert.equal(mixed[1]?.[2], '3:S:2');
  });

  it('take each value’s own time', () => {
    assert.deepEqual(of(frame(time, [1], BAD, { ages: Uint32Array.of(86_400_000) })), [
      ['raw', 20_260_130, '3:S:1', time - 86_400_000],
    ]);
  });
});
