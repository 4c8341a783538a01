import assert from 'node:assert/strict';
import type { RealtimeStore } from '../../protocols/realtime/store.js';
import type { ChannelConfig } from '../../site/model.js';
import { BAD, GOOD, OUT_OF_RANGE, STALE, pointKey, type Frame, type PointDefinition } from '../../site/points.js';
import type { DataType, PointKind } from '../../site/points.js';

/** [kind, id, value, quality, age in ms]; text makes a string point. */
export type TestPoint = [PointKind, number, number | string, number?, number?];

export function testFrame(channel: number, epoch: number, seq: number, time: number, points: TestPoint[]): Frame {
  const ages = points.map((point) => point[4] ?? 0);
  const texts = new Map<number, string>();
  points.forEach((point, index) => {
    if (typeof point[2] === 'string') texts.set(index, point[2]);
  });
  return {
    channel,
    epoch,
    seq,
    time,
    keys: Uint32Array.from(points, (point) => pointKey(point[0], point[1])),
    values: Float64Array.from(points, (point) => (typeof point[2] === 'string' ? 0 : point[2])),
    quality: Uint8Array.from(points, (point) => point[3] ?? GOOD),
    ...(ages.some((age) => age > 0) ? { ages: Uint32Array.from(ages) } : {}),
    ...(texts.size > 0 ? { texts } : {}),
  };
}

export function testPointDefinition(kind: PointKind, id: number, dataType: DataType = 'float32'): PointDefinition {
  const name = `${kind} ${id}`;
  return { kind, id, name, unit: 'kW', dataType, scale: 0.01, offset: 0, reverse: false, deadband: 0 };
}

export function testChannel(id: number, points: PointDefinition[]): ChannelConfig {
  return {
    id,
    name: `channel ${id}`,
    enabled: true,
    pollingIntervalMs: 1_000,
    protocol: 'virtual',
    points,
    seed: 1,
    patterns: [],
  };
}

