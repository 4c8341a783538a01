import assert from 'node:assert/strict';
import sinon from 'sinon';
import Type from 'typebox';
import { assign, setup } from 'xstate';
import { ActorHost, type HostEvent } from '../../../actors/runtime/host.js';
import { FencedError } from '../../../actors/runtime/journal.js';
import { defineKind, PENDING, type Host, type Kind, type Policy } from '../../../actors/runtime/kind.js';
import { makeRef } from '../../../bus/subjects.js';
import type { EventBody } from '../../../bus/messages.js';
import { StatewattError } from '../../../errors/error.js';
import { TestDelivery } from '../../support/delivery.js';
import { MemoryJournal } from '../../support/memory-journal.js';

type JobEvent =
  | { type: 'activated'; at: number }
  | { type: 'add'; by: number; at: number }
  | { type: 'order'; at: number }
  | { type: 'delivered'; what: number; at: number }
  | { type: 'explode'; at: number };

/** Counts; takes orders whose answer comes with a later event of its own; throws when told to. */
const jobMachine = setup({
  types: { context: {} as { total: number; lives: number; goods: number | null }, events: {} as JobEvent },
  actions: {
    live: assign({ lives: ({ context }) => context.lives + 1 }),
    add: assign({ total: ({ context, event }) => context.total + (event.type === 'add' ? event.by : 0) }),
    forget: assign({ goods: null }),
    receive: assign({ goods: ({ event }) => (event.type === 'delivered' ? event.what : null) }),
    explode: assign(() => {
      throw new Error('boom');
    }),
    print: (_, _params: { total: number }) => undefined,
    send: () => undefined,
  },
}).createMachine({
  context: { total: 0, lives: 0, goods: null },
  on: {
    activated: { actions: 'live' },
    add: { actions: ['add', { type: 'print', params: ({ context }) => ({ total: context.total }) }] },
    order: { actions: ['forget', 'send'] },
    delivered: { actions: 'receive' },
    explode: { actions: 'explode' },
  },
});

interface Live {
  readonly host: Host<{ type: string }>;
  closed: number;
}

const job = makeRef('job', 'a');
const restart = { intensity: 3, windowMs: 10_000, backoffMs: { initial: 100, max: 1_000 } };

