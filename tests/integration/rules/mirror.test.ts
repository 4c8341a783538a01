import assert from 'node:assert/strict';
import { RuleMirror } from '../../../actors/rule/rule-mirror.js';
import type { Bus } from '../../../bus/connection.js';
import { makeRef, subjects } from '../../../bus/subjects.js';
import { StatewattError } from '../../../errors/error.js';
import { MemoryStore } from '../../../protocols/realtime/memory-store.js';
import type { StoredRule } from '../../../protocols/realtime/store.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

/** What outside readers see. */
class RuleStore extends MemoryStore {
  readonly shown = new Map<string, number>();
  away = false;

  override setRules(rules: readonly StoredRule[] = []): Promise<void> {
    if (this.away) return Promise.reject(new StatewattError('realtime.unavailable', 'unavailable', 'away'));
    for (const { id, revision } of rules) this.shown.set(id, revision);
    return Promise.resolve();
  }

  override async retainRules(known: () => Promise<readonly string[]> = () => Promise.resolve([])): Promise<void> {
    const ids = await known();
    for (const id of this.shown.keys()) if (!ids.includes(id)) this.shown.delete(id);
  }

  override health() {
    return { up: !this.away, detail: '' };
  }
}

describe('the mirror of rules', () => {
  let nats: TestNats;
  let bus: Bus;
  let store: RuleStore;
  let rules: Map<string, number>;
  let mirror: RuleMirror;
  before(async () => {
    nats = await startNats();
    bus = await nats.connect();
  });
  after(() => nats.stop());
  beforeEach(() => {
    store = new RuleStore();
    rules = new Map([
      ['a', 1],
      ['b', 1],
    ]);
    mirror = new RuleMirror({
      bus,
      store,
      read: (id) => {
        const revision = rules.get(id);
        return Promise.resolve(
          revision === undefined ? undefined : { id, revision, at: revision, rule: {}, execution: null },
        );
      },
      known: () => Promise.resolve([...rules.keys()]),
    });
  });
  afterEach(() => mirror.close());

  const changes = async (id: string, revision: number) => {
    rules.set(id, revision);
    await bus.jetstream.publish(subjects.journal(makeRef('rule', id)), '{}');
  };
  const until = (wanted: [string, number][]) =>
    eventually(() => (JSON.stringify([...store.shown].sort()) === JSON.stringify(wanted) ? true : undefined), {
      what: JSON.stringify(wanted),
    });

  it('shows what this node has answered at once, and nothing else until it is told to', async () => {
    rules.set('a', 2);
    await mirror.show('a');
    assert.deepEqual([...store.shown], [['a', 2]]);
    mirror.storeBack();
    await mirror.show('nobody');
    assert.deepEqual([...store.shown], [['a', 2]]);
  });

  it('shows all when it is told to, follows the journal, and takes away what nobody knows', async () => {
    store.shown.set('gone', 1);
    mirror.showAll(true);
    await until([
      ['a', 1],
      ['b', 1],
    ]);
    await changes('a', 2);
    await changes('c', 3);
    const all: [string, number][] = [
      ['a', 2],
      ['b', 1],
      ['c', 3],
    ];
    await until(all);
    mirror.showAll(false);
    mirror.showAll(true);
    store.shown.clear();
    mirror.storeBack();
    await until(all);
  });

  it('catches up when the store, or the connection, was away', async () => {
    mirror.showAll(true);
    await until([
      ['a', 1],
      ['b', 1],
    ]);
    store.away = true;
    await changes('a', 2);
    await mirror.show('a'); // At once, as nobody could see it.
    store.away = false;
    await until([
      ['a', 2],
      ['b', 1],
    ]);
    nats.server.child.kill();
    await eventually(() => (bus.status === 'disconnected' ? true : undefined));
    rules.set('b', 5);
    await eventually(() => (bus.status === 'connected' ? true : undefined));
    await until([
      ['a', 2],
      ['b', 5],
    ]);
  }).timeout(30_000);
});
