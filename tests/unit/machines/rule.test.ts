import assert from 'node:assert/strict';
import type { WithoutTime } from '../../../actors/runtime/kind.js';
import { LOOP_FIRINGS, ruleMachine, type RuleContext, type RuleEvent } from '../../../machines/rule.js';
import { KEPT_EXECUTIONS, MAX_WAITING, type ActionOrder } from '../../../machines/rule/executions.js';
import type { Rule, RuleAction } from '../../../site/rules/rule.js';
import { assertAllTaken, Walk } from '../../support/walk.js';

type Sent = WithoutTime<RuleEvent>;

const alarm: RuleAction & { type: 'raiseAlarm' } = {
  ...{ type: 'raiseAlarm', on: 'fires', onFailure: 'stop' },
  alarm: { source: 'hot', level: 'Major', title: 'Hot' },
};
const write: RuleAction = { type: 'write', point: 'comsrv:1:C:1', value: 1, on: 'fires', onFailure: 'continue' };
const clear: RuleAction & { type: 'clearAlarm' } = {
  type: 'clearAlarm',
  source: 'hot',
  on: 'returns',
  onFailure: 'stop',
};
const hook: RuleAction = { type: 'webhook', url: 'http://x/y', body: 1, on: 'fires', onFailure: 'stop' };
const publish: RuleAction = { type: 'publish', subject: 'hot', on: 'fires', onFailure: 'stop' };
const POINT = 'comsrv:1:T:1';
const rule = (change: Partial<Rule> = {}): Rule => ({
  ...{ id: 'hot', name: 'Hot', description: '', enabled: true, priority: 0, expression: '1:T:1 > 80' },
  ...{ holdMs: 0, cooldownMs: 0, deadband: 0, actions: [alarm] },
  ...change,
});
const error = { code: 'channel.not_online', category: 'conflict', message: 'away' } as const;
const READY = { type: 'xstate.after.readiness.rule.holding' } as unknown as Sent;