describe('ActorHost', () => {
  let journal: MemoryJournal;
  let log: string[];
  let lives: Live[];
  let events: HostEvent[];
  let now: number;
  let print: (total: number, key: string) => Promise<void> | void;
  let close: () => Promise<void>;
  let hosts: ActorHost[];
  let clock: sinon.SinonFakeTimers | undefined;

  beforeEach(() => {
    journal = new MemoryJournal();
    log = [];
    lives = [];
    events = [];
    now = 1_000;
    print = (total, key) => void log.push(`print ${total} ${key}`);
    close = () => Promise.resolve();
    hosts = [];
    clock = undefined;
  });

  afterEach(async () => {
    clock?.restore();
    await Promise.all(hosts.map((host) => host.stop()));
    sinon.restore();
  });

  function jobKind(policy: Partial<Policy> = {}): Kind {
    return defineKind({
      kind: 'job',
      version: 3,
      machine: jobMachine,
      commands: (command) => ({
        add: command(Type.Object({ by: Type.Integer() }), ({ snapshot }) => snapshot.context.total),
        order: command(Type.Object({}), ({ snapshot }) => snapshot.context.goods ?? PENDING),
        explode: command(Type.Object({})),
        delivered: command(Type.Object({ what: Type.Integer() }), () => {
          throw new StatewattError('job.no_receipt', 'conflict', 'there is no receipt');
        }),
      }),
      resource: (host) => {
        const live: Live = { host, closed: 0 };
        lives.push(live);
        return {
          close: () => {
            live.closed += 1;
            log.push('close');
            return close();
          },
          inspect: () => ({ life: lives.length }),
        };
      },
      effects: { print: ({ params, key }) => print(params.total, key), send: () => undefined },
      policy: { snapshotEvery: 1_000, mailboxCapacity: 5, restart, ...policy },
    });
  }

  function open(policy: Partial<Policy> = {}): ActorHost {
    const host = new ActorHost({
      journal,
      kinds: [jobKind(policy)],
      node: 'n1',
      now: () => now,
      random: () => 1,
      onEvent: (event) => events.push(event),
    });
    hosts.push(host);
    return host;
  }

  function give(host: ActorHost, event: EventBody, options: ConstructorParameters<typeof TestDelivery>[1] = {}) {
    const delivery = new TestDelivery(event, options);
    host.deliver(job, delivery);
    return delivery;
  }

  const ask = (host: ActorHost, event: EventBody, options = {}) => give(host, event, options).done();
  /** Every turn of the loop that is ready now has been taken. */
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  /** The restart timer runs on a clock of the test's; promises and setImmediate go on as ever. */
  const stopTheClock = (): sinon.SinonFakeTimers => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    return clock;
  };

  describe('one command', () => {
    it('is durable before it is answered, and its effect runs last, with its key', async () => {
      const host = open();
      const release = journal.hold();
      const delivery = give(host, { type: 'add', by: 2 }, { log });
      await settled();
      assert.deepEqual(log, []);
      release();
      await delivery.done();
      assert.equal(delivery.reply, 2);
      assert.deepEqual(log, ['settle', 'answer', 'print 2 job/a#1.0']);
      const [stored] = journal.entries(job);
      assert.equal(stored?.entry.machine, 3);
      assert.equal(stored?.entry.node, 'n1');
      assert.equal(stored?.entry.at, 1_000);
      assert.deepEqual(stored?.entry.effects, [{ type: 'print', params: { total: 2 } }]);
      assert.equal(stored?.entry.commandId, delivery.commandId);
    });

    it('of an unknown kind, name or form is refused, and says what there is', async () => {
      const host = open();
      const elsewhere = new TestDelivery({ type: 'add', by: 1 });
      host.deliver(makeRef('task', 'a'), elsewhere);
      assert.deepEqual(elsewhere.refusals, ['actors.unknown_kind']);
      assert.equal(elsewhere.settled, 1);
      assert.deepEqual((await ask(host, { type: 'add', by: 'two' })).refusals, ['actors.invalid_command']);
      for (const type of ['remove', 'constructor', '__proto__', 'toString']) {
        assert.deepEqual((await ask(host, { type })).refusals, ['actors.unknown_command'], type);
      }
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 1);
      assert.equal(host.inspect(job)?.restarts, 0);
    });

    it('is not begun after its deadline', async () => {
      const host = open();
      const late = await ask(host, { type: 'add', by: 1 }, { deadline: 999 });
      assert.deepEqual([late.refusals, late.settled], [['actors.deadline'], 1]);
      assert.equal((await ask(host, { type: 'add', by: 1 }, { deadline: 1_000 })).reply, 1);
      assert.equal(journal.entries(job).length, 1);
    });

    it('with a known id is answered and not done again, in this life and the next', async () => {
      const host = open();
      await ask(host, { type: 'add', by: 2 }, { commandId: 'once' });
      const again = await ask(host, { type: 'add', by: 2 }, { commandId: 'once' });
      assert.deepEqual([again.reply, again.settled], [2, 1]);
      await host.restart(job);
      assert.equal((await ask(host, { type: 'add', by: 2 }, { commandId: 'once' })).reply, 2);
      assert.equal(journal.entries(job).length, 1);
    });

    it('that stands in the journal from longer ago than the actor remembers is not done again', async () => {
      const host = open();
      journal.intrude(job, { type: 'add', by: 4 }, 'job/a:ancient');
      const again = await ask(host, { type: 'add', by: 4 }, { commandId: 'ancient' });
      assert.deepEqual([again.reply, again.settled], [4, 1]);
      assert.equal(journal.entries(job).length, 1);
      assert.deepEqual(log, []);
    });

    it('whose answer throws is answered with that error, and stands', async () => {
      const host = open();
      assert.deepEqual((await ask(host, { type: 'delivered', what: 1 })).refusals, ['job.no_receipt']);
      assert.equal(journal.entries(job).length, 1);
    });

    it('that the journal has no room for is refused; one that nobody waits for comes again', async () => {
      const host = open();
      const full = new StatewattError('journal.refused', 'unavailable', 'full');
      journal.fail('append', full);
      journal.fail('append', full);
      const asked = await ask(host, { type: 'add', by: 1 });
      assert.deepEqual([asked.refusals, asked.settled, asked.released], [['journal.refused'], 1, 0]);
      const told = await ask(host, { type: 'add', by: 1 }, { told: true });
      assert.deepEqual([told.settled, told.released], [0, 1]);
      assert.equal(host.inspect(job)?.restarts, 0);
    });

    it('that comes again because the journal had no room is overtaken by none that was sent later', async () => {
      const host = open();
      const release = journal.hold();
      journal.fail('append', new StatewattError('journal.refused', 'unavailable', 'full'));
      const away = [1, 2].map((place) => give(host, { type: 'add', by: place }, { told: true, place }));
      const asked = give(host, { type: 'add', by: 100 }, { place: 3 });
      release();
      await settled();
      assert.deepEqual(
        away.map((each) => [each.settled, each.released]),
        [
          [0, 1],
          [0, 1],
        ],
      );
      assert.deepEqual(asked.refusals, ['actors.busy']);
      const again = [2, 1, 2].map((place) => give(host, { type: 'add', by: place }, { told: true, place }));
      await settled();
      assert.deepEqual(
        again.map((each) => [each.settled, each.released]),
        [
          [0, 1],
          [1, 0],
          [1, 0],
        ],
      );
      assert.deepEqual(
        journal.entries(job).map(({ entry }) => entry.event),
        [
          { type: 'add', by: 1 },
          { type: 'add', by: 2 },
        ],
      );
    });

    it('that came twice, and was turned away once, holds nothing up when the other copy was done', async () => {
      const host = open();
      const release = journal.hold();
      journal.fail('append', new StatewattError('journal.refused', 'unavailable', 'full'));
      const once = { told: true, place: 5, commandId: 'five' };
      const copies = [1, 2].map(() => give(host, { type: 'add', by: 1 }, once));
      release();
      await settled();
      assert.deepEqual(
        copies.map((each) => [each.settled, each.released]),
        [
          [0, 1],
          [1, 0],
        ],
      );
      assert.equal((await ask(host, { type: 'add', by: 1 }, { place: 6 })).reply, 2);
    });

    it('that the journal will never take is refused, or parked when nobody waits, and holds nothing up', async () => {
      const host = open();
      const big = new StatewattError('journal.too_big', 'invalid', 'too big');
      journal.fail('append', big);
      const asked = await ask(host, { type: 'add', by: 1 });
      assert.deepEqual([asked.refusals, asked.settled, journal.dead.length], [['journal.too_big'], 1, 0]);
      journal.fail('append', big);
      const told = give(host, { type: 'add', by: 1 }, { told: true, place: 1 });
      const next = give(host, { type: 'add', by: 2 }, { told: true, place: 2 });
      await settled();
      assert.deepEqual([told.settled, told.released, next.settled], [1, 0, 1]);
      assert.deepEqual(
        journal.dead.map(({ error }) => error.code),
        ['journal.too_big'],
      );
      assert.equal(host.inspect(job)?.restarts, 0);
    });
  });

  describe('a pending answer', () => {
    it('comes with the later event that brings it', async () => {
      const host = open();
      const order = give(host, { type: 'order' });
      await settled();
      assert.deepEqual([order.settled, order.answers], [1, []]);
      await ask(host, { type: 'add', by: 1 });
      assert.deepEqual(order.answers, []);
      await lives[0]?.host.send({ type: 'delivered', what: 7 } as { type: string });
      assert.equal(order.reply, 7);
    });

    it('is refused when the actor stops or crashes', async () => {
      const host = open();
      const first = give(host, { type: 'order' });
      await settled();
      host.kill(job);
      assert.deepEqual(first.refusals, ['actors.killed']);
      await settled();
      const second = give(open(), { type: 'order' }, { commandId: 'two' });
      await settled();
      await hosts[1]?.retire(job);
      assert.deepEqual(second.refusals, ['actors.stopped']);
    });

    it('is bounded: beyond the mailbox’s capacity, and past its deadline, nothing is kept', async () => {
      const host = open();
      const expired = give(host, { type: 'order' }, { deadline: 1_001 });
      const kept = [1, 2, 3, 4].map(() => give(host, { type: 'order' }));
      await settled();
      now = 1_002;
      const told = give(host, { type: 'order' }, { told: true });
      const last = give(host, { type: 'order' });
      await settled();
      const beyond = await ask(host, { type: 'order' });
      assert.deepEqual(beyond.refusals, ['actors.answer_later']);
      await lives[0]?.host.send({ type: 'delivered', what: 7 } as { type: string });
      assert.deepEqual(
        [...kept, last].map((each) => each.reply),
        [7, 7, 7, 7, 7],
      );
      assert.deepEqual([expired.answers, told.answers], [[], []]);
    });
  });

  describe('poison', () => {
    it('is parked with its error and state, and the actor goes on', async () => {
      const host = open();
      await ask(host, { type: 'add', by: 1 });
      const bad = await ask(host, { type: 'explode' });
      assert.deepEqual([bad.refusals, bad.settled], [['actors.poison'], 1]);
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 2);
      const [letter] = journal.dead;
      assert.equal(letter?.ref, 'job/a');
      assert.match(letter?.error.message ?? '', /boom/);
      assert.equal(letter?.seq, 1);
      assert.equal(letter?.commandId, bad.commandId);
      assert.equal(host.inspect(job)?.restarts, 0);
    });

    it('of the actor’s own is parked too, and its sender hears of it', async () => {
      const host = open();
      await host.activate(job);
      await assert.rejects(async () => lives[0]?.host.send({ type: 'explode' }), { code: 'actors.poison' });
      assert.equal(journal.dead.length, 1);
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 1);
    });

    it('that cannot be parked comes again; the node lives', async () => {
      const host = open({ restart: { ...restart, backoffMs: { initial: 1, max: 1 } } });
      journal.fail('park');
      const bad = await ask(host, { type: 'explode' });
      assert.deepEqual([bad.refusals, bad.settled, bad.released], [['actors.poison'], 1, 0]);
      assert.equal(journal.dead.length, 1);
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 1);
      assert.equal(host.inspect(job)?.restarts, 1);
    });
  });

  describe('a told command, whose refusal nobody would hear,', () => {
    it('goes to the dead letters when it is wrong', async () => {
      const host = open();
      const wrong = await ask(host, { type: 'remove' }, { told: true });
      assert.equal(wrong.settled, 1);
      const elsewhere = new TestDelivery({ type: 'add', by: 1 }, { told: true });
      host.deliver(makeRef('task', 'a'), elsewhere);
      await elsewhere.done();
      assert.deepEqual(
        journal.dead.map(({ ref, error }) => [ref, error.code]),
        [
          ['job/a', 'actors.unknown_command'],
          ['task/a', 'actors.unknown_kind'],
        ],
      );
    });

    it('comes again when it cannot be parked', async () => {
      const host = open({ restart: { ...restart, backoffMs: { initial: 1, max: 1 } } });
      journal.fail('park');
      const wrong = await ask(host, { type: 'remove' }, { told: true });
      assert.deepEqual([wrong.settled, wrong.released], [0, 1]);
      journal.fail('park');
      const elsewhere = new TestDelivery({ type: 'add', by: 1 }, { told: true });
      host.deliver(makeRef('task', 'a'), elsewhere);
      await elsewhere.done();
      assert.deepEqual([elsewhere.settled, elsewhere.released], [0, 1]);
    });
  });

  describe('a full mailbox', () => {
    it('answers busy to who waits, and leaves in the queue what nobody waits for', async () => {
      const host = open();
      const release = journal.hold();
      const taken = [1, 2, 3, 4, 5].map(() => give(host, { type: 'add', by: 1 }));
      const asked = give(host, { type: 'add', by: 1 });
      const told = give(host, { type: 'add', by: 1 }, { told: true });
      assert.deepEqual([asked.refusals, asked.settled], [['actors.busy'], 1]);
      assert.deepEqual([told.answers, told.settled, told.released], [[], 0, 1]);
      assert.deepEqual([host.counters.refusedBusy, host.counters.commands], [2, 5]);
      assert.equal(host.inspect(job)?.mailbox, 5);
      release();
      await Promise.all(taken.map((each) => each.done()));
      await settled();
      assert.deepEqual(
        taken.map((each) => each.reply),
        [1, 2, 3, 4, 5],
      );
    });

    it('lets nobody overtake what was turned away until it has come again', async () => {
      const host = open();
      const release = journal.hold();
      const taken = [1, 2, 3, 4, 5].map((place) => give(host, { type: 'add', by: 1 }, { place }));
      const sixth = { type: 'add', by: 10 };
      const [away, later] = [6, 7].map((place) => give(host, sixth, { told: true, place }));
      release();
      await Promise.all(taken.map((each) => each.done()));
      await settled();
      // There is room now; but the sixth and the seventh are on their way back.
      const eighth = give(host, { type: 'add', by: 100 }, { told: true, place: 8 });
      const asked = give(host, { type: 'add', by: 1 }, { place: 9 });
      const again = [7, 6, 7, 8].map((place) => give(host, sixth, { told: true, place }));
      await Promise.all(again.map((each) => each.done()));
      assert.deepEqual(
        [away, later, eighth, ...again].map((each) => [each?.released, each?.settled]),
        [
          [1, 0],
          [1, 0],
          [1, 0],
          [1, 0],
          [0, 1],
          [0, 1],
          [0, 1],
        ],
      );
      assert.deepEqual(asked.refusals, ['actors.busy']);
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 36);
    });
  });

  describe('a crash', () => {
    it('is answered by a restart after the backoff, which no command cuts short', async () => {
      const timers = stopTheClock();
      const host = open();
      await ask(host, { type: 'add', by: 1 });
      host.kill(job);
      await settled();
      const waits = give(host, { type: 'add', by: 1 });
      await host.activate(job);
      await settled();
      assert.deepEqual([waits.answers, lives.length], [[], 1]);
      assert.deepEqual(
        events.map((event) => [event.type, event.type === 'restarting' && event.delayMs]),
        [['restarting', 100]],
      );
      assert.equal(host.inspect(job)?.state, 'starting');
      // What it is does not depend on whether it is at work.
      assert.deepEqual([host.inspect(job)?.context, host.inspect(job)?.seq], [{ total: 1, lives: 0, goods: null }, 1]);
      timers.tick(99);
      await settled();
      assert.equal(lives.length, 1);
      timers.tick(1);
      await settled();
      assert.equal(waits.reply, 2);
      assert.deepEqual([lives.length, lives[0]?.closed, host.counters.restarts], [2, 1, 1]);
      assert.match(host.inspect(job)?.lastError ?? '', /killed by an operator/);
    });

    it('too many end in failed: refused, parked, counted, until an operator restarts it', async () => {
      const timers = stopTheClock();
      const host = open();
      await ask(host, { type: 'add', by: 1 });
      for (const delay of [100, 200, 400]) {
        host.kill(job);
        await settled();
        timers.tick(delay);
        await settled();
      }
      const release = journal.hold();
      const waiting = [give(host, { type: 'add', by: 1 }), give(host, { type: 'add', by: 1 })];
      const own = lives
        .at(-1)
        ?.host.send({ type: 'delivered' })
        .catch((error: unknown) => error);
      host.kill(job);
      release();
      await settled();
      // The first was under way and is finished; the others never began.
      assert.deepEqual(
        waiting.map((each) => each.answers.length),
        [1, 1],
      );
      assert.deepEqual(waiting[1]?.refusals, ['actors.failed']);
      assert.equal(((await own) as StatewattError).code, 'actors.killed');
      assert.equal(host.inspect(job)?.state, 'failed');
      assert.deepEqual(host.query(job)?.context, { total: 2, lives: 0, goods: null });
      assert.deepEqual(
        events.map((event) => event.type),
        ['restarting', 'restarting', 'restarting', 'failed'],
      );
      const refused = await ask(host, { type: 'add', by: 1 });
      assert.deepEqual(refused.refusals, ['actors.failed']);
      const told = await ask(host, { type: 'add', by: 1 }, { told: true });
      assert.equal(told.settled, 1);
      assert.equal(journal.dead.at(-1)?.error.code, 'actors.failed');
      await assert.rejects(host.activate(job), { code: 'actors.failed' });
      assert.throws(() => host.kill(job), { code: 'actors.not_found' });
      assert.deepEqual([host.counters.failures, host.counters.refusedFailed], [1, 3]);
      await host.restart(job);
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 3);
    });

    it('of an effect restarts the actor; the entry stands', async () => {
      const host = open({ restart: { ...restart, backoffMs: { initial: 1, max: 1 } } });
      print = () => {
        print = () => undefined;
        throw new Error('paper jam');
      };
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 1);
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 2);
      assert.equal(host.inspect(job)?.restarts, 1);
      assert.match(host.inspect(job)?.lastError ?? '', /paper jam/);
    });

    it('reported by the live part restarts it', async () => {
      const host = open({ restart: { ...restart, backoffMs: { initial: 1, max: 1 } } });
      await host.activate(job);
      lives[0]?.host.fail(new Error('line cut'));
      lives[0]?.host.fail(new Error('line cut again'));
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 1);
      assert.deepEqual([lives.length, host.inspect(job)?.lastError], [2, 'line cut']);
    });

    it('at the start is retried: what waits is done in the end', async () => {
      const host = open({ restart: { ...restart, backoffMs: { initial: 1, max: 1 } } });
      journal.fail('load');
      journal.fail('load');
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 1);
      assert.deepEqual([host.inspect(job)?.restarts, journal.loads], [2, 3]);
    });

    it('at the start that goes on leaves nothing to be known of it', async () => {
      const timers = stopTheClock();
      const host = open();
      for (let life = 0; life < 4; life++) journal.fail('load');
      await host.activate(job);
      for (const delay of [100, 200, 400]) {
        await settled();
        timers.tick(delay);
      }
      await settled();
      const { state, context } = host.inspect(job) ?? {};
      assert.deepEqual([state, context], ['failed', undefined]);
    });

    it('while it is being brought to life waits for that, and starts anew', async () => {
      const host = open({ alwaysOn: true, restart: { ...restart, backoffMs: { initial: 1, max: 1 } } });
      const release = journal.hold();
      const command = give(host, { type: 'add', by: 1 });
      host.kill(job);
      await settled();
      assert.deepEqual(events, []);
      release();
      await command.done();
      assert.equal(command.reply, 1);
      assert.deepEqual([lives.length, host.inspect(job)?.restarts], [1, 1]);
      assert.deepEqual(
        journal.entries(job).map(({ entry }) => entry.event.type),
        ['activated', 'add'],
      );
    });

    it('with a live part that cannot be closed is a warning, and the actor comes back', async () => {
      const warn = sinon.stub(process, 'emitWarning');
      const host = open({ restart: { ...restart, backoffMs: { initial: 1, max: 1 } } });
      await host.activate(job);
      close = () => Promise.reject(new Error('stuck'));
      host.kill(job);
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 1);
      assert.match(String(warn.firstCall.args[0]), /job\/a: its live part could not be closed: stuck/);
      await host.stop();
    });
  });

  describe('the journal', () => {
    it('fences a stale activation, which starts anew with the command, that nothing overtakes', async () => {
      const host = open({ restart: { ...restart, backoffMs: { initial: 1, max: 1 } } });
      await ask(host, { type: 'add', by: 1 });
      journal.intrude(job, { type: 'add', by: 10 });
      const stale = give(host, { type: 'add', by: 100 }, { commandId: 'first' });
      const behind = give(host, { type: 'add', by: 1_000 }, { commandId: 'second' });
      await Promise.all([stale.done(), behind.done()]);
      assert.deepEqual([stale.reply, stale.settled, stale.released], [111, 1, 0]);
      assert.deepEqual([behind.reply, behind.settled, behind.released], [1_111, 1, 0]);
      assert.deepEqual(
        events.map((event) => event.type),
        ['fenced', 'restarting'],
      );
      assert.ok(events[0]?.error instanceof FencedError);
    });

    it('loses an acknowledgement: the command is done once', async () => {
      const host = open({ restart: { ...restart, backoffMs: { initial: 1, max: 1 } } });
      journal.fail('acknowledge');
      const first = await ask(host, { type: 'add', by: 1 }, { commandId: 'once' });
      assert.deepEqual([first.reply, first.settled, first.released], [1, 1, 0]);
      assert.equal((await ask(host, { type: 'add', by: 1 }, { commandId: 'once' })).reply, 1);
      assert.equal(journal.entries(job).length, 1);
    });

    it('holds a snapshot every so many entries, and after a stop', async () => {
      const host = open({ snapshotEvery: 3 });
      for (let each = 0; each < 4; each++) await ask(host, { type: 'add', by: 1 });
      assert.equal(journal.snapshot(job)?.seq, 3);
      await host.retire(job);
      assert.equal(journal.snapshot(job)?.seq, 4);
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 5);
    });

    it('goes without a snapshot that cannot be saved, says so, and tries at the next entry', async () => {
      const warn = sinon.stub(process, 'emitWarning');
      const host = open({ snapshotEvery: 2 });
      journal.fail('snapshot');
      for (let each = 0; each < 2; each++) await ask(host, { type: 'add', by: 1 });
      assert.match(String(warn.firstCall.args[0]), /its snapshot could not be saved: snapshot failed/);
      assert.equal(journal.snapshot(job), undefined);
      await ask(host, { type: 'add', by: 1 });
      assert.equal(journal.snapshot(job)?.seq, 3);
    });
  });

  describe('an always-on actor', () => {
    it('begins each life with a journaled entry, before any command', async () => {
      const host = open({ alwaysOn: true });
      const release = journal.hold();
      const command = give(host, { type: 'add', by: 1 });
      // A second one arrives while the claim is under way.
      const second = give(host, { type: 'add', by: 1 });
      release();
      for (let turn = 0; turn < 3; turn++) host.deliver(job, new TestDelivery({ type: 'remove' }));
      await Promise.all([command.done(), second.done()]);
      assert.deepEqual(
        journal.entries(job).map(({ entry }) => entry.event.type),
        ['activated', 'add', 'add'],
      );
      assert.equal(host.inspect(job)?.restarts, 0);
      await host.restart(job);
      assert.equal((host.inspect(job)?.context as { lives: number }).lives, 2);
      assert.deepEqual(
        lives.map(({ host: { epoch } }) => epoch),
        [1_000, 1_001],
      );
    });

    it('has a later epoch than before its journal was lost, and when the clock went back', async () => {
      await open({ alwaysOn: true }).activate(job);
      now = 2_000;
      journal = new MemoryJournal();
      const host = open({ alwaysOn: true });
      await host.activate(job);
      now = 5;
      await host.restart(job);
      const epochs = lives.map(({ host: { epoch } }) => epoch);
      assert.deepEqual(epochs, [1_000, 2_000, 2_001]);
    });

    it('is not disturbed by commands that arrive while its claim is being journaled', async () => {
      const host = open({ alwaysOn: true });
      const append = journal.append.bind(journal);
      let open2 = (): void => undefined;
      const claimed = new Promise<void>((resolve) => {
        sinon.stub(journal, 'append').callsFake(async (...args) => {
          if (args[1].event.type === 'activated') {
            resolve();
            await new Promise<void>((go) => (open2 = go));
          }
          return append(...args);
        });
      });
      const activated = host.activate(job);
      await claimed;
      const command = give(host, { type: 'add', by: 1 });
      await settled();
      open2();
      await activated;
      assert.equal((await command.done()).reply, 1);
      assert.deepEqual(events, []);
    });
  });

  describe('an event of its own', () => {
    it('is seen by the machine as a replay will see it', async () => {
      const host = open();
      await host.activate(job);
      await lives[0]?.host.send({ type: 'delivered', what: Number.NaN } as { type: string });
      assert.equal((host.inspect(job)?.context as { goods: unknown }).goods, null);
      await assert.rejects(
        async () => lives[0]?.host.send({ type: 'delivered', what: 1n } as { type: string }),
        TypeError,
      );
    });

    it('that changes nothing is of no consequence', async () => {
      const host = open();
      await host.activate(job);
      await lives[0]?.host.send({ type: 'nonsense' });
      assert.equal(journal.entries(job).length, 0);
    });

    it('of an ended activation is refused, also one that waits for its turn', async () => {
      const host = open({ restart: { ...restart, backoffMs: { initial: 1, max: 1 } } });
      await host.activate(job);
      const release = journal.hold();
      const under = give(host, { type: 'add', by: 1 });
      const own = lives[0]?.host.send({ type: 'delivered' }).catch((error: unknown) => error);
      host.kill(job);
      release();
      await under.done();
      assert.equal(((await own) as StatewattError).code, 'actors.stopped');
      await assert.rejects(async () => lives[0]?.host.send({ type: 'delivered' }), { code: 'actors.stopped' });
      assert.equal((await ask(host, { type: 'add', by: 1 })).reply, 2);
    });
  });

  describe('the end', () => {
    it('finishes what is under way with its effect, and releases what waits', async () => {
      const host = open();
      await host.activate(job);
      const release = journal.hold();
      const under = give(host, { type: 'add', by: 1 }, { log });
      const waits = give(host, { type: 'add', by: 1 });
      const own = lives[0]?.host.send({ type: 'delivered' }).catch((error: unknown) => error);
      const stopped = host.stop();
      release();
      await stopped;
      assert.equal(under.reply, 1);
      assert.deepEqual(log, ['settle', 'answer', 'print 1 job/a#1.0', 'close']);
      assert.deepEqual([waits.answers, waits.settled, waits.released], [[], 0, 1]);
      assert.equal(((await own) as StatewattError).code, 'actors.stopped');
      const late = give(host, { type: 'add', by: 1 });
      assert.equal(late.released, 1);
      await assert.rejects(host.activate(job), { code: 'actors.stopped' });
      await assert.rejects(host.restart(job), { code: 'actors.stopped' });
      assert.deepEqual(host.actors(), []);
    });

    it('comes also while a restart is due, and closes nothing twice', async () => {
      const timers = stopTheClock();
      const host = open();
      await host.activate(job);
      host.kill(job);
      const retired = host.retire(job);
      await retired;
      await settled();
      assert.equal(lives[0]?.closed, 1);
      await host.activate(job);
      host.kill(job);
      await settled();
      await host.stop();
      timers.tick(10_000);
      await settled();
      assert.deepEqual([lives.length, lives[1]?.closed], [2, 1]);
    });

    it('of one life is waited for by the next', async () => {
      const host = open();
      await host.activate(job);
      let done = (): void => undefined;
      close = () => new Promise((resolve) => (done = resolve));
      const retired = host.retire(job);
      const command = give(host, { type: 'add', by: 1 });
      await settled();
      assert.deepEqual([lives.length, command.answers], [1, []]);
      done();
      close = () => Promise.resolve();
      await retired;
      await command.done();
      assert.deepEqual([command.reply, lives.length], [1, 2]);
    });

    it('of an actor that is not there is nothing; kill and restart say so', async () => {
      const host = open();
      await host.retire(job);
      assert.throws(() => host.kill(job), { code: 'actors.not_found' });
      await assert.rejects(host.restart(job), { code: 'actors.not_found' });
      await assert.rejects(host.activate(makeRef('task', 'a')), { code: 'actors.unknown_kind' });
    });
  });

  it('shows an actor inside', async () => {
    const host = open();
    assert.equal(host.inspect(job), undefined);
    assert.equal(host.snapshot(job), undefined);
    for (let each = 0; each < 60; each++) await ask(host, { type: 'add', by: 1 });
    const inside = host.inspect(job);
    assert.deepEqual([inside?.ref, inside?.kind, inside?.id, inside?.node], ['job/a', 'job', 'a', 'n1']);
    assert.deepEqual([inside?.seq, inside?.mailbox, inside?.activatedAt], [60, 0, 1_000]);
    assert.deepEqual(inside?.live, { life: 1 });
    assert.deepEqual(inside?.context, { total: 60, lives: 0, goods: null });
    assert.equal(inside?.transitions.length, 50);
    assert.deepEqual(inside?.transitions.at(-1)?.seq, 60);
    assert.equal(host.snapshot(job)?.seq, 60);
    assert.deepEqual(
      host.actors().map((facts) => facts.ref),
      ['job/a'],
    );
  });
});
