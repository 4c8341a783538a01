import assert from 'node:assert/strict';
import type { Bus } from '../../../bus/connection.js';
import { STREAM } from '../../../bus/streams.js';
import { openLink } from '../../support/link.js';
import { connectBus } from '../../../bus/connection.js';
import { StatewattError } from '../../../errors/error.js';
import { away, FakeTarget, publishFrames, refusal, testRun, upTo } from '../../support/forwarding.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

describe('a run of a forwarder', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let bus: Bus;
  let runs: { stop(): Promise<void> }[] = [];
  let number = 0;
  /** Of each test its own, and so its own position. */
  let id = '';

  const start = (target: FakeTarget, ...rest: [Parameters<typeof testRun>[2]?, Parameters<typeof testRun>[3]?]) => {
    const made = testRun(rest[1]?.bus ?? bus, target, { id, ...rest[0] }, rest[1]);
    runs.push(made.run);
    made.run.start();
    return made;
  };
  const received = (target: FakeTarget, count: number) =>
    eventually(() => (target.seqs.length >= count ? target.seqs : undefined), { what: `${count} readings` });

  before(async () => {
    nats = await startNats();
    bus = await nats.connect();
  });
  beforeEach(async () => {
    id = `target-${++number}`;
    await bus.manager.streams.purge(STREAM.frames);
  });
  afterEach(async () => {
    for (const run of runs) await run.stop();
    runs = [];
  });
  after(() => nats.stop());

  it('sends all frames in order, in batches, each reading with an id of its own', async () => {
    await publishFrames(bus, 1, 12);
    const target = new FakeTarget();
    const { stats, reports } = start(target);
    assert.deepEqual(await received(target, 12), upTo(12));
    assert.deepEqual(
      target.batches.map(({ items }) => items.length),
      [10, 10, 4],
    );
    const ids = target.batches.flatMap(({ items }) => items.map((item) => item.id));
    assert.equal(new Set(ids).size, 24);
    assert.equal(ids[1], '1/1/1/T:2');
    await publishFrames(bus, 1, 13, 13);
    await received(target, 13);
    await eventually(() => (stats.sent === 26 && stats.behind === 0 ? true : undefined));
    assert.deepEqual(reports, [{ type: 'link.up' }]);
  });

  it('sends a batch that was not acknowledged again as it was, and nothing before it', async () => {
    await publishFrames(bus, 1, 10);
    const target = new FakeTarget();
    target.failures = [
      { error: away(), taken: true },
      { error: away(), taken: false },
    ];
    const { stats, reports } = start(target, { send: { mode: 'change', deadband: 0 } });
    await eventually(() => (stats.sent === 20 ? true : undefined));
    assert.deepEqual(target.seqs, [...upTo(5), ...upTo(10)]);
    assert.equal(target.tokens[0], target.tokens[1]);
    assert.notEqual(target.tokens[1], target.tokens[2]);
    assert.equal(stats.failed, 2);
    assert.deepEqual(
      reports.map(({ type }) => type),
      ['link.up', 'link.down', 'link.down', 'link.up'],
    );
  });

  it('goes on where the one before it was; what that had announced comes again under its token', async () => {
    await publishFrames(bus, 1, 10);
    const dying = new FakeTarget();
    dying.failures = [{ error: new Error('a defect'), taken: true }];
    const { failures } = start(dying);
    await eventually(() => (failures.length > 0 ? true : undefined));
    const next = new FakeTarget();
    start(next, { batch: { points: 100, waitMs: 10 } }); // It would make one batch of all.
    assert.deepEqual(await received(next, 10), upTo(10));
    assert.deepEqual([next.tokens[0], next.batches.length], [dying.tokens[0], 2]);
    await runs.at(-1)?.stop();

    await publishFrames(bus, 1, 14, 11);
    const third = new FakeTarget();
    start(third);
    assert.deepEqual(await received(third, 4), upTo(14, 11), 'an orderly end leaves nothing to repeat');
  });

  it('is fenced by the one that took over', async () => {
    await publishFrames(bus, 1, 5);
    const old = new FakeTarget();
    const { failures } = start(old);
    await received(old, 5);
    const next = new FakeTarget();
    const { reports } = start(next);
    await eventually(() => (reports.length > 0 ? true : undefined));
    await publishFrames(bus, 1, 20, 6);
    // It sends again what the first had announced last, then what follows.
    await eventually(() => (next.seqs.at(-1) === 20 ? true : undefined));
    const [error] = await eventually(() => (failures.length > 0 ? failures : undefined));
    assert.ok(error instanceof StatewattError && error.code === 'projection.fenced');
    assert.deepEqual(old.seqs, upTo(5));
    assert.deepEqual(next.seqs.slice(-15), upTo(20, 6));
  });

  it('begins with what comes, or with the oldest', async () => {
    await publishFrames(bus, 1, 3);
    const target = new FakeTarget();
    const { reports } = start(target, { begin: 'now' });
    await eventually(() => (reports.length > 0 ? true : undefined));
    await publishFrames(bus, 1, 5, 4);
    assert.deepEqual(await received(target, 2), [4, 5]);
  });

  it('stops at a batch that is refused, until it is left out', async () => {
    await publishFrames(bus, 1, 10);
    const target = new FakeTarget();
    target.failures = [{ error: refusal(), taken: false }];
    const { reports } = start(target);
    const failed = await eventually(() => reports.find(({ type }) => type === 'link.failed'));
    assert.ok(failed.type === 'link.failed' && failed.refused !== null);
    await runs.at(-1)?.stop();
    assert.deepEqual(target.seqs, []);

    const { stats } = start(target, {}, { leaveOut: failed.refused });
    assert.deepEqual(await received(target, 5), upTo(10, 6));
    assert.deepEqual([stats.skipped, stats.sent], [10, 10]);
  });

  it('tells how much waits while the target is away', async () => {
    const target = new FakeTarget();
    target.refuseConnection = away();
    const { stats, reports } = start(target);
    await eventually(() => (reports.length > 0 ? true : undefined));
    await publishFrames(bus, 1, 7);
    await eventually(() => (stats.behind === 7 ? true : undefined), { what: 'seven frames wait' });
    assert.equal(stats.lastError, 'the target is away');
    target.refuseConnection = undefined;
    assert.deepEqual(await received(target, 7), upTo(7));
    await eventually(() => (stats.behind === 0 ? true : undefined));
  });

  it('notices a link that is lost while there is nothing to send', async () => {
    const target = new FakeTarget();
    const { reports } = start(target, { batch: { points: 10, waitMs: 60_000 } });
    await eventually(() => (reports.length === 1 ? true : undefined));
    target.lose(away());
    await eventually(() => (target.connects === 2 && reports.length === 3 ? true : undefined));
    assert.deepEqual(
      reports.map(({ type }) => type),
      ['link.up', 'link.down', 'link.up'],
    );
  });

  it('counts frames that the stream had no longer', async () => {
    await publishFrames(bus, 1, 4);
    const target = new FakeTarget();
    start(target);
    await received(target, 4);
    await runs.at(-1)?.stop();
    await publishFrames(bus, 1, 10, 5);
    const { state } = await bus.manager.streams.info(STREAM.frames);
    await bus.manager.streams.purge(STREAM.frames, { seq: state.last_seq - 1 });
    const { stats, lost } = start(target);
    await received(target, 6);
    assert.deepEqual(target.seqs, [1, 2, 3, 4, 9, 10]);
    assert.equal(stats.lost, 4);
    assert.match(lost[0]?.[1] ?? '', /limits discarded/);
  });

  it('catches up no faster than it may', async () => {
    await publishFrames(bus, 1, 20);
    const target = new FakeTarget();
    const begun = performance.now();
    start(target, { maxPointsPerSecond: 100 });
    await received(target, 20);
    const took = performance.now() - begun;
    assert.ok(took >= 290, `40 points, 100 a second, took ${took} ms`);
  });

  it('sends only channels that are chosen, and passes the others', async () => {
    await publishFrames(bus, 7, 30);
    await publishFrames(bus, 2, 3);
    const target = new FakeTarget();
    const { run } = start(target);
    await received(target, 3);
    await run.stop();
    await publishFrames(bus, 2, 4, 4);
    const next = new FakeTarget();
    start(next);
    assert.deepEqual(await received(next, 1), [4]);
  });

  it('goes on after its own NATS was away', async () => {
    const link = await openLink(Number(new URL(nats.url).port));
    const shaky = await connectBus({ servers: [link.address], name: 'shaky' });
    try {
      await publishFrames(bus, 1, 5);
      const target = new FakeTarget();
      const { failures } = start(target, {}, { bus: shaky });
      await received(target, 5);
      link.shut();
      await eventually(() => (shaky.status === 'disconnected' ? true : undefined));
      await publishFrames(bus, 1, 10, 6);
      link.open();
      assert.deepEqual(await received(target, 10), upTo(10));
      assert.deepEqual(failures, []);
      await runs.at(-1)?.stop();
    } finally {
      await shaky.close();
      await link.close();
    }
  });

  it('follows a stream that was made anew', async () => {
    await publishFrames(bus, 1, 5);
    const target = new FakeTarget();
    const { stats, lost } = start(target);
    await received(target, 5);
    await runs.at(-1)?.stop();
    const { config } = await bus.manager.streams.info(STREAM.frames);
    await bus.manager.streams.delete(STREAM.frames);
    await bus.manager.streams.add({ ...config, name: STREAM.frames });
    await publishFrames(bus, 1, 2, 1, 2);
    const { lost: told } = start(target);
    await received(target, 7);
    assert.deepEqual(target.seqs, [...upTo(5), 1, 2]);
    assert.deepEqual([stats.lost, lost.length, told.length], [0, 0, 1]);
  });
});
