import assert from 'node:assert/strict';
import type { Bus } from '../../../bus/connection.js';
import { formatRef, PARTITIONS, parseRef, partitionOf, type Ref } from '../../../bus/subjects.js';
import type { HostEvent } from '../../../actors/runtime/host.js';
import type { Strategy } from '../../../actors/runtime/supervision/policy.js';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import { parentKind, worker } from '../../support/family.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

const kinds = {
  'one-for-one': parentKind('crew', { strategy: 'one-for-one', intensity: 2 }),
  'one-for-all': parentKind('choir', { strategy: 'one-for-all' }),
  'rest-for-one': parentKind('chain', { strategy: 'rest-for-one' }),
} as const;
const crew = kinds['one-for-one'];
const [a, b, c] = [ref(worker, 'a'), ref(worker, 'b'), ref(worker, 'c')];

describe('children of durable actors, over two nodes', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let events: HostEvent[];
  const nodes = new Map<string, { system: ActorSystem; bus: Bus }>();

  async function join(name: string): Promise<ActorSystem> {
    const bus = await nats.connect(name);
    const system = createSystem({
      bus,
      kinds: [...Object.values(kinds), worker],
      node: name,
      onEvent: (event) => events.push(event),
    });
    nodes.set(name, { system, bus });
    await system.start();
    return system;
  }

  async function settled(): Promise<void> {
    const systems = [...nodes.values()].map(({ system }) => system);
    await eventually(
      () => {
        const shares = systems.map((system) => system.owned.size);
        const whole = shares.reduce((sum, share) => sum + share) === PARTITIONS;
        return whole && Math.max(...shares) - Math.min(...shares) <= 1 ? true : undefined;
      },
      { what: 'a settled placement' },
    );
  }

  /** As a crash would end it: nothing is said to anybody. */
  async function cut(name: string): Promise<void> {
    const node = nodes.get(name);
    nodes.delete(name);
    await node?.bus.nats.close();
    await node?.system.stop().catch(() => undefined);
  }

  const any = (): ActorSystem => [...nodes.values()][0]?.system as ActorSystem;

  /** How often a child has begun to live; undefined while it does not. */
  async function lives(to: Ref): Promise<number | undefined> {
    const inside = await any().look(to);
    if (inside === undefined || inside.state === 'starting' || inside.state === 'failed') return undefined;
    return (inside.context as { lives: number }).lives;
  }

  /** Resolves when each child has had so many lives, and is alive. */
  async function haveLived(expected: readonly (readonly [Ref, number])[]): Promise<void> {
    const what = expected.map(([to, count]) => `${to.id} × ${count}`).join(', ');
    let found: (number | undefined)[] = [];
    await eventually(
      async () => {
        found = await Promise.all(expected.map(([to]) => lives(to)));
        return found.every((count, index) => count === expected[index]?.[1]) ? true : undefined;
      },
      { what },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; found ${found.join(', ')}`);
    });
  }

  async function fails(to: Ref): Promise<string> {
    const inside = await eventually(
      async () => {
        const now = await any().look(to);
        return now?.state === 'failed' ? now : undefined;
      },
      { what: `${to.kind}/${to.id} failed` },
    );
    return inside.lastError ?? '';
  }

  beforeEach(async () => {
    nats = await startNats();
    events = [];
    await join('n1');
    await join('n2');
    await settled();
  });
  afterEach(async () => {
    for (const { system } of nodes.values()) await system.stop();
    nodes.clear();
    await nats.stop();
  });

  const after: Record<Strategy, readonly (readonly [Ref, number])[]> = {
    'one-for-one': [
      [a, 1],
      [b, 2],
      [c, 1],
    ],
    'one-for-all': [
      [a, 2],
      [b, 2],
      [c, 2],
    ],
    'rest-for-one': [
      [a, 1],
      [b, 2],
      [c, 2],
    ],
  };
  for (const strategy of ['one-for-one', 'one-for-all', 'rest-for-one'] as const) {
    it(`${strategy}: the crash of one child starts the right ones again, wherever they live`, async () => {
      const parent = ref(kinds[strategy], elsewhere(kinds[strategy].kind, b));
      for (const { kind, id } of [a, b, c]) await any().ask(parent, { type: 'spawn', ref: `${kind}/${id}` });
      await haveLived([a, b, c].map((to) => [to, 1]));
      await any().kill(b);
      await haveLived(after[strategy]);
      const inside = await any().look(parent);
      assert.deepEqual(inside?.children, ['worker/a', 'worker/b', 'worker/c']);
      assert.equal((await any().look(b))?.parent, formatRef(parent));
      assert.ok(events.some((event) => event.type === 'crashed' && event.parent === formatRef(parent)));
      const view = await any().supervisor(partitionOf(parent));
      assert.deepEqual(
        view.budgets.map(({ ref: of, crashes }) => [of, crashes]),
        [[formatRef(parent), 1]],
      );
    });
  }

  it('beyond the intensity the parent crashes, then its own supervisor gives it up; a restart brings all back', async () => {
    const parent = ref(crew, 'p');
    for (const to of ['worker/a', 'worker/b']) await any().ask(parent, { type: 'spawn', ref: to });
    let life = 1;
    await haveLived([[a, life]]);
    const crash = async (): Promise<void> => {
      await any().kill(a);
      await haveLived([[a, ++life]]);
    };
    for (let time = 0; time < 3; time++) await crash(); // The third is beyond 2: the parent has crashed and is back.
    assert.equal((await any().look(parent))?.restarts, 1);
    await haveLived([[b, 2]]); // It was halted, and started again with its parent.
    for (let time = 0; time < 2; time++) await crash();
    await any().kill(a);
    assert.match(await fails(parent), /its child worker\/a crashed more than 2 times/);
    await fails(a);
    assert.match(await fails(b), /crew\/p was given up/);
    await assert.rejects(any().ask(b, { type: 'work' }), { code: 'actors.failed' });
    const views = await any().supervisors();
    assert.equal(views.length, PARTITIONS);
    assert.deepEqual(views.flatMap(({ failed }) => failed).sort(), ['crew/p', 'worker/a', 'worker/b']);
    assert.deepEqual(
      views
        .map(({ partition, escalations }) => [partition, escalations])
        .filter(([, escalations]) => escalations !== 0),
      [[partitionOf(parent), 2]],
    );
    await any().restart(parent);
    await haveLived([
      [a, life + 1],
      [b, 3],
    ]);
  });

  it('a chart that takes child.failed keeps its parent and the other children going', async () => {
    const parent = ref(crew, 'listener');
    for (const to of ['worker/a', 'worker/b']) await any().ask(parent, { type: 'spawn', ref: to });
    for (let life = 1; life <= 3; life++) {
      await haveLived([[a, life]]);
      await any().kill(a);
    }
    await fails(a);
    const heard = await eventually(async () => {
      const { context } = await any().query(parent);
      return (context as { heard: string[] }).heard.length > 0 ? (context as { heard: string[] }).heard : undefined;
    });
    assert.deepEqual(heard, ['worker/a']);
    await haveLived([[b, 1]]);
    await any().ask(parent, { type: 'spawn', ref: 'worker/a' });
    await haveLived([[a, 4]]);
  });

  it('a child that crashes while its parent is failed waits for it, shown as failed', async () => {
    const parent = ref(crew, 'p');
    await any().ask(parent, { type: 'spawn', ref: 'worker/a' });
    await haveLived([[a, 1]]);
    for (let time = 0; time < 2; time++) {
      await eventually(async () => ((await any().look(parent))?.state === 'open' ? true : undefined));
      await any().kill(parent);
    }
    await fails(parent);
    await any().kill(a);
    assert.match(await fails(a), /its parent crew\/p has failed/);
    await any().restart(parent);
    await haveLived([[a, 2]]);
  });

  it('a parent that comes to its end stops its children for good, and theirs; spawned again, they live again', async () => {
    const grandparent = ref(crew, 'g');
    const parent = ref(crew, 'p');
    await any().ask(grandparent, { type: 'spawn', ref: 'crew/p' });
    await any().ask(parent, { type: 'spawn', ref: 'worker/a' });
    assert.equal((await any().ask(a, { type: 'work' })).done, 1);
    await eventually(async () => ((await any().look(a))?.parent === 'crew/p' ? true : undefined));
    await eventually(async () => ((await any().look(parent))?.parent === 'crew/g' ? true : undefined));
    assert.equal(await any().ask(grandparent, { type: 'close' }), 'closed');
    const ended = async (): Promise<true | undefined> => {
      try {
        await any().ask(a, { type: 'work' });
        return undefined;
      } catch (error) {
        return (error as { code: string }).code === 'actors.ended' ? true : undefined;
      }
    };
    await eventually(ended, { what: 'the grandchild ended' });
    await any().ask(ref(crew, 'other'), { type: 'spawn', ref: 'worker/a' });
    const done = await eventually(async () => {
      try {
        return (await any().ask(a, { type: 'work' })).done;
      } catch (error) {
        assert.equal((error as { code: string }).code, 'actors.ended');
        return undefined;
      }
    });
    assert.ok(done >= 2); // Its journal went on.
  });

  it('children of a node that is cut off live on the other without their parent’s help; their parent finds them', async () => {
    const parent = ref(crew, 'p');
    const children = Array.from({ length: 12 }, (_, index) => ref(worker, `w${index}`));
    for (const { id } of children) await any().ask(parent, { type: 'spawn', ref: `worker/${id}` });
    await haveLived(children.map((to) => [to, 1]));
    const [victim, survivor] = await parentsNode(parent);
    const moved = children.filter((to) => victim.owned.has(partitionOf(to)));
    assert.ok(moved.length > 0);
    await cut(victim.node);
    await settled();
    const there = await eventually(
      async () => {
        const living = survivor.actors().filter(({ kind }) => kind === 'worker');
        return living.length === children.length ? living : undefined;
      },
      { what: 'all children alive on the survivor' },
    );
    assert.equal(there.length, children.length);
    const [child] = moved as [Ref];
    await haveLived([[child, 2]]);
    // Its parent is not awake there: the report of a crash wakes it, with its list.
    await any().kill(child);
    await haveLived([[child, 3]]);
    const found = await any().look(parseRef('crew/p'));
    assert.equal(found?.children?.length, children.length);
  });

  /** An id of a parent that lives on another node than this child. */
  function elsewhere(kind: string, child: Ref): string {
    const home = (to: Ref) =>
      any()
        .placement()
        .find(({ partitions }) => partitions.includes(partitionOf(to)))?.node;
    for (let n = 0; ; n++) if (home({ kind, id: `p${n}` }) !== home(child)) return `p${n}`;
  }

  /** The system where the parent lives, and the other one. */
  async function parentsNode(parent: Ref): Promise<[ActorSystem, ActorSystem]> {
    const at = (await any().look(parent))?.node;
    const systems = [...nodes.values()].map(({ system }) => system);
    const home = systems.find(({ node }) => node === at) as ActorSystem;
    return [home, systems.find((system) => system !== home) as ActorSystem];
  }
});
