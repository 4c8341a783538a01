import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { RulesQuery } from '../../../actors/client/rules.js';
import { ServerAwayError } from '../../../facade/web/src/api.js';
import { HttpRulesApi, type RulesApi } from '../../../facade/web/src/rules-api.js';
import {
  conditionLines,
  describeAction,
  describeTrigger,
  stepNames,
} from '../../../facade/web/src/state/rule-words.js';
import { RuleDetailStore, RulesStore } from '../../../facade/web/src/state/rules-store.js';
import { FakeRules } from '../../support/fake-rules.js';

const T0 = 1_700_000_000_000;

describe('web page: rules', () => {
  let clock: sinon.SinonFakeTimers;
  let rules: FakeRules;
  let api: RulesApi;
  let list: sinon.SinonSpy<[RulesQuery], ReturnType<RulesApi['list']>>;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ now: T0 });
    rules = new FakeRules(T0);
    list = sinon.spy((query: RulesQuery) => rules.list(query));
    api = {
      list,
      get: (id) => rules.get(id),
      executions: (id) => rules.executions(id),
      command: (id, command) => rules.command(id, command),
      evaluate: (id, commandId) => rules.evaluate(id, { commandId }),
      dryRun: (id) => rules.dryRun(id, {}),
    };
  });
  afterEach(() => clock.restore());

  it('asks for the list again and again, says when that fails, and stops', async () => {
    const store = new RulesStore(api);
    store.poll.start();
    await clock.tickAsync(0);
    assert.deepEqual(
      store.rules.value.map(({ id }) => id),
      ['hot'],
    );
    api.list = () => Promise.reject(new ServerAwayError('gone'));
    await clock.tickAsync(3_000);
    assert.equal(store.poll.problem.peek(), 'gone');
    assert.equal(store.rules.value.length, 1, 'what was known stays');
    api.list = list;
    await rules.create({ id: 'cold', condition: 'comsrv:1:T:1 < 0', actions: [{ type: 'alarm', level: 'Info' }] });
    await clock.tickAsync(3_000);
    assert.equal(store.poll.problem.peek(), undefined);
    assert.equal(store.rules.value.length, 2);
    store.poll.stop();
    const { callCount } = list;
    await clock.tickAsync(60_000);
    assert.equal(list.callCount, callCount);
  });

  it('asks with the filter, at once, and leaves an earlier answer out', async () => {
    const store = new RulesStore(api);
    store.poll.start();
    store.show({ state: 'disabled', text: ' x ' });
    await clock.tickAsync(0);
    assert.deepEqual(list.lastCall.args[0], { limit: 500, state: 'disabled', text: 'x' });
    assert.deepEqual(store.rules.value, [], 'not what was asked for before');
    store.more();
    assert.equal(list.lastCall.args[0].limit, 2_500);
    store.poll.stop();
  });

  it('follows one rule with its runs', async () => {
    const detail = new RuleDetailStore(api);
    detail.select('hot');
    await clock.tickAsync(0);
    assert.equal(detail.rule.value?.name, 'Too hot');
    await rules.evaluate('hot', { commandId: 'c1' });
    await clock.tickAsync(1_500);
    assert.equal(detail.executions.value.length, 1);
    detail.put(await rules.command('hot', 'disable'));
    assert.equal(detail.rule.value?.state, 'disabled');
    detail.select('no-such');
    await clock.tickAsync(0);
    assert.match(detail.poll.problem.value ?? '', /no-such/);
    detail.select(undefined);
    assert.equal(detail.poll.problem.peek(), undefined);
  });

  it('says in words what a rule looks at, does and has done', async () => {
    assert.deepEqual(conditionLines('a > 1'), { of: undefined, lines: ['a > 1'] });
    assert.deepEqual(conditionLines({ any: ['a > 1', 'b'] }), { of: 'any', lines: ['a > 1', 'b'] });
    const write = { type: 'write', point: '1:A:1', value: 0, onFailure: 'continue' } as const;
    assert.equal(describeAction(write), 'write: point 1:A:1, value 0, goes on after a failure');
    assert.equal(
      describeAction({ type: 'publish', subject: 'a.b', body: { x: 1 }, on: 'returns' }),
      'publish: subject a.b, body {"x":1}, when the condition is false again',
    );
    const alarm = { type: 'alarm', level: 'Major' } as const;
    assert.deepEqual(stepNames([alarm, write, { ...alarm, clears: false }]), [
      'alarm',
      'clear alarm',
      'write',
      'alarm',
    ]);
    const run = await rules.evaluate('hot', { commandId: 'c2' });
    assert.equal(describeTrigger(run), 'evaluated by hand: true, fired');
    assert.equal(describeTrigger({ ...run, trigger: 'fires' }), 'fired');
    assert.equal(describeTrigger({ ...run, trigger: 'returns' }), 'condition was false again');
  });

  it('asks the server in its own words', async () => {
    const asked: [string, unknown][] = [];
    const http = new HttpRulesApi({
      ask: (url, options) => {
        asked.push([url, options?.post]);
        return Promise.resolve({});
      },
    });
    await http.list({ text: 'a b', limit: 5 });
    await http.command('hot', 'disable');
    await http.evaluate('hot', 'c1');
    await http.dryRun('hot');
    assert.deepEqual(asked, [
      ['/api/v1/rules?text=a+b&limit=5', undefined],
      ['/api/v1/rules/hot/disable', {}],
      ['/api/v1/rules/hot/evaluate', { commandId: 'c1' }],
      ['/api/v1/rules/hot/dry-run', undefined],
    ]);
  });
});
