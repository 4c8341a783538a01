import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kvm } from '@nats-io/kv';
import sinon from 'sinon';
import {
  HistoryProjection,
  type HistoryEvent,
  type HistoryProjectionOptions,
  type HistoryTarget,
} from '../../../actors/projections/history.js';
import type { Position } from '../../../actors/projections/position.js';
import type { Bus } from '../../../bus/connection.js';
import { encodeFrame } from '../../../bus/frame-codec.js';
import { DEFAULT_LIMITS, STREAM, ensureStreams } from '../../../bus/streams.js';
import { subjects } from '../../../bus/subjects.js';
import { buildStorageRule, type MappingDefinition } from '../../../site/history/definition.js';
import type { StoragePlan, StorageRule } from '../../../site/history/mapping.js';
import { keyId } from '../../../site/points.js';
import { frame, names } from '../../support/frames.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

type Insert = HistoryTarget['insert'];

/** A history that lives as long as the test: it knows the tokens that it has had. */
class Target implements HistoryTarget {
  readonly tokens: string[] = [];
  readonly frames: string[] = [];
  /** `id:value` */
  readonly points: string[] = [];
  repeats = 0;
  /** Runs before and after an insert; may throw. */
  before: () => void | Promise<void> = () => undefined;
  after: () => void | Promise<void> = () => undefined;

  readonly insert: Insert = async ({ token, frames }) => {
    await this.before();
    if (this.tokens.includes(token)) {
      this.repeats += 1;
    } else {
      this.tokens.push(token);
      for (const { frame: each } of frames) {
        this.frames.push(`${each.channel}:${each.epoch}/${each.seq}`);
        each.keys.forEach((key, index) => this.points.push(`${keyId(key)}:${each.values[index]}`));
      }
    }
    await this.after();
    return { rows: frames.length };
  };
}

const of = (channel: number, list: readonly string[]) => list.map((name) => `${channel}:${name}`);

