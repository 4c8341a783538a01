import assert from 'node:assert/strict';
import { createForwarderKind, forwarderRef } from '../../../actors/forwarder.js';
import type { ForwarderConfiguration } from '../../../actors/forwarder/worker.js';
import { createSystem, type ActorSystem } from '../../../actors/runtime/system.js';
import type { Bus } from '../../../bus/connection.js';
import { STREAM } from '../../../bus/streams.js';
import { partitionOf } from '../../../bus/subjects.js';
import { selectPoints } from '../../../site/forwarding/selection.js';
import { FakeTarget, publishFrames, refusal, testForwarder, twoPoints, upTo } from '../../support/forwarding.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

const PATIENCE = { within: 30_000 };

describe('the actor of a forwarder', function () {
  this.timeout(120_000);
  let nats: TestNats;
  let writer: Bus;
  /** What all nodes send to. */
  const target = new FakeTarget();
  const forwarder = testForwarder({ begin: 'now' });
  const configuration = { forwarder, selection: selectPoints(forwarder, { name: 'Site', channels: [twoPoints(1)] }) };
  let known: ForwarderConfiguration | undefined = configuration;
  const nodes = new Map<string, { system: ActorSystem; bus: Bus; kind: ReturnType<typeof createForwarderKind> }>();

  async function join(node: string) {
    const bus = await nats.connect(node);
    const kind = createForwarderKind({ bus, config: () => known, createTarget: () => target });
    const to = forwarderRef(kind, 'lake');
    const system = createSystem({ bus, kinds: [kind], node, alwaysOn: () => [to] });
    nodes.set(node, { system, bus, kind });
    await system.start();
    return { system, to };
  }
  const received = (count: number) =>
    eventually(() => (new Set(target.seqs).size >= count ? true : undefined), {
      ...PATIENCE,
      what: `${count} readings`,
    });
  const become = (system: ActorSystem, to: ReturnType<typeof forwarderRef>, state: string) =>
    eventually(async () => ((await system.query(to)).state === state ? true : undefined), { ...PATIENCE, what: state });

  before(async () => {
    nats = await startNats();
    writer = await nats.connect('writer');
  });
  after(async () => {
    for (const { system } of nodes.values()) await system.stop();
    await nats.stop();
  });

  it('pauses, resumes and leaves out, and says when it cannot', async () => {
    const { system, to } = await join('n1');
    await eventually(() => (system.owned.has(partitionOf(to)) ? true : undefined), PATIENCE);
    assert.equal(await system.ask(to, { type: 'configure', revision: 'r1', enabled: true }), 'connecting');
    await become(system, to, 'online');
    assert.equal(await system.ask(to, { type: 'resume' }), 'online', 'it runs already');
    assert.equal(await system.ask(to, { type: 'pause' }), 'paused');
    assert.equal(await system.ask(to, { type: 'pause' }), 'paused');
    // It is paused once that is durable; the live part ends right after.
    const ended = async () => !((await system.query(to)).live as { connected: boolean }).connected;
    await eventually(async () => ((await ended()) ? true : undefined), PATIENCE);
    await publishFrames(writer, 1, 3);
    assert.deepEqual(target.seqs, []);
    await assert.rejects(system.ask(to, { type: 'skip' }), { code: 'forward.state' });

    target.failures = [{ error: refusal(), taken: false }];
    await system.ask(to, { type: 'resume' });
    await become(system, to, 'faulted');
    assert.equal(await system.ask(to, { type: 'skip' }), 'connecting');
    await become(system, to, 'online');
    await publishFrames(writer, 1, 4, 4);
    await eventually(() => (target.seqs.length > 0 ? true : undefined), PATIENCE);
    assert.deepEqual(target.seqs, [4], 'three were left out');
    const { context, live } = await system.query(to);
    assert.equal((context as { skipped: number }).skipped, 1);
    assert.equal((live as { stats: { skipped: number } }).stats.skipped, 6);
  });

  it('is faulted without a configuration, until there is one', async () => {
    const { system } = nodes.get('n1') as { system: ActorSystem };
    const to = forwarderRef(nodes.get('n1')?.kind as never, 'lake');
    known = undefined;
    await system.ask(to, { type: 'configure', revision: 'r2', enabled: true });
    await become(system, to, 'faulted');
    await assert.rejects(system.ask(to, { type: 'skip' }), { code: 'forward.state' });
    await system.ask(to, { type: 'pause' });
    await assert.rejects(system.ask(to, { type: 'skip' }), { code: 'forward.state' });
    known = configuration;
    await system.ask(to, { type: 'resume' });
    await become(system, to, 'online');
    await system.ask(to, { type: 'configure', revision: 'r3', enabled: false });
    await assert.rejects(system.ask(to, { type: 'resume' }), { code: 'forward.state' });
    await system.ask(to, { type: 'configure', revision: 'r4', enabled: true });
    await become(system, to, 'online');
  });

  it('goes on at another node when its own dies, without a gap and in order', async () => {
    const { system: second } = await join('n2');
    await eventually(() => (second.owned.size >= 10 ? true : undefined), PATIENCE);
    target.batches.length = 0;
    const { state } = await writer.manager.streams.info(STREAM.frames);
    assert.equal(state.last_seq, 4);
    let written = 4;
    let going = true;
    const writing = (async () => {
      while (going) await publishFrames(writer, 1, (written += 1), written);
    })();
    const [to] = [forwarderRef(nodes.get('n1')?.kind as never, 'lake')];
    const [owner] = [...nodes].find(([, { system }]) => system.owned.has(partitionOf(to))) ?? ['n1'];
    await received(50);
    const dying = nodes.get(owner);
    nodes.delete(owner);
    await dying?.bus.nats.close(); // As a crash would: nothing is said to anybody.
    const had = new Set(target.seqs).size;
    await received(had + 200);
    going = false;
    await writing;
    await received(written - 4);
    await dying?.system.stop();

    const first = target.seqs.filter((seq, index, all) => all.indexOf(seq) === index);
    assert.deepEqual(first, upTo(written, 5), 'each, in order');
    const tokens = target.batches.map(({ token, from, to: end }) => `${token} ${from}-${end}`);
    assert.ok(new Set(tokens).size >= tokens.length - 2, 'only what was under way was sent again, under its token');
  });
});
