import assert from 'node:assert/strict';
import Type from 'typebox';
import { assign, setup } from 'xstate';
import { ActorHost, type HostEvent } from '../../../actors/runtime/host.js';
import { defineKind, type KindDefinition, type Resource } from '../../../actors/runtime/kind.js';
import type { AnyStateMachine } from 'xstate';
import { makeRef } from '../../../bus/subjects.js';
import { TestDelivery } from '../../support/delivery.js';
import { MemoryJournal } from '../../support/memory-journal.js';

type Definition = KindDefinition<'purse', AnyStateMachine, Record<string, never>, Resource>;

/** Version 1 counts whole coins; versions 2 and 3 count cents, under another name for the event's field. */
const coins = setup({
  types: { context: {} as { coins: number }, events: {} as { type: 'pay'; coins: number; at: number } },
  actions: { pay: assign({ coins: ({ context, event }) => context.coins + event.coins }) },
}).createMachine({ context: { coins: 0 }, on: { pay: { actions: 'pay' } } });

const cents = setup({
  types: { context: {} as { cents: number }, events: {} as { type: 'pay'; cents: number; at: number } },
  actions: { pay: assign({ cents: ({ context, event }) => context.cents + event.cents }) },
}).createMachine({ context: { cents: 0 }, on: { pay: { actions: 'pay' } } });

const first = defineKind({
  kind: 'purse',
  version: 1,
  machine: coins,
  commands: (command) => ({ pay: command(Type.Object({ coins: Type.Integer() }), ({ snapshot }) => snapshot.context) }),
  effects: {},
  policy: { snapshotEvery: 3 },
});

const upcast: Definition['upcast'] = { 1: ({ type, coins }) => ({ type, cents: Number(coins) * 100 }) };
const migrate: Definition['migrate'] = {
  1: ({ context, ...state }) => ({ ...state, context: { cents: Number(context.coins) * 100 } }),
  2: (state) => state,
};

function third(steps: Pick<Definition, 'upcast' | 'migrate'>) {
  return defineKind({
    kind: 'purse',
    version: 3,
    machine: cents,
    commands: (command) => ({
      pay: command(Type.Object({ cents: Type.Integer() }), ({ snapshot }) => snapshot.context),
    }),
    effects: {},
    policy: { snapshotEvery: 3 },
    ...steps,
  });
}

describe('evolution of a kind', () => {
  const purse = makeRef('purse', 'a');
  let journal: MemoryJournal;
  let events: HostEvent[];
  let hosts: ActorHost[];

  beforeEach(() => {
    journal = new MemoryJournal();
    events = [];
    hosts = [];
  });
  afterEach(() => Promise.all(hosts.map((host) => host.stop())));

  function open(kind: ConstructorParameters<typeof ActorHost>[0]['kinds'][0], now = () => 1_000): ActorHost {
    const host = new ActorHost({ journal, kinds: [kind], node: 'n', now, onEvent: (event) => events.push(event) });
    hosts.push(host);
    return host;
  }

  async function pay(host: ActorHost, field: 'coins' | 'cents', amount: number, options = {}): Promise<TestDelivery> {
    const delivery = new TestDelivery({ type: 'pay', [field]: amount }, options);
    host.deliver(purse, delivery);
    return delivery.done();
  }

  /** What version 1 leaves behind after so many payments of one coin. */
  async function written(payments: number): Promise<void> {
    const host = open(first);
    for (let each = 0; each < payments; each++) await pay(host, 'coins', 1);
    await host.stop();
  }

  it('reads what an older version wrote: snapshot migrated, entries after it upcast', async () => {
    await written(3);
    for (let each = 0; each < 2; each++) {
      journal.intrude(purse, { type: 'pay', coins: 1 });
    }
    assert.deepEqual((await pay(open(third({ upcast, migrate })), 'cents', 50)).reply, { cents: 550 });
    assert.equal(journal.entries(purse).at(-1)?.entry.machine, 3);
  });

  it('leaves an older snapshot aside that has no unbroken way to the present, and replays all', async () => {
    await written(4);
    assert.equal(journal.snapshot(purse)?.seq, 4);
    for (const steps of [{ upcast }, { upcast, migrate: { 1: migrate[1] } as Definition['migrate'] }]) {
      const host = open(third(steps as Pick<Definition, 'upcast' | 'migrate'>));
      await host.activate(purse);
      assert.deepEqual(host.inspect(purse)?.context, { cents: 400 });
      await host.stop();
    }
  });

  it('says that the journal does not reach back far enough, instead of beginning in the middle', async () => {
    await written(4);
    journal.compact(purse, 3);
    const host = open(third({ upcast }));
    await host.activate(purse);
    assert.match(host.inspect(purse)?.lastError ?? '', /no longer reaches back to its beginning/);
    await host.stop();
    const migrated = open(third({ upcast, migrate }));
    await migrated.activate(purse);
    assert.deepEqual(migrated.inspect(purse)?.context, { cents: 400 });
  });

  it('refuses what a newer version wrote: not activated, not restarted, not parked, and nothing written', async () => {
    await written(2);
    await pay(open(third({ upcast, migrate })), 'cents', 1);
    const before = journal.entries(purse);
    let now = 1_000;
    const old = open(first, () => now);
    await assert.rejects(old.activate(purse), { code: 'actors.newer_version', details: { found: 3, known: 1 } });
    const told = await pay(old, 'coins', 1, { told: true });
    assert.deepEqual([told.released, told.settled], [1, 0]);
    const asked = await pay(old, 'coins', 1, { deadline: 2_000 });
    assert.deepEqual([asked.released, asked.settled, asked.answers.length], [1, 0, 0]);
    now = 3_000;
    assert.deepEqual((await pay(old, 'coins', 1, { deadline: 2_000 })).refusals, ['actors.newer_version']);
    await old.stop();
    assert.deepEqual(journal.entries(purse), before);
    assert.deepEqual(journal.dead, []);
    assert.deepEqual(old.actors(), []);
    assert.deepEqual([old.counters.restarts, old.counters.failures], [0, 0]);
    assert.deepEqual(new Set(events.map(({ type }) => type)), new Set(['newer']));
  });

  it('refuses a newer snapshot also when no entry stands behind it', async () => {
    await written(1);
    const host = open(third({ upcast }));
    await host.activate(purse);
    await pay(host, 'cents', 1);
    await host.stop();
    const seq = journal.entries(purse).at(-1)?.seq;
    assert.equal(journal.snapshot(purse)?.seq, seq);
    await assert.rejects(open(first).activate(purse), { code: 'actors.newer_version' });
  });

  it('refuses steps that lead nowhere, and a version that is none', () => {
    const step = (event: { type: string }) => event;
    assert.throws(() => third({ upcast: { 3: step } }), {
      code: 'kind.version',
      message: /upcast.*from version 3.*1 to 2/,
    });
    assert.throws(() => third({ migrate: { 0: (state) => state } }), { code: 'kind.version' });
    const bare = { kind: 'purse', machine: coins, commands: () => ({}), effects: {} };
    for (const version of [0, 1.5]) assert.throws(() => defineKind({ ...bare, version }), { code: 'kind.version' });
  });
});
