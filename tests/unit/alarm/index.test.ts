import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AlarmIndex } from '../../../actors/alarm/alarm-index.js';
import { FirstItems } from '../../../actors/alarm/first-items.js';
import type { AlarmsQuery } from '../../../actors/client/alarms.js';
import { ALARM_LEVELS, ALARM_STATES, type AlarmRecord } from '../../../site/alarms.js';
import { alarmRecord } from '../../support/alarms.js';

function indexOf(...alarms: AlarmRecord[]): AlarmIndex {
  const index = new AlarmIndex();
  for (const alarm of alarms) index.apply(alarm);
  return index;
}
const ids = (index: AlarmIndex, query: AlarmsQuery = {}) => index.list(query).alarms.map(({ id }) => id);

describe('alarm index', () => {
  it('keeps the newest record of each alarm, in whatever order they come', () => {
    const index = indexOf(
      alarmRecord('a', { revision: 2, state: 'acknowledged' }),
      alarmRecord('a', { revision: 1 }),
      alarmRecord('a', { revision: 2, title: 'again' }),
    );
    assert.equal(index.size, 1);
    assert.deepEqual([index.get('a')?.state, index.get('a')?.title], ['acknowledged', 'Alarm a']);
    assert.deepEqual(ids(index, { status: 'active' }), []);
    assert.deepEqual(ids(index, { status: 'acknowledged' }), ['a']);
  });

  it('filters by status, state, level, source, rule, group, time and text', () => {
    const index = indexOf(
      alarmRecord('a', { raisedAt: 1_000, level: 'Critical', title: 'Too HOT' }),
      alarmRecord('b', { raisedAt: 2_000, state: 'returned', condition: false, source: 'inverter' }),
      alarmRecord('c', { raisedAt: 3_000, state: 'acknowledged', ruleId: 'r1', group: 'feeder' }),
      alarmRecord('d', { raisedAt: 4_000, state: 'normal', condition: false, description: 'Fan failed' }),
      alarmRecord('e', { raisedAt: 5_000, state: 'shelved' }),
      alarmRecord('f', { raisedAt: 6_000, state: 'suppressed', condition: false }),
    );
    assert.deepEqual(ids(index), ['f', 'e', 'd', 'c', 'b', 'a']);
    assert.deepEqual(ids(index, { status: 'active' }), ['b', 'a']);
    assert.deepEqual(ids(index, { status: 'Acknowledged' }), ['e', 'c']);
    assert.deepEqual(ids(index, { status: 'resolved' }), ['f', 'd']);
    assert.deepEqual(ids(index, { state: 'shelved' }), ['e']);
    assert.deepEqual(ids(index, { state: 'shelved', status: 'active' }), []);
    assert.deepEqual(ids(index, { level: 'Critical' }), ['a']);
    assert.deepEqual(ids(index, { source: 'inverter' }), ['b']);
    assert.deepEqual(ids(index, { ruleId: 'r1' }), ['c']);
    assert.deepEqual(ids(index, { group: 'feeder' }), ['c']);
    assert.deepEqual(ids(index, { from: 2_000, to: 4_000 }), ['c', 'b']);
    assert.deepEqual(ids(index, { text: 'hot' }), ['a']);
    assert.deepEqual(ids(index, { text: 'FAN' }), ['d']);
    assert.deepEqual(ids(index, { text: 'invert' }), ['b']);
  });

  it('does not list what was never raised, and answers it when asked by name', () => {
    const index = indexOf(alarmRecord('a', { state: 'normal', occurrences: 0, raisedAt: null }));
    assert.deepEqual(ids(index), []);
    assert.equal(index.get('a')?.id, 'a');
  });

  it('orders by severity, then newest', () => {
    const index = indexOf(
      alarmRecord('a', { raisedAt: 1, level: 'Info' }),
      alarmRecord('b', { raisedAt: 2, level: 'Critical' }),
      alarmRecord('c', { raisedAt: 3, level: 'Critical' }),
      alarmRecord('d', { raisedAt: 4, level: 'Major' }),
    );
    assert.deepEqual(ids(index, { order: 'severity' }), ['c', 'b', 'd', 'a']);
  });

  it('pages neither repeat nor skip an alarm, in both orders', () => {
    const arbitrary = fc.array(
      fc.record({
        raisedAt: fc.integer({ min: 0, max: 5 }),
        level: fc.constantFrom(...ALARM_LEVELS),
        state: fc.constantFrom(...ALARM_STATES),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        arbitrary,
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom('newest', 'severity'),
        (rest, limit, order) => {
          const index = indexOf(...rest.map((each, at) => alarmRecord(`x${at}`, each)));
          const whole = ids(index, { order, limit: 1_000 });
          const paged: string[] = [];
          for (let cursor: string | null | undefined; cursor !== null;) {
            const page = index.list(cursor === undefined ? { order, limit } : { order, limit, cursor });
            assert.equal(page.total, rest.length);
            paged.push(...page.alarms.map(({ id }) => id));
            cursor = page.nextCursor;
          }
          assert.deepEqual(paged, whole);
        },
      ),
    );
  });

  it('refuses a cursor that is none', () => {
    assert.throws(() => indexOf().list({ cursor: 'x' }), { code: 'alarms.invalid_cursor' });
  });

  it('keeps a bounded number of alarms that are done with: the oldest go', () => {
    const index = new AlarmIndex(2);
    for (const id of ['a', 'b', 'c']) index.apply(alarmRecord(id, { state: 'normal', condition: false }));
    for (const id of ['d', 'e', 'f']) index.apply(alarmRecord(id));
    assert.deepEqual(ids(index).sort(), ['b', 'c', 'd', 'e', 'f']);
    assert.equal(index.size, 5);
  });

  it('the first items of any list are those of the sorted list', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 10 }), (items, count) => {
        const first = new FirstItems<number>(count, (a, b) => a - b);
        for (const item of items) first.offer(item);
        assert.deepEqual(first.sorted(), [...items].sort((a, b) => a - b).slice(0, count));
      }),
    );
  });

  it('lists a page of 100,000 alarms in reasonable time on any machine', () => {
    const index = new AlarmIndex();
    for (let at = 0; at < 100_000; at++) index.apply(alarmRecord(`a${at}`, { raisedAt: at }));
    for (const query of [{}, { order: 'severity' }, { text: 'no such text' }, { status: 'active' }] as AlarmsQuery[]) {
      const from = performance.now();
      index.list(query);
      const took = performance.now() - from;
      assert.ok(took < 5_000, `${JSON.stringify(query)}: ${took} ms`);
    }
  });
});
