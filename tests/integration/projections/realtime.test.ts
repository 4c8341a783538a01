import assert from 'node:assert/strict';
import sinon from 'sinon';
import { RealtimeProjection } from '../../../actors/projections/realtime.js';
import { LiveFeed } from '../../../actors/projections/live-feed.js';
import type { Bus } from '../../../bus/connection.js';
import { encodeFrame } from '../../../bus/frame-codec.js';
import { subjects } from '../../../bus/subjects.js';
import { StatewattError } from '../../../errors/error.js';
import { MemoryStore } from '../../../protocols/realtime/memory-store.js';
import { RedisStore } from '../../../protocols/realtime/redis-store.js';
import type { RealtimeStore } from '../../../protocols/realtime/store.js';
import { pointKey, type Frame } from '../../../site/points.js';
import { frame } from '../../support/frames.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { startRedis, type TestRedis } from '../../support/redis.js';
import { eventually } from '../../support/temp.js';

/** A store whose calls can be made to fail. */
class FaultyStore extends MemoryStore {
  faults: unknown[] = [];
  applied = 0;
  override async apply(frames: readonly Frame[]): Promise<void> {
    const [fault] = this.faults;
    if (fault !== undefined) {
      if (fault instanceof StatewattError && fault.code === 'realtime.refused') this.faults.shift();
      throw fault as Error;
    }
    this.applied += frames.length;
    await super.apply(frames);
  }
}

