import assert from 'node:assert/strict';
import type { Bus } from '../../../bus/connection.js';
import type { DeadLetter } from '../../../bus/messages.js';
import { parseRef } from '../../../bus/subjects.js';
import { DeadLetters, type LetterDecision, type StoredLetter } from '../../../actors/runtime/dead-letters.js';
import { JetStreamJournal } from '../../../actors/runtime/journal.js';
import { EffectRefused, type DurableRun } from '../../../actors/runtime/outbox/effect.js';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import { fragileKind, type Fault } from '../../support/fragile.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

describe('dead letters', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let bus: Bus;
  let system: ActorSystem;
  let fault: Fault;
  let behave: (run: DurableRun<{ text: string }>) => Promise<void>;
  let decisions: LetterDecision[];
  const keys: string[] = [];

  const kind = () => fragileKind(fault, (run) => behave(run), { attempts: 1, timeoutMs: 300 });

  beforeEach(async () => {
    nats = await startNats();
    bus = await nats.connect('n1');
    fault = { broken: false };
    decisions = [];
    keys.length = 0;
    behave = async ({ key }) => {
      keys.push(key);
      if (fault.broken) throw new EffectRefused('the other side does not want it');
    };
    system = createSystem({ bus, kinds: [kind()], node: 'n1', onDecision: (decision) => decisions.push(decision) });
    await system.start();
  });
  afterEach(async () => {
    await system.stop();
    await nats.stop();
  });

  const actor = (id: string) => ref(kind(), id);
  const letters = () => system.deadLetters.list();
  async function only(): Promise<StoredLetter> {
    const [letter, more] = await eventually(async () => {
      const found = await letters();
      return found.length > 0 ? found : undefined;
    });
    assert.ok(letter);
    assert.equal(more, undefined);
    return letter;
  }
  async function total(id: string): Promise<unknown> {
    return (await system.query(actor(id))).context;
  }

  describe('of a command', () => {
    it('are sent again with an id of their own, and are gone once they were accepted', async () => {
      await system.ask(actor('a'), { type: 'add', by: 1 });
      fault.broken = true;
      await system.tell(actor('a'), { type: 'add', by: 5 }, { commandId: 'order-7' });
      const { id, letter } = await only();
      assert.deepEqual(
        [letter.ref, letter.event, letter.error.code, letter.commandId],
        ['fragile/a', { type: 'add', by: 5 }, 'actors.poison', 'order-7'],
      );
      fault.broken = false;
      const replayed = await system.deadLetters.replay(id);
      assert.equal(replayed.answer, 6);
      assert.deepEqual(await letters(), []);
      assert.deepEqual(
        decisions.map(({ decision, stored }) => [decision, stored.id]),
        [['replayed', id]],
      );
      await assert.rejects(system.deadLetters.replay(id), { code: 'dead_letters.not_found', category: 'not_found' });
    });

    it('stay, once, as long as the actor cannot process them', async () => {
      fault.broken = true;
      await assert.rejects(system.ask(actor('a'), { type: 'add', by: 5 }), { code: 'actors.poison' });
      const { id } = await only();
      for (let each = 0; each < 3; each++) {
        await assert.rejects(system.deadLetters.replay(id), { code: 'actors.poison' });
      }
      assert.equal((await only()).id, id);
      assert.deepEqual(decisions, []);
    });

    it('are done once, when two replay them at once and when their removal had failed', async () => {
      fault.broken = true;
      for (const by of [5, 100]) {
        await assert.rejects(system.ask(actor('a'), { type: 'add', by }), { code: 'actors.poison' });
      }
      fault.broken = false;
      const [first, second] = await letters();
      assert.ok(first && second);
      const both = await Promise.allSettled([first, first].map(({ id }) => system.deadLetters.replay(id)));
      assert.ok(both.some(({ status }) => status === 'fulfilled'));
      assert.deepEqual(await total('a'), { total: 5 });

      const streams = { deleteMessage: () => Promise.reject(new Error('cut off')) };
      const cut = new DeadLetters({
        bus: {
          ...bus,
          status: 'connected',
          onStatus: () => () => undefined,
          manager: { ...bus.manager, streams, direct: bus.manager.direct },
        } as unknown as Bus,
        ask: (to, command, options) => system.ask(to, command as never, options),
        rerun: () => Promise.reject(new Error('no effect')),
      });
      await assert.rejects(cut.replay(second.id), { code: 'bus.unavailable' });
      assert.deepEqual(await total('a'), { total: 105 });
      await system.deadLetters.replay(second.id);
      assert.deepEqual(await total('a'), { total: 105 });
      assert.deepEqual(await letters(), []);
    });
  });

  describe('of an effect', () => {
    it('are run again under their old key', async () => {
      fault.broken = true;
      await system.ask(actor('a'), { type: 'say', text: 'hello' });
      const { id, letter } = await only();
      assert.deepEqual(letter.effect?.params, { text: 'hello' });
      await assert.rejects(system.deadLetters.replay(id), { code: 'effects.refused' });
      assert.equal((await only()).id, id);
      fault.broken = false;
      assert.equal((await system.deadLetters.replay(id)).answer, null);
      assert.deepEqual(keys, [letter.effect?.key, letter.effect?.key, letter.effect?.key]);
      assert.deepEqual(await letters(), []);
    });

    it('that take too long are aborted, and stay', async () => {
      fault.broken = true;
      await system.ask(actor('a'), { type: 'say', text: 'hello' });
      const { id } = await only();
      let aborted: AbortSignal | undefined;
      behave = ({ signal }) => {
        aborted = signal;
        return new Promise(() => undefined);
      };
      await assert.rejects(system.deadLetters.replay(id), { code: 'effects.timeout', category: 'timeout' });
      assert.equal(aborted?.aborted, true);
      assert.equal((await only()).id, id);
    });
  });

  describe('many of them', () => {
    const error = { code: 'x.y', category: 'internal', message: 'm' } as const;
    const letter = (about: string, change: Partial<DeadLetter> = {}): DeadLetter => ({
      ...{ ref: about, event: { type: 'own' }, error, state: null, seq: 1, at: 1, node: 'n1' },
      ...change,
    });

    it('are listed page by page, by kind, actor, effect and time', async () => {
      const journal = new JetStreamJournal(bus);
      const effect = { type: 'notify', params: null, key: 'k', attempts: 1 };
      await Promise.all(
        Array.from({ length: 600 }, (_, each) => {
          const about = `${each % 2 === 0 ? 'even' : 'odd'}/${each % 10}`;
          const change = each % 3 === 0 ? { effect: { ...effect, key: `k${each}` } } : { commandId: `c${each}` };
          return journal.park(parseRef(about), letter(about, change));
        }),
      );
      const all = await letters();
      assert.equal(all.length, 600);
      assert.equal(await system.deadLetters.count(), 600);
      assert.deepEqual(
        all.map(({ id }) => id),
        all.map(({ id }) => id).sort((a, b) => a - b),
      );
      const paged: StoredLetter[] = [];
      for (let page = await system.deadLetters.list({}, 251); page.length > 0;) {
        paged.push(...page);
        page = await system.deadLetters.list({}, 251, page.at(-1)?.id);
      }
      assert.deepEqual(paged, all);
      const count = async (...asked: Parameters<DeadLetters['list']>) =>
        (await system.deadLetters.list(...asked)).length;
      assert.equal(await count({ kind: 'even' }), 300);
      assert.equal(await count({ ref: parseRef('odd/3') }), 60);
      assert.equal(await count({ kind: 'even', ref: parseRef('odd/3') }), 0);
      assert.equal(await count({ effect: 'notify', kind: 'odd' }), 100);
      assert.equal(await count({ effect: 'other' }), 0);
      const middle = all[300]?.parkedAt ?? 0;
      const before = all.filter(({ parkedAt }) => parkedAt < middle).length;
      assert.equal(await count({ to: middle }), before);
      assert.equal(await count({ from: middle }), 600 - before);
      assert.equal(await count({ from: middle }, 1_000, all[400]?.id), 199);
      assert.equal(await count({ from: Date.now() + 60_000 }), 0);
      journal.close();
    });

    it('are discarded one by one, and what an actor had sent to itself is not replayed', async () => {
      const journal = new JetStreamJournal(bus);
      await journal.park(parseRef('fragile/a'), letter('fragile/a'));
      journal.close();
      const { id } = await only();
      await assert.rejects(system.deadLetters.replay(id), { code: 'dead_letters.not_replayable' });
      assert.equal((await system.deadLetters.discard(id)).letter.event.type, 'own');
      assert.deepEqual(await letters(), []);
      await assert.rejects(system.deadLetters.discard(id), { code: 'dead_letters.not_found' });
      assert.deepEqual(
        decisions.map(({ decision }) => decision),
        ['discarded'],
      );
    });

    it('that were too big to be kept whole are not replayed without what they said', async () => {
      const journal = new JetStreamJournal(bus);
      const event = { type: 'add', by: 'x'.repeat(9 * 1024 ** 2) };
      await journal.park(parseRef('fragile/a'), letter('fragile/a', { event, commandId: 'c1' }));
      journal.close();
      const stored = await only();
      assert.deepEqual([stored.letter.event, stored.letter.eventOmitted], [{ type: 'add' }, true]);
      await assert.rejects(system.deadLetters.replay(stored.id), {
        code: 'dead_letters.not_replayable',
        message: /too big to be kept whole: of "add"/,
      });
      assert.equal((await only()).id, stored.id);
    });

    it('of a kind that has no such effect here stay', async () => {
      const journal = new JetStreamJournal(bus);
      const effect = { type: 'gone', params: null, key: 'fragile/a#1.0', attempts: 0 };
      await journal.park(parseRef('fragile/a'), letter('fragile/a', { effect }));
      journal.close();
      const { id } = await only();
      await assert.rejects(system.deadLetters.replay(id), { code: 'effects.unknown' });
      assert.equal((await only()).id, id);
    });

    it('cannot be reached while the server is away', async () => {
      await nats.server.stop();
      await eventually(() => (bus.status === 'disconnected' ? true : undefined));
      for (const ask of [letters(), system.deadLetters.count(), system.deadLetters.read(1)]) {
        await assert.rejects(ask, { code: 'bus.unavailable' });
      }
    });
  });
});