/** What every realtime store does, whatever holds the values. */
export function describeRealtimeStore(name: string, open: () => Promise<RealtimeStore>): void {
  describe(`${name}: what every realtime store does`, () => {
    let store: RealtimeStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());
    const value = async (channel: number, kind: PointKind, id: number) =>
      (await store.readPoint(channel, kind, id))?.value;

    it('reads back numbers, states and texts, ascending by kind and id', async () => {
      await store.apply([
        testFrame(1, 1, 1, 5_000, [
          ['A', 1, 50.5],
          ['T', 10, -1234.567891],
          ['T', 9, 1e12],
          ['S', 2, 1],
          ['C', 3, 0],
          ['T', 11, '123.500000 is text'],
          ['T', 12, '123.500000'],
          ['T', 13, 'Grüße 🔋'],
        ]),
      ]);
      const points = await store.read(1);
      const common = { channel: 1, quality: 'good', time: 5_000 };
      assert.deepEqual(points, [
        { ...common, kind: 'T', id: 9, value: 1e12 },
        { ...common, kind: 'T', id: 10, value: -1234.567891 },
        { ...common, kind: 'T', id: 11, value: '123.500000 is text' },
        { ...common, kind: 'T', id: 12, value: '123.500000' },
        { ...common, kind: 'T', id: 13, value: 'Grüße 🔋' },
        { ...common, kind: 'S', id: 2, value: 1 },
        { ...common, kind: 'C', id: 3, value: 0 },
        { ...common, kind: 'A', id: 1, value: 50.5 },
      ]);
      for (const point of points) assert.deepEqual(await store.readPoint(1, point.kind, point.id), point);
    });

    it('knows nothing of a channel or point without frames', async () => {
      assert.deepEqual(await store.read(404), []);
      assert.equal(await store.readPoint(404, 'T', 1), undefined);
      await store.apply([testFrame(1, 1, 1, 1, [['T', 1, 1]])]);
      assert.equal(await store.readPoint(1, 'T', 2), undefined);
      assert.equal(await store.readPoint(1, 'S', 1), undefined);
    });

    it('says which frame a reading is as of', async () => {
      assert.deepEqual(await store.readChannel(404), { points: [] });
      const epoch = 1_795_343_456_569;
      await store.apply([testFrame(1, epoch, 9, 50, [['T', 1, 5]]), testFrame(1, epoch, 8, 40, [['T', 1, 4]])]);
      const { points, asOf } = await store.readChannel(1);
      assert.deepEqual([points, asOf], [await store.read(1), { epoch, seq: 9 }]);
    });

    it('never goes back: an older or repeated frame is skipped, a new epoch begins anew', async () => {
      await store.apply([testFrame(1, 2, 5, 50, [['T', 1, 5]])]);
      await store.apply([
        testFrame(1, 2, 4, 40, [['T', 1, 4]]),
        testFrame(1, 2, 5, 50, [['T', 1, 55]]),
        testFrame(1, 1, 900, 90, [['T', 1, 900]]),
      ]);
      assert.equal(await value(1, 'T', 1), 5);
      await store.apply([testFrame(1, 3, 1, 60, [['T', 1, 6]])]);
      assert.equal(await value(1, 'T', 1), 6);
      await store.apply([testFrame(1, 3, 10, 70, [['T', 1, 7]]), testFrame(1, 3, 9, 65, [['T', 1, 8]])]);
      assert.equal(await value(1, 'T', 1), 7, 'seq 10 is newer than 9: compared as numbers');
    });

    it('applies many frames in order, of many channels', async () => {
      const frames: Frame[] = [];
      for (let seq = 1; seq <= 50; seq++) {
        for (let channel = 1; channel <= 4; channel++) {
          frames.push(
            testFrame(channel, 1, seq, seq, [
              ['T', 1, channel * 1_000 + seq],
              ['T', 100 + seq, seq],
            ]),
          );
        }
      }
      await store.apply(frames);
      for (let channel = 1; channel <= 4; channel++) {
        assert.equal(await value(channel, 'T', 1), channel * 1_000 + 50);
        assert.equal((await store.read(channel)).length, 51);
      }
    });

    it('keeps the last good value and its source time through a stale time, and refreshes both', async () => {
      const readAll = async () => (await store.read(1)).map((p) => [p.kind, p.id, p.value, p.quality, p.time]);
      await store.apply([
        testFrame(1, 1, 1, 1_000, [
          ['T', 1, 7.5],
          ['S', 1, 1],
          ['T', 2, 8],
        ]),
      ]);
      await store.apply([
        testFrame(1, 1, 2, 9_000, [
          ['T', 1, 7.5, STALE, 8_000],
          ['S', 1, 1, STALE, 8_000],
          ['T', 2, 900, OUT_OF_RANGE],
        ]),
      ]);
      assert.deepEqual(await readAll(), [
        ['T', 1, 7.5, 'stale', 1_000],
        ['T', 2, 900, 'out-of-range', 9_000],
        ['S', 1, 1, 'stale', 1_000],
      ]);
      await store.apply([
        testFrame(1, 1, 3, 10_000, [
          ['T', 1, 7.75],
          ['S', 1, 0],
          ['T', 2, 9],
        ]),
      ]);
      assert.deepEqual(await readAll(), [
        ['T', 1, 7.75, 'good', 10_000],
        ['T', 2, 9, 'good', 10_000],
        ['S', 1, 0, 'good', 10_000],
      ]);
    });

    it('a point that a frame leaves out keeps its value and quality', async () => {
      await store.apply([
        testFrame(1, 1, 1, 1_000, [
          ['T', 1, 1],
          ['T', 2, 2, STALE, 500],
        ]),
      ]);
      await store.apply([testFrame(1, 1, 2, 2_000, [['T', 3, 3]])]);
      assert.deepEqual(
        (await store.read(1)).map((p) => [p.id, p.value, p.quality, p.time]),
        [
          [1, 1, 'good', 2_000],
          [2, 2, 'stale', 500],
          [3, 3, 'good', 2_000],
        ],
      );
    });

    it('a point that was never read has no value and no time; one that became unreadable keeps both', async () => {
      await store.apply([
        testFrame(1, 1, 1, 1_000, [
          ['T', 1, NaN, BAD],
          ['T', 2, 5],
          ['A', 1, NaN, BAD],
        ]),
      ]);
      assert.deepEqual(await store.readPoint(1, 'T', 1), {
        channel: 1,
        kind: 'T',
        id: 1,
        value: null,
        quality: 'bad',
        time: null,
      });
      assert.equal((await store.read(1)).length, 3);
      await store.apply([testFrame(1, 2, 1, 3_000, [['T', 2, NaN, BAD]])]);
      await store.apply([testFrame(1, 2, 2, 4_000, [['T', 2, NaN, BAD]])]);
      const kept = await store.readPoint(1, 'T', 2);
      assert.deepEqual([kept?.value, kept?.quality, kept?.time], [5, 'bad', 1_000]);
    });

    it('a string point has quality and source time as others have', async () => {
      await store.apply([testFrame(1, 1, 1, 1_000, [['T', 1, 'SN-1', STALE, 400]])]);
      const stale = await store.readPoint(1, 'T', 1);
      assert.deepEqual([stale?.value, stale?.quality, stale?.time], ['SN-1', 'stale', 600]);
      await store.apply([testFrame(1, 1, 2, 2_000, [['T', 1, 'SN-2']])]);
      const good = await store.readPoint(1, 'T', 1);
      assert.deepEqual([good?.value, good?.quality, good?.time], ['SN-2', 'good', 2_000]);
    });

    it('a large channel arrives whole', async () => {
      const points: TestPoint[] = [];
      for (let id = 1; id <= 5_000; id++) points.push(['T', id, id / 8], ['S', id, id % 2]);
      await store.apply([
        testFrame(
          1,
          1,
          1,
          1_000,
          points.map((p) => [p[0], p[1], p[2], STALE, 10]),
        ),
      ]);
      await store.apply([testFrame(1, 1, 2, 1_000, points)]);
      const read = await store.read(1);
      assert.equal(read.length, 10_000);
      assert.deepEqual(
        read.filter(
          (p) => p.quality !== 'good' || p.time !== 1_000 || p.value !== (p.kind === 'T' ? p.id / 8 : p.id % 2),
        ),
        [],
      );
    });

    it('forgets points that left the tables, and a text that became a number', async () => {
      await store.setChannelConfig(
        testChannel(1, [testPointDefinition('T', 1), testPointDefinition('T', 2, 'string')]),
      );
      await store.apply([
        testFrame(1, 1, 1, 1_000, [
          ['T', 1, 1],
          ['T', 2, '2', STALE, 10],
          ['S', 1, 1, BAD],
        ]),
        testFrame(2, 1, 1, 1_000, [['T', 2, 2]]),
      ]);
      await store.setChannelConfig(testChannel(1, [testPointDefinition('T', 2), testPointDefinition('T', 3)]));
      assert.deepEqual(
        (await store.read(1)).map((p) => [p.kind, p.id]),
        [['T', 2]],
      );
      await store.apply([testFrame(1, 1, 2, 2_000, [['T', 2, 2.5]])]);
      assert.equal(await value(1, 'T', 2), 2.5);
      assert.equal((await store.read(2)).length, 1);
    });

    it('does not take back points that left the tables, or what was text, from a frame of before', async () => {
      const text = testPointDefinition('T', 3, 'string');
      await store.setChannelConfig(testChannel(1, [testPointDefinition('T', 1), testPointDefinition('T', 2), text]));
      await store.setChannelConfig(testChannel(1, [testPointDefinition('T', 2), testPointDefinition('T', 3)]));
      await store.apply([
        testFrame(1, 1, 1, 1_000, [
          ['T', 1, 1, STALE, 10],
          ['T', 2, 2, STALE, 20],
          ['T', 3, 'open'],
        ]),
      ]);
      assert.deepEqual(
        (await store.read(1)).map((p) => [p.kind, p.id, p.value, p.quality, p.time]),
        [['T', 2, 2, 'stale', 980]],
      );
      await store.apply([testFrame(1, 1, 2, 2_000, [['T', 3, 3]])]);
      assert.equal(await value(1, 'T', 3), 3);
    });

    it('marks a text that could not be read', async () => {
      await store.setChannelConfig(testChannel(1, [testPointDefinition('T', 1, 'string')]));
      await store.apply([testFrame(1, 1, 1, 1_000, [['T', 1, 'open']])]);
      await store.apply([testFrame(1, 1, 2, 2_000, [['T', 1, NaN, BAD]])]);
      const point = await store.readPoint(1, 'T', 1);
      assert.deepEqual([point?.value, point?.quality, point?.time], ['open', 'bad', 1_000]);
    });

    it('takes status and counters, and says that it is up', async () => {
      await store.setStatus(1, { state: 'online', error_count: 3 }, { total_reads: 12345678901 });
      assert.equal(store.health().up, true);
    });
  });
}
