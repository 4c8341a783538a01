import assert from 'node:assert/strict';
import { Kvm, type KV } from '@nats-io/kv';
import type { PartitionTable } from '../../../actors/runtime/placement/assignment.js';
import { Ownership, type Owned } from '../../../actors/runtime/placement/ownership.js';
import type { Bus } from '../../../bus/connection.js';
import { subjects } from '../../../bus/subjects.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

/** A node of which nothing is there but what it says. */
const OTHER = 'other-instance';

describe('the ownership of partitions', function () {
  this.timeout(30_000);
  let nats: TestNats;
  let bus: Bus;
  let kv: KV;
  let ownership: Ownership;
  let beats: NodeJS.Timeout;
  /** What the other says that it has ended. */
  let released: number;
  /** What each change has let this node take. */
  let taken: (readonly Owned[])[];

  beforeEach(async () => {
    nats = await startNats();
    bus = await nats.connect('n1');
    taken = [];
    released = 0;
    ownership = new Ownership({
      bus,
      node: 'n1',
      watchNeighbours: false,
      onChange: async (change) => {
        change.released();
        taken.push(await change.handedOver());
      },
    });
    await ownership.start();
    kv = await new Kvm(bus.nats).open('PLACEMENT');
    let beat = 0;
    const say = (): void => {
      const said = { instance: OTHER, node: 'n2', draining: false, beat: ++beat, released };
      bus.nats.publish(subjects.nodes('beat'), JSON.stringify(said));
    };
    beats = setInterval(say, 100);
    await eventually(() => ownership.table.owners.filter((owner) => owner === OTHER).length === 16 || undefined);
  });
  afterEach(async () => {
    clearInterval(beats);
    await ownership.stop();
    await bus.close();
    await nats.stop();
  });

  /** Writes a table in which this node and the other have swapped two partitions, as any node might; the one that is here now. */
  async function swap(here: number, there: number): Promise<Owned> {
    const entry = await kv.get('partitions');
    assert.ok(entry);
    const table = entry.json<PartitionTable>();
    const version = table.version + 1;
    const owners = [...table.owners];
    [owners[here], owners[there]] = [OTHER, ownership.instance];
    const epochs = table.epochs.map((epoch, partition) =>
      partition === here || partition === there ? epoch + 1 : epoch,
    );
    const before = table.owners.map((_, partition) => {
      if (partition === there) return [{ instance: OTHER, lostBy: version }];
      return partition === here ? [{ instance: ownership.instance, lostBy: version }] : [];
    });
    await kv.update('partitions', JSON.stringify({ version, owners, epochs, before }), entry.revision);
    await eventually(() => ownership.table.version === version || undefined);
    return { partition: there, epoch: epochs[there] as number };
  }

  const mineAndTheirs = (): [number, number] => [
    ownership.table.owners.indexOf(ownership.instance),
    ownership.table.owners.indexOf(OTHER),
  ];

  it('may be claimed only when the owner before has ended what it did', async () => {
    const [mine, theirs] = mineAndTheirs();
    const gained = await swap(mine, theirs);
    assert.equal(await ownership.whenOwned(theirs), true);
    assert.equal(await ownership.claim(theirs), undefined);
    released = ownership.table.version;
    const claimed = await eventually(() => ownership.claim(theirs));
    assert.equal(claimed, gained.epoch);
    assert.deepEqual(taken.at(-1), [gained]);
  });

  it('is not taken for one that has gone and come back, whose owner before has not ended', async () => {
    const [mine, theirs] = mineAndTheirs();
    await swap(mine, theirs);
    const lostFirst = ownership.table.version;
    await swap(theirs, mine);
    const again = await swap(mine, theirs);
    assert.equal(await ownership.whenOwned(theirs, again.epoch), true);
    const before = taken.length;
    released = lostFirst;
    await eventually(() => taken.length > before || undefined);
    assert.deepEqual(taken[before], [], 'by the table that gave it first');
    assert.equal(await ownership.claim(theirs), undefined);
    released = ownership.table.version;
    assert.equal(await eventually(() => ownership.claim(theirs)), again.epoch);
  });
});
