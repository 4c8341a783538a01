import assert from 'node:assert/strict';
import fc from 'fast-check';
import sinon from 'sinon';
import { Arrivals, MAX_KEPT } from '../../../protocols/arrivals.js';
import { LinkError, ProtocolError } from '../../../protocols/driver.js';
import { BAD, GOOD, QUALITIES, STALE } from '../../../site/points.js';
import { Readings } from '../../../site/readings.js';
import { point } from '../channel/support.js';

const POINTS = [point({ id: 1, scale: 2, max: 100 }), point({ id: 2, dataType: 'string' }), point({ id: 3 })];

function shown(readings: Readings): string[] {
  return readings.points.map((_, index) => {
    const value = readings.texts.get(index) ?? readings.values[index];
    return `${value} ${QUALITIES[readings.quality[index] as number]} ${readings.times[index]}`;
  });
}

describe('Arrivals', () => {
  it('give each cycle the newest of each point, once', () => {
    const arrivals = new Arrivals(POINTS, [0, 0, 0]);
    const readings = new Readings(POINTS);
    arrivals.put(0, 1, 10);
    arrivals.put(0, 2, 11);
    arrivals.put(1, 'a', 12);
    arrivals.count();
    arrivals.count();
    assert.deepEqual(arrivals.take(readings), { reads: 2, errors: 0, roundTrips: [] });
    assert.deepEqual(shown(readings), ['4 good 11', 'a good 12', 'NaN bad 0']);
    arrivals.put(0, 60, 13);
    arrivals.put(2, 5, 14, STALE);
    assert.deepEqual(arrivals.take(readings).reads, 0);
    assert.deepEqual(shown(readings), ['120 out-of-range 13', 'a good 12', '5 stale 14']);
    readings.markAllStale();
    assert.deepEqual(arrivals.take(readings), { reads: 0, errors: 0, roundTrips: [] });
    assert.deepEqual(shown(readings), ['120 stale 13', 'a stale 12', '5 stale 14']);
  });

  it('make stale what nothing more will come of, also before a cycle has taken it', () => {
    const arrivals = new Arrivals(POINTS, [0, 0, 0]);
    const readings = new Readings(POINTS);
    arrivals.put(0, 1, 10);
    arrivals.take(readings);
    arrivals.put(1, 'a', 11);
    arrivals.put(2, 5, 12, BAD);
    for (const index of [0, 1, 2]) arrivals.putStale(index);
    arrivals.take(readings);
    assert.deepEqual(shown(readings), ['2 stale 10', 'a stale 11', '5 bad 12']);
  });

  it('keep the last value of a point that became bad, and tell why', () => {
    const arrivals = new Arrivals(POINTS, [0, 0, 0]);
    const readings = new Readings(POINTS);
    arrivals.put(0, 1, 10);
    arrivals.take(readings);
    const error = new ProtocolError('protocol.payload_invalid', 'no number');
    arrivals.putNone(0, BAD);
    arrivals.failed(error);
    assert.deepEqual(arrivals.take(readings), { reads: 0, errors: 1, roundTrips: [], lastError: error });
    assert.deepEqual(shown(readings)[0], '2 bad 10');
    arrivals.put(0, 3, 20);
    assert.equal(arrivals.take(readings).lastError, undefined);
    assert.deepEqual(shown(readings)[0], '6 good 20');
    arrivals.put(0, 7, 30, BAD);
    arrivals.take(readings);
    assert.deepEqual(shown(readings)[0], '14 bad 30');
  });

  it('make a point stale of which nothing came for too long, until something comes', () => {
    const clock = sinon.useFakeTimers({ now: 1_000, toFake: ['performance'] });
    try {
      const arrivals = new Arrivals(POINTS, [100, 0, 100]);
      const readings = new Readings(POINTS);
      arrivals.put(0, 1, 10);
      arrivals.put(1, 'a', 10);
      arrivals.take(readings);
      clock.tick(100);
      arrivals.take(readings);
      assert.equal(readings.quality[0], GOOD);
      clock.tick(1);
      arrivals.take(readings);
      assert.deepEqual([...readings.quality], [STALE, GOOD, BAD]);
      arrivals.put(0, 1, 20);
      arrivals.take(readings);
      assert.equal(readings.quality[0], GOOD);
    } finally {
      clock.restore();
    }
  });

  it('forget what has come when the link is opened anew', () => {
    const arrivals = new Arrivals(POINTS, [0, 0, 0]);
    const readings = new Readings(POINTS);
    arrivals.put(0, 1, 10);
    arrivals.count();
    arrivals.clear();
    assert.equal(arrivals.take(readings).reads, 0);
    assert.deepEqual(shown(readings)[0], 'NaN bad 0');
    arrivals.put(0, 2, 20);
    arrivals.take(readings);
    assert.deepEqual(shown(readings)[0], '4 good 20');
  });

  describe('of which each is kept', () => {
    const plain = [point({ id: 1 }), point({ id: 2, dataType: 'string' }), point({ id: 3 })];
    const drain = (arrivals: Arrivals, readings: Readings, take = () => shown(readings).join(', ')): string[] => {
      const frames: string[] = [];
      for (let more = true; more;) {
        more = arrivals.take(readings).more === true;
        frames.push(take());
      }
      return frames;
    };

    it('make a frame of what came until a further value of some point came', () => {
      const arrivals = new Arrivals(plain, [0, 0, 0]);
      const readings = new Readings(plain);
      for (const [index, raw, time] of [
        ...[[0, 1, 10] as const, [1, 'a', 11] as const, [1, 'b', 12] as const],
        ...[[2, 5, 13] as const, [0, 2, 14] as const, [0, 3, 15] as const],
      ]) {
        arrivals.keep(index);
        arrivals.put(index, raw, time);
        arrivals.count();
      }
      arrivals.keep(0);
      arrivals.putNone(0, BAD);
      const reads = arrivals.take(new Readings(plain)).reads;
      assert.equal(reads, 6, 'counted once');
      assert.deepEqual(drain(arrivals, readings), [
        '2 good 14, b good 12, 5 good 13',
        '3 good 15, b good 12, 5 good 13',
        '3 bad 15, b good 12, 5 good 13',
      ]);
      assert.equal(arrivals.waiting, false);
      assert.deepEqual(arrivals.take(readings), { reads: 0, errors: 0, roundTrips: [] });
    });

    it('give the oldest up when too many wait, and count them', () => {
      const arrivals = new Arrivals(plain, [0, 0, 0]);
      const readings = new Readings(plain);
      for (let n = 0; n < MAX_KEPT + 5; n++) {
        arrivals.keep(0);
        arrivals.put(0, n, n + 1);
      }
      const first = arrivals.take(readings);
      assert.deepEqual([first.dropped, first.more, readings.values[0]], [4, true, 4]);
      assert.equal(arrivals.take(readings).dropped, undefined);
      assert.equal(drain(arrivals, readings, () => '').length, MAX_KEPT - 1);
      assert.equal(readings.values[0], MAX_KEPT + 4);
    });

    it('are told before the loss of the link that they came over', () => {
      const arrivals = new Arrivals(plain, [0, 0, 0]);
      const readings = new Readings(plain);
      for (const value of [1, 2]) {
        arrivals.keep(0);
        arrivals.put(0, value, value);
      }
      assert.deepEqual([arrivals.takeBefore(undefined, readings).more, readings.values[0]], [true, 1]);
      const lost = new LinkError('gone');
      assert.deepEqual([arrivals.takeBefore(lost, readings).more, readings.values[0]], [true, 2]);
      assert.throws(() => arrivals.takeBefore(lost, readings), lost);
    });

    it('are forgotten when the link is opened anew', () => {
      const arrivals = new Arrivals(plain, [0, 0, 0]);
      arrivals.put(0, 1, 1);
      arrivals.keep(0);
      arrivals.put(0, 2, 2);
      arrivals.clear();
      assert.equal(arrivals.waiting, false);
    });
  });

  it('end at the last value of each point, wherever the cycles fall', () => {
    const step = fc.oneof(fc.record({ index: fc.nat(2), raw: fc.integer() }), fc.constant('cycle' as const));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const plain = [point({ id: 1 }), point({ id: 2 }), point({ id: 3 })];
        const arrivals = new Arrivals(plain, [0, 0, 0]);
        const readings = new Readings(plain);
        const last = [NaN, NaN, NaN];
        steps.forEach((each, at) => {
          if (each === 'cycle') arrivals.take(readings);
          else arrivals.put(each.index, (last[each.index] = each.raw), at + 1);
        });
        arrivals.take(readings);
        assert.deepEqual([...readings.values], last);
      }),
    );
  });
});
