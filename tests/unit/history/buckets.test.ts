import assert from 'node:assert/strict';
import { bucketsOf, spanOf } from '../../../protocols/clickhouse/buckets.js';

const at = (text: string) => Date.parse(text);
const walk = (every: string, zone: string, from: string, count: number) => {
  const buckets = bucketsOf(every, zone);
  const starts = [buckets.floor(at(from))];
  while (starts.length < count) starts.push(buckets.next(starts.at(-1) as number));
  return starts.map((start) => new Date(start).toISOString());
};

describe('buckets of time', () => {
  it('are equal steps from the epoch on', () => {
    const quarter = bucketsOf('15m', 'Europe/Berlin');
    assert.equal(quarter.floor(at('2026-05-01T12:14:59.999Z')), at('2026-05-01T12:00Z'));
    assert.equal(quarter.next(at('2026-05-01T12:00Z')), at('2026-05-01T12:15Z'));
    assert.equal(bucketsOf('90s', 'UTC').stepMs, 90_000);
  });

  it('are days of a time zone, of 23 hours when summer time begins and 25 when it ends', () => {
    assert.deepEqual(walk('1d', 'Europe/Berlin', '2026-03-28T12:00Z', 3), [
      '2026-03-27T23:00:00.000Z',
      '2026-03-28T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
    ]);
    assert.deepEqual(walk('1d', 'Europe/Berlin', '2026-10-25T12:00Z', 2), [
      '2026-10-24T22:00:00.000Z',
      '2026-10-25T23:00:00.000Z',
    ]);
    assert.deepEqual(walk('1d', 'Asia/Kolkata', '2026-05-01T18:29Z', 2), [
      '2026-04-30T18:30:00.000Z',
      '2026-05-01T18:30:00.000Z',
    ]);
  });

  it('begin at the first moment of a day without a midnight', () => {
    // Chile goes from 24:00 to 01:00 on the first Sunday of September.
    assert.deepEqual(walk('1d', 'America/Santiago', '2025-09-06T12:00Z', 3), [
      '2025-09-06T04:00:00.000Z',
      '2025-09-07T04:00:00.000Z',
      '2025-09-08T03:00:00.000Z',
    ]);
  });

  it('are weeks from Monday, and months', () => {
    assert.deepEqual(walk('1w', 'UTC', '2026-05-03T23:59Z', 2), [
      '2026-04-27T00:00:00.000Z',
      '2026-05-04T00:00:00.000Z',
    ]);
    assert.deepEqual(walk('1mo', 'America/New_York', '2026-02-01T04:59Z', 3), [
      '2026-01-01T05:00:00.000Z',
      '2026-02-01T05:00:00.000Z',
      '2026-03-01T05:00:00.000Z',
    ]);
  });

  it('say what is allowed', () => {
    for (const every of ['', '0m', '5', 'm', '2d', '1y', '1.5h', '-1m']) {
      assert.throws(() => bucketsOf(every, 'UTC'), { code: 'history.invalid_query' }, every);
    }
    for (const zone of ['Europe/Nowhere', "UTC'", '']) {
      assert.throws(() => bucketsOf('1d', zone), { code: 'history.invalid_query' }, zone);
    }
    assert.equal(spanOf('90s', 'maxGap'), 90_000);
    assert.equal(spanOf('7d', 'duration'), 604_800_000);
    assert.throws(() => spanOf('0s', 'maxGap'), { code: 'history.invalid_query' });
  });
});
