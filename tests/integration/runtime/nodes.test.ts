import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { Bus } from '../../../bus/connection.js';
import { readBatch } from '../../../bus/read-batch.js';
import { STREAM } from '../../../bus/streams.js';
import { PARTITIONS, partitionOf, subjects } from '../../../bus/subjects.js';
import { codecs } from '../../../bus/topics.js';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import { counterKind } from '../../support/counter.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

describe('actor systems on several nodes', function () {
  this.timeout(120_000);
  let nats: TestNats;
  const counter = counterKind();
  const nodes = new Map<string, { system: ActorSystem; bus: Bus }>();
  const actors = Array.from({ length: 60 }, (_, index) => ref(counter, `a${index}`));

  async function join(name: string): Promise<ActorSystem> {
    const bus = await nats.connect(name);
    const system = createSystem({ bus, kinds: [counter], node: name, alwaysOn: () => actors });
    nodes.set(name, { system, bus });
    await system.start();
    return system;
  }

  /** As a crash would end it: nothing is said to anybody. */
  async function cut(name: string): Promise<void> {
    const node = nodes.get(name);
    nodes.delete(name);
    await node?.bus.nats.close();
    await node?.system.stop(); // Leaves nothing behind, though it cannot tell anybody.
  }

  /** Every partition has one owner, and they have about the same share. */
  async function settled(): Promise<number[]> {
    const systems = [...nodes.values()].map(({ system }) => system);
    await eventually(
      () => {
        const shares = systems.map((system) => system.owned.size);
        const all = systems.flatMap((system) => [...system.owned]);
        return all.length === PARTITIONS && Math.max(...shares) - Math.min(...shares) <= 1 ? true : undefined;
      },
      { within: 30_000, what: 'a settled placement' },
    );
    return systems.map((system) => system.owned.size);
  }

  /** Every actor is active exactly where its partition is. */
  async function allActive(): Promise<void> {
    await eventually(
      () => {
        const places = [...nodes.values()].flatMap(({ system }) => system.actors().map((actor) => actor.ref));
        return new Set(places).size === actors.length && places.length === actors.length ? true : undefined;
      },
      { within: 30_000, what: 'every actor active once' },
    );
  }

  beforeEach(async () => {
    nats = await startNats();
  });
  afterEach(async () => {
    for (const { system } of nodes.values()) await system.stop();
    nodes.clear();
    await nats.stop();
  });

  it('share the partitions evenly, and any of them reaches any actor', async () => {
    const [one, two, three] = [await join('n1'), await join('n2'), await join('n3')];
    const shares = await settled();
    assert.deepEqual([...shares].sort(), [10, 11, 11]);
    await allActive();
    for (const to of actors) assert.equal(await one.ask(to, { type: 'add', by: 1 }), 1);
    for (const to of actors) assert.equal(await three.ask(to, { type: 'add', by: 1 }), 2);
    assert.equal((await two.list('counter')).length, actors.length);
    const [to] = actors as [(typeof actors)[0]];
    const inside = await two.query(to);
    assert.deepEqual(inside.context, { total: 2 });
    await two.kill(to);
    await eventually(async () => ((await two.look(to))?.restarts === 1 ? true : undefined));
    assert.equal(await two.ask(to, { type: 'add', by: 1 }), 3);
    await two.restart(to);
    assert.deepEqual(one.nodes.map(({ node }) => node).sort(), ['n1', 'n2', 'n3']);
    assert.deepEqual(
      two.placement().map(({ node, partitions }) => [node, partitions]),
      [one, two, three].map((system) => [system.node, [...system.owned].sort((a, b) => a - b)]),
    );
    assert.equal((await two.look(to))?.commands, 3);
  });

  it('hand over in order when one leaves, and at once', async () => {
    await join('n1');
    const two = await join('n2');
    await settled();
    await allActive();
    const begun = performance.now();
    nodes.delete('n2');
    await two.stop();
    await settled();
    await allActive();
    assert.ok(performance.now() - begun < 10_000);
  });

  it('lose no command, do none twice and keep each actor’s order while nodes come, leave and are cut off', async () => {
    const first = await join('n1');
    await settled();
    const acknowledged = new Map<string, number>();
    let going = true;
    let errors = 0;
    const callers = actors.slice(0, 20).map(async (to) => {
      let total = 0;
      for (let each = 0; going; each++) {
        const commandId = `${to.id}-${each}`;
        for (;;) {
          try {
            const answer = await first.ask(to, { type: 'add', by: 1 }, { commandId, deadline: 2_000 });
            assert.equal(answer, ++total, `${to.id} after ${each}`);
            break;
          } catch (error) {
            if (error instanceof assert.AssertionError || errors >= 200) throw error;
            errors += 1; // Asked again with the same id: it is done once.
            await setTimeout(10); // A system that has stopped refuses at once: without a turn for timers this never ends.
          }
        }
        acknowledged.set(to.id, total);
      }
    });
    const asked = Promise.all(callers);
    asked.catch(() => undefined); // Awaited below.
    try {
      for (const name of ['n2', 'n3', 'n4']) {
        await join(name);
        await settled();
      }
      await cut('n3');
      await settled();
      await cut('n2');
      await settled();
      const four = nodes.get('n4');
      nodes.delete('n4');
      await four?.system.stop();
      await settled();
    } finally {
      going = false;
    }
    await asked;
    assert.ok(errors < 200, `${errors} errors`);
    for (const to of actors.slice(0, 20)) {
      const { context } = await first.query(to);
      assert.deepEqual(context, { total: acknowledged.get(to.id) });
      await assertLinear(to.id, acknowledged.get(to.id) as number);
    }
  });

  it('keep the order of asks that do not wait for each other, when their actors go to another node', async () => {
    const first = await join('n1');
    await settled();
    const called = actors.slice(0, 20);
    let going = true;
    const callers = called.map(async (to) => {
      let sent = 0;
      while (going) {
        const burst = Array.from({ length: 20 }, () =>
          first.ask(to, { type: 'add', by: 1 }, { commandId: `${to.id}-${sent++}`, deadline: 30_000 }),
        );
        await Promise.all(burst);
      }
      return sent;
    });
    const asked = Promise.all(callers);
    asked.catch(() => undefined); // Awaited below.
    try {
      await join('n2');
      await settled();
      await allActive();
    } finally {
      going = false;
    }
    for (const [index, sent] of (await asked).entries()) {
      await assertLinear((called[index] as (typeof called)[0]).id, sent);
    }
  });

  /** The journal holds each command once, in the order in which it was sent. */
  async function assertLinear(id: string, total: number): Promise<void> {
    const bus = (nodes.get('n1') as { bus: Bus }).bus;
    const subject = subjects.journal({ kind: 'counter', id });
    const commands: string[] = [];
    const head = await bus.manager.direct.getMessage(STREAM.journal, { last_by_subj: subject });
    for (let seq = 1; seq <= (head?.seq ?? 0);) {
      for (const message of await readBatch(bus, STREAM.journal, { seq, next_by_subj: subject, batch: 500 })) {
        seq = message.seq + 1;
        const entry = codecs.journal.decode(message.data);
        if (entry.commandId !== undefined) commands.push(entry.commandId);
      }
    }
    assert.deepEqual(
      commands,
      Array.from({ length: total }, (_, each) => `${id}-${each}`),
      `partition ${partitionOf({ kind: 'counter', id })}`,
    );
  }
});
