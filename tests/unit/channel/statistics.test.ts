import assert from 'node:assert/strict';
import { ChannelStatistics } from '../../../actors/channel/statistics.js';
import { ProtocolError } from '../../../protocols/driver.js';

describe('ChannelStatistics', () => {
  it('adds up what cycles did', () => {
    const stats = new ChannelStatistics();
    stats.polled({ reads: 3, errors: 1, roundTrips: [4, 5, 6], lastError: new ProtocolError('x', 'refused') }, 1000);
    stats.polled({ reads: 2, errors: 0, roundTrips: [1, 2] }, 2000);
    assert.equal(stats.cycles, 2);
    assert.equal(stats.totalReads, 5);
    assert.equal(stats.readErrors, 1);
    assert.equal(stats.lastError, 'refused');
    assert.equal(stats.lastErrorAt, 1000);
    assert.equal(stats.lastGoodAt, 2000);
  });

  it('counts a cycle without an answer as no good one', () => {
    const stats = new ChannelStatistics();
    stats.polled({ reads: 0, errors: 2, roundTrips: [] }, 1000);
    assert.equal(stats.lastGoodAt, null);
    assert.equal(stats.readErrors, 2);
  });

  it('says zeros before the first round trip', () => {
    assert.deepEqual(new ChannelStatistics().roundTripMs(), { p50: 0, p95: 0, p99: 0, max: 0 });
  });

  it('gives percentiles by nearest rank', () => {
    const stats = new ChannelStatistics();
    const roundTrips = Array.from({ length: 100 }, (_, index) => 100 - index);
    stats.polled({ reads: 100, errors: 0, roundTrips }, 1);
    assert.deepEqual(stats.roundTripMs(), { p50: 50, p95: 95, p99: 99, max: 100 });
    const one = new ChannelStatistics();
    one.polled({ reads: 1, errors: 0, roundTrips: [0.1234567] }, 1);
    assert.deepEqual(one.roundTripMs(), { p50: 0.123, p95: 0.123, p99: 0.123, max: 0.123 });
  });

  it('forgets all but the last 256 round trips', () => {
    const stats = new ChannelStatistics();
    stats.polled({ reads: 1, errors: 0, roundTrips: [9999] }, 1);
    stats.polled({ reads: 256, errors: 0, roundTrips: new Array<number>(256).fill(7) }, 2);
    assert.deepEqual(stats.roundTripMs(), { p50: 7, p95: 7, p99: 7, max: 7 });
  });

  it('keeps the text of anything thrown', () => {
    const stats = new ChannelStatistics();
    stats.failed('a text', 5);
    assert.equal(stats.lastError, 'a text');
  });
});