describe('RealtimeProjection on a real server', () => {
  let nats: TestNats;
  let bus: Bus;
  let feed: LiveFeed;
  const running = new Set<RealtimeProjection>();
  beforeEach(async () => {
    nats = await startNats();
    bus = await nats.connect();
    feed = new LiveFeed();
  });
  afterEach(async () => {
    await Promise.all([...running].map((projection) => projection.stop()));
    running.clear();
    await nats.stop();
  });
  const start = (store: RealtimeStore) => {
    const projection = new RealtimeProjection(bus, store, feed);
    projection.start();
    running.add(projection);
    return projection;
  };
  const publish = async (each: Frame) => {
    await bus.jetstream.publish(subjects.frame(each.channel), encodeFrame(each));
  };
  const shows = (store: RealtimeStore, channel: number, value: number, id = 1) =>
    eventually(
      async () => {
        const found = await store.readPoint(channel, 'T', id).catch(() => undefined);
        return found?.value === value ? true : undefined;
      },
      { within: 20_000, what: `channel ${channel} to show ${value}` },
    );

  it('shows the newest frame of each channel, those from before its start too', async () => {
    for (let seq = 1; seq <= 5; seq++) await publish(frame(1, 5, seq));
    await publish(frame(2, 6, 1));
    const store = new MemoryStore();
    const projection = start(store);
    await shows(store, 1, 5);
    await shows(store, 2, 1);
    await publish(frame(1, 5, 6));
    await shows(store, 1, 6);
    assert.equal(projection.counters.frames, 3);
    assert.equal(projection.counters.points, 6);
    assert.equal(projection.lastError, null);
  });

  it('tells watchers of every frame, in order, after it can be read', async () => {
    const store = new MemoryStore();
    start(store);
    await publish(frame(9, 5, 1));
    await shows(store, 9, 1);
    const seen: number[] = [];
    const readable: unknown[] = [];
    const end = feed.watch((each) => {
      seen.push(each.seq);
      void store.readPoint(1, 'T', 1).then((found) => readable.push(found?.value));
    });
    for (let seq = 1; seq <= 50; seq++) await publish(frame(1, 5, seq));
    await eventually(() => (seen.length === 50 ? true : undefined));
    assert.deepEqual(
      seen,
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
    assert.ok(readable.every((value, index) => Number(value) >= index + 1));
    end();
    await publish(frame(1, 5, 51));
    await shows(store, 1, 51);
    assert.equal(seen.length, 50);
  });

  it('never goes back: a late frame changes nothing, whether it was there at the start or comes', async () => {
    const late = (seq: number) => bus.jetstream.publish(subjects.lateFrame(1, 4), encodeFrame(frame(1, 4, seq)));
    await publish(frame(1, 5, 10));
    await late(98);
    const store = new MemoryStore();
    start(store);
    const seen: number[] = [];
    feed.watch((each) => seen.push(each.epoch));
    await shows(store, 1, 10);
    await late(99);
    await publish(frame(1, 3, 1)); // Not fenced by anybody: the store skips it.
    await publish(frame(2, 1, 1));
    await shows(store, 2, 1);
    await shows(store, 1, 10);
    await eventually(() => (seen.includes(1) ? true : undefined));
    assert.ok(!seen.includes(4), 'watchers see no late frames');
  });

  it('counts what is no frame, and goes on', async () => {
    const store = new MemoryStore();
    const projection = start(store);
    await bus.jetstream.publish(subjects.frame(1), Buffer.from('no frame'));
    await eventually(() => (projection.counters.unreadable === 1 ? true : undefined));
    assert.match(projection.lastError ?? '', /message 1 of FRAMES/);
    await publish(frame(1, 5, 1));
    await shows(store, 1, 1);
    assert.equal(projection.lastError, null);
  });

  it('goes on after a kill of the server', async () => {
    const store = new MemoryStore();
    start(store);
    await publish(frame(1, 5, 1));
    await shows(store, 1, 1);
    nats.server.child.kill();
    await eventually(() => (bus.status === 'disconnected' ? true : undefined));
    await eventually(() => (bus.status === 'connected' ? true : undefined));
    await publish(frame(1, 5, 2));
    await shows(store, 1, 2);
  }).timeout(60_000);

  it('waits for a store that is away and leaves no frame out', async () => {
    const store = new FaultyStore();
    const away = new StatewattError('realtime.unavailable', 'unavailable', 'the store is away');
    store.faults = [away];
    const projection = start(store);
    const seen: number[] = [];
    feed.watch((each) => seen.push(each.seq));
    await publish(frame(1, 5, 1));
    await eventually(() => (projection.lastError === 'the store is away' ? true : undefined));
    for (let seq = 2; seq <= 3_000; seq++) {
      const each = publish(frame(1, 5, seq));
      if (seq % 100 === 0) await each;
    }
    store.faults = [];
    await shows(store, 1, 3_000);
    assert.deepEqual(
      seen,
      Array.from({ length: 3_000 }, (_, index) => index + 1),
    );
  }).timeout(60_000);

  it('is not held up by a frame that the store can never take', async () => {
    const store = new FaultyStore();
    store.faults = [new StatewattError('realtime.refused', 'conflict', 'a key of the wrong type')];
    start(store);
    await publish(frame(1, 5, 1));
    await eventually(() => (store.faults.length === 0 ? true : undefined));
    await publish(frame(1, 5, 2));
    await shows(store, 1, 2);
  });

  it('stops while the store is away', async () => {
    const store = new FaultyStore();
    store.faults = [new Error('away')];
    const projection = start(store);
    await publish(frame(1, 5, 1));
    await eventually(() => (projection.lastError === 'away' ? true : undefined));
    await projection.stop();
    running.delete(projection);
    assert.equal(store.applied, 0);
  });

  it('stops while it begins to read', async () => {
    const projection = start(new MemoryStore());
    await projection.stop();
    running.delete(projection);
  });

  it('begins anew with a stream that was made anew', async () => {
    const { config } = await bus.manager.streams.info('FRAMES');
    const store = new MemoryStore();
    start(store);
    for (let seq = 1; seq <= 5; seq++) await publish(frame(1, 5, seq));
    await shows(store, 1, 5);
    await nats.server.child.stop();
    await nats.server.child.start();
    await eventually(() => (bus.status === 'connected' ? true : undefined));
    await bus.manager.streams.delete('FRAMES');
    await bus.manager.streams.add(config);
    await publish(frame(1, 6, 1));
    await shows(store, 1, 1);
  }).timeout(60_000);

  it('begins anew with a stream that is made anew while it looks where to go on', async () => {
    const { config } = await bus.manager.streams.info('FRAMES');
    const store = new MemoryStore();
    start(store);
    for (let seq = 1; seq <= 5; seq++) await publish(frame(1, 5, seq));
    await shows(store, 1, 5);
    const { streams } = bus.manager;
    const looked = sinon.stub(streams, 'info').callsFake(async (...of) => {
      const found = await looked.wrappedMethod.apply(streams, of);
      looked.restore();
      await streams.delete('FRAMES');
      await streams.add(config);
      await publish(frame(1, 6, 1));
      return found;
    });
    await nats.server.child.stop();
    await nats.server.child.start();
    await shows(store, 1, 1);
  }).timeout(60_000);

  it('tries again when there is no stream yet', async () => {
    const { config } = await bus.manager.streams.info('FRAMES');
    await bus.manager.streams.delete('FRAMES');
    const store = new MemoryStore();
    const projection = start(store);
    await eventually(() => (/stream not found/.test(projection.lastError ?? '') ? true : undefined));
    await bus.manager.streams.add(config);
    await publish(frame(1, 5, 1));
    await shows(store, 1, 1);
  });

  describe('into Redis', () => {
    let redis: TestRedis;
    let store: RedisStore;
    beforeEach(async () => {
      redis = await startRedis();
      store = new RedisStore({ url: redis.url });
      await eventually(() => (store.health().up ? true : undefined));
    });
    afterEach(async () => {
      await Promise.all([...running].map((projection) => projection.stop()));
      running.clear();
      await store.close();
      await redis.close();
    });

    it('is right again after Redis came back empty, for silent channels too', async () => {
      const projection = start(store);
      await publish(frame(1, 5, 1)); // Silent from now on.
      await publish(frame(2, 5, 1));
      await shows(store, 1, 1);
      await shows(store, 2, 1);
      await redis.stop();
      await publish(frame(2, 5, 2));
      await eventually(() => (projection.lastError === null ? undefined : true));
      await publish(frame(2, 5, 3));
      await redis.start();
      await shows(store, 2, 3);
      await shows(store, 1, 1);
      assert.equal(projection.lastError, null);
      await publish(frame(2, 5, 4));
      await shows(store, 2, 4);
    }).timeout(60_000);

    it('leaves out no change while Redis is filled again', async () => {
      start(store);
      await publish(frame(1, 5, 1));
      await shows(store, 1, 1);
      await redis.stop();
      // Point 1 changes once, in a frame of its own; later frames carry only point 2.
      const partial = (seq: number, id: number): Frame => ({
        ...frame(1, 5, seq, 1),
        keys: Uint32Array.of(pointKey('T', id)),
      });
      for (let seq = 2; seq <= 200; seq++) await publish(partial(seq, seq === 150 ? 1 : 2));
      await redis.start();
      await shows(store, 1, 200, 2);
      await shows(store, 1, 150, 1);
    }).timeout(60_000);
  });
});
