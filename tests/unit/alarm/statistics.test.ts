import assert from 'node:assert/strict';
import { AlarmIndex } from '../../../actors/alarm/alarm-index.js';
import { isChattering, Raises } from '../../../actors/alarm/raises.js';
import { alarmStatistics } from '../../../actors/alarm/statistics.js';
import { alarmRecord } from '../../support/alarms.js';

const MINUTE = 60_000;
const NOW = 100 * MINUTE;

describe('alarm statistics', () => {
  it('counts what is open, by level and state, and what is stale', () => {
    const index = new AlarmIndex();
    const day = 24 * 60 * MINUTE;
    index.apply(alarmRecord('a', { level: 'Critical', raisedAt: 10 }));
    index.apply(alarmRecord('b', { level: 'Critical', state: 'acknowledged', raisedAt: day }));
    index.apply(alarmRecord('c', { state: 'normal', condition: false }));
    index.apply(alarmRecord('d', { state: 'shelved', condition: false }));
    index.apply(alarmRecord('e', { state: 'returned', condition: false, raisedAt: day }));
    const figures = alarmStatistics(index, new Raises(), 1, day + 11);
    assert.equal(figures.standing, 3);
    assert.deepEqual(figures.byLevel, { Critical: 2, Warning: 1 });
    assert.deepEqual(figures.byState, { unacknowledged: 1, acknowledged: 1, returned: 1 });
    assert.equal(figures.stale, 1);
  });

  it('rates: now, at the peak of the hour, for each operator; more than ten are a flood', () => {
    const raises = new Raises();
    for (let index = 0; index < 30; index++) raises.add('a', NOW - 40 * MINUTE + index);
    for (let index = 0; index < 11; index++) raises.add('b', NOW - 5 * MINUTE + index);
    raises.add('c', NOW - 61 * MINUTE);
    assert.deepEqual(raises.rates(NOW, 1), { now: 11, peak: 30, flood: true });
    assert.deepEqual(raises.rates(NOW, 2), { now: 5.5, peak: 15, flood: false });
    raises.clear();
    assert.deepEqual(raises.rates(NOW, 1), { now: 0, peak: 0, flood: false });
  });

  it('chattering: three times within a minute', () => {
    assert.equal(isChattering([0, 30_000, 60_000]), true);
    assert.equal(isChattering([0, 30_000, 60_001]), false);
    assert.equal(isChattering([0, 100_000, 130_000, 150_000]), true);
    assert.equal(isChattering([0, 1]), false);
  });

  it('top ten: the most often raised first', () => {
    const index = new AlarmIndex();
    const raises = new Raises();
    for (let alarm = 0; alarm < 12; alarm++) {
      index.apply(alarmRecord(`a${alarm}`));
      for (let times = alarm; times >= 0; times--) raises.add(`a${alarm}`, NOW - (times + 1) * 2 * MINUTE);
    }
    raises.add('gone', NOW); // No longer in the index.
    const { topTen, chattering } = alarmStatistics(index, raises, 1, NOW);
    assert.deepEqual([topTen.length, topTen[0]?.id, topTen[0]?.raised], [10, 'a11', 12]);
    assert.deepEqual(chattering, []);
  });

  it('first-out: of each group with more than one open alarm, the one that came first', () => {
    const index = new AlarmIndex();
    index.apply(alarmRecord('trip', { group: 'feeder', raisedAt: 5 }));
    index.apply(alarmRecord('cause', { group: 'feeder', raisedAt: 3, state: 'acknowledged' }));
    index.apply(alarmRecord('before', { group: 'feeder', raisedAt: 1, state: 'normal', condition: false }));
    index.apply(alarmRecord('alone', { group: 'roof', raisedAt: 2 }));
    const { firstOut } = alarmStatistics(index, new Raises(), 1, NOW);
    assert.deepEqual(
      firstOut.map(({ group, id, standing }) => [group, id, standing]),
      [['feeder', 'cause', 2]],
    );
  });

  it('remembers a bounded number of raises', () => {
    const raises = new Raises();
    for (let index = 0; index < 100_005; index++) raises.add(`a${index}`, NOW);
    const byAlarm = raises.byAlarm(NOW);
    assert.deepEqual([byAlarm.size, byAlarm.has('a4'), byAlarm.has('a5')], [100_000, false, true]);
  });
});
