import assert from 'node:assert/strict';
import fc from 'fast-check';
import Type from 'typebox';
import { assign, setup } from 'xstate';
import { ActorHost } from '../../../actors/runtime/host.js';
import { defineKind, PENDING, type Policy } from '../../../actors/runtime/kind.js';
import { makeRef } from '../../../bus/subjects.js';
import { TestDelivery } from '../../support/delivery.js';
import { MemoryJournal } from '../../support/memory-journal.js';

const machine = setup({
  types: {
    context: {} as { list: number[]; goods: number | null },
    events: {} as
      | { type: 'put'; value: number; at: number }
      | { type: 'order'; at: number }
      | { type: 'delivered'; at: number }
      | { type: 'work'; at: number },
  },
  actions: {
    put: assign({
      list: ({ context, event }) => (event.type === 'put' ? [...context.list, event.value] : context.list),
    }),
    receive: assign({ goods: 1 }),
    send: () => undefined,
    work: () => undefined,
  },
}).createMachine({
  context: { list: [], goods: null },
  on: {
    put: { actions: 'put' },
    order: { actions: 'send' },
    delivered: { actions: 'receive' },
    work: { actions: 'work' },
  },
});

const IDLE_MS = 1_000;

describe('passivation', () => {
  let journal: MemoryJournal;
  let now: number;
  let work: () => Promise<void>;
  let hosts: ActorHost[];
  const actor = makeRef('list', 'a');

  beforeEach(() => {
    journal = new MemoryJournal();
    now = 10_000;
    work = () => Promise.resolve();
    hosts = [];
  });
  afterEach(() => Promise.all(hosts.map((host) => host.stop())));

  function open(policy: Partial<Policy> = {}): ActorHost {
    const kind = defineKind({
      kind: 'list',
      version: 1,
      machine,
      commands: (command) => ({
        put: command(Type.Object({ value: Type.Integer() }), ({ snapshot }) => snapshot.context.list.length),
        order: command(Type.Object({}), ({ snapshot }) => snapshot.context.goods ?? PENDING),
        delivered: command(Type.Object({})),
        work: command(Type.Object({})),
      }),
      effects: { send: () => undefined, work: () => work() },
      policy: { passivateAfterMs: IDLE_MS, mailboxCapacity: 10_000, ...policy },
    });
    const host = new ActorHost({ journal, kinds: [kind], node: 'n1', now: () => now });
    hosts.push(host);
    return host;
  }

  async function ask(host: ActorHost, type: string, fields: object = {}): Promise<TestDelivery> {
    const delivery = new TestDelivery({ type, ...fields });
    host.deliver(actor, delivery);
    return delivery.done();
  }

  /** Whether it lives on after a sweep at a time when it has been idle for long enough. */
  async function stays(host: ActorHost): Promise<boolean> {
    now += IDLE_MS;
    await host.passivateIdle();
    return host.actors().length === 1;
  }

  it('takes an idle actor out of memory with a snapshot, and the next command finds it as it was', async () => {
    const host = open();
    assert.equal((await ask(host, 'put', { value: 1 })).reply, 1);
    now += IDLE_MS - 1;
    await host.passivateIdle();
    assert.equal(host.actors().length, 1, 'not before its time');
    now += 1;
    await host.passivateIdle();
    assert.deepEqual(host.actors(), []);
    assert.equal(host.inspect(actor), undefined);
    assert.equal(journal.snapshot(actor)?.seq, 1);
    assert.equal((await ask(host, 'put', { value: 2 })).reply, 2);
    assert.deepEqual([host.counters.passivated, host.counters.activated], [1, 2]);
  });

  it('counts from the last event, and from the last question', async () => {
    const host = open();
    await ask(host, 'put', { value: 1 });
    now += IDLE_MS - 1;
    await ask(host, 'put', { value: 2 });
    now += IDLE_MS - 1;
    await host.wake(actor);
    now += IDLE_MS - 1;
    await host.passivateIdle();
    assert.equal(host.actors().length, 1);
    assert.equal(await stays(host), false);
  });

  it('leaves alone who is always on, kept by hand, or of a kind that never leaves', async () => {
    for (const policy of [{ alwaysOn: true }, { passivateAfterMs: undefined }]) {
      const host = open(policy);
      await ask(host, 'put', { value: 1 });
      assert.equal(await stays(host), true);
      await host.stop();
    }
    const host = open();
    await host.activate(actor);
    assert.equal(await stays(host), true);
  });

  it('waits for an answer that is still to come, until its caller has gone', async () => {
    const host = open();
    const order = new TestDelivery({ type: 'order' }, { deadline: now + 3 * IDLE_MS });
    host.deliver(actor, order);
    await ask(host, 'put', { value: 1 });
    assert.equal(await stays(host), true);
    await ask(host, 'delivered');
    assert.equal(order.reply, 1);
    assert.equal(await stays(host), false);

    const unanswered = makeRef('list', 'b');
    host.deliver(unanswered, new TestDelivery({ type: 'order' }, { deadline: now + 3 * IDLE_MS }));
    await host.wake(unanswered);
    assert.equal(await stays(host), true);
    now += 3 * IDLE_MS;
    assert.equal(await stays(host), false);
  });

  it('waits for an effect under way', async () => {
    let finish = (): void => undefined;
    work = () => new Promise((resolve) => (finish = resolve));
    const host = open();
    await ask(host, 'work');
    assert.equal(await stays(host), true);
    finish();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await stays(host), false);
  });

  it('goes without a snapshot that cannot be saved', async () => {
    const host = open();
    await ask(host, 'put', { value: 1 });
    journal.fail('snapshot');
    assert.equal(await stays(host), false);
    assert.equal((await ask(host, 'put', { value: 2 })).reply, 2);
  });

  it('loses, repeats and reorders nothing, for any times at which it happens', async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.constant('put' as const) },
      fc.constant('sweep' as const),
      fc.constant('turn' as const),
      fc.constant('hold' as const),
      fc.constant('release' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        journal = new MemoryJournal();
        const host = open({ snapshotEvery: 3 });
        const deliveries: TestDelivery[] = [];
        let release = (): void => undefined;
        for (const each of steps) {
          if (each === 'put') {
            const delivery = new TestDelivery({ type: 'put', value: deliveries.length });
            deliveries.push(delivery);
            host.deliver(actor, delivery);
          } else if (each === 'sweep') {
            now += IDLE_MS;
            void host.passivateIdle();
          } else if (each === 'turn') {
            await new Promise((resolve) => setImmediate(resolve));
          } else if (each === 'hold') {
            release();
            release = journal.hold();
          } else release();
        }
        release();
        await Promise.all(deliveries.map((delivery) => delivery.done()));
        assert.deepEqual(
          deliveries.map(({ reply }) => reply),
          deliveries.map((_, index) => index + 1),
        );
        assert.deepEqual(
          journal.entries(actor).map(({ entry }) => entry.event.value),
          deliveries.map((_, index) => index),
        );
      }),
      { numRuns: 50 },
    );
  });
});
