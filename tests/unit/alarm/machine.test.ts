import assert from 'node:assert/strict';
import { alarmMachine, type Announcement } from '../../../machines/alarm.js';
import type { AlarmEvent, RaiseEvent } from '../../../machines/alarm/record.js';
import type { WithoutTime } from '../../../actors/runtime/kind.js';
import { alarmId } from '../../../site/alarm-id.js';
import { ALARM_STATES, isOpen, statusOf, type AlarmState } from '../../../site/alarms.js';
import { SimulatedActor } from '../../support/simulated-actor.js';

type Sent = WithoutTime<AlarmEvent>;

const RAISE: WithoutTime<RaiseEvent> = {
  type: 'raise',
  by: 'rule/r1',
  source: 'comsrv:1001:T:1',
  ruleId: 'r1',
  level: 'Warning',
  title: 'Too hot',
};
const CLEAR: Sent = { type: 'clear', by: 'rule/r1' };
const ACK: Sent = { type: 'acknowledge', by: 'ann' };
const EVENTS: Record<string, Sent> = {
  raise: RAISE,
  clear: CLEAR,
  acknowledge: ACK,
  resolve: { type: 'resolve', by: 'ann' },
  shelve: { type: 'shelve', by: 'ann', forMs: 60_000 },
  unshelve: { type: 'unshelve', by: 'ann' },
  suppress: { type: 'suppress', by: 'ann' },
  unsuppress: { type: 'unsuppress', by: 'ann' },
  outOfService: { type: 'outOfService', by: 'ann' },
  returnToService: { type: 'returnToService', by: 'ann' },
};

function alarm(...events: Sent[]): SimulatedActor<typeof alarmMachine> {
  const actor = new SimulatedActor(alarmMachine, { id: 'a' });
  for (const event of events) actor.send(event);
  return actor;
}
const record = (actor: SimulatedActor<typeof alarmMachine>) => actor.snapshot.context.alarm;
const told = (actor: SimulatedActor<typeof alarmMachine>) =>
  actor.effects.map(({ params }) => (params as Announcement).alarm.change.what);

/** How to get into each state; those that hide once with and once without the condition. */
const PATHS: Record<string, Sent[]> = {
  normal: [RAISE, ACK, CLEAR],
  unacknowledged: [RAISE],
  acknowledged: [RAISE, ACK],
  returned: [RAISE, CLEAR],
  'shelved, condition there': [RAISE, EVENTS.shelve as Sent],
  'shelved, condition gone': [RAISE, ACK, CLEAR, EVENTS.shelve as Sent],
  'suppressed, condition there': [RAISE, EVENTS.suppress as Sent],
  'suppressed, condition gone': [RAISE, ACK, CLEAR, EVENTS.suppress as Sent],
  'outOfService, condition there': [RAISE, EVENTS.outOfService as Sent],
  'outOfService, condition gone': [RAISE, ACK, CLEAR, EVENTS.outOfService as Sent],
};

/** Where each event leads from each state; what is not named changes nothing. */
const TABLE: Record<string, Partial<Record<string, AlarmState>>> = {
  normal: { raise: 'unacknowledged', shelve: 'shelved', suppress: 'suppressed', outOfService: 'outOfService' },
  unacknowledged: {
    clear: 'returned',
    acknowledge: 'acknowledged',
    resolve: 'normal',
    shelve: 'shelved',
    suppress: 'suppressed',
    outOfService: 'outOfService',
  },
  acknowledged: {
    clear: 'normal',
    resolve: 'normal',
    shelve: 'shelved',
    suppress: 'suppressed',
    outOfService: 'outOfService',
  },
  returned: {
    raise: 'unacknowledged',
    acknowledge: 'normal',
    resolve: 'normal',
    shelve: 'shelved',
    suppress: 'suppressed',
    outOfService: 'outOfService',
  },
  'shelved, condition there': {
    clear: 'shelved',
    shelve: 'shelved',
    unshelve: 'unacknowledged',
    suppress: 'suppressed',
    outOfService: 'outOfService',
  },
  'shelved, condition gone': {
    raise: 'shelved',
    shelve: 'shelved',
    unshelve: 'normal',
    suppress: 'suppressed',
    outOfService: 'outOfService',
  },
  'suppressed, condition there': { clear: 'suppressed', unsuppress: 'unacknowledged', outOfService: 'outOfService' },
  'suppressed, condition gone': { raise: 'suppressed', unsuppress: 'normal', outOfService: 'outOfService' },
  'outOfService, condition there': { clear: 'outOfService', returnToService: 'unacknowledged' },
  'outOfService, condition gone': { raise: 'outOfService', returnToService: 'normal' },
};

