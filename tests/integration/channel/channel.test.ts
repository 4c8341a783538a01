import assert from 'node:assert/strict';
import { join } from 'node:path';
import { channelRef, createChannelKind, type ChannelKind } from '../../../actors/channel.js';
import { Gate } from '../../../actors/channel/gate.js';
import type { ChannelLive, ChannelParts } from '../../../actors/channel/worker.js';
import { FramePublisher } from '../../../actors/frames/publisher.js';
import { Spool } from '../../../actors/frames/spool.js';
import { LiveFeed } from '../../../actors/projections/live-feed.js';
import { RealtimeProjection } from '../../../actors/projections/realtime.js';
import { EVERYWHERE } from '../../../actors/runtime/actor-tenure.js';
import { ActorHost } from '../../../actors/runtime/host.js';
import { JetStreamJournal } from '../../../actors/runtime/journal.js';
import { createSystem, type ActorSystem } from '../../../actors/runtime/system.js';
import { partitionOf } from '../../../bus/subjects.js';
import type { Bus } from '../../../bus/connection.js';
import { decodeFrame } from '../../../bus/frame-codec.js';
import { STREAM } from '../../../bus/streams.js';
import { subjects } from '../../../bus/subjects.js';
import { KEPT_WRITES, MAX_PENDING_WRITES, type ChannelContext } from '../../../machines/channel.js';
import { driversOfNode } from '../../../node/drivers.js';
import { RegisterBank, startModbusDevices, type ModbusDevices } from '../../../protocols/modbus/simulator/index.js';
import { MemoryStore } from '../../../protocols/realtime/memory-store.js';
import type { StatewattError } from '../../../errors/error.js';
import type { ChannelConfig, ModbusChannel, ModbusLimits, VirtualChannel } from '../../../site/model.js';
import type { Frame, PointDefinition } from '../../../site/points.js';
import { storedFrames } from '../../support/frames.js';
import { modbusChannel } from '../../support/modbus.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually, freePort, tempFolder } from '../../support/temp.js';

const INTERVAL_MS = 50;

function virtualChannel(id: number): VirtualChannel {
  const point = (kind: PointDefinition['kind'], number: number): PointDefinition => ({
    kind,
    id: number,
    name: `${kind}${number}`,
    unit: '',
    dataType: 'float64',
    scale: 1,
    offset: 0,
    reverse: false,
    deadband: 0,
  });
  return {
    protocol: 'virtual',
    id,
    name: `virtual ${id}`,
    enabled: true,
    pollingIntervalMs: INTERVAL_MS,
    points: [point('T', 1), point('A', 1)],
    seed: 1,
    patterns: [{ type: 'ramp', kind: 'T', pointId: 1, from: 0, to: 1e6, durationMs: 1e6, repeat: false }],
  };
}

/** A node's worth of parts around the channel kind. */
interface TestNode {
  readonly system: ActorSystem;
  readonly kind: ChannelKind;
  readonly publisher: FramePublisher;
  stop(): Promise<void>;
}

