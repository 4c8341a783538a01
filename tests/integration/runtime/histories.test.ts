import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { Caller } from '../../../actors/runtime/caller.js';
import {
  assertCommands,
  assertEffects,
  assertOwnership,
  becomeCurrent,
  readJournal,
} from '../../chaos/actors-checker.js';
import { ActorsCluster } from '../../chaos/actors-cluster.js';
import { countedActors } from '../../chaos/actors-kind.js';
import { openLink, type Link } from '../../support/link.js';
import { eventually } from '../../support/temp.js';

const NODES = 3;
const ACTORS = 40;
const CALLED = 12;
/** Crashes of one actor that its supervisor answers by a restart. */
const CRASHES = 2;

/** What goes wrong; `place` is the node that it happens to, or else the next that nothing happens to. */
type Fault =
  | { readonly do: 'crash'; readonly place: number }
  | { readonly do: 'pause'; readonly place: number; readonly ms: number }
  | { readonly do: 'hold' | 'shut'; readonly place: number; readonly ms: number }
  | { readonly do: 'crash an actor'; readonly actor: number }
  /** Commands that were acknowledged are sent once more. */
  | { readonly do: 'duplicate'; readonly actor: number; readonly count: number }
  /** All that is not acknowledged is delivered again. */
  | { readonly do: 'kill the server' };

const place = fc.nat({ max: NODES - 1 });
/** Shorter than a lease, about as long, and long enough for a takeover. */
const ms = fc.constantFrom(400, 1_200, 2_500);
const actor = fc.nat({ max: CALLED - 1 });

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('crash' as const), place }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pause' as const), place, ms }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('hold' as const, 'shut' as const), place, ms }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('crash an actor' as const), actor }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('duplicate' as const), actor, count: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill the server' as const) }) },
);
const history = fc.array(fc.record({ fault, then: fc.constantFrom(0, 200, 800) }), { minLength: 7, maxLength: 7 });

interface Place {
  readonly link: Link;
  node: string;
  well: boolean;
  /** Resolves when what happens to it is over. */
  trouble: Promise<void>;
}

/** Three in which each fault happens. More of them, or others: . */
const HISTORIES = Number(process.env.HISTORIES ?? 3);
const SEED = Number(process.env.HISTORIES_SEED ?? 17);

describe('histories with faults on real servers', function () {
  this.timeout(120_000);
  let cluster: ActorsCluster;
  let caller: Caller;
  let places: Place[];
  const crashes = new Map<number, number>();

  beforeEach(async () => {
    crashes.clear();
    places = [];
    cluster = await ActorsCluster.start(ACTORS);
    caller = new Caller(cluster.bus);
    const port = Number(new URL(cluster.nats.url).port);
    for (let each = 0; each < NODES; each++) {
      places.push({ link: await openLink(port), node: '', well: true, trouble: Promise.resolve() });
    }
    await Promise.all(places.map(join));
    await cluster.settled();
    await cluster.call(CALLED);
    await cluster.commandsGoOn();
  });
  afterEach(async () => {
    caller?.close();
    await cluster?.close();
    for (const { link } of places) await link.close();
  });

  async function join(to: Place): Promise<void> {
    to.node = await cluster.join(`nats://${to.link.address}`);
  }

  /** Lets something happen to a place that is well, and goes on meanwhile. */
  async function trouble(wanted: number, what: (at: Place) => Promise<void>): Promise<void> {
    while (places.every((at) => !at.well)) await Promise.race(places.map((at) => at.trouble));
    const order = [...places.slice(wanted), ...places.slice(0, wanted)];
    const at = order.find((each) => each.well) as Place;
    at.well = false;
    at.trouble = what(at).finally(() => {
      at.well = true;
    });
    at.trouble.catch(() => undefined); // Awaited at the end.
  }

  async function happen(what: Fault): Promise<void> {
    switch (what.do) {
      case 'crash':
        return trouble(what.place, async (at) => {
          await cluster.kill(at.node);
          await join(at);
        });
      case 'pause':
        return trouble(what.place, async ({ node }) => {
          cluster.signal(node, 'SIGSTOP');
          await pause(what.ms);
          cluster.signal(node, 'SIGCONT');
        });
      case 'hold':
      case 'shut':
        return trouble(what.place, async ({ link }) => {
          link[what.do]();
          await pause(what.ms);
          link.open();
        });
      case 'crash an actor': {
        const before = crashes.get(what.actor) ?? 0;
        crashes.set(what.actor, before + 1);
        const to = countedActors(ACTORS)[what.actor];
        if (before < CRASHES && to !== undefined) await cluster.crash(to);
        return;
      }
      case 'duplicate': {
        const to = countedActors(ACTORS)[what.actor];
        assert.ok(to !== undefined);
        for (let each = 0; each < Math.min(what.count, cluster.commandsOf(to.id)); each++) {
          await caller.tell(to, { type: 'add', by: 1 }, { commandId: `${to.id}-${each}` });
        }
        return;
      }
      case 'kill the server': {
        await Promise.all(places.map((at) => at.trouble)); // A process that is starting needs the server.
        const { bus, nats } = cluster;
        nats.server.child.kill();
        // Entries that it had sent before may still come: it is back when it was missed and is there again.
        await eventually(() => (bus.status === 'connected' ? undefined : true), { what: 'the end of the server' });
        await eventually(() => (bus.status === 'connected' ? true : undefined), { what: 'the server again' });
        await cluster.commandsGoOn(1);
        return;
      }
    }
  }

  for (let seed = SEED; seed < SEED + HISTORIES; seed++) {
    const [steps = []] = fc.sample(history, { seed, numRuns: 1 });
    const name = steps.map(({ fault: { do: what, ...how } }) => [what, ...Object.values(how)].join(' ')).join(', ');
    it(`keep every promise of the runtime: ${name} (seed ${seed})`, async () => {
      for (const { fault: what, then } of steps) {
        await happen(what);
        await pause(then);
      }
      await Promise.all(places.map((at) => at.trouble));
      await cluster.settled();
      await cluster.commandsGoOn();
      const report = await cluster.endCalls();
      // First: the entry of an actor that has just crashed might come between the readings of journal and effects.
      await becomeCurrent(cluster.bus, () => cluster.living());
      const journal = await readJournal(cluster.bus);
      assertCommands(journal, report);
      assertOwnership(journal);
      await assertEffects(journal, cluster.effects, cluster.stops);
    });
  }
});
