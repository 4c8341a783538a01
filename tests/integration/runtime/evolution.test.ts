import assert from 'node:assert/strict';
import Type from 'typebox';
import { assign, setup } from 'xstate';
import type { HostEvent } from '../../../actors/runtime/host.js';
import { JetStreamJournal } from '../../../actors/runtime/journal.js';
import { defineKind, type Kind } from '../../../actors/runtime/kind.js';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import { PARTITIONS, partitionOf } from '../../../bus/subjects.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

/** Version 1 counts. */
const one = defineKind({
  kind: 'tally',
  version: 1,
  machine: setup({
    types: { context: {} as { total: number }, events: {} as { type: 'add'; by: number; at: number } },
    actions: { add: assign({ total: ({ context, event }) => context.total + event.by }) },
  }).createMachine({ context: { total: 0 }, on: { add: { actions: 'add' } } }),
  commands: (command) => ({
    add: command(Type.Object({ by: Type.Integer() }), ({ snapshot }) => snapshot.context.total),
  }),
  effects: {},
  policy: { snapshotEvery: 4 },
});

/** Version 2 also keeps a note: one more event, one more field of the context. */
const two = defineKind({
  kind: 'tally',
  version: 2,
  machine: setup({
    types: {
      context: {} as { total: number; note: string },
      events: {} as { type: 'add'; by: number; at: number } | { type: 'note'; text: string; at: number },
    },
    actions: {
      add: assign({ total: ({ context, event }) => context.total + (event.type === 'add' ? event.by : 0) }),
      note: assign({ note: ({ context, event }) => (event.type === 'note' ? event.text : context.note) }),
    },
  }).createMachine({
    context: { total: 0, note: 'none' },
    on: { add: { actions: 'add' }, note: { actions: 'note' } },
  }),
  commands: (command) => ({
    add: command(Type.Object({ by: Type.Integer() }), ({ snapshot }) => snapshot.context.total),
    note: command(Type.Object({ text: Type.String() }), ({ snapshot }) => snapshot.context),
  }),
  effects: {},
  migrate: { 1: (state) => ({ ...state, context: { ...state.context, note: 'none' } }) },
  policy: { snapshotEvery: 4 },
});

describe('nodes of two versions at once', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let systems: Set<ActorSystem>;
  let events: HostEvent[];
  const ids = Array.from({ length: 24 }, (_, index) => `t${index}`);

  beforeEach(async () => {
    nats = await startNats();
    systems = new Set();
    events = [];
  });
  afterEach(async () => {
    for (const system of systems) await system.stop();
    await nats.stop();
  });

  async function join(node: string, kind: Kind): Promise<ActorSystem> {
    const bus = await nats.connect(node);
    const system = createSystem({ bus, kinds: [kind], node, onEvent: (event) => events.push(event) });
    systems.add(system);
    await system.start();
    await settled();
    return system;
  }

  async function leave(system: ActorSystem): Promise<void> {
    systems.delete(system);
    await system.stop();
    if (systems.size > 0) await settled();
  }

  async function settled(): Promise<void> {
    await eventually(
      () => {
        const shares = [...systems].map(({ owned }) => owned.size);
        const all = shares.reduce((sum, share) => sum + share, 0);
        return all === PARTITIONS && Math.max(...shares) - Math.min(...shares) <= 1 ? true : undefined;
      },
      { what: 'a settled placement' },
    );
  }

  const of = (system: ActorSystem, id: string) => system.owned.has(partitionOf(ref(two, id)));

  it('the newer reads what the older wrote; the older leaves alone what the newer wrote, and harms nothing', async () => {
    const old = await join('old', one);
    // Up to 9 entries each: with and without a snapshot, and entries behind it.
    for (const [index, id] of ids.entries()) {
      for (let each = 0; each <= index % 9; each++) await old.ask(ref(one, id), { type: 'add', by: 1 });
    }
    const fresh = await join('new', two);
    const moved = ids.filter((id) => of(fresh, id));
    const stayed = ids.filter((id) => of(old, id));
    assert.ok(moved.length > 0 && stayed.length > 0);
    for (const id of moved) {
      const total = (ids.indexOf(id) % 9) + 1;
      assert.deepEqual(await fresh.ask(ref(two, id), { type: 'note', text: id }), { total, note: id });
    }
    for (const id of stayed) await old.ask(ref(one, id), { type: 'add', by: 1 });

    // The newer one goes away again: the older gets partitions whose actors it cannot read.
    await leave(fresh);
    const bus = await nats.connect('look');
    const journal = new JetStreamJournal(bus);
    const written = async (id: string) => JSON.stringify(await journal.load(ref(two, id), () => false));
    const before = await Promise.all(moved.map(written));
    const [first = ''] = moved;
    await assert.rejects(old.query(ref(one, first)), { code: 'actors.newer_version', details: { found: 2, known: 1 } });
    for (const id of moved) await old.tell(ref(one, id), { type: 'add', by: 100 });
    await eventually(() => (new Set(events.map(({ ref: name }) => name)).size === moved.length ? true : undefined));
    assert.deepEqual(new Set(events.map(({ type }) => type)), new Set(['newer']));
    assert.deepEqual([old.counters.failures, old.counters.restarts], [0, 0]);
    assert.deepEqual(await Promise.all(moved.map(written)), before);
    for (const id of stayed) await old.ask(ref(one, id), { type: 'add', by: 1 });

    // It comes back for good: what was told meanwhile is done, once.
    const back = await join('new', two);
    await leave(old);
    for (const id of ids) {
      const own = (ids.indexOf(id) % 9) + 1;
      const wanted = moved.includes(id) ? { total: own + 100, note: id } : { total: own + 2, note: 'none' };
      const { context } = await eventually(async () => {
        const inside = await back.query(ref(two, id));
        return (inside.context as { total: number }).total === wanted.total ? inside : undefined;
      });
      assert.deepEqual(context, wanted);
    }
  });
});
