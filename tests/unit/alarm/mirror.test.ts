import assert from 'node:assert/strict';
import { AlarmMirror } from '../../../actors/alarm/mirror.js';
import { StatewattError } from '../../../errors/error.js';
import { MemoryStore } from '../../../protocols/realtime/memory-store.js';
import type { AlarmRecord } from '../../../site/alarms.js';
import { eventually } from '../../support/temp.js';

const alarm = (id: string, revision = 1) => ({ id, revision }) as AlarmRecord;

/** What outside readers see. */
class AlarmStore extends MemoryStore {
  readonly shown = new Map<string, number>();
  away = false;
  writes = 0;

  override setAlarms(alarms: readonly AlarmRecord[] = []): Promise<void> {
    this.writes += 1;
    if (this.away) return Promise.reject(new StatewattError('realtime.unavailable', 'unavailable', 'away'));
    for (const { id, revision } of alarms) this.shown.set(id, revision);
    return Promise.resolve();
  }

  override retainAlarms(isKnown: (id: string) => boolean = () => true): Promise<void> {
    for (const id of this.shown.keys()) if (!isKnown(id)) this.shown.delete(id);
    return Promise.resolve();
  }

  override health() {
    return { up: !this.away, detail: '' };
  }
}

describe('the mirror of alarms', () => {
  let store: AlarmStore;
  let known: Map<string, AlarmRecord>;
  let mirror: AlarmMirror;
  const until = (wanted: [string, number][]) =>
    eventually(() => (JSON.stringify([...store.shown].sort()) === JSON.stringify(wanted) ? true : undefined), {
      what: JSON.stringify(wanted),
    });

  beforeEach(() => {
    store = new AlarmStore();
    known = new Map([alarm('a'), alarm('b')].map((each) => [each.id, each]));
    mirror = new AlarmMirror(store, { all: () => known.values(), has: (id) => known.has(id) });
  });
  afterEach(() => mirror.close());

  it('shows what this node has answered at once, and nothing else until it is told to', async () => {
    await mirror.show(alarm('a', 2));
    assert.deepEqual([...store.shown], [['a', 2]]);
    mirror.changed(alarm('b', 2));
    mirror.refresh();
    await mirror.show(alarm('c'));
    assert.deepEqual([...store.shown.keys()], ['a', 'c']);
  });

  it('shows all when it is told to, follows them, and takes away what nobody knows', async () => {
    await mirror.show(alarm('gone'));
    mirror.showAll(true);
    mirror.showAll(true);
    await until([
      ['a', 1],
      ['b', 1],
    ]);
    mirror.changed(alarm('b', 2));
    await until([
      ['a', 1],
      ['b', 2],
    ]);
    store.shown.clear();
    mirror.refresh();
    await until([
      ['a', 1],
      ['b', 1],
    ]);
  });

  it('waits for nobody while the store is away, and writes once what has changed meanwhile', async () => {
    mirror.showAll(true);
    await until([
      ['a', 1],
      ['b', 1],
    ]);
    store.away = true;
    const { writes } = store;
    for (let revision = 2; revision <= 20; revision++) {
      await mirror.show(alarm('a', revision));
      mirror.changed(alarm('b', revision));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(store.writes - writes <= 3, `${store.writes - writes} writes while it was away`);
    store.away = false;
    await until([
      ['a', 20],
      ['b', 20],
    ]);
  });

  it('lets those go who wait when the store goes away under them', async () => {
    store.health = () => ({ up: true, detail: '' });
    store.away = true;
    await Promise.all([mirror.show(alarm('a')), mirror.show(alarm('b'))]);
    assert.equal(store.shown.size, 0);
    await mirror.close();
    await mirror.show(alarm('a', 3));
    assert.equal(store.shown.size, 0);
  });
});