describe('HistoryProjection on a real server', () => {
  let nats: TestNats;
  let bus: Bus;
  let target: Target;
  let events: HistoryEvent[];
  const running = new Set<HistoryProjection>();
  beforeEach(async () => {
    nats = await startNats();
    bus = await nats.connect();
    target = new Target();
    events = [];
  });
  afterEach(async () => {
    await Promise.all([...running].map(stop));
    await nats.stop();
  });

  const start = async (options: Partial<HistoryProjectionOptions> = {}) => {
    const projection = new HistoryProjection({
      bus,
      target,
      batchMs: 50,
      onEvent: (event) => events.push(event),
      ...options,
    });
    await projection.start();
    running.add(projection);
    return projection;
  };
  const stop = async (projection: HistoryProjection) => {
    running.delete(projection);
    await projection.stop();
  };
  const publish = async (channel: number, first: number, last: number, epoch = 5) => {
    for (let seq = first; seq <= last; seq++) {
      await bus.jetstream.publish(subjects.frame(channel), encodeFrame(frame(channel, epoch, seq)));
    }
  };
  const written = (count: number) =>
    eventually(() => (target.frames.length >= count ? true : undefined), {
      within: 20_000,
      what: `${count} frames in history`,
    });
  const committed = (projection: HistoryProjection, seq: number) =>
    eventually(() => (projection.committed >= seq ? true : undefined), { within: 20_000, what: `commit of ${seq}` });
  const heard = <T extends HistoryEvent['type']>(type: T) =>
    eventually(() => events.find((event): event is Extract<HistoryEvent, { type: T }> => event.type === type));
  const away = (): never => {
    throw new Error('the database is away');
  };

  it('writes every frame once, in order, in batches by size and by time', async () => {
    const projection = await start({ batchPoints: 20 });
    await publish(1, 1, 25);
    await written(25);
    await committed(projection, 25);
    assert.deepEqual(target.frames, of(1, names(5, 25)));
    assert.ok(target.tokens.length >= 3, 'ten frames of two points fill a batch');
    assert.equal(target.repeats, 0);
    assert.deepEqual(
      [projection.counters.frames, projection.counters.points, projection.counters.lost, projection.lastError],
      [25, 50, 0, null],
    );
    await eventually(async () => {
      const { ack_floor } = await bus.manager.consumers.info(STREAM.frames, 'history');
      return ack_floor.stream_seq === 25 ? true : undefined;
    });
  });

  const plan = (...definitions: MappingDefinition[]): StoragePlan => ({
    rules: definitions.map((each) => buildStorageRule(each, undefined, { report: () => undefined }) as StorageRule),
    nameOf: () => undefined,
  });

  it('writes what is to be stored, and changes that under way', async () => {
    // Point 1 changes with each frame, by 1; point 2 alike.
    let storage = plan({ points: '1:T:1', store: 'change', deadband: 5 }, { points: '1:T:2', store: 'never' });
    const first = await start({ storage: () => storage });
    await publish(1, 1, 20);
    await committed(first, 20);
    assert.deepEqual(target.points, ['1:1', '1:6', '1:11', '1:16']);
    storage = plan({ points: '1:T:1', store: 'never' });
    await publish(1, 21, 23);
    await committed(first, 23);
    assert.deepEqual(target.points.slice(4), ['2:21', '2:22', '2:23']);
    storage = plan({ points: '*', store: 'never' });
    const batches = target.tokens.length;
    await publish(1, 24, 30);
    await committed(first, 30);
    assert.equal(target.tokens.length, batches);
    assert.deepEqual([first.counters.frames, first.counters.points, first.counters.leftOut], [30, 7, 53]);
    await stop(first);
    storage = plan();
    const second = await start({ storage: () => storage });
    await publish(1, 31, 31);
    await committed(second, 31);
    assert.deepEqual(target.points.slice(7), ['1:31', '2:31']);
  });

  it('that died before the insert repeats the batch as it was chosen, whatever is to be stored now', async () => {
    target.before = away;
    const chosenOnce = plan({ points: '1:T:1', store: 'interval', intervalMs: 2 }, { points: '*', store: 'never' });
    const first = await start({ storage: () => chosenOnce, batchMs: 20_000, batchPoints: 5 });
    await publish(1, 1, 30);
    await heard('retrying');
    await stop(first);
    const entry = await (await new Kvm(bus.nats).open('POSITIONS')).get('history');
    const { to, token } = entry?.json<Position>().pending ?? { to: 0, token: '' };
    assert.ok(to > 5 && to < 30);
    target.before = () => undefined;
    const second = await start({ storage: () => plan({ points: '1:T:1', store: 'never' }) });
    await committed(second, 30);
    assert.equal(target.tokens[0], token);
    const even = names(0, to).flatMap((name) => (Number(name.slice(2)) % 2 === 0 ? [`1:${name.slice(2)}`] : []));
    const expected = ['1:1', ...even];
    assert.deepEqual(target.points.slice(0, expected.length), expected);
    assert.ok(target.points.slice(expected.length).every((point) => point.startsWith('2:')));
  });

  it('goes on where it was after an orderly stop', async () => {
    const first = await start();
    await publish(1, 1, 10);
    await committed(first, 10);
    await stop(first);
    await publish(1, 11, 20);
    await start();
    await written(20);
    assert.deepEqual(target.frames, of(1, names(5, 20)));
  });

  it('writes every frame once into a target that fails at random, through a kill of the server', async () => {
    let calls = 0;
    // A fixed pattern: some fail before they have written, some after.
    target.before = () => {
      if (++calls % 3 === 1) away();
    };
    target.after = () => {
      if (calls % 4 === 2) away();
    };
    const projection = await start({ batchPoints: 80 });
    for (let round = 0; round < 6; round++) {
      await publish(round % 2, round * 50 + 1, round * 50 + 50);
      if (round === 2) {
        nats.server.child.kill();
        await eventually(() => (bus.status === 'disconnected' ? true : undefined));
        await eventually(() => (bus.status === 'connected' ? true : undefined));
      }
    }
    await committed(projection, 300);
    assert.equal(new Set(target.frames).size, 300);
    assert.equal(target.frames.length, 300);
    assert.ok(target.repeats > 0, 'some were repeated');
    assert.equal(projection.counters.frames, 300);
    assert.ok(events.some((event) => event.type === 'retrying'));
    assert.ok(events.some((event) => event.type === 'recovered'));
  }).timeout(60_000);

  it('that died between announcement and insert repeats the batch as it was', async () => {
    target.before = away;
    const first = await start();
    await publish(1, 1, 7);
    await heard('retrying');
    await stop(first);
    await publish(1, 8, 20);
    target.before = () => undefined;
    await start({ batchMs: 300 });
    await written(20);
    assert.deepEqual(target.frames, of(1, names(5, 20)));
    const [, range = ''] = /:(\d+-\d+)$/.exec(target.tokens[0] ?? '') ?? [];
    const [from, to] = range.split('-').map(Number);
    assert.equal(from, 1);
    assert.ok((to ?? 0) <= 7, `the first batch ends where it had ended, ${range}`);
  });

  it('that died between insert and position changes nothing by repeating', async () => {
    target.after = away;
    const first = await start();
    await publish(1, 1, 7);
    await heard('retrying');
    await stop(first);
    assert.ok(target.frames.length > 0);
    target.after = () => undefined;
    target.repeats = 0;
    await publish(1, 8, 20);
    await start();
    await written(20);
    assert.deepEqual(target.frames, of(1, names(5, 20)));
    assert.ok(target.repeats > 0);
  });

  it('leaves nothing out when it is stopped with the database away and more batches behind', async () => {
    target.before = away;
    const first = await start({ batchPoints: 10, batchMs: 20 });
    await publish(1, 1, 100);
    await heard('retrying');
    await sleep(200); // The next batch is full, and its time is over.
    await stop(first);
    assert.equal(target.frames.length, 0);
    target.before = () => undefined;
    await start();
    await written(100);
    assert.deepEqual(target.frames, of(1, names(5, 100)));
  });

  it('writes nothing once it has stopped', async () => {
    const first = await start({ batchMs: 100 });
    await publish(1, 1, 5);
    await sleep(30);
    await stop(first);
    const before = target.frames.length;
    const second = await start({ batchMs: 400 });
    await sleep(250);
    assert.equal(target.frames.length, before, 'the first one’s timer is over');
    await written(5);
    assert.deepEqual(target.frames, of(1, names(5, 5)));
    assert.equal(second.lastError, null);
  });

  it('of two writers lets the later one go on; every frame is written once', async () => {
    const first = await start();
    await publish(1, 1, 5);
    await committed(first, 5);
    const second = await start({ bus: await nats.connect('second') });
    await publish(1, 6, 30);
    await written(30);
    const fenced = await heard('fenced');
    assert.equal(fenced.error.code, 'projection.fenced');
    await publish(1, 31, 60);
    await written(60);
    assert.deepEqual([...target.frames].sort(), of(1, names(5, 60)).sort());
    // Whichever lost is still there to be stopped, and says why it does nothing.
    const loser = [first, second].filter((each) => /another writer/.test(each.lastError ?? ''));
    assert.equal(loser.length, 1);
    await stop(loser[0] as HistoryProjection);
  }).timeout(60_000);

  it('gets what was lost on the way, in order', async () => {
    target.before = () => sleep(20);
    const projection = await start({ batchPoints: 10 });
    await publish(1, 1, 20);
    // Somebody else takes messages of its consumer; the server takes them for delivered.
    const thief = await (await nats.connect('thief')).jetstream.consumers.get(STREAM.frames, 'history');
    const stealing = (async () => {
      for await (const message of await thief.fetch({ max_messages: 10, expires: 2_000 })) assert.ok(message.seq > 0);
    })().catch((error: unknown) => {
      // The projection makes its consumer anew as soon as it misses something, perhaps before the thief is done.
      assert.match(String(error), /consumer deleted/);
    });
    await publish(1, 21, 120);
    await stealing;
    await publish(1, 121, 130);
    await committed(projection, 130);
    assert.deepEqual(target.frames, of(1, names(5, 130)));
  }).timeout(30_000);

  it('begins anew with a stream that was made anew between two runs', async () => {
    const first = await start();
    await publish(1, 1, 5);
    await committed(first, 5);
    await stop(first);
    await remakeStream();
    await publish(1, 1, 5, 9);
    await start();
    await written(10);
    assert.deepEqual(target.frames, [...of(1, names(5, 5)), ...of(1, names(9, 5))]);
    assert.equal(target.repeats, 0);
  });

  it('begins anew with a stream that was made anew under way', async () => {
    const first = await start();
    await publish(1, 1, 5);
    await committed(first, 5);
    await remakeStream();
    await publish(1, 1, 3, 9);
    await written(8);
    assert.deepEqual(target.frames, [...of(1, names(5, 5)), ...of(1, names(9, 3))]);
    const { why } = await heard('lost');
    assert.match(why, /made anew/);
  }).timeout(60_000);

  it('begins anew with a stream that is made anew while it looks where to go on', async () => {
    const first = await start();
    await publish(1, 1, 5);
    await committed(first, 5);
    const { streams } = bus.manager;
    const looked = sinon.stub(streams, 'info').callsFake(async (...of) => {
      const found = await looked.wrappedMethod.apply(streams, of);
      looked.restore();
      await remakeStream();
      await publish(1, 1, 3, 9);
      return found;
    });
    await bus.manager.consumers.delete(STREAM.frames, 'history');
    await written(8);
    assert.deepEqual(target.frames, [...of(1, names(5, 5)), ...of(1, names(9, 3))]);
  }).timeout(60_000);

  it('stops while it begins to read, and leaves what was not read to the next', async () => {
    const first = await start();
    await stop(first);
    await publish(1, 1, 3);
    await start();
    await written(3);
    assert.deepEqual(target.frames, of(1, names(5, 3)));
  });

  it('stops after another writer has fenced it while it began to read', async () => {
    let go: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    let writing = false;
    target.before = () => {
      writing = true;
      return held;
    };
    const first = await start();
    const { consumers } = bus.manager;
    await publish(1, 1, 1);
    await eventually(() => (writing ? true : undefined), { what: 'a batch is being written' });
    await publish(1, 2, 2);
    await eventually(
      async () => ((await consumers.info(STREAM.frames, 'history')).delivered.stream_seq === 2 ? true : undefined),
      { what: 'the frame of the next batch' },
    );
    // It is to read anew, and when it can, that batch has met the position of another.
    const made = sinon.stub(consumers, 'add').callsFake(async (...of) => {
      const info = await made.wrappedMethod.apply(consumers, of);
      made.restore();
      await heard('fenced');
      return info;
    });
    await consumers.delete(STREAM.frames, 'history');
    await eventually(() => (made.callCount === 1 ? true : undefined), {
      within: 40_000,
      what: 'it begins to read anew',
    });
    const positions = await new Kvm(bus.nats).open('POSITIONS');
    await positions.put('history', JSON.stringify((await positions.get('history'))?.json<Position>()));
    go();
    await heard('fenced');
    await new Promise((resolve) => setTimeout(resolve, 100)); // Until it has its reader, and lets go of it.
    await stop(first);
  }).timeout(60_000);

  it('writes what a server that lost its end gets afterwards', async () => {
    const first = await start();
    await publish(1, 1, 10);
    await committed(first, 10);
    await stop(first);
    // As if history had been at 14, with a batch 12 to 14 under way, before the power was cut.
    const positions = await new Kvm(bus.nats).open('POSITIONS');
    const entry = await positions.get('history');
    assert.ok(entry);
    const position = entry.json<Position>();
    const pending = { from: 9, to: 14, token: 'before the cut' };
    await positions.put('history', JSON.stringify({ ...position, committed: 8, pending }));
    const second = await start();
    await committed(second, 10);
    assert.equal(target.tokens.at(-1), 'before the cut');
    target.frames.length = 0;
    await publish(1, 11, 16, 7);
    await committed(second, 16);
    assert.deepEqual(target.frames, of(1, names(7, 16, 11)));
    assert.match((await heard('lost')).why, /ends at 10, history had read up to 14/);
    // The new name of its batches holds from now on.
    await stop(second);
    await publish(1, 17, 18, 7);
    await start();
    await written(8);
    assert.match(target.tokens.at(-1) ?? '', /~\d+:17-18$/);
  });

  it('counts frames that limits discarded before it read them', async () => {
    const first = await start();
    await publish(1, 1, 5);
    await committed(first, 5);
    await stop(first);
    await publish(1, 6, 30);
    await bus.manager.streams.purge(STREAM.frames, { seq: 21 });
    const second = await start();
    await written(15);
    assert.deepEqual(target.frames, [...of(1, names(5, 5)), ...of(1, names(5, 30, 21))]);
    assert.equal(second.counters.lost, 15);
    assert.match((await heard('lost')).why, /limits discarded/);
  });

  it('counts frames that limits discarded under way', async () => {
    target.before = away;
    const first = await start({ batchPoints: 4 });
    await publish(1, 1, 5_000);
    await heard('retrying');
    await bus.manager.streams.purge(STREAM.frames, { seq: 4_951 });
    target.before = () => undefined;
    await committed(first, 5_000);
    assert.equal(target.frames.length + first.counters.lost, 5_000);
    assert.equal(new Set(target.frames).size, target.frames.length);
    assert.ok(first.counters.lost > 0, 'it reads no more than it has room for');
  }).timeout(60_000);

  it('repeats what is left of a batch whose beginning was discarded, under its name', async () => {
    target.after = away;
    const first = await start();
    await publish(1, 1, 10);
    await heard('retrying');
    await stop(first);
    const [token] = target.tokens;
    const writtenBefore = target.frames.length;
    target.after = () => undefined;
    await bus.manager.streams.purge(STREAM.frames, { seq: 2 });
    const second = await start();
    await committed(second, 10);
    assert.equal(target.tokens[0], token);
    assert.equal(new Set(target.frames).size, target.frames.length);
    assert.equal(target.frames.length, 10);
    assert.ok(writtenBefore > 0);
    assert.equal(second.counters.lost, 1);
  });

  it('goes on when the end of the batch to be repeated was deleted', async () => {
    target.before = away;
    const first = await start({ batchPoints: 10 });
    await publish(1, 1, 10);
    await heard('retrying');
    await stop(first);
    const entry = await (await new Kvm(bus.nats).open('POSITIONS')).get('history');
    const to = entry?.json<Position>().pending?.to ?? 0;
    assert.ok(to > 0);
    await bus.manager.streams.deleteMessage(STREAM.frames, to);
    target.before = () => undefined;
    await publish(1, 11, 20);
    const second = await start();
    await committed(second, 20);
    assert.equal(target.frames.length, 19);
    assert.equal(second.counters.lost, 1);
  });

  it('counts a message that is no frame, and goes on', async () => {
    await bus.jetstream.publish(subjects.frame(1), Buffer.from('no frame'));
    await publish(1, 1, 3);
    const projection = await start();
    await committed(projection, 4);
    assert.deepEqual(target.frames, of(1, names(5, 3)));
    assert.equal(projection.counters.lost, 1);
    assert.match((await heard('lost')).why, /message 1 of FRAMES: no frame/);
  });

  async function remakeStream(): Promise<void> {
    await bus.manager.streams.delete(STREAM.frames);
    await ensureStreams(bus.manager, 1, DEFAULT_LIMITS);
  }
});
