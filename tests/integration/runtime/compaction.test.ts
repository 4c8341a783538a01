import assert from 'node:assert/strict';
import { Compactor } from '../../../actors/runtime/compaction.js';
import { JetStreamJournal } from '../../../actors/runtime/journal.js';
import { DEFAULT_POLICY, type Kind } from '../../../actors/runtime/kind.js';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import type { Bus } from '../../../bus/connection.js';
import type { SnapshotRecord } from '../../../bus/messages.js';
import { STREAM } from '../../../bus/streams.js';
import { PARTITIONS, partitionOf } from '../../../bus/subjects.js';
import { counterKind } from '../../support/counter.js';
import { notifierKind } from '../../support/notifier.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

const DAY_MS = 86_400_000;
/** A node that follows another one has no partition for a second or more. */
const PATIENTLY = { deadline: 20_000 };

describe('compaction of the journal', function () {
  this.timeout(60_000);
  const counter = counterKind(); // A snapshot every 10 entries.
  let nats: TestNats;
  let bus: Bus;
  let journal: JetStreamJournal;
  let system: ActorSystem;

  beforeEach(async () => {
    nats = await startNats();
    bus = await nats.connect();
    journal = new JetStreamJournal(bus);
    system = await started();
  });
  afterEach(async () => {
    await system.stop();
    await nats.stop();
  });

  async function started(): Promise<ActorSystem> {
    const next = createSystem({ bus, kinds: [counter], node: 'n1' });
    await next.start();
    return next;
  }

  async function add(id: string, times: number): Promise<void> {
    for (let each = 0; each < times; each++) await system.ask(ref(counter, id), { type: 'add', by: 1 }, PATIENTLY);
  }

  /** The actor's snapshot once it is of the total (they are saved in the background). */
  async function snapshotAt(id: string, total: number): Promise<SnapshotRecord> {
    return eventually(async () => {
      const { snapshot } = await journal.load(ref(counter, id));
      const state = snapshot?.state as { context: { total: number } } | undefined;
      return state?.context.total === total ? snapshot : undefined;
    });
  }

  /** Sequences of all entries that the journal still has. */
  async function left(id: string): Promise<number[]> {
    return (await journal.load(ref(counter, id), () => false)).entries.map(({ seq }) => seq);
  }

  const all = new Set(Array.from({ length: PARTITIONS }, (_, index) => index));
  const compactor = (now: number, owned: ReadonlySet<number> = all, kind: Kind = counter) =>
    new Compactor({ bus, kinds: [kind], owned: () => owned, now: () => now });
  const muchLater = () => Date.now() + 400 * DAY_MS;

  it('removes what the snapshot includes but the entry it stands on, and the actor recovers exactly', async () => {
    await add('a', 25);
    await system.stop();
    system = await started();
    await add('a', 5);
    const entries = await left('a');
    const { seq: covered } = await snapshotAt('a', 25);
    assert.equal(covered, entries[24]);
    await compactor(muchLater()).run();
    const kept = await left('a');
    assert.deepEqual(kept, entries.slice(24));
    await system.stop();
    system = await started();
    await add('a', 1);
    assert.deepEqual((await system.query(ref(counter, 'a'))).context, { total: 31 });
  });

  it('keeps the audit window, also of what the snapshot includes', async () => {
    await add('a', 30);
    await snapshotAt('a', 30);
    await add('b', 5);
    const entries = await left('a');
    const twelfth = await bus.manager.direct.getMessage(STREAM.journal, { seq: entries[12] as number });
    const now = (twelfth?.time.getTime() ?? 0) + (DEFAULT_POLICY.journalDays ?? 0) * DAY_MS;
    await compactor(now).run();
    const kept = await left('a');
    assert.deepEqual(kept, entries.slice(entries.length - kept.length));
    // All that were journaled in the twelfth's millisecond are in the window.
    assert.ok(kept.length >= 18 && kept.length < 30, `${kept.length} left`);
    assert.equal((await left('b')).length, 5, 'no snapshot: nothing goes');
  });

  it('does nothing while nothing is old enough, for kinds that keep all, and for partitions of others', async () => {
    await add('a', 30);
    await snapshotAt('a', 30);
    assert.equal(await compactor(Date.now()).run(), 0);
    const forEver = { ...counter, policy: { ...counter.policy, journalDays: undefined } };
    assert.equal(await compactor(muchLater(), all, forEver).run(), 0);
    const others = new Set([...all].filter((partition) => partition !== partitionOf(ref(counter, 'a'))));
    assert.equal(await compactor(muchLater(), others).run(), 0);
    assert.equal((await left('a')).length, 30);
  });

  it('goes on where a run was broken off', async () => {
    for (const id of ['a', 'b', 'c']) {
      await add(id, 20);
      await snapshotAt(id, 20);
    }
    let asked = 0;
    const broken: Compactor = new Compactor({
      bus,
      kinds: [counter],
      owned: () => {
        asked += 1;
        if (asked === 2) void broken.stop();
        return all;
      },
      now: muchLater,
    });
    const first = await broken.run();
    assert.equal(first, 2 * 19);
    assert.equal(await compactor(muchLater()).run(), 19);
    assert.equal(await compactor(muchLater()).run(), 0);
    assert.deepEqual((await system.query(ref(counter, 'c'))).context, { total: 20 });
  });

  it('keeps the entries whose durable effects have not all happened', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let ran = 0;
    const notifier = notifierKind(async ({ params }) => {
      if (params.text === '4') await gate;
      ran += 1;
    });
    await system.stop();
    system = createSystem({ bus, kinds: [notifier], node: 'n2' });
    await system.start();
    for (let each = 1; each <= 8; each++) await system.ask(ref(notifier, 'a'), { type: 'note', text: String(each) });
    await eventually(() => (ran === 3 ? true : undefined));
    await system.retire(ref(notifier, 'a')); // It saves a snapshot of all eight.
    const texts = async () => {
      const { entries } = await journal.load(ref(notifier, 'a'), () => false);
      return entries.map(({ entry }) => entry.event.text).join(' ');
    };
    const compact = () => compactor(muchLater(), all, notifier).run();
    await eventually(async () => ((await compact()) > 0 ? true : undefined)); // Acknowledged within moments.
    assert.match(await texts(), /4 5 6 7 8$/);
    open();
    await eventually(async () => {
      await compact();
      return (await texts()) === '8' ? true : undefined;
    });
    // The last entry stays whether its own effect has run or not.
    await eventually(() => (ran >= 8 ? true : undefined));
    assert.equal(ran, 8);
  });

  it('a stale snapshot never replaces a newer one, also when both are saved at the same time', async () => {
    await add('a', 10);
    const old = await snapshotAt('a', 10);
    await add('a', 10);
    const newer = await snapshotAt('a', 20);
    await journal.saveSnapshot(ref(counter, 'a'), old);
    await snapshotAt('a', 20);
    const others = Array.from({ length: 20 }, (_, index) => ref(counter, `b${index}`));
    const both = others.flatMap((each) => [newer, old].map((snapshot) => journal.saveSnapshot(each, snapshot)));
    await Promise.all(both);
    const kept = await Promise.all(others.map(async (each) => (await journal.load(each)).snapshot?.seq));
    assert.deepEqual(new Set(kept), new Set([newer.seq]));
  });
});
