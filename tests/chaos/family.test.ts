import assert from 'node:assert/strict';
import { formatRef, PARTITIONS, partitionOf, type Ref } from '../../bus/subjects.js';
import type { Bus } from '../../bus/connection.js';
import type { Kind } from '../../actors/runtime/kind.js';
import { createSystem, ref, type ActorRef, type ActorSystem } from '../../actors/runtime/system.js';
import { parentKind, worker } from '../support/family.js';
import { startNats, type TestNats } from '../support/nats.js';
import { eventually } from '../support/temp.js';
import { followJournal, readJournal, type Written } from './actors-checker.js';
import { Program } from './actors-cluster.js';

const choir = parentKind('choir', { strategy: 'one-for-all' });

describe('chaos: SIGKILL of the node of a supervised child, its parent on another node', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let bus: Bus;
  /** Where the parent lives, and two of its children. */
  let home: ActorSystem;
  /** Where the second child lives. */
  let victim: Program;
  let parent: ActorRef<typeof choir>;
  let elder: ActorRef<typeof worker>;
  let child: ActorRef<typeof worker>;
  let younger: ActorRef<typeof worker>;

  beforeEach(async () => {
    nats = await startNats();
    bus = await nats.connect('home');
    home = createSystem({ bus, kinds: [choir, worker], node: 'home' });
    victim = new Program('family-node', [nats.url, 'victim']);
    await Promise.all([home.start(), victim.line(0)]);
    await eventually(() => (home.owned.size === PARTITIONS / 2 ? true : undefined), { what: 'a settled placement' });
    parent = at(true, choir, 'parent');
    elder = at(true, worker, 'elder');
    child = at(false, worker, 'child');
    younger = at(true, worker, 'younger');
    for (const each of [elder, child, younger]) await home.ask(parent, { type: 'spawn', ref: formatRef(each) });
    await haveLived([1, 1, 1]);
    for (let done = 1; done <= 3; done++) assert.equal((await home.ask(child, { type: 'work' })).done, done);
  });
  afterEach(async () => {
    await victim.kill();
    await home.stop();
    await nats.stop();
  });

  /** An actor that lives at home, or on the other node. */
  function at<K extends Kind>(here: boolean, kind: K, name: string): ActorRef<K> {
    for (let n = 0; ; n++) {
      const found = ref(kind, `${name}-${n}`);
      if (home.owned.has(partitionOf(found)) === here) return found;
    }
  }

  async function lives(to: Ref): Promise<number> {
    return ((await home.look(to))?.context as { lives: number } | undefined)?.lives ?? 0;
  }

  /** Resolves when elder, child and younger have begun to live so often, and live. */
  async function haveLived(expected: readonly [number, number, number]): Promise<void> {
    let found: number[] = [];
    await eventually(
      async () => {
        found = await Promise.all([elder, child, younger].map(lives));
        return found.join() === expected.join() ? true : undefined;
      },
      { within: 20_000, what: `lives ${expected.join(', ')}` },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; found ${found.join(', ')}`);
    });
  }

  /** Entries of an actor, by the type of their event. */
  function entriesOf(journal: readonly Written[], { id }: Ref, type: string): Written[] {
    return journal.filter((written) => written.id === id && written.entry.event.type === type);
  }

  it('the child lives again, once, with all that it did; a node’s end is no crash, so nobody else starts again', async () => {
    await victim.kill();
    await haveLived([1, 2, 1]);
    assert.equal((await home.ask(child, { type: 'work' })).done, 4);
    const moved = await readJournal(bus);
    assert.deepEqual(
      entriesOf(moved, child, 'activated').map(({ entry }) => entry.node),
      ['victim', 'home'],
    );
    assert.deepEqual(entriesOf(moved, parent, 'statewatt.crashed'), []);

    await home.kill(child); // There, its parent answers its crashes as before.
    await haveLived([2, 3, 2]);
    for (const each of [elder, child, younger]) await home.ask(each, { type: 'work' });
    const journal = await readJournal(bus);
    assert.equal(entriesOf(journal, parent, 'statewatt.crashed').length, 1);
    assert.deepEqual(
      [elder, child, younger].map((each) => entriesOf(journal, each, 'activated').length),
      [2, 3, 2],
    );
  });

  it('that has just crashed: its parent has heard of it, once, and starts all children again, each once', async () => {
    const watching = await followJournal(await nats.connect('watcher'), 1, ({ id, entry }) => {
      if (id === parent.id && entry.event.type === 'statewatt.crashed') victim.signal('SIGKILL');
    });
    await home.kill(child);
    await eventually(() => (home.inspect(child)?.state === 'starting' ? undefined : home.inspect(child)), {
      within: 20_000,
      what: 'the child at home',
    });
    await eventually(async () => ((await lives(elder)) === 2 && (await lives(younger)) === 2 ? true : undefined));
    await watching.leave();
    for (const each of [elder, younger]) assert.equal((await home.ask(each, { type: 'work' })).done, 1);
    assert.equal((await home.ask(child, { type: 'work' })).done, 4);

    const journal = await readJournal(bus);
    const crashes = entriesOf(journal, parent, 'statewatt.crashed');
    assert.deepEqual(
      crashes.map(({ entry }) => entry.event.child),
      [formatRef(child)],
    );
    for (const each of [elder, younger]) assert.equal(entriesOf(journal, each, 'activated').length, 2, each.id);
    // Its new owner brings it to life, and its parent’s word has it begin anew, there or still on the node that went.
    const begun = entriesOf(journal, child, 'activated').length;
    assert.ok(begun === 2 || begun === 3, `the child began ${begun} times`);
    assert.equal(entriesOf(journal, child, 'work').length, 4);
    const { budgets } = await home.supervisor(partitionOf(parent));
    assert.deepEqual(
      budgets.map(({ ref: of, crashes: used }) => [of, used]),
      [[formatRef(parent), 1]],
    );
  });
});
