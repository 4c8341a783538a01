import assert from 'node:assert/strict';
import { join } from 'node:path';
import { FramePublisher } from '../../../actors/frames/publisher.js';
import { Spool } from '../../../actors/frames/spool.js';
import type { FrameLine } from '../../../actors/channel/worker.js';
import type { Bus } from '../../../bus/connection.js';
import { encodeFrame } from '../../../bus/frame-codec.js';
import { readBatch } from '../../../bus/read-batch.js';
import { STREAM } from '../../../bus/streams.js';
import { subjects } from '../../../bus/subjects.js';
import { frame, names, storedFrames } from '../../support/frames.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually, tempFolder } from '../../support/temp.js';

describe('FramePublisher on a real server', () => {
  let nats: TestNats;
  let folder: string;
  let remove: () => Promise<void>;
  const publishers: FramePublisher[] = [];
  beforeEach(async () => {
    ({ path: folder, remove } = await tempFolder());
    nats = await startNats();
  });
  afterEach(async () => {
    await Promise.all(publishers.splice(0).map((publisher) => publisher.close()));
    await nats.stop();
    await remove();
  });

  const start = async (bus: Bus, { name = 'spool', maxBytes = 1e7 } = {}) => {
    const spool = await Spool.open({ folder: join(folder, name), maxBytes, segmentBytes: 50_000 });
    const publisher = new FramePublisher(bus, spool);
    publishers.push(publisher);
    return publisher;
  };
  const end = async (publisher: FramePublisher) => {
    publishers.splice(publishers.indexOf(publisher), 1);
    await publisher.close();
  };
  const quiet = (publisher: FramePublisher, total: number) =>
    eventually(
      () => {
        const { published, replayed, refused } = publisher.counters;
        return !publisher.spooling && published + replayed + refused >= total ? true : undefined;
      },
      { within: 30_000, what: `${total} frames to land` },
    );
  const neverFenced = (error: Error) => assert.fail(error.message);
  /** Leaves frames in a spool as a killed process would. */
  const leave = async (frames: readonly Uint8Array[], name = 'spool') => {
    const spool = await Spool.open({ folder: join(folder, name), maxBytes: 1e7, segmentBytes: 500 });
    for (const bytes of frames) assert.ok(spool.append(bytes));
    spool.close();
  };
  const spooled = (channel: number, epoch: number, last: number, first = 1) =>
    Array.from({ length: last - first + 1 }, (_, index) => encodeFrame(frame(channel, epoch, first + index)));

  it('lands every frame once and in order through kills of the server', async () => {
    const CHANNELS = 40;
    const FRAMES = 120;
    const bus = await nats.connect();
    const publisher = await start(bus);
    const lines: FrameLine[] = Array.from({ length: CHANNELS }, () => publisher.openLine(neverFenced));
    const { child } = nats.server;
    let sawSpooling = false;
    for (let seq = 1; seq <= FRAMES; seq++) {
      lines.forEach((line, index) => line.publish(frame(index + 1, 9, seq)));
      if (seq === 30 || seq === 80) child.kill();
      sawSpooling ||= publisher.spooling;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await quiet(publisher, CHANNELS * FRAMES);
    assert.equal(sawSpooling, true, 'the outage was long enough to matter');
    assert.equal(publisher.counters.refused, 0);
    assert.equal(publisher.spoolBytes, 0);
    assert.equal(publisher.lastError, null);
    for (let channel = 1; channel <= CHANNELS; channel++) {
      assert.deepEqual(await storedFrames(bus, channel), names(9, FRAMES), `channel ${channel}`);
    }
    const { state } = await bus.manager.streams.info(STREAM.frames);
    assert.equal(state.messages, CHANNELS * FRAMES);
    // And directly again, without the disk.
    const { spooled: before } = publisher.counters;
    lines[0]?.publish(frame(1, 9, FRAMES + 1));
    await quiet(publisher, CHANNELS * FRAMES + 1);
    assert.equal(publisher.counters.spooled, before);
  }).timeout(60_000);

  it('sends what many channels publish at once as one batch; a stale one among them holds nobody up', async () => {
    const CHANNELS = 100;
    const bus = await nats.connect();
    const publisher = await start(bus);
    const fencedOff: number[] = [];
    const lines = Array.from({ length: CHANNELS }, (_, index) => publisher.openLine(() => fencedOff.push(index + 1)));
    lines.forEach((line, index) => line.publish(frame(index + 1, 3, 1)));
    await quiet(publisher, CHANNELS);
    const inBatches = async () => {
      const all = await readBatch(bus, STREAM.frames, { seq: 1, batch: 1_000 });
      return all.filter((message) => message.header.has('Nats-Batch-Id')).length;
    };
    assert.ok((await inBatches()) >= CHANNELS / 2);

    const successor = await start(await nats.connect(), { name: 'other' });
    successor.openLine(neverFenced).publish(frame(50, 9, 1));
    await quiet(successor, 1);
    lines.forEach((line, index) => line.publish(frame(index + 1, 3, 2)));
    await quiet(publisher, 2 * CHANNELS);
    assert.deepEqual(fencedOff, [50]);
    assert.deepEqual(await storedFrames(bus, 50), ['3/1', '9/1']);
    assert.deepEqual(await storedFrames(bus, 51), names(3, 2));
  }).timeout(30_000);

  it('replays what a killed process left, before anything new', async () => {
    await leave([...spooled(1, 3, 30), ...spooled(2, 4, 30)]);
    const bus = await nats.connect();
    const publisher = await start(bus);
    assert.equal(publisher.spooling, true);
    const line = publisher.openLine(neverFenced);
    for (let seq = 1; seq <= 5; seq++) line.publish(frame(1, 8, seq));
    await quiet(publisher, 65);
    assert.deepEqual(await storedFrames(bus, 1), [...names(3, 30), ...names(8, 5)]);
    assert.deepEqual(await storedFrames(bus, 2), names(4, 30));
    assert.deepEqual([publisher.counters.replayed, publisher.counters.damagedBytes], [65, 0]);
  });

  it('skips of a spool what had landed before the kill', async () => {
    const bus = await nats.connect();
    const first = await start(bus, { name: 'other' });
    const line = first.openLine(neverFenced);
    for (let seq = 1; seq <= 10; seq++) line.publish(frame(1, 3, seq));
    await quiet(first, 10);
    await leave(spooled(1, 3, 20, 6));
    const publisher = await start(bus);
    await quiet(publisher, 15);
    assert.deepEqual(await storedFrames(bus, 1), names(3, 20));
  });

  it('keeps frames of a superseded activation, late and once', async () => {
    const bus = await nats.connect();
    const other = await start(bus, { name: 'other' });
    const old = other.openLine(neverFenced);
    for (let seq = 1; seq <= 3; seq++) old.publish(frame(1, 3, seq));
    await quiet(other, 3);
    const successor = other.openLine(neverFenced);
    for (let seq = 1; seq <= 3; seq++) successor.publish(frame(1, 5, seq));
    await quiet(other, 6);
    // Frame 3 landed before its node lost the bus, but it never heard of it.
    await forgetIds(bus);
    await leave(spooled(1, 3, 8, 3));
    await end(await replayedBy(bus));
    // Killed within the replay: the same spool once more, longer after than the server remembers ids.
    await forgetIds(bus);
    await leave(spooled(1, 3, 10, 3));
    await end(await replayedBy(bus));
    assert.deepEqual(await storedFrames(bus, 1), [...names(3, 3), ...names(5, 3)]);
    assert.deepEqual(await storedFrames(bus, 1, subjects.lateFrame(1, 3)), names(3, 10, 4));
    // The present activation goes on, and a stale one is still fenced.
    successor.publish(frame(1, 5, 4));
    await quiet(other, 7);
    assert.equal((await storedFrames(bus, 1)).at(-1), '5/4');
    const fences: string[] = [];
    other.openLine((error) => fences.push(error.code)).publish(frame(1, 3, 11));
    await eventually(() => fences[0]);
  }).timeout(30_000);

  it('fences a stale activation', async () => {
    const bus = await nats.connect();
    const publisher = await start(bus);
    const fences: string[] = [];
    const stale = publisher.openLine((error) => fences.push(error.code));
    stale.publish(frame(1, 3, 1));
    await quiet(publisher, 1);
    const second = await start(await nats.connect('other node'), { name: 'other' });
    second.openLine(neverFenced).publish(frame(1, 4, 1));
    await quiet(second, 1);
    stale.publish(frame(1, 3, 2));
    await eventually(() => fences[0]);
    assert.deepEqual(fences, ['frames.fenced']);
    stale.publish(frame(1, 3, 3));
    assert.equal(publisher.counters.superseded, 1);
    await quiet(publisher, 2);
    assert.deepEqual(await storedFrames(bus, 1), ['3/1', '4/1']);
    assert.deepEqual(await storedFrames(bus, 1, subjects.lateFrame(1, 3)), ['3/2']);
  });

  it('is not blocked by a frame larger than the server takes', async () => {
    const bus = await nats.connect();
    const publisher = await start(bus);
    const line = publisher.openLine(neverFenced);
    const tooLarge = 700_000; // points of 13 bytes: over 8 MB
    line.publish(frame(1, 3, 1, tooLarge));
    line.publish(frame(1, 3, 2));
    await quiet(publisher, 2);
    assert.deepEqual(await storedFrames(bus, 1), ['3/2']);
    assert.equal(publisher.counters.refused, 1);
  });

  it('counts what a full spool refuses, and goes on when the server is back', async () => {
    const bus = await nats.connect();
    const publisher = await start(bus, { maxBytes: 10_000 });
    const line = publisher.openLine(neverFenced);
    line.publish(frame(1, 3, 1));
    await quiet(publisher, 1);
    await nats.server.child.stop();
    await eventually(() => (bus.status === 'disconnected' ? true : undefined));
    for (let seq = 2; seq <= 501; seq++) line.publish(frame(1, 3, seq));
    const { spooled: kept, refused } = publisher.counters;
    assert.equal(kept + refused, 500);
    assert.ok(refused > 300, `${refused} refused`);
    assert.equal(publisher.lastError, 'the spool is full');
    assert.ok(publisher.spoolBytes <= 10_000);
    await nats.server.child.start();
    await quiet(publisher, 501);
    line.publish(frame(1, 3, 502));
    await quiet(publisher, 502);
    assert.deepEqual(await storedFrames(bus, 1), [...names(3, kept + 1), '3/502']);
  }).timeout(30_000);

  it('leaves in the spool what a stop does not wait for', async () => {
    const bus = await nats.connect();
    const publisher = await start(bus);
    const line = publisher.openLine(neverFenced);
    await nats.server.child.stop();
    await eventually(() => (bus.status === 'disconnected' ? true : undefined));
    for (let seq = 1; seq <= 20; seq++) line.publish(frame(1, 3, seq));
    await line.close();
    await end(publisher);
    await nats.server.child.start();
    const nextBus = await nats.connect('next run');
    await quiet(await start(nextBus), 20);
    assert.deepEqual(await storedFrames(nextBus, 1), names(3, 20));
  }).timeout(30_000);

  async function replayedBy(bus: Bus): Promise<FramePublisher> {
    const publisher = await start(bus);
    await eventually(() => (publisher.spooling ? undefined : true), { within: 30_000, what: 'the replay' });
    return publisher;
  }

  /** Makes the server forget which ids it has seen, as it does after two minutes. */
  async function forgetIds(bus: Bus): Promise<void> {
    const { config } = await bus.manager.streams.info(STREAM.frames);
    const shortly = 100 * 1_000_000; // ns
    await bus.manager.streams.update(STREAM.frames, { duplicate_window: shortly });
    await eventually(
      async () => {
        const probe = { msgID: '1/3/3' };
        const { duplicate, seq } = await bus.jetstream.publish('frame.0.999', encodeFrame(frame(999, 1, 1)), probe);
        if (!duplicate) await bus.manager.streams.deleteMessage(STREAM.frames, seq);
        return duplicate ? undefined : true;
      },
      { within: 30_000, what: 'the ids to be forgotten' },
    );
    // The probe's, too. From then on ids are kept as ever: a replay under test may take longer than that.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await bus.manager.streams.update(STREAM.frames, { duplicate_window: config.duplicate_window });
  }
});
