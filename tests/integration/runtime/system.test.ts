import assert from 'node:assert/strict';
import type { Bus } from '../../../bus/connection.js';
import { STREAM } from '../../../bus/streams.js';
import { subjects } from '../../../bus/subjects.js';
import { codecs } from '../../../bus/topics.js';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import { StatewattError } from '../../../errors/error.js';
import { counterKind, type Announcement } from '../../support/counter.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

/** A node that follows another one has no partition for a second or more. */
const PATIENTLY = { deadline: 20_000 };

describe('actor system on JetStream', () => {
  let nats: TestNats;
  const systems: ActorSystem[] = [];
  const announcements: Announcement[] = [];
  const counter = counterKind((announcement) => announcements.push(announcement));

  async function startSystem(node = 'n1'): Promise<{ system: ActorSystem; bus: Bus }> {
    const bus = await nats.connect(node);
    const system = createSystem({ bus, kinds: [counter], node });
    await system.start();
    systems.push(system);
    return { system, bus };
  }

  async function stopAll(): Promise<void> {
    for (const system of systems.splice(0)) await system.stop();
  }

  beforeEach(async () => {
    announcements.length = 0;
    nats = await startNats();
  });
  afterEach(async () => {
    await stopAll();
    await nats.stop();
  });

  it('answers a command after it stands in the journal', async () => {
    const { system, bus } = await startSystem();
    const total: number = await system.ask(ref(counter, 'a'), { type: 'add', by: 2 });
    assert.equal(total, 2);
    assert.equal(await system.ask(ref(counter, 'a'), { type: 'add', by: 3 }), 5);
    const last = await bus.manager.direct.getMessage(STREAM.journal, {
      last_by_subj: subjects.journal(ref(counter, 'a')),
    });
    assert.ok(last);
    const entry = codecs.journal.decode(last.data);
    assert.deepEqual(entry.event, { type: 'add', by: 3 });
    assert.equal(entry.node, 'n1');
    assert.match(entry.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it('recovers from snapshot and journal after a stop', async () => {
    const first = await startSystem();
    for (let each = 0; each < 25; each++) await first.system.ask(ref(counter, 'b'), { type: 'add', by: 1 });
    await stopAll();
    const second = await startSystem('n2');
    assert.equal(await second.system.ask(ref(counter, 'b'), { type: 'add', by: 1 }, PATIENTLY), 26);
  });

  it('answers a repeated command id with the first result and changes nothing', async () => {
    const { system } = await startSystem();
    const to = ref(counter, 'c');
    assert.equal(await system.ask(to, { type: 'add', by: 5 }, { commandId: 'once' }), 5);
    assert.equal(await system.ask(to, { type: 'add', by: 5 }, { commandId: 'once' }), 5);
    await stopAll();
    const { system: next } = await startSystem('n2');
    assert.equal(await next.ask(to, { type: 'add', by: 5 }, { ...PATIENTLY, commandId: 'once' }), 5);
    // The id belongs to the actor: another one knows nothing of it.
    assert.equal(await next.ask(ref(counter, 'c2'), { type: 'add', by: 7 }, { commandId: 'once' }), 7);
  });

  it('answers an event that changes nothing without journaling it', async () => {
    const { system, bus } = await startSystem();
    const to = ref(counter, 'd');
    assert.equal(await system.ask(to, { type: 'lock' }), 'locked');
    const before = await bus.manager.streams.info(STREAM.journal);
    assert.equal(await system.ask(to, { type: 'add', by: 1 }), 0);
    const after = await bus.manager.streams.info(STREAM.journal);
    assert.equal(after.state.last_seq, before.state.last_seq);
  });

  it('refuses what is no command of the kind, and says what would be', async () => {
    const { system } = await startSystem();
    const to = ref(counter, 'e');
    await assert.rejects(system.ask(to, { type: 'add', by: 1.5 }), (error: StatewattError) => {
      assert.equal(error.code, 'actors.invalid_command');
      assert.match(error.message, /\/by must be integer/);
      return true;
    });
    await assert.rejects(system.ask(to, { type: 'substract' } as never), (error: StatewattError) => {
      assert.equal(error.code, 'actors.unknown_command');
      assert.match(error.message, /it has: add, announce, explode, lock/);
      return true;
    });
  });

  it('parks a poison event with its error and goes on', async () => {
    const { system, bus } = await startSystem();
    const to = ref(counter, 'f');
    await system.ask(to, { type: 'add', by: 1 });
    await assert.rejects(system.ask(to, { type: 'explode' }), { code: 'actors.poison' });
    assert.equal(await system.ask(to, { type: 'add', by: 1 }), 2);
    const dead = await bus.manager.direct.getMessage(STREAM.deadLetters, { last_by_subj: 'dead.counter.f' });
    assert.ok(dead);
    const letter = codecs.deadLetter.decode(dead.data);
    assert.equal(letter.event.type, 'explode');
    assert.match(letter.error.message, /boom/);
    assert.equal(system.actors().find((actor) => actor.ref === 'counter/f')?.restarts, 0);
  });

  it('runs an effect after its entry, with a key of its own', async () => {
    const { system } = await startSystem();
    await system.ask(ref(counter, 'g'), { type: 'announce', text: 'hello' });
    const [announcement] = await eventually(() => (announcements.length > 0 ? announcements : undefined));
    assert.equal(announcement?.text, 'hello');
    assert.match(announcement?.key ?? '', /^counter\/g#\d+\.0$/);
  });

  it('fences a stale activation: its command is done once, by the newer state', async () => {
    const { system } = await startSystem('n1');
    const to = ref(counter, 'h');
    await system.ask(to, { type: 'add', by: 1 });
    // Another writer, as a second activation in a split brain would be.
    const bus = await nats.connect('intruder');
    await bus.jetstream.publish(
      subjects.journal(to),
      codecs.journal.encode({
        event: { type: 'add', by: 10 },
        effects: [],
        at: 1,
        machine: 1,
        traceparent: '',
        node: 'intruder',
      }),
    );
    assert.equal(await system.ask(to, { type: 'add', by: 100 }), 111);
    assert.equal(system.actors().find((actor) => actor.ref === 'counter/h')?.restarts, 1);
  });

  it('restarts a killed actor from its journal and gives up at the limit of its policy', async () => {
    const { system } = await startSystem();
    const to = ref(counter, 'i');
    await system.ask(to, { type: 'add', by: 4 });
    for (let each = 0; each < 3; each++) {
      await system.kill(to);
      assert.equal(await system.ask(to, { type: 'add', by: 1 }), 5 + each);
    }
    await system.kill(to);
    await eventually(() => (system.inspect(to)?.state === 'failed' ? true : undefined));
    await assert.rejects(system.ask(to, { type: 'add', by: 1 }), { code: 'actors.failed' });
    await system.restart(to);
    assert.equal(await system.ask(to, { type: 'add', by: 1 }), 8);
  });

  it('keeps what was told while no node runs', async () => {
    const { system } = await startSystem();
    const to = ref(counter, 'j');
    await system.ask(to, { type: 'add', by: 1 });
    await stopAll();
    const bus = await nats.connect('teller');
    const teller = createSystem({ bus, kinds: [counter], node: 'teller' });
    await teller.tell(to, { type: 'add', by: 2 });
    const { system: next } = await startSystem('n2');
    const total = async () => (await next.query(to).catch(() => undefined))?.context as { total: number } | undefined;
    await eventually(async () => (await total())?.total === 3 || undefined);
    assert.equal(await next.ask(to, { type: 'add', by: 1 }), 4);
    await teller.stop();
  });

  it('comes through a kill of the server: what was acknowledged is there, nothing is done twice', async () => {
    const { system } = await startSystem();
    const to = ref(counter, 'k');
    let acknowledged = 0;
    for (let each = 0; each < 30; each++) {
      if (each === 10) nats.server.child.kill();
      const commandId = `k-${each}`;
      for (;;) {
        const answer = await system
          .ask(to, { type: 'add', by: 1 }, { commandId, deadline: 2_000 })
          .catch((error: unknown) => error);
        if (typeof answer === 'number') break;
        assert.ok(answer instanceof StatewattError && answer.retryable, String(answer));
      }
      acknowledged += 1;
    }
    assert.equal(((await system.query(to)).context as { total: number }).total, acknowledged);
  }).timeout(60_000);
});
