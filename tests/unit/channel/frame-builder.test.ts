import assert from 'node:assert/strict';
import { FrameBuilder, FULL_FRAME_EVERY_MS } from '../../../actors/channel/frame-builder.js';
import { BAD, GOOD, STALE, keyId, type Frame, type PointDefinition } from '../../../site/points.js';
import { Readings } from '../../../site/readings.js';
import { point } from './support.js';

const T0 = 1_700_000_000_000;

function setup(...deadbands: readonly number[]): { readings: Readings; frames: FrameBuilder } {
  const points: PointDefinition[] = deadbands.map((deadband, index) => point({ id: index + 1, deadband }));
  const readings = new Readings(points);
  return { readings, frames: new FrameBuilder(7, 42, readings) };
}

const ids = (frame: Frame | undefined) => (frame === undefined ? undefined : Array.from(frame.keys, keyId));

describe('FrameBuilder', () => {
  it('names each frame by channel, epoch and a sequence that goes on', () => {
    const { readings, frames } = setup(0);
    assert.equal(frames.begun, false);
    readings.setRaw(0, 1, T0);
    const first = frames.build(T0);
    const second = frames.build(T0 + 1000);
    assert.deepEqual([first?.channel, first?.epoch, first?.seq, second?.seq], [7, 42, 1, 2]);
    assert.equal(frames.begun, true);
    assert.equal(new FrameBuilder(7, 42, readings, frames.seq).build(T0)?.seq, 3);
  });

  it('has no frame of a channel without points', () => {
    assert.equal(setup().frames.build(T0), undefined);
  });

  it('reports every point each cycle where there is no deadband', () => {
    const { readings, frames } = setup(0, 0);
    readings.setRaw(0, 5, T0);
    frames.build(T0);
    assert.deepEqual(ids(frames.build(T0 + 1)), [1, 2]);
  });

  it('copies the values: a later cycle does not change a frame', () => {
    const { readings, frames } = setup(0);
    readings.setRaw(0, 5, T0);
    const frame = frames.build(T0);
    readings.setRaw(0, 6, T0);
    readings.setBad(0);
    assert.deepEqual([frame?.values[0], frame?.quality[0]], [5, GOOD]);
  });

  it('leaves out a point that moved less than its deadband since it was reported', () => {
    const { readings, frames } = setup(1, 0);
    readings.setRaw(0, 10, T0);
    readings.setRaw(1, 1, T0);
    assert.deepEqual(ids(frames.build(T0)), [1, 2]);
    readings.setRaw(0, 10.9, T0 + 1);
    assert.deepEqual(ids(frames.build(T0 + 1)), [2]);
    // Small steps add up: it is the reported value that counts, not the last one.
    readings.setRaw(0, 11, T0 + 2);
    const frame = frames.build(T0 + 2);
    assert.deepEqual(ids(frame), [1, 2]);
    assert.deepEqual(Array.from(frame?.values ?? []), [11, 1]);
    readings.setRaw(0, 10, T0 + 3);
    assert.deepEqual(ids(frames.build(T0 + 3)), [1, 2]);
  });

  it('has no frame, and no gap in the sequence, when nothing is worth reporting', () => {
    const { readings, frames } = setup(1);
    readings.setRaw(0, 10, T0);
    frames.build(T0);
    assert.equal(frames.build(T0 + 1), undefined);
    readings.setRaw(0, 20, T0 + 2);
    assert.equal(frames.build(T0 + 2)?.seq, 2);
  });

  it('reports a change of quality whatever the deadband', () => {
    const { readings, frames } = setup(100, 100);
    readings.setRaw(0, 10, T0);
    frames.build(T0);
    readings.setStale(0);
    const stale = frames.build(T0 + 1000);
    assert.deepEqual(ids(stale), [1]);
    assert.deepEqual([stale?.quality[0], stale?.values[0], stale?.ages?.[0]], [STALE, 10, 1000]);
    readings.setRaw(0, 10, T0 + 2000);
    assert.deepEqual(ids(frames.build(T0 + 2000)), [1]);
    readings.setRaw(1, 1, T0 + 3000); // Read for the first time: it was bad.
    assert.deepEqual(ids(frames.build(T0 + 3000)), [2]);
  });

  it('counts a point that was never read as unchanged', () => {
    const { frames } = setup(1);
    const first = frames.build(T0);
    assert.deepEqual([first?.quality[0], first?.values[0]], [BAD, NaN]);
    assert.equal(first?.ages, undefined);
    assert.equal(frames.build(T0 + 1), undefined);
  });

  it('reports all points each 60 s, and when the clock is set back', () => {
    const { readings, frames } = setup(1, 1);
    readings.setRaw(0, 10, T0);
    frames.build(T0);
    assert.equal(frames.build(T0 + FULL_FRAME_EVERY_MS - 1), undefined);
    assert.deepEqual(ids(frames.build(T0 + FULL_FRAME_EVERY_MS)), [1, 2]);
    assert.equal(frames.build(T0 + FULL_FRAME_EVERY_MS + 1), undefined);
    assert.deepEqual(ids(frames.build(T0 - 3_600_000)), [1, 2]);
  });

  it('gives ages where values are older than the frame, and only there', () => {
    const { readings, frames } = setup(0, 0, 0);
    readings.setRaw(0, 1, T0 - 250);
    readings.setRaw(1, 2, T0 + 5); // Read a moment after the cycle began.
    const frame = frames.build(T0);
    assert.deepEqual(Array.from(frame?.ages ?? []), [250, 0, 0]);
    readings.setRaw(0, 1, T0 + 1000);
    readings.setRaw(1, 2, T0 + 1000);
    assert.equal(frames.build(T0 + 1000)?.ages, undefined);
  });

  it('bounds an age to what a frame can carry', () => {
    const { readings, frames } = setup(0);
    readings.setRaw(0, 1, 1);
    assert.equal(frames.build(T0)?.ages?.[0], 0xffff_ffff);
  });

  it('takes the ages of the chosen points', () => {
    const { readings, frames } = setup(1, 1, 1);
    readings.setRaw(0, 1, T0);
    readings.setRaw(2, 1, T0);
    frames.build(T0);
    readings.setRaw(2, 9, T0 + 400);
    assert.deepEqual(Array.from(frames.build(T0 + 1000)?.ages ?? []), [600]);
  });

  describe('texts', () => {
    it('go with their point, by its place in the frame', () => {
      const { readings, frames } = setup(0, 0);
      readings.setRaw(0, 1, T0);
      readings.setText(1, 'abc', T0);
      const frame = frames.build(T0);
      assert.deepEqual([...(frame?.texts ?? [])], [[1, 'abc']]);
      readings.setText(1, 'later', T0);
      assert.equal(frame?.texts?.get(1), 'abc');
    });

    it('are reported when they change', () => {
      const { readings, frames } = setup(1, 1);
      readings.setRaw(0, 1, T0);
      readings.setText(1, 'abc', T0);
      frames.build(T0);
      readings.setText(1, 'abc', T0 + 1);
      assert.equal(frames.build(T0 + 1), undefined);
      readings.setText(1, 'abd', T0 + 2);
      const frame = frames.build(T0 + 2);
      assert.deepEqual(ids(frame), [2]);
      assert.deepEqual([...(frame?.texts ?? [])], [[0, 'abd']]);
      assert.equal(frames.build(T0 + 3), undefined);
    });

    it('of points that are left out are left out', () => {
      const { readings, frames } = setup(1, 1);
      readings.setRaw(0, 1, T0);
      readings.setText(1, 'abc', T0);
      frames.build(T0);
      readings.setRaw(0, 5, T0 + 1);
      assert.equal(frames.build(T0 + 1)?.texts?.size, 0);
    });
  });

  it('leaves out a point of which nothing has come, where values come by themselves', () => {
    const readings = new Readings([point({ id: 1 }), point({ id: 2 }), point({ id: 3, dataType: 'string' })]);
    const frames = new FrameBuilder(7, 42, readings, 0, true);
    readings.setRaw(0, 5, T0);
    assert.deepEqual(ids(frames.build(T0)), [1, 2, 3]);
    assert.equal(frames.build(T0 + 1), undefined);
    readings.setRaw(0, 5, T0 + 1);
    assert.deepEqual(ids(frames.build(T0 + 2)), [1], 'the same value of a later time');
    readings.setRaw(0, 6, T0 + 1);
    assert.deepEqual(ids(frames.build(T0 + 3)), [1], 'another value of the same time');
    readings.setText(2, 'a', T0 + 1);
    assert.deepEqual(ids(frames.build(T0 + 4)), [3]);
    readings.setText(2, 'b', T0 + 1);
    assert.deepEqual(ids(frames.build(T0 + 5)), [3]);
    readings.setStale(0);
    assert.deepEqual(ids(frames.build(T0 + 6)), [1]);
    assert.deepEqual(ids(frames.build(T0 + FULL_FRAME_EVERY_MS)), [1, 2, 3]);
  });
});
