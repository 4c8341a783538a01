import assert from 'node:assert/strict';
import { ActorHost } from '../../../actors/runtime/host.js';
import { makeRef } from '../../../bus/subjects.js';
import { counterKind } from '../../support/counter.js';
import { TestDelivery } from '../../support/delivery.js';
import { eventually } from '../../support/temp.js';
import { MemoryJournal } from '../../support/memory-journal.js';

const counter = makeRef('counter', 'a');

describe('ActorHost whose node may lose its actors', () => {
  let journal: MemoryJournal;
  let announced: string[];
  let owned: boolean | undefined;
  /** Number of the node's ownership, undefined when it has none. */
  let ownership: number | undefined;
  let known: (owned: boolean) => void;
  let host: ActorHost;

  beforeEach(() => {
    journal = new MemoryJournal();
    announced = [];
    owned = true;
    ownership = 7;
    let waiting: ((owned: boolean) => void)[] = [];
    known = (answer) => {
      owned = answer;
      waiting.forEach((resolve) => resolve(answer));
      waiting = [];
    };
    // What is under way when it goes may end.
    const isLatest = (under: number): boolean => ownership === undefined || under === ownership;
    host = new ActorHost({
      journal,
      kinds: [counterKind(({ text }) => announced.push(text))],
      node: 'n1',
      tenure: {
        has: (_, under) => owned === true && isLatest(under),
        whenKnown: (_, under) =>
          owned === undefined
            ? new Promise((resolve) => waiting.push((answer) => resolve(answer && isLatest(under))))
            : Promise.resolve(owned && isLatest(under)),
        claim: () => Promise.resolve(owned === true ? ownership : undefined),
      },
    });
  });
  afterEach(() => host.stop());

  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const announce = (text: string): TestDelivery => {
    const delivery = new TestDelivery({ type: 'announce', text });
    host.deliver(counter, delivery);
    return delivery;
  };

  it('says of an actor that is to live elsewhere that it does, when it is asked for', async () => {
    await host.wake(counter);
    assert.equal(host.query(counter)?.state, 'open');
    await host.retire(counter);
    owned = false;
    await assert.rejects(host.wake(counter), { code: 'actors.not_owner' });
    assert.equal(host.query(counter), undefined);
  });

  it('runs no effect of an entry whose acknowledgement came after another node took over, and forgets the actor', async () => {
    await announce('first').done();
    const release = journal.hold();
    announce('second');
    await settled();
    owned = undefined; // It was stopped here, for a while.
    release();
    await settled();
    assert.deepEqual(announced, ['first'], 'it is not known yet who has it');
    known(false);
    await eventually(() => (host.actors().length === 0 ? true : undefined));
    assert.deepEqual(announced, ['first']);
    assert.equal(journal.entries(counter).length, 2);
  });

  it('runs no effect either when it was stopped once more before those that had waited got their turn', async () => {
    await announce('first').done();
    const release = journal.hold();
    announce('second');
    await settled();
    owned = undefined;
    release();
    await settled();
    known(true);
    owned = undefined; // Before the turn of this one.
    await settled();
    assert.deepEqual(announced, ['first']);
    known(false);
    await eventually(() => (host.actors().length === 0 ? true : undefined));
    assert.deepEqual(announced, ['first']);
  });

  it('runs no effect of an ownership that was lost, though the partition came back meanwhile', async () => {
    await announce('first').done();
    const release = journal.hold();
    announce('second');
    await settled();
    owned = undefined;
    release();
    await settled();
    ownership = 9;
    known(true);
    await eventually(() => (host.actors().length === 0 ? true : undefined));
    assert.deepEqual(announced, ['first']);
    await announce('third').done();
    assert.deepEqual(announced, ['first', 'third']);
    assert.equal(journal.entries(counter).at(-1)?.entry.ownership, 9);
  });

  it('goes on, late, when nobody took over meanwhile', async () => {
    await announce('first').done();
    owned = undefined;
    const delivery = announce('second');
    await settled();
    assert.equal(journal.entries(counter).length, 1, 'nothing is written before it is known');
    known(true);
    await delivery.done();
    assert.deepEqual(announced, ['first', 'second']);
  });

  it('brings no actor to life that another node has; its commands are released to that node', async () => {
    owned = false;
    const delivery = announce('late');
    await eventually(() => (host.actors().length === 0 ? true : undefined));
    assert.equal(delivery.released, 1);
    assert.equal(delivery.settled, 0);
    assert.equal(journal.loads, 0);
    assert.equal(journal.entries(counter).length, 0);
  });

  describe('brings no actor to life', () => {
    const forgotten = async (entries: number): Promise<void> => {
      await eventually(() => (host.actors().length === 0 ? true : undefined));
      assert.deepEqual(announced, []);
      assert.equal(journal.entries(counter).length, entries);
    };

    it('behind an entry of a later owner, of whom it has not heard yet', async () => {
      journal.intrude(counter, { type: 'add', by: 1 }, 'theirs', { ownership: 8 });
      const delivery = announce('late');
      await forgotten(1);
      assert.equal(delivery.released, 1);
    });

    it('behind such an entry that a snapshot includes', async () => {
      const seq = journal.intrude(counter, { type: 'add', by: 1 }, 'theirs', { ownership: 8 });
      const state = { status: 'active', value: 'open', context: { total: 1 }, children: {}, historyValue: {} };
      await journal.saveSnapshot(counter, { seq, machine: 1, state, recentCommands: [], at: 1 });
      announce('late');
      await forgotten(1);
    });

    it('that went to another node while it was loaded, though what is under way may end', async () => {
      const release = journal.hold();
      announce('late');
      await settled();
      ownership = undefined;
      release();
      await forgotten(0);
    });

    it('but one behind the entry of an earlier owner, and says under which ownership it writes', async () => {
      journal.intrude(counter, { type: 'add', by: 1 }, 'theirs', { ownership: 6 });
      await announce('first').done();
      assert.deepEqual(
        journal.entries(counter).map(({ entry }) => entry.ownership),
        [6, 7],
      );
    });
  });

  it('saves no snapshot of an actor that another node has', async () => {
    await announce('first').done();
    owned = false;
    await host.retire(counter);
    assert.equal((await journal.load(counter)).snapshot, undefined);
  });
});
