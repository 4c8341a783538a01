import assert from 'node:assert/strict';
import type { Bus } from '../../../bus/connection.js';
import { STREAM } from '../../../bus/streams.js';
import { codecs } from '../../../bus/topics.js';
import { EffectRefused, type DurableRun } from '../../../actors/runtime/outbox/effect.js';
import type { Kind } from '../../../actors/runtime/kind.js';
import { outboxConsumers } from '../../../actors/runtime/outbox/queue.js';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { notifierKind, type Note } from '../../support/notifier.js';
import { eventually } from '../../support/temp.js';

describe('durable effects on JetStream', function () {
  this.timeout(60_000);
  let nats: TestNats;
  const nodes = new Map<string, { system: ActorSystem; bus: Bus }>();
  /** What each node has run, in order. */
  const ran: { node: string; text: string; key: string; ref: string; seq: number }[] = [];

  const policy = { backoffMs: { initial: 10, max: 20 }, timeoutMs: 2_000 };

  async function join(
    name: string,
    behave: (run: DurableRun<Note>) => Promise<void> = async () => undefined,
    attempts = 3,
  ) {
    const bus = await nats.connect(name);
    const kind = notifierKind(
      async (run) => {
        await behave(run);
        ran.push({ node: name, text: run.params.text, key: run.key, ref: run.ref.id, seq: run.seq });
      },
      { ...policy, attempts },
    );
    const system = createSystem({ bus, kinds: [kind], node: name });
    nodes.set(name, { system, bus });
    await system.start();
    return { system, kind, bus };
  }

  /** As a crash would end it: nothing is said to anybody. */
  async function cut(name: string): Promise<void> {
    const node = nodes.get(name);
    nodes.delete(name);
    await node?.bus.nats.close();
    await node?.system.stop().catch(() => undefined);
  }

  const texts = (): string[] => ran.map(({ text }) => text);

  beforeEach(async () => {
    ran.length = 0;
    nats = await startNats();
  });
  afterEach(async () => {
    for (const { system } of nodes.values()) await system.stop();
    nodes.clear();
    await nats.stop();
  });

  it('are run once after their entry, in the actor’s order', async () => {
    const { system, kind } = await join('n1');
    for (let each = 0; each < 20; each++) await system.ask(ref(kind, 'a'), { type: 'note', text: `t${each}` });
    await eventually(() => (ran.length >= 20 ? true : undefined));
    assert.deepEqual(
      texts(),
      Array.from({ length: 20 }, (_, each) => `t${each}`),
    );
    assert.match(ran[0]?.key ?? '', /^notifier\/a#\d+\.0$/);
    assert.equal(new Set(ran.map(({ key }) => key)).size, 20);
  });

  it('of a crashed node are run by the next owner: nothing skipped, order kept, nothing settled run again', async () => {
    let broken = false;
    const { system, kind } = await join('n1', () => (broken ? new Promise(() => undefined) : Promise.resolve()));
    const actors = ['a', 'b', 'c', 'd'];
    for (const id of actors) await system.ask(ref(kind, id), { type: 'note', text: '0' });
    await eventually(() => (ran.length === 4 ? true : undefined));
    broken = true; // From here on the effects are begun and never end: the cut comes between commit and effect.
    for (const id of actors) {
      for (const text of ['1', '2']) await system.ask(ref(kind, id), { type: 'note', text });
    }
    await cut('n1');
    const next = await join('n2');
    await eventually(() => (ran.length >= 12 ? true : undefined));
    await next.system.ask(ref(kind, 'a'), { type: 'note', text: '3' });
    await eventually(() => (ran.length >= 13 ? true : undefined));
    for (const id of actors) {
      const expected = id === 'a' ? ['0', '1', '2', '3'] : ['0', '1', '2'];
      assert.deepEqual(
        ran.filter((each) => each.ref === id).map(({ text }) => text),
        expected,
      );
    }
    assert.equal(new Set(ran.map(({ key }) => key)).size, ran.length);
  });

  it('keep their position over ownerships in which nothing happened', async () => {
    const { system, kind } = await join('n1');
    await system.ask(ref(kind, 'a'), { type: 'note', text: 'once' });
    await eventually(() => (ran.length === 1 ? true : undefined));
    for (const name of ['n2', 'n3', 'n4']) {
      for (const node of nodes.values()) await node.system.stop();
      nodes.clear();
      const { system: present } = await join(name);
      await eventually(() => (present.owned.size === 32 ? true : undefined));
    }
    await (nodes.get('n4') as { system: ActorSystem }).system.ask(ref(kind, 'a'), { type: 'note', text: 'last' });
    await eventually(() => (texts().includes('last') ? true : undefined));
    assert.deepEqual(texts(), ['once', 'last']);
    const { bus } = nodes.get('n4') as { bus: Bus };
    const consumers = await bus.manager.consumers.list(STREAM.journal).next();
    assert.equal(consumers.length, 32);
  });

  it('that fail are parked with their error, and hold up nobody else', async () => {
    const { system, kind, bus } = await join('n1', async ({ params }) => {
      if (params.text === 'bad') throw new Error('the other side is broken');
      if (params.text === 'wrong') throw new EffectRefused('the other side will never take it');
    });
    await system.ask(ref(kind, 'a'), { type: 'note', text: 'bad' });
    await system.ask(ref(kind, 'a'), { type: 'note', text: 'wrong' });
    await system.ask(ref(kind, 'a'), { type: 'note', text: 'good' });
    await system.ask(ref(kind, 'b'), { type: 'note', text: 'other' });
    await eventually(() => (ran.length === 2 ? true : undefined));
    assert.deepEqual(texts().sort(), ['good', 'other']);
    const letters = [];
    for await (const message of await bus.manager.direct.getBatch(STREAM.deadLetters, {
      seq: 1,
      next_by_subj: 'dead.notifier.a',
      batch: 10,
    })) {
      letters.push(codecs.deadLetter.decode(message.data));
    }
    assert.deepEqual(
      letters.map(({ effect, error }) => [effect?.type, effect?.params, effect?.attempts, error.code]),
      [
        ['notify', { text: 'bad' }, 3, 'effects.failed'],
        ['notify', { text: 'wrong' }, 1, 'effects.refused'],
      ],
    );
    assert.deepEqual(system.outboxCounters, { effectsRun: 2, effectsRetried: 2, effectsParked: 2 });
  });

  it('of a kind that has none any more are parked, and entries of kinds without any are not looked at', async () => {
    const { system, kind } = await join('n1', () => new Promise(() => undefined));
    await system.ask(ref(kind, 'a'), { type: 'note', text: 'left' });
    await cut('n1');
    const bus = await nats.connect('n2');
    const silent = { ...kind, durable: {}, effects: { notify: () => undefined } };
    const other = { ...kind, kind: 'other' } as unknown as Kind;
    const plain = { ...silent, kind: 'plain' } as unknown as Kind;
    const next = createSystem({ bus, kinds: [silent, other, plain], node: 'n2' });
    nodes.set('n2', { system: next, bus });
    await next.start();
    const letter = await eventually(async () => (await next.deadLetters.list({ kind: 'notifier' }))[0]);
    assert.match(letter.letter.error.message, /kind "notifier" has no durable effect "notify" on this node/);
    const consumers = await outboxConsumers(bus);
    const filters = new Set(
      consumers.flatMap(({ config: { filter_subject, filter_subjects } }) => filter_subjects ?? filter_subject ?? []),
    );
    assert.ok(
      [...filters].every((filter) => /^evt\.\d+\.(notifier|other)\.\*$/.test(filter)),
      [...filters].join(),
    );
  });

  it('of a node that has lost its lease are begun by the new owner only', async () => {
    let tries = 0;
    const away = async (): Promise<void> => {
      tries += 1;
      throw new Error('away');
    };
    const { system, kind, bus } = await join('n1', away, 100_000);
    await system.ask(ref(kind, 'a'), { type: 'note', text: 'first' });
    await eventually(() => (tries > 3 ? true : undefined));
    // The node is cut off without being told: its connection is gone, it goes on.
    await bus.nats.close();
    nodes.delete('n1');
    const next = await join('n2');
    await eventually(() => (ran.length === 1 ? true : undefined), { within: 20_000 });
    const before = tries;
    for (let each = 0; each < 100; each++) await next.system.ask(ref(kind, 'a'), { type: 'note', text: String(each) });
    await eventually(() => (ran.length === 101 ? true : undefined));
    assert.equal(tries, before);
    assert.ok(ran.every(({ node }) => node === 'n2'));
    await system.stop().catch(() => undefined);
  });
});