describe('alarm machine', () => {
  for (const [from, path] of Object.entries(PATHS)) {
    for (const [name, event] of Object.entries(EVENTS)) {
      const to = TABLE[from]?.[name];
      it(`${from}: ${name} ${to === undefined ? 'changes nothing' : `leads to ${to}`}`, () => {
        const actor = alarm(...path);
        const before = record(actor);
        assert.equal(before.state, from.split(',')[0]);
        const announced = actor.effects.length;
        const isChanged = actor.send(event);
        assert.equal(isChanged, to !== undefined);
        const after = record(actor);
        assert.equal(after.state, to ?? before.state);
        assert.equal(actor.effects.length - announced, to === undefined ? 0 : 1);
        assert.equal(after.revision, before.revision + (to === undefined ? 0 : 1));
        if (to === undefined) return;
        assert.deepEqual((actor.effects.at(-1)?.params as Announcement).alarm, after);
        assert.equal(after.change.by, event.by);
        assert.equal(after.status, statusOf(after.state, after.condition));
      });
    }
  }

  it('reaches every state of ISA-18.2', () => {
    const reached = new Set(Object.values(PATHS).map((path) => record(alarm(...path)).state));
    assert.deepEqual([...reached].sort(), [...ALARM_STATES].sort());
  });

  it('nothing but a raise makes an alarm known', () => {
    for (const event of Object.values(EVENTS)) {
      if (event.type !== 'raise') assert.equal(alarm().send(event), false, event.type);
    }
    assert.equal(alarm().send({ type: 'note', by: 'ann', text: 'x' }), false);
    assert.equal(record(alarm()).revision, 0);
  });

  it('is raised once an episode, however often it is told', () => {
    const actor = alarm(RAISE, RAISE, RAISE);
    assert.deepEqual(told(actor), ['raised']);
    assert.equal(record(actor).occurrences, 1);
    actor.send(CLEAR);
    actor.send(RAISE);
    assert.equal(record(actor).occurrences, 2);
  });

  it('is annunciated again when it becomes more severe, not when it becomes less so', () => {
    const actor = alarm(RAISE, ACK);
    assert.equal(actor.send({ ...RAISE, level: 'Info' }), false);
    actor.send({ ...RAISE, level: 'Critical' });
    assert.deepEqual(
      [record(actor).state, record(actor).level, record(actor).occurrences],
      ['unacknowledged', 'Critical', 1],
    );
  });

  it('keeps who acknowledged, when, and the note; a new episode has none of it', () => {
    const actor = alarm(RAISE);
    actor.wait(500);
    actor.send({ type: 'acknowledge', by: 'ann', note: 'on my way' });
    const { acknowledgedBy, acknowledgedAt, note } = record(actor);
    assert.deepEqual([acknowledgedBy, acknowledgedAt, note], ['ann', 1_500, 'on my way']);
    actor.send({ type: 'note', by: 'bob', text: 'fan replaced' });
    assert.equal(record(actor).note, 'fan replaced');
    actor.send(CLEAR);
    actor.send(RAISE);
    assert.equal(record(actor).acknowledgedBy, null);
  });

  describe('on delay', () => {
    const slow = { ...RAISE, onDelayMs: 1_000 };
    it('raises when the condition has held for it', () => {
      const actor = alarm(slow);
      actor.wait(999);
      assert.deepEqual([record(actor).state, record(actor).raisedAt], ['normal', null]);
      actor.wait(1);
      assert.deepEqual([record(actor).state, record(actor).raisedAt], ['unacknowledged', 2_000]);
      assert.deepEqual(told(actor), ['pending', 'raised']);
    });
    it('raises nothing when the condition goes before', () => {
      const actor = alarm(slow, CLEAR);
      actor.wait(5_000);
      assert.deepEqual(told(actor), ['pending', 'withdrawn']);
      assert.equal(record(actor).occurrences, 0);
      assert.equal(actor.timers, 0);
    });
  });

  describe('off delay', () => {
    const sticky = { ...RAISE, offDelayMs: 1_000 };
    it('clears when the condition has been gone for it', () => {
      const actor = alarm(sticky, CLEAR);
      actor.wait(999);
      assert.equal(record(actor).state, 'unacknowledged');
      actor.wait(1);
      assert.equal(record(actor).state, 'returned');
    });
    it('does not clear when the condition comes back before', () => {
      const actor = alarm(sticky, CLEAR);
      actor.wait(500);
      actor.send(sticky);
      actor.wait(5_000);
      assert.equal(record(actor).state, 'unacknowledged');
      assert.deepEqual(told(actor), ['raised', 'clearing', 'standing']);
      assert.equal(record(actor).clearedAt, null);
    });
    it('goes on through an acknowledgement', () => {
      const actor = alarm(sticky, CLEAR);
      actor.wait(600);
      actor.send(ACK);
      assert.equal(record(actor).state, 'acknowledged');
      actor.wait(400);
      assert.equal(record(actor).state, 'normal');
    });
    it('holds for an acknowledged alarm too', () => {
      const actor = alarm(sticky, ACK, CLEAR);
      actor.wait(500);
      actor.send(sticky);
      actor.wait(5_000);
      assert.equal(record(actor).state, 'acknowledged');
      actor.send(CLEAR);
      actor.wait(1_000);
      assert.equal(record(actor).state, 'normal');
    });
  });

  it('deadband: a value on its way back clears only beyond it', () => {
    const high = alarm({ ...RAISE, value: 85, limit: { value: 80, direction: 'high', deadband: 2 } });
    assert.equal(high.send({ ...CLEAR, value: 78.5 }), false);
    assert.equal(high.send({ ...CLEAR, value: 78 }), true);
    const low = alarm({ ...RAISE, value: 5, limit: { value: 10, direction: 'low', deadband: 1 } });
    assert.equal(low.send({ ...CLEAR, value: 10.5 }), false);
    assert.equal(low.send({ ...CLEAR, value: 11 }), true);
  });

  describe('escalation', () => {
    const urgent = { ...RAISE, escalateAfterMs: 1_000, escalations: 3 };
    it('comes again and again while nobody acknowledges, as often as asked', () => {
      const actor = alarm(urgent);
      actor.wait(60_000);
      assert.deepEqual(told(actor), ['raised', 'escalated', 'escalated', 'escalated']);
      assert.equal(record(actor).change.by, 'timer');
      assert.equal(actor.timers, 0);
    });
    it('ends with the acknowledgement', () => {
      const actor = alarm(urgent);
      actor.wait(1_500);
      actor.send(ACK);
      actor.wait(60_000);
      assert.deepEqual(told(actor), ['raised', 'escalated', 'acknowledged']);
      assert.equal(actor.timers, 0);
    });
    it('is not begun anew by a condition that comes and goes', () => {
      const actor = alarm({ ...urgent, escalations: 1, offDelayMs: 5_000 });
      actor.wait(600);
      actor.send(CLEAR);
      actor.wait(400);
      assert.equal(record(actor).escalations, 1);
    });
  });

  describe('shelving', () => {
    const shelve: Sent = { type: 'shelve', by: 'ann', forMs: 10_000, reason: 'known fault' };
    it('ends by itself: unacknowledged while the condition is there', () => {
      const actor = alarm(RAISE, ACK, shelve);
      assert.deepEqual(record(actor).hidden, { by: 'ann', reason: 'known fault', until: 11_000 });
      actor.wait(10_000);
      assert.deepEqual([record(actor).state, record(actor).hidden], ['unacknowledged', null]);
    });
    it('ends by itself: normal when the condition went meanwhile', () => {
      const actor = alarm(RAISE, shelve, CLEAR);
      actor.wait(10_000);
      assert.deepEqual([record(actor).state, record(actor).change.by], ['normal', 'timer']);
    });
    it('is made longer by shelving again', () => {
      const actor = alarm(RAISE, shelve);
      actor.wait(9_000);
      actor.send(shelve);
      actor.wait(9_999);
      assert.equal(record(actor).state, 'shelved');
      actor.wait(1);
      assert.equal(record(actor).state, 'unacknowledged');
    });
    it('a suppression in its place does not end by itself', () => {
      const actor = alarm(RAISE, shelve, { type: 'suppress', by: 'ann' });
      actor.wait(60_000);
      assert.deepEqual([record(actor).state, record(actor).hidden?.until], ['suppressed', null]);
    });
  });

  it('statuses: what waits for an operator is Active, what somebody took away counts as acknowledged', () => {
    assert.equal(statusOf('returned', false), 'Active');
    assert.equal(statusOf('acknowledged', true), 'Acknowledged');
    assert.equal(statusOf('shelved', true), 'Acknowledged');
    assert.equal(statusOf('shelved', false), 'Resolved');
    assert.equal(isOpen({ state: 'returned', condition: false }), true);
    assert.equal(isOpen({ state: 'suppressed', condition: false }), false);
  });

  it('the id of a rule’s alarm depends on rule and source, and is an actor’s id', () => {
    assert.equal(alarmId('s', 'r'), alarmId('s', 'r'));
    assert.notEqual(alarmId('s,r', ''), alarmId('s', 'r'));
    assert.match(alarmId('comsrv:1001:T:1', 'r1'), /^[A-Za-z0-9_-]{22}$/);
  });
});