describe('channel actor on a real server', () => {
  let nats: TestNats;
  let bus: Bus;
  let folder: string;
  let remove: () => Promise<void>;
  let devices: ModbusDevices;
  let store: MemoryStore;
  const site = new Map<number, ChannelConfig>();
  const nodes = new Set<TestNode>();

  beforeEach(async () => {
    ({ path: folder, remove } = await tempFolder());
    nats = await startNats();
    bus = await nats.connect();
    const bank = new RegisterBank();
    // Not any port: while the device is away, an outgoing connection might be given that.
    devices = await startModbusDevices({ devices: [{ port: await freePort(), units: { 1: bank } }] });
    store = new MemoryStore();
    site.clear();
  });
  afterEach(async () => {
    for (const node of nodes) await node.stop();
    await devices.close();
    await nats.stop();
    await remove();
  });

  async function startNode(name = 'n1'): Promise<TestNode> {
    const own = await nats.connect(name);
    const publisher = new FramePublisher(own, await Spool.open({ folder: join(folder, name), maxBytes: 1e7 }));
    const realtime = new RealtimeProjection(own, store, new LiveFeed());
    realtime.start();
    const gate = new Gate(8);
    const parts: ChannelParts = {
      config: (channel) => site.get(channel),
      createDriver: driversOfNode(),
      openLine: (onFenced) => publisher.openLine(onFenced),
      lastValues: (channel) => store.read(channel),
      connecting: (work) => gate.through(work),
      polling: (poll) => poll(),
    };
    const kind = createChannelKind(parts);
    const alwaysOn = () => [...site.keys()].map((channel) => channelRef(kind, channel));
    const system = createSystem({ bus: own, kinds: [kind], node: name, alwaysOn });
    await system.start();
    const node: TestNode = {
      system,
      kind,
      publisher,
      stop: async () => {
        nodes.delete(node);
        await system.stop();
        await realtime.stop();
        await publisher.close();
      },
    };
    nodes.add(node);
    return node;
  }

  const inside = (node: TestNode, channel: number) => node.system.inspect(channelRef(node.kind, channel));
  const context = (node: TestNode, channel: number) => inside(node, channel)?.context as ChannelContext;
  const live = (node: TestNode, channel: number) => inside(node, channel)?.live as ChannelLive | undefined;
  const state = (node: TestNode, channel: number, wanted: string) =>
    eventually(() => (inside(node, channel)?.state === wanted ? true : undefined), {
      what: `channel ${channel} to be ${wanted}, not ${inside(node, channel)?.state}`,
    });
  const configure = (node: TestNode, config: ChannelConfig, revision = 'r1') => {
    site.set(config.id, config);
    const to = channelRef(node.kind, config.id);
    return node.system.ask(to, { type: 'configure', revision, enabled: config.enabled });
  };
  const framesOf = async (channel: number, atLeast: number) =>
    eventually(async () => {
      const found = await storedFrames(bus, channel);
      return found.length >= atLeast ? found : undefined;
    });
  const newest = async (channel: number): Promise<Frame | undefined> => {
    const found = await bus.manager.direct.getMessage(STREAM.frames, { last_by_subj: subjects.frame(channel) });
    return found === null ? undefined : decodeFrame(found.data);
  };
  const showing = (channel: number, id: number, value: number, quality: string) =>
    eventually(
      async () => {
        const found = await store.readPoint(channel, 'T', id);
        return found?.value === value && found.quality === quality ? found : undefined;
      },
      { what: `${channel}:T:${id} to show ${value} ${quality}` },
    );
  const device = () => devices.devices[0] as ModbusDevices['devices'][number];
  const modbus = (limits: Partial<ModbusLimits> = {}): ModbusChannel => ({
    ...modbusChannel(
      device().port,
      [
        { kind: 'T', address: 1 },
        { kind: 'A', address: 10, writeFunctionCode: 6, min: 0, max: 500 },
      ],
      limits,
    ),
    id: 1001,
    pollingIntervalMs: INTERVAL_MS,
  });
  /** A silent device is waited for until the test has done what it does meanwhile. */
  const PATIENT = { responseTimeoutMs: 30_000 };
  /** Each epoch’s frames are consecutive from 1, and the epochs rise. */
  const inOrder = (found: readonly string[]) => {
    let [epoch, seq] = [0, 0];
    for (const name of found) {
      const [nextEpoch = 0, nextSeq = 0] = name.split('/').map(Number);
      if (nextEpoch === epoch) assert.equal(nextSeq, seq + 1, found.join(' '));
      else assert.ok(nextEpoch > epoch && nextSeq === 1, found.join(' '));
      [epoch, seq] = [nextEpoch, nextSeq];
    }
    return new Set(found.map((name) => name.split('/')[0])).size;
  };

  it('starts, polls and writes frames into the stream, in order', async () => {
    const node = await startNode();
    assert.equal(await configure(node, virtualChannel(7)), 'connecting');
    await state(node, 7, 'online');
    inOrder(await framesOf(7, 10));
    const { stats, connected } = live(node, 7) ?? {};
    assert.equal(connected, true);
    assert.ok((stats?.totalFrames ?? 0) >= 10);
    assert.equal(context(node, 7).revision, 'r1');
    await eventually(async () => ((await store.readPoint(7, 'T', 1))?.quality === 'good' ? true : undefined));
  });

  it('pauses, resumes and stops when told; the values are stale meanwhile', async () => {
    const node = await startNode();
    const to = channelRef(node.kind, 7);
    await configure(node, virtualChannel(7));
    await state(node, 7, 'online');
    await framesOf(7, 3);
    assert.equal(await node.system.ask(to, { type: 'pause' }), 'paused');
    await eventually(async () => ((await store.readPoint(7, 'T', 1))?.quality === 'stale' ? true : undefined));
    const before = (await storedFrames(bus, 7)).length;
    await new Promise((resolve) => setTimeout(resolve, 5 * INTERVAL_MS));
    assert.equal((await storedFrames(bus, 7)).length, before);
    await node.system.ask(to, { type: 'resume' });
    await state(node, 7, 'online');
    await framesOf(7, before + 3);
    assert.equal(await node.system.ask(to, { type: 'stop' }), 'stopped');
    assert.equal(inOrder(await framesOf(7, before + 4)), 1);
  });

  it('reads a Modbus device, and writes with its answer', async () => {
    const node = await startNode();
    device().holding(1).setUint16(1, 1234);
    await configure(node, modbus());
    await state(node, 1001, 'online');
    await showing(1001, 1, 1234, 'good');
    const to = channelRef(node.kind, 1001);
    const answer = await node.system.ask(to, { type: 'write', writeId: 'w1', kind: 'A', id: 2, value: 321 });
    assert.deepEqual([answer.written, answer.readBack, answer.confirmed], [321, 321, true]);
    // The same write again is answered, not done again.
    const { requests } = device();
    const again = await node.system.ask(to, { type: 'write', writeId: 'w1', kind: 'A', id: 2, value: 321 });
    assert.deepEqual(again, answer);
    assert.ok(device().requests - requests < 20);
    await assert.rejects(
      node.system.ask(to, { type: 'write', writeId: 'w2', kind: 'A', id: 99, value: 1 }),
      (error: StatewattError) => error.code === 'points.not_found',
    );
    device().holding(1).refuse(10);
    await assert.rejects(
      node.system.ask(to, { type: 'write', writeId: 'w3', kind: 'A', id: 2, value: 1 }),
      (error: StatewattError) => /^(modbus|protocol)\./.test(error.code),
    );
    await node.system.ask(to, { type: 'pause' });
    await assert.rejects(node.system.ask(to, { type: 'write', writeId: 'w4', kind: 'A', id: 2, value: 1 }), {
      code: 'channel.not_online',
    });
  });

  it('goes through the loss and return of a device', async () => {
    const node = await startNode();
    device().holding(1).setUint16(1, 11);
    await configure(node, modbus());
    await state(node, 1001, 'online');
    await showing(1001, 1, 11, 'good');
    await device().stop();
    await state(node, 1001, 'backingOff');
    const stale = await showing(1001, 1, 11, 'stale');
    assert.ok((stale.time ?? 0) < Date.now());
    assert.equal(context(node, 1001).outages, 1);
    assert.ok(context(node, 1001).lastError !== null);
    device().holding(1).setUint16(1, 12);
    await device().start();
    await state(node, 1001, 'online');
    await showing(1001, 1, 12, 'good');
    assert.equal(context(node, 1001).reconnects, 1);
    assert.equal(inOrder(await storedFrames(bus, 1001)), 1);
  });

  it('takes a new configuration over without a gap in its frames', async () => {
    const node = await startNode();
    device().holding(1).setUint16(1, 11);
    device().holding(1).setUint16(5, 55);
    await configure(node, modbus());
    await showing(1001, 1, 11, 'good');
    const { points, mappings, ...rest } = modbus();
    const wider = modbusChannel(device().port, [
      { kind: 'T', address: 1 },
      { kind: 'T', address: 5 },
    ]);
    assert.ok(points.length > 0 && mappings.length > 0);
    await configure(node, { ...rest, points: wider.points, mappings: wider.mappings }, 'r2');
    await showing(1001, 2, 55, 'good');
    assert.equal(inOrder(await storedFrames(bus, 1001)), 1);
    await configure(node, { ...modbus(), enabled: false }, 'r3');
    await state(node, 1001, 'stopped');
    await showing(1001, 2, 55, 'stale');
  });

  it('says that it is faulted when its channel is no longer configured, and comes back by reset', async () => {
    const node = await startNode();
    await configure(node, virtualChannel(7));
    await state(node, 7, 'online');
    const to = channelRef(node.kind, 7);
    await node.system.ask(to, { type: 'stop' });
    site.delete(7);
    for (let round = 0; round < 2; round++) {
      await node.system.ask(to, { type: round === 0 ? 'start' : 'reset' });
      await state(node, 7, 'faulted');
    }
    assert.equal(context(node, 7).lastError?.error.code, 'channel.not_configured');
    site.set(7, virtualChannel(7));
    await node.system.ask(to, { type: 'reset' });
    await state(node, 7, 'online');
  });

  it('comes back after a kill with a higher epoch; its frames go on in order', async () => {
    const node = await startNode();
    const to = channelRef(node.kind, 7);
    await configure(node, virtualChannel(7));
    await state(node, 7, 'online');
    let count = (await framesOf(7, 3)).length;
    for (let kill = 0; kill < 3; kill++) {
      const epoch = (await newest(7))?.epoch ?? 0;
      await node.system.kill(to);
      await eventually(async () => (((await newest(7))?.epoch ?? 0) > epoch ? true : undefined));
      count = (await framesOf(7, count + 3)).length;
    }
    assert.equal(inOrder(await framesOf(7, count)), 4);
    await state(node, 7, 'online');
    assert.equal(inside(node, 7)?.restarts, 3);
  });

  it('remembers a write that was under way when it was killed as interrupted', async () => {
    const node = await startNode();
    await configure(node, modbus(PATIENT));
    await state(node, 1001, 'online');
    const to = channelRef(node.kind, 1001);
    device().faults(1).silent = true;
    const asked = node.system.ask(to, { type: 'write', writeId: 'w1', kind: 'A', id: 2, value: 5 }).catch(String);
    await eventually(() => (context(node, 1001).writes.length > 0 ? true : undefined));
    await node.system.kill(to);
    await asked;
    device().faults(1).silent = false;
    await eventually(() => (context(node, 1001)?.writes[0]?.status === 'interrupted' ? true : undefined));
    await state(node, 1001, 'online');
    await assert.rejects(node.system.ask(to, { type: 'write', writeId: 'w1', kind: 'A', id: 2, value: 5 }), {
      code: 'channel.write_interrupted',
    });
  });

  it('takes so many writes at once, and says when it has forgotten the answer of an old one', async () => {
    const node = await startNode();
    await configure(node, modbus(PATIENT));
    await state(node, 1001, 'online');
    const to = channelRef(node.kind, 1001);
    const write = (id: number, commandId = `c${id}`) =>
      node.system.ask(to, { type: 'write', writeId: `w${id}`, kind: 'A', id: 2, value: id }, { commandId });
    device().faults(1).silent = true;
    const asked = Array.from({ length: MAX_PENDING_WRITES + 8 }, (_, id) =>
      write(id).then(
        () => 'written',
        (error: unknown) => (error as StatewattError).code,
      ),
    );
    await eventually(() => (context(node, 1001).writes.length === MAX_PENDING_WRITES ? true : undefined));
    device().faults(1).silent = false;
    device().dropConnections();
    const answers = await Promise.all(asked);
    assert.ok(answers.filter((answer) => answer === 'channel.busy' || answer === 'channel.not_online').length >= 8);
    // Online again, not still: the channel may notice later than those who write that its link is lost.
    await eventually(() => (context(node, 1001).reconnects === 1 ? true : undefined));
    await state(node, 1001, 'online');
    await write(100);
    for (let id = 101; id <= 101 + KEPT_WRITES; id++) await write(id);
    await assert.rejects(write(100), { code: 'channel.write_forgotten' });
  }).timeout(60_000);

  it('fences a stale activation: the newer one’s frames stand, the stale one ends', async () => {
    const first = await startNode();
    await configure(first, virtualChannel(7));
    await state(first, 7, 'online');
    await framesOf(7, 3);
    const second = await startNode('n2');
    await eventually(() => (second.system.owned.size > 0 ? true : undefined));
    const to = channelRef(first.kind, 7);
    const [owner, other] = first.system.owned.has(partitionOf(to)) ? [first, second] : [second, first];
    await state(owner, 7, 'online');
    // A split brain: a host that asks nobody believes that the channel is its own.
    const before = (await newest(7))?.epoch ?? 0;
    const journal = new JetStreamJournal(bus);
    const { ownership } = await journal.load(to);
    const tenure = { ...EVERYWHERE, claim: () => Promise.resolve(ownership) };
    const believer = new ActorHost({ journal, kinds: [other.kind], node: 'believer', tenure });
    await believer.activate(to);
    await eventually(async () => (((await newest(7))?.epoch ?? 0) > before ? true : undefined));
    await eventually(() => ((inside(owner, 7)?.restarts ?? 0) > 0 ? true : undefined));
    // Two owners fence each other until one of them lets go, as placement makes it.
    await believer.stop();
    await state(owner, 7, 'online');
    const found = await framesOf(7, (await storedFrames(bus, 7)).length + 3);
    assert.ok(inOrder(found) >= 2);
  }).timeout(60_000);

  it('goes on reading while the server is away; nothing is missing afterwards', async () => {
    const node = await startNode();
    await configure(node, virtualChannel(7));
    await state(node, 7, 'online');
    await framesOf(7, 3);
    await nats.server.child.stop();
    const { stats } = live(node, 7) ?? {};
    const frames = stats?.totalFrames ?? 0;
    await eventually(() => ((live(node, 7)?.stats.totalFrames ?? 0) >= frames + 10 ? true : undefined));
    await nats.server.child.start();
    await eventually(() => (node.publisher.counters.spooled > 0 && !node.publisher.spooling ? true : undefined), {
      within: 20_000,
    });
    const sent = live(node, 7)?.stats.totalFrames ?? 0;
    await eventually(() => {
      const { published, replayed } = node.publisher.counters;
      return published + replayed >= sent ? true : undefined;
    });
    const found = await storedFrames(await nats.connect('reader'), 7);
    assert.ok(found.length >= sent);
    assert.equal(inOrder(found), 1);
    assert.equal(node.publisher.counters.refused, 0);
  }).timeout(60_000);

  it('shows what it knew as stale when it starts again without its device', async () => {
    const first = await startNode();
    device().holding(1).setUint16(1, 11);
    await configure(first, modbus());
    await showing(1001, 1, 11, 'good');
    // The node is gone without a word: its projection is the last to know.
    await first.system.kill(channelRef(first.kind, 1001));
    await device().stop();
    await showing(1001, 1, 11, 'stale');
    await state(first, 1001, 'backingOff');
  });
});
