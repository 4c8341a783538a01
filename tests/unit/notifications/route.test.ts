import assert from 'node:assert/strict';
import { counted, messageText, type Notice, type Tally } from '../../../site/notifications/message.js';
import { routeOf } from '../../../site/notifications/route.js';
import type { NotificationTarget } from '../../../site/notifications/target.js';
import { ALARM_CHANGES, ALARM_LEVELS, type AlarmChange, type AlarmRecord } from '../../../site/alarms.js';
import { alarmRecord } from '../../support/alarms.js';
import { webhookTarget } from '../../support/notifications.js';

const change = (what: AlarmChange, rest: Partial<AlarmRecord> = {}): AlarmRecord =>
  alarmRecord('a', { change: { what, by: 'ann', at: 5 }, ...rest });

describe('routes of notifications', () => {
  const told = (target: Partial<NotificationTarget>, alarm: AlarmRecord) =>
    routeOf(webhookTarget('t', target)).notice(alarm)?.change;

  it('tell of what is raised, escalated, acknowledged, cleared and resolved', () => {
    const changes = ['raised', 'escalated', 'acknowledged', 'cleared', 'resolved'] as const;
    assert.equal(told({ changes }, change('raised')), 'raised');
    assert.equal(told({ changes }, change('escalated')), 'escalated');
    assert.equal(told({ changes }, change('acknowledged', { state: 'acknowledged' })), 'acknowledged');
    assert.equal(told({ changes }, change('cleared', { state: 'returned', condition: false })), 'cleared');
    const over = { state: 'normal', condition: false } as const;
    for (const what of ['acknowledged', 'cleared', 'resolved'] as const) {
      assert.equal(told({ changes }, change(what, over)), 'resolved', what);
    }
    assert.equal(told({ changes: ['acknowledged'] }, change('acknowledged', over)), 'acknowledged');
    assert.equal(told({ changes: ['resolved'] }, change('cleared', { state: 'returned' })), undefined);
  });

  it('tell of an alarm that is shown again as raised, when its condition is there', () => {
    for (const what of ['unshelved', 'unsuppressed', 'returnedToService'] as const) {
      assert.equal(told({}, change(what)), 'raised', what);
      assert.equal(told({}, change(what, { state: 'normal', condition: false })), undefined, what);
    }
  });

  it('tell of nothing else', () => {
    const silent = ALARM_CHANGES.filter((what) => !/^(raised|escalated|acknow|clear|resol|un|return)/.test(what));
    assert.deepEqual(silent, [
      ...['pending', 'withdrawn', 'standing', 'shelved', 'suppressed', 'outOfService', 'heard', 'noted'],
    ]);
    for (const what of [...silent, 'clearing'] as const) assert.equal(told({}, change(what)), undefined, what);
  });

  it('choose by level, source and group', () => {
    const wanted = { levels: ['Critical', 'Major'], sources: ['pv-*', 'meter'], groups: ['roof*'] } as const;
    const alarm = { level: 'Major', source: 'pv-7', group: 'roof 1' } as const;
    assert.equal(told(wanted, change('raised', alarm)), 'raised');
    assert.equal(told(wanted, change('raised', { ...alarm, level: 'Minor' })), undefined);
    assert.equal(told(wanted, change('raised', { ...alarm, source: 'meter-2' })), undefined);
    assert.equal(told(wanted, change('raised', { ...alarm, group: 'cellar' })), undefined);
  });

  it('name each change of each episode', () => {
    const { key } = routeOf(webhookTarget('t')).notice(change('raised', { occurrences: 3, revision: 9 })) as Notice;
    assert.equal(key, 'a/3/9');
  });

  it('keep quiet by the clock of the time zone, over midnight, for some levels', () => {
    const quietHours = { from: 22 * 60, to: 6 * 60, timeZone: 'Europe/Berlin', levels: ['Minor'] } as const;
    const route = routeOf(webhookTarget('t', { quietHours }));
    const minor = route.notice(change('raised', { level: 'Minor' })) as Notice;
    const major = route.notice(change('raised', { level: 'Major' })) as Notice;
    const at = (time: string) => Date.parse(`2026-07-01T${time}Z`); // Berlin is two hours ahead.
    assert.equal(route.quietUntil(minor, at('19:59:59')), undefined);
    assert.equal(route.quietUntil(minor, at('20:00:00')), Date.parse('2026-07-02T04:00:00Z'));
    assert.equal(route.quietUntil(minor, at('03:59:30')), at('04:00:00'));
    assert.equal(route.quietUntil(minor, at('04:00:00')), undefined);
    assert.equal(route.quietUntil(major, at('22:00:00')), undefined);
    const noon = routeOf(webhookTarget('t', { quietHours: { ...quietHours, from: 12 * 60, to: 13 * 60 } }));
    assert.equal(noon.quietUntil(minor, at('10:30:00')), at('11:00:00'));
    assert.equal(noon.quietUntil(minor, at('11:30:00')), undefined);
  });
});

describe('messages for people', () => {
  it('say what happened to an alarm, in one line and in full', () => {
    const alarm = change('raised', {
      ...{
        title: 'Too hot\r\nBcc: all',
        source: 'boiler',
        group: 'cellar',
        level: 'Major',
        description: 'Above 90 °C.',
      },
      ...{ value: 95.5, note: 'fan ordered', raisedAt: 0 },
    });
    const { subject, text } = messageText({ type: 'alarm', at: 5, key: 'a/1/1', change: 'raised', alarm }, 'Hall 3');
    assert.equal(subject, '[Hall 3] Major raised: Too hot Bcc: all (boiler)');
    for (const line of [
      'Above 90 °C.',
      'change    raised at 1970-01-01T00:00:00.005Z, by ann',
      'group     cellar',
      'value     95.5',
      'raised    1970-01-01T00:00:00.000Z, once so far',
      'note      fan ordered',
    ]) {
      assert.ok(text.includes(`\n${line}\n`), line);
    }
  });

  it('say how many more there were', () => {
    const notices = Array.from({ length: 37 }, (_, index): Notice => {
      const level = ALARM_LEVELS[index === 0 ? 0 : 3] as AlarmRecord['level'];
      return { key: `k${index}`, change: 'raised', alarm: change('raised', { level, title: `Alarm ${index}` }) };
    });
    const tally = notices.reduce<Tally | null>(counted, null) as Tally;
    const { subject, text } = messageText({ type: 'digest', at: 9, ...tally }, 'Hall 3');
    assert.equal(subject, '[Hall 3] 37 more: 1 Critical, 36 Warning');
    assert.match(text, /^37 more changes of alarms from 1970-\S+ to 1970-\S+\n1 Critical, 36 Warning; 37 raised\n/);
    assert.match(text, /Critical raised: Alarm 0 \(meter\)/);
    assert.match(text, /Alarm 9 .*\nand 27 more\n$/);
  });
});
