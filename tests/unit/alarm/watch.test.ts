import assert from 'node:assert/strict';
import { WaitingAlarms, type AlarmsUpdate } from '../../../actors/client/alarm-watch.js';
import { wildcard } from '../../../site/wildcard.js';
import { alarmRecord } from '../../support/alarms.js';

describe('alarms that wait for a watcher', () => {
  const ids = ({ alarms }: AlarmsUpdate) => alarms.map(({ id }) => id);

  async function first(waiting: WaitingAlarms): Promise<AlarmsUpdate> {
    for await (const update of waiting.updates(new AbortController().signal)) return update;
    throw new Error('no update');
  }

  it('are the newest of each, once, whatever comes late or twice', async () => {
    const waiting = new WaitingAlarms({});
    waiting.add(alarmRecord('a', { revision: 1 }));
    waiting.add(alarmRecord('b', { revision: 1 }));
    waiting.add(alarmRecord('a', { revision: 3, state: 'acknowledged' }));
    waiting.add(alarmRecord('a', { revision: 2 }));
    const { alarms, missed } = await first(waiting);
    assert.deepEqual(
      alarms.map(({ id, revision }) => [id, revision]),
      [
        ['a', 3],
        ['b', 1],
      ],
    );
    assert.equal(missed, false);
    waiting.add(alarmRecord('a', { revision: 3 }));
    waiting.add(alarmRecord('c'));
    assert.deepEqual(ids(await first(waiting)), ['c']);
  });

  it('are those of the levels and sources that are wanted, once they were raised', async () => {
    const waiting = new WaitingAlarms({ levels: ['Critical', 'Major'], source: 'pv-*' });
    waiting.add(alarmRecord('a', { level: 'Critical', source: 'pv-1' }));
    waiting.add(alarmRecord('b', { level: 'Minor', source: 'pv-1' }));
    waiting.add(alarmRecord('c', { level: 'Major', source: 'meter' }));
    waiting.add(alarmRecord('d', { level: 'Major', source: 'pv-2', state: 'normal', occurrences: 0 }));
    waiting.add(alarmRecord('e', { level: 'Major', source: 'pv-2' }));
    assert.deepEqual(ids(await first(waiting)), ['a', 'e']);
  });

  it('are bounded in number, and the reader hears that it has missed some', async () => {
    const waiting = new WaitingAlarms({}, 2);
    for (const id of ['a', 'b', 'c']) waiting.add(alarmRecord(id));
    const update = await first(waiting);
    assert.deepEqual([ids(update), update.missed], [['b', 'c'], true]);
    waiting.add(alarmRecord('d'));
    assert.equal((await first(waiting)).missed, false);
  });

  it('come in updates of bounded size', async () => {
    const waiting = new WaitingAlarms({});
    for (let index = 0; index < 150; index++) waiting.add(alarmRecord(`a${index}`));
    assert.equal((await first(waiting)).alarms.length, 100);
    assert.equal((await first(waiting)).alarms.length, 50);
  });

  it('wake who waits for them; so does the end', async () => {
    const waiting = new WaitingAlarms({});
    const next = first(waiting);
    await Promise.resolve();
    waiting.add(alarmRecord('a'));
    assert.deepEqual(ids(await next), ['a']);
    const abort = new AbortController();
    const ended = waiting.updates(abort.signal).next();
    await Promise.resolve();
    abort.abort();
    assert.equal((await ended).done, true);
  });
});

describe('wildcard', () => {
  it('takes * for any characters, and all else for itself', () => {
    const cases: [pattern: string, text: string, matches: boolean][] = [
      ['pv-*', 'pv-1', true],
      ['pv-*', 'pv-', true],
      ['pv-*', 'xpv-1', false],
      ['comsrv:*:T:1', 'comsrv:1001:T:1', true],
      ['comsrv:*:T:1', 'comsrv:1001:T:10', false],
      ['a.b', 'axb', false],
      ['(*)', '(a\nb)', true],
      ['*', '', true],
      ['meter', 'meter', true],
    ];
    for (const [pattern, text, matches] of cases) assert.equal(wildcard(pattern)(text), matches, `${pattern} ${text}`);
  });
});