describe('rule machine', () => {
  const covered = new Set<unknown>();
  let revision = 0;

  type RuleWalk = Walk<typeof ruleMachine>;
  const context = (walk: RuleWalk) => walk.snapshot.context as RuleContext;
  const effects = (walk: RuleWalk) => walk.actions.map(({ type }) => type).filter((type) => !type.startsWith('xstate'));
  const order = (walk: RuleWalk) => {
    const taken = walk.actions.findLast(({ type }) => type === 'takeNext');
    const found = (taken?.params as { order: ActionOrder | null } | undefined)?.order;
    return found && { execution: found.execution, index: found.index, action: found.action };
  };
  const timers = (walk: RuleWalk) =>
    walk.actions.filter(({ type }) => type === 'xstate.raise').map(({ params }) => (params as { delay: number }).delay);
  const configure = (change: Partial<Rule> = {}, loop: string | null = null): Sent => ({
    ...{ type: 'configure', revision: `r${++revision}`, rule: rule(change), loop },
  });
  const is = (value: boolean | null): Sent => ({
    type: 'condition',
    value,
    values: { [POINT]: value === true ? 90 : 70 },
  });
  const evaluated = (value: boolean | null): Sent => ({
    type: 'evaluated',
    request: 'q',
    value,
    values: { [POINT]: 1 },
  });
  const steps = (walk: RuleWalk) => context(walk).executions.map(({ steps }) => steps.map(({ status }) => status));

  function started(change: Partial<Rule> = {}, loop: string | null = null): RuleWalk {
    const walk = new Walk(ruleMachine, covered);
    assert.equal(walk.send(configure(change, loop)), 'waiting');
    return walk;
  }

  after(() => assertAllTaken(ruleMachine, covered));

  it('watches its condition while it is enabled, by its configuration or an operator', () => {
    const walk = new Walk(ruleMachine, covered);
    assert.equal(walk.send({ type: 'enable' }), 'disabled', 'there is nothing to watch');
    assert.equal(walk.send(configure({ enabled: false })), 'disabled');
    assert.deepEqual(effects(walk), []);
    assert.equal(walk.send({ type: 'enable' }), 'waiting');
    assert.deepEqual(
      walk.actions.map(({ type, params }) => [type, params]),
      [['watch', { rule: rule({ enabled: false }), upTo: {} }]],
    );
    assert.equal(walk.send(configure({ enabled: false, priority: 1 })), 'waiting', 'the operator’s word holds');
    assert.equal(walk.send({ type: 'disable' }), 'disabled');
    assert.deepEqual(effects(walk), ['unwatch']);
    assert.equal(walk.send(configure({ enabled: true })), 'waiting');
    assert.equal(walk.send(configure({ enabled: false })), 'disabled');
    assert.equal(walk.send({ type: 'activated' }), 'disabled');
    assert.deepEqual(effects(walk), ['takeNext']);
  });

  it('goes on, when it lives elsewhere, behind the frames that its condition was told as of', () => {
    const walk = started();
    const watched = () => walk.actions.find(({ type }) => type === 'watch')?.params;
    walk.send({ ...is(true), upTo: { 1: [7, 12] } } as Sent);
    walk.send({ type: 'activated' });
    assert.deepEqual(watched(), { rule: context(walk).rule, upTo: { 1: [7, 12] } });
    walk.send(evaluated(true)); // By a version that did not tell.
    walk.send({ type: 'activated' });
    assert.deepEqual(watched(), { rule: context(walk).rule, upTo: {} });
    walk.send({ ...is(false), upTo: { 1: [7, 13] } } as Sent);
    walk.send(configure({ priority: 2 }));
    assert.deepEqual(watched(), { rule: context(walk).rule, upTo: {} }, 'another rule begins anew');
  });

  it('fires at the edge of its condition, once, and again only after it was false', () => {
    const walk = started();
    assert.equal(walk.send(is(false)), 'waiting');
    assert.equal(walk.send(is(null)), 'waiting');
    assert.equal(walk.send(is(true)), 'active');
    assert.deepEqual(order(walk), { execution: 1, index: 0, action: alarm });
    const [execution] = context(walk).executions;
    assert.deepEqual(execution, {
      ...{ number: 1, at: walk.now, trigger: 'fires', condition: true, values: { [POINT]: 90 } },
      steps: [{ action: 0, status: 'pending' }],
    });
    assert.equal(walk.send(is(null)), 'active', 'the unknown does not end it');
    assert.equal(walk.send(is(true)), 'active');
    assert.equal(context(walk).executed, 1);
    assert.equal(walk.send(is(false)), 'waiting');
    assert.equal(walk.send(is(true)), 'active');
    assert.deepEqual(
      context(walk).executions.map(({ trigger }) => trigger),
      ['fires', 'returns', 'fires'],
    );
  });

  it('takes its actions on demand, whatever its condition is, and stays where it is', () => {
    const walk = started({ holdMs: 5_000, actions: [publish, alarm, clear] });
    assert.equal(walk.send({ type: 'execute', request: 'now' }), 'waiting');
    assert.deepEqual(effects(walk), ['publishMessage', 'takeNext']);
    assert.deepEqual(order(walk), { execution: 1, index: 1, action: alarm });
    assert.deepEqual(context(walk).executions[0], {
      ...{ number: 1, at: walk.now, trigger: 'manual', request: 'now', condition: null, values: {} },
      steps: [
        { action: 0, status: 'queued', at: walk.now },
        { action: 1, status: 'pending' },
      ],
    });
    walk.send({ type: 'action.done', execution: 1, index: 1 });
    assert.equal(walk.send(is(true)), 'holding');
    assert.equal(walk.send({ type: 'execute', request: 'again' }), 'holding');
    assert.deepEqual(context(walk).executions[1]?.values, { [POINT]: 90 });
    walk.send({ type: 'action.done', execution: 2, index: 1 });
    assert.equal(walk.send(READY), 'active');
    assert.equal(walk.send({ type: 'execute', request: 'third' }), 'active');
    assert.deepEqual([context(walk).executed, context(walk).firings.length], [4, 1]);
    walk.send({ type: 'disable' });
    assert.equal(walk.send({ type: 'execute', request: 'off' }), 'disabled');
    assert.equal(context(walk).executed, 4);
  });

  it('fires after the hold time, unless the condition was false or unknown meanwhile', () => {
    const walk = started({ holdMs: 5_000 });
    for (const broken of [false, null]) {
      assert.equal(walk.send(is(true)), 'holding');
      assert.deepEqual(timers(walk), [5_000]);
      assert.equal(walk.send(is(broken)), 'waiting');
      assert.ok(walk.actions.some(({ type }) => type === 'xstate.cancel'));
    }
    assert.equal(walk.send(is(true)), 'holding');
    assert.equal(walk.send({ type: 'activated' }), 'holding');
    assert.deepEqual([effects(walk), timers(walk)], [['watch', 'takeNext'], []], 'the timer runs on');
    assert.equal(walk.send(is(true)), 'holding');
    assert.equal(walk.send(READY), 'active');
    assert.deepEqual(context(walk).executions[0]?.values, { [POINT]: 90 });
    assert.equal(order(walk)?.action, alarm);
  });

  it('fires again only after the cooldown, when its condition is true still', () => {
    const walk = started({ cooldownMs: 10_000 });
    assert.equal(walk.send(is(true)), 'active');
    walk.send(is(false));
    assert.equal(walk.send(is(true)), 'holding');
    assert.deepEqual(timers(walk), [8_000]);
    walk.send(is(false));
    walk.now += 20_000;
    assert.equal(walk.send(is(true)), 'active');
  });

  it('takes its actions one after the other, and goes on from where it was after a crash', () => {
    const walk = started({ actions: [alarm, clear, write] });
    walk.send(is(true));
    assert.equal(order(walk)?.index, 0);
    walk.send({ type: 'action.done', execution: 1, index: 2 });
    assert.deepEqual(steps(walk), [['pending', 'pending']], 'nobody has ordered that one');
    walk.send({ type: 'activated' });
    assert.equal(order(walk)?.index, 0, 'ordered again, by the same name');
    walk.send({ type: 'action.done', execution: 1, index: 0 });
    assert.deepEqual(order(walk), { execution: 1, index: 2, action: write });
    walk.send(is(false));
    assert.equal(order(walk)?.index, 2, 'the return waits for its turn');
    walk.send({ type: 'action.done', execution: 1, index: 2 });
    assert.deepEqual(order(walk), { execution: 2, index: 1, action: clear });
    walk.send({ type: 'action.done', execution: 2, index: 1 });
    assert.equal(order(walk), null);
    assert.deepEqual(steps(walk), [['done', 'done'], ['done']]);
    walk.send({ type: 'action.failed', execution: 2, index: 1, error });
    assert.deepEqual(steps(walk), [['done', 'done'], ['done']]);
  });

  it('leaves out the rest after an action that failed, or goes on, as the action says', () => {
    const stops = started({ actions: [alarm, write] });
    stops.send(is(true));
    stops.send({ type: 'action.failed', execution: 1, index: 0, error });
    assert.deepEqual(context(stops).executions[0]?.steps, [
      { action: 0, status: 'failed', at: stops.now, error },
      { action: 1, status: 'skipped' },
    ]);
    assert.equal(order(stops), null);
    const goesOn = started({ actions: [write, alarm] });
    goesOn.send(is(true));
    goesOn.send({ type: 'action.failed', execution: 1, index: 0, error });
    assert.equal(order(goesOn)?.index, 1);
  });

  it('is evaluated on demand: it fires if it has not, and else only notes what was found', () => {
    const walk = started({ holdMs: 60_000 });
    walk.send({ type: 'evaluate', request: 'q' });
    assert.deepEqual(effects(walk), ['evaluateNow']);
    assert.equal(walk.send(evaluated(false)), 'waiting');
    assert.equal(walk.send(evaluated(true)), 'active', 'without the hold time');
    assert.equal(walk.send({ type: 'evaluate', request: 'q' }), 'active');
    assert.equal(walk.send(evaluated(true)), 'active');
    assert.equal(walk.send(evaluated(null)), 'active');
    walk.send(is(false));
    walk.send(is(true));
    assert.equal(walk.send(evaluated(null)), 'waiting', 'what is unknown ends a hold');
    walk.send(is(true));
    assert.equal(walk.value, 'holding');
    assert.equal(walk.send(evaluated(true)), 'active');
    assert.equal(walk.send(evaluated(false)), 'waiting', 'it is over');
    assert.deepEqual(
      context(walk).executions.map(({ trigger, condition, steps }) => [trigger, condition, steps.length]),
      [
        ['manual', false, 0],
        ['manual', true, 1],
        ['manual', true, 0],
        ['manual', null, 0],
        ['returns', false, 0],
        ['manual', null, 0],
        ['manual', true, 1],
        ['returns', false, 0],
      ],
    );
  });

  it('begins anew with another configuration, and takes no action of the old one', () => {
    const walk = started({ cooldownMs: 60_000, actions: [alarm, write] });
    walk.send(is(true));
    const same = { type: 'configure', revision: context(walk).revision as string, rule: rule(), loop: null } as const;
    assert.equal(walk.send(same), 'active');
    assert.equal(walk.send(configure({ holdMs: 1_000 })), 'waiting');
    assert.deepEqual(effects(walk), ['watch']);
    assert.deepEqual(steps(walk), [['skipped', 'skipped']]);
    assert.equal(context(walk).condition, null);
    walk.send(is(true));
    assert.deepEqual(timers(walk), [1_000]);
    assert.equal(walk.send({ type: 'disable' }), 'disabled');
    walk.send({ type: 'enable' });
    walk.send(is(true));
    assert.equal(walk.send(configure()), 'waiting');
  });

  describe('leaves no alarm behind that nobody would clear', () => {
    /** Raised and, when the condition is false again, cleared. */
    const upTo = (change: Partial<Rule> = {}): RuleWalk => {
      const walk = started({ actions: [alarm, clear], ...change });
      walk.send(is(true));
      walk.send({ type: 'action.done', execution: 1, index: 0 });
      assert.deepEqual(context(walk).standing, ['hot']);
      return walk;
    };
    const withdrawn = (walk: RuleWalk) => {
      const found = order(walk);
      const action = found?.action as { type: string; source: string; reason: string } | undefined;
      return action && [found?.execution, action.type, action.source, action.reason];
    };

    it('when it is disabled, by an operator or its definition', () => {
      for (const off of [{ type: 'disable' } as const, configure({ enabled: false, actions: [alarm, clear] })]) {
        const walk = upTo();
        assert.equal(walk.send(off), 'disabled');
        assert.deepEqual(withdrawn(walk), [-1, 'clearAlarm', 'hot', 'rule disabled']);
        walk.send({ type: 'activated' });
        assert.deepEqual(withdrawn(walk)?.[0], -1, 'after a crash too');
        walk.send({ type: 'action.done', execution: -1, index: 0 });
        assert.equal(order(walk), null);
        assert.deepEqual([context(walk).standing, context(walk).withdrawals], [[], []]);
      }
    });

    it('when it is removed, and under a name of its own each time', () => {
      const walk = upTo();
      assert.equal(walk.send({ type: 'remove', source: 'site' }), 'disabled');
      assert.deepEqual(withdrawn(walk), [-1, 'clearAlarm', 'hot', 'rule removed']);
      walk.send({ type: 'action.failed', execution: -1, index: 0, error });
      assert.equal(order(walk), null);
      walk.send(configure({ actions: [alarm, clear] }));
      walk.send(is(true));
      walk.send({ type: 'action.done', execution: 2, index: 0 });
      walk.send({ type: 'remove', source: 'site' });
      assert.equal(withdrawn(walk)?.[0], -2);
    });

    it('when another definition does not raise it', () => {
      const other: RuleAction = { ...alarm, alarm: { ...alarm.alarm, source: 'other' } };
      const walk = upTo();
      assert.equal(walk.send(configure({ actions: [other] })), 'waiting');
      assert.deepEqual(withdrawn(walk), [-1, 'clearAlarm', 'hot', 'rule changed']);
      walk.send(is(true));
      assert.equal(order(walk)?.execution, -1, 'before anything else');
      walk.send({ type: 'action.done', execution: -1, index: 0 });
      assert.deepEqual(order(walk), { execution: 2, index: 0, action: other });
      walk.send({ type: 'action.done', execution: 2, index: 0 });
      assert.deepEqual(context(walk).standing, [], 'that one stays until somebody resolves it');
    });

    it('when another definition raises it too, but finds its condition false', () => {
      for (const [holdMs, told] of [
        [0, is(false)],
        [0, evaluated(false)],
        [5_000, is(false)],
        [5_000, evaluated(false)],
      ] as const) {
        const walk = upTo();
        walk.send(configure({ actions: [alarm, clear], holdMs, priority: 1 }));
        assert.equal(order(walk) ?? null, null, 'it may be true still');
        walk.send(is(null));
        assert.deepEqual(context(walk).left, ['hot'], 'the unknown takes nothing back');
        if (holdMs > 0) assert.equal(walk.send(is(true)), 'holding');
        assert.equal(walk.send(told), 'waiting');
        assert.deepEqual(withdrawn(walk), [-1, 'clearAlarm', 'hot', 'rule changed']);
        walk.send({ type: 'action.done', execution: -1, index: 0 });
        walk.send(is(null));
        walk.send(is(false));
        assert.deepEqual(context(walk).withdrawals, [], 'once');
      }
    });

    it('but leaves it when another definition raises it, and fires', () => {
      const walk = upTo();
      walk.send(configure({ actions: [alarm, clear], priority: 1 }));
      assert.equal(walk.send(is(true)), 'active');
      assert.deepEqual([order(walk)?.execution, context(walk).left], [2, []]);
      walk.send({ type: 'action.done', execution: 2, index: 0 });
      walk.send(is(false));
      assert.deepEqual(order(walk), { execution: 3, index: 1, action: clear });
      walk.send({ type: 'action.done', execution: 3, index: 1 });
      assert.deepEqual(context(walk).standing, []);
      walk.send({ type: 'disable' });
      assert.deepEqual(effects(walk), ['unwatch'], 'there is nothing to clear');
    });

    it('that it was about to raise, or could not clear', () => {
      const about = started({ actions: [write, alarm, clear] });
      about.send(is(true));
      about.send({ type: 'disable' });
      assert.equal(withdrawn(about)?.[2], 'hot');
      assert.deepEqual(steps(about), [['pending', 'skipped']], 'what it has begun it ends');
      about.send({ type: 'action.done', execution: -1, index: 0 });
      assert.deepEqual(order(about), { execution: 1, index: 0, action: write });

      const stuck = upTo();
      stuck.send(is(false));
      stuck.send({ type: 'action.failed', execution: 2, index: 1, error });
      assert.deepEqual(context(stuck).standing, ['hot']);
      stuck.send({ type: 'disable' });
      stuck.send({ type: 'enable' });
      stuck.send({ type: 'disable' });
      assert.equal(context(stuck).withdrawals.length, 1);

      const elsewhere = started({ actions: [alarm, { ...clear, ruleId: 'other' }] });
      elsewhere.send(is(true));
      elsewhere.send({ type: 'action.done', execution: 1, index: 0 });
      assert.deepEqual(context(elsewhere).standing, [], 'it does not clear that one itself');
    });

    it('but not in what an older version did', () => {
      const walk = upTo();
      walk.send({ type: 'disable', keepsAlarms: true });
      assert.deepEqual(effects(walk), ['unwatch']);
    });
  });

  it('hands what needs no answer to the outbox, and goes on at once', () => {
    const walk = started({ actions: [hook, alarm, publish, write, clear] });
    walk.send(is(true));
    const message = { rule: 'hot', name: 'Hot', execution: 1, at: walk.now, values: { [POINT]: 90 } };
    const sent = () =>
      walk.actions
        .filter(({ type }) => type === 'callWebhook' || type === 'publishMessage')
        .map(({ params }) => params);
    assert.deepEqual(sent(), [{ url: 'http://x/y', message: { ...message, body: 1 } }]);
    assert.equal(order(walk)?.index, 1);
    assert.deepEqual(steps(walk), [['queued', 'pending', 'pending', 'pending']]);
    walk.send({ type: 'activated' });
    assert.deepEqual([sent(), order(walk)?.index], [[], 1], 'once');
    walk.send({ type: 'action.done', execution: 1, index: 1 });
    assert.deepEqual([sent(), order(walk)?.index], [[{ subject: 'hot', message }], 3]);
    walk.send({ type: 'action.failed', execution: 1, index: 3, error });
    assert.deepEqual(steps(walk), [['queued', 'done', 'queued', 'failed']]);
    const only = started({ actions: [publish] });
    only.send(is(true));
    assert.deepEqual([order(only), steps(only)], [null, [['queued']]]);
  });

  it('may be of a caller, who changes and removes it; the site file has the last word on its own', () => {
    const walk = new Walk(ruleMachine, covered);
    const made = (change: Partial<Rule> = {}): Sent => ({ type: 'create', rule: rule(change) });
    const other = (change: Partial<Rule> = {}): Sent => ({ type: 'update', rule: rule(change) });
    const remove = (source: 'site' | 'caller'): Sent => ({ type: 'remove', source });
    assert.equal(walk.send(other()), 'disabled');
    assert.equal(context(walk).rule, null, 'there is nothing to change');
    assert.equal(walk.send(made({ enabled: false })), 'disabled');
    assert.equal(context(walk).createdAt, walk.now);
    const created = walk.now;
    assert.equal(walk.send(made()), 'disabled', 'there is one already');
    assert.equal(walk.send(other({ enabled: false, name: 'Cold' })), 'disabled');
    assert.deepEqual([context(walk).rule?.name, context(walk).createdAt], ['Cold', created]);
    assert.equal(walk.send(other()), 'waiting');
    assert.deepEqual(effects(walk), ['watch']);
    walk.send(is(true));
    assert.equal(walk.send(other({ priority: 2 })), 'waiting', 'it begins anew');
    assert.equal(walk.send(remove('site')), 'waiting');
    assert.equal(walk.send(other({ enabled: false })), 'disabled');
    walk.send({ type: 'enable' });
    walk.send(is(true));
    assert.equal(walk.send(remove('caller')), 'disabled');
    const { rule: gone, source, executions, executed } = context(walk);
    assert.deepEqual([gone, source, executions, executed], [null, null, [], 2], 'no key is given twice');
    assert.equal(walk.send(made()), 'waiting');
    for (const [state, change] of [
      ['holding', { holdMs: 1_000 }],
      ['active', {}],
    ] as const) {
      walk.send(other(change));
      assert.equal(walk.send(is(true)), state);
      assert.equal(walk.send(other({ enabled: false })), 'disabled');
      walk.send(other(change));
      walk.send(is(true));
      assert.equal(walk.send(other(change)), 'waiting');
    }
    walk.send(configure());
    assert.equal(context(walk).source, 'site');
    assert.equal(walk.send(remove('caller')), 'waiting');
    walk.send(other({ name: 'Other' }));
    assert.equal(context(walk).rule?.name, 'Hot', 'the file says what it is');
    assert.equal(walk.send(remove('site')), 'disabled');
  });

  it('hears how others may set it off, and may be changed when it was stopped for that', () => {
    const walk = new Walk(ruleMachine, covered);
    walk.send({ type: 'relate', loop: 'a' });
    assert.equal(context(walk).loop, null, 'there is no rule');
    const round = (): void => {
      for (let count = 0; count <= LOOP_FIRINGS; count++) {
        walk.send(is(true));
        if (count < LOOP_FIRINGS) walk.send(is(false));
      }
      assert.equal(walk.value, 'stopped');
    };
    walk.send({ type: 'create', rule: rule() });
    walk.send({ type: 'relate', loop: 'a writes x, a reads it' });
    walk.send({ type: 'relate', loop: 'a writes x, a reads it' });
    assert.deepEqual(effects(walk), []);
    round();
    assert.equal(walk.send({ type: 'update', rule: rule() }), 'waiting');
    round();
    assert.equal(walk.send({ type: 'update', rule: rule({ enabled: false }) }), 'disabled');
  });

  it('can be turned off and asked at any time', () => {
    for (const off of [{ type: 'disable' } as const, configure({ enabled: false })]) {
      const holding = started({ holdMs: 1_000 });
      holding.send(is(true));
      holding.send({ type: 'evaluate', request: 'q' });
      assert.deepEqual([holding.value, effects(holding)], ['holding', ['evaluateNow']]);
      assert.equal(holding.send(off), 'disabled');
      const active = started();
      active.send(is(true));
      assert.equal(active.send(off), 'disabled');
      assert.deepEqual(effects(active), ['unwatch']);
      assert.equal(active.send({ type: 'evaluate', request: 'q' }), 'disabled');
    }
    const holding = started({ holdMs: 1_000 });
    holding.send(is(true));
    assert.equal(holding.send(configure({ holdMs: 2_000 })), 'waiting');
  });

  it('is stopped when it goes round in a loop, and says which', () => {
    const around = (walk: RuleWalk) => {
      for (let count = 0; count < LOOP_FIRINGS; count++) {
        assert.equal(walk.send(is(true)), 'active');
        walk.send(is(false));
      }
    };
    const harmless = started();
    around(harmless);
    assert.equal(harmless.send(is(true)), 'active', 'nothing leads back to it');
    const slow = started({}, 'a writes x, a reads it');
    around(slow);
    slow.now += 60_000;
    assert.equal(slow.send(is(true)), 'active', 'a control that works slowly is none');

    const walk = started({}, 'a writes x, a reads it');
    around(walk);
    assert.equal(walk.send(is(true)), 'stopped');
    assert.deepEqual(effects(walk), ['unwatch']);
    assert.match(context(walk).stoppedBecause ?? '', /fired 10 times within a minute.*: a writes x, a reads it$/);
    assert.equal(walk.send(is(true)), 'stopped');
    assert.equal(walk.send({ type: 'enable' }), 'waiting');
    assert.deepEqual([effects(walk), context(walk).stoppedBecause], [['watch'], null]);
    around(walk);
    walk.send(is(true));
    assert.equal(walk.send(configure({}, 'still')), 'waiting');
    around(walk);
    walk.send(is(true));
    assert.equal(walk.send({ type: 'disable' }), 'disabled');
    walk.send({ type: 'enable' });
    around(walk);
    walk.send(is(true));
    assert.equal(walk.send(configure({ enabled: false }, 'still')), 'disabled');

    const cooling = started({ cooldownMs: 1_500 }, 'b');
    cooling.send(is(true));
    for (let count = 1; count < LOOP_FIRINGS; count++) {
      cooling.send(is(false));
      cooling.now -= 900; // Within the cooldown.
      assert.equal(cooling.send(is(true)), 'holding');
      assert.equal(cooling.send(READY), 'active');
    }
    cooling.send(is(false));
    cooling.now -= 900;
    assert.equal(cooling.send(is(true)), 'holding');
    assert.equal(cooling.send(READY), 'stopped');
  });

  it('bounds what it remembers, and forgets nothing that it has yet to do', () => {
    const walk = started({ actions: [alarm] });
    for (let count = 0; count < MAX_WAITING + 1; count++) {
      walk.send(is(true));
      walk.send(is(false));
    }
    const firings = context(walk).executions.filter(({ trigger }) => trigger === 'fires');
    assert.deepEqual(
      firings.map(({ steps: [step] }) => step?.status),
      [...Array.from({ length: MAX_WAITING }, () => 'pending'), 'failed'],
    );
    for (let count = 0; count < 2 * KEPT_EXECUTIONS; count++) walk.send(evaluated(false));
    assert.equal(context(walk).executions.length, KEPT_EXECUTIONS);
    assert.equal(steps(walk).filter(([status]) => status === 'pending').length, MAX_WAITING);
    assert.equal(order(walk) ?? null, null);
    walk.send({ type: 'activated' });
    assert.equal(order(walk)?.execution, 1);
  });
});
