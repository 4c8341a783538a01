import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { StatewattError } from '../../../errors/error.js';
import { LIBRARY_IDENTITY } from '../../../protocols/redis-functions/library.js';
import { FunctionRequests, type FunctionRequest } from '../../../protocols/redis-functions/requests.js';
import { RedisStore } from '../../../protocols/realtime/redis-store.js';
import type { AlarmRecord } from '../../../site/alarms.js';
import { startRedis, type TestRedis } from '../../support/redis.js';
import { eventually } from '../../support/temp.js';

type Json = Record<string, unknown>;

const definition = { id: 'roof', name: 'Roof', template: 'pv', parameters: { power: 1 }, parent: null, points: {} };
const point = { name: 'limit', kind: 'A', title: 'Limit', unit: 'W', description: '', text: false } as const;

function alarm(id: string, change: Partial<AlarmRecord> = {}): AlarmRecord {
  return {
    ...{ id, source: 'sensor', ruleId: null, title: `Alarm ${id}`, description: '', level: 'Warning' },
    ...{ classification: null, group: 'sensor', metadata: { list: [], value: 85.5 }, state: 'unacknowledged' },
    ...{ status: 'Active', condition: true, since: 1_000, raisedAt: 1_000, acknowledgedAt: null },
    ...{ acknowledgedBy: null, clearedAt: null, hidden: null, note: null, value: null, occurrences: 1 },
    ...{ escalations: 0, change: { what: 'raised', by: 'sensor', at: 1_000 }, revision: 1 },
    ...change,
  };
}

describe('Redis Functions', function () {
  this.timeout(60_000);
  let redis: TestRedis;
  let caller: Redis;
  let store: RedisStore;
  let requests: FunctionRequests;
  let problems: (string | null)[];
  let handled: FunctionRequest[];
  let handle: (request: FunctionRequest) => Promise<Json>;

  const open = (node: string) =>
    new FunctionRequests({
      url: redis.url,
      node,
      handle: (request) => {
        handled.push(request);
        return handle(request);
      },
      onProblem: (problem) => problems.push(problem),
    });
  const call = async (name: string, ...args: string[]) =>
    JSON.parse((await caller.call('FCALL', name, '1', ...args)) as string) as Json;
  const loaded = () =>
    eventually(
      async () => {
        try {
          return (await caller.call('FCALL_RO', 'statewatt_version', '0')) as [number, string];
        } catch {
          return undefined;
        }
      },
      { what: 'the library' },
    );
  const result = (id: unknown, status: string) =>
    eventually(
      async () => {
        const found = await call('statewatt_result', id as string);
        return found.status === status ? found : undefined;
      },
      { what: `${String(id)} is ${status}` },
    );

  before(async () => {
    redis = await startRedis();
    caller = new Redis(redis.url);
    store = new RedisStore({ url: redis.url });
    await eventually(() => (store.health().up ? true : undefined));
  });
  beforeEach(async () => {
    problems = [];
    handled = [];
    handle = () => Promise.resolve({});
    await caller.flushall();
    requests = open('n1');
    await loaded();
  });
  afterEach(() => requests.stop());
  after(async () => {
    await store.close();
    caller.disconnect();
    await redis.close();
  });

  it('are loaded, and loaded again when they are gone, but never over newer ones', async () => {
    assert.deepEqual(await loaded(), [LIBRARY_IDENTITY.version, LIBRARY_IDENTITY.digest]);
    await redis.stop();
    await redis.start();
    await eventually(() => (store.health().up ? true : undefined));
    assert.deepEqual(await loaded(), [LIBRARY_IDENTITY.version, LIBRARY_IDENTITY.digest]);
    await requests.stop();
    const newer = `#!lua name=statewatt
redis.register_function{ function_name = 'statewatt_version', flags = { 'no-writes' }, callback = function() return { 1000, 'x' } end }`;
    await caller.call('FUNCTION', 'LOAD', 'REPLACE', newer);
    requests = open('n1');
    requests.take(true);
    await eventually(async () => ((await caller.exists('statewatt:commands')) === 1 ? true : undefined));
    assert.deepEqual(await loaded(), [1000, 'x']);
    await caller.call('FUNCTION', 'FLUSH');
  });

  it('say so when Redis does not take them', async () => {
    await requests.stop();
    await caller.call('FUNCTION', 'FLUSH');
    const other = "#!lua name=other\nredis.register_function('model_get', function() return 1 end)";
    await caller.call('FUNCTION', 'LOAD', other);
    requests = open('n1');
    await eventually(() =>
      problems.some((problem) => problem?.includes('model_get already exists')) ? true : undefined,
    );
    await caller.call('FUNCTION', 'DELETE', 'other');
    await requests.stop();
    requests = open('n1');
    await loaded();
  });

  it('read models, their points and lists of them', async () => {
    const age = { createdAt: 1, changes: 1 };
    await store.setTemplates(['pv', 'meter']);
    await store.setModels([
      { id: 'roof', definition, age, points: [point], values: [] },
      { id: 'shed', definition: { ...definition, id: 'shed', template: 'meter' }, age, points: [], values: [] },
    ]);
    assert.deepEqual(await call('model_get', 'roof'), {
      ...{ model_id: 'roof', name: 'Roof', template_id: 'pv', parameters: { power: 1 }, parent: null, mapping: {} },
    });
    assert.deepEqual(await call('model_get_points', 'roof'), [point]);
    const ids = async (filter = '{}') =>
      (JSON.parse((await caller.call('FCALL', 'model_list', '0', filter)) as string) as Json[]).map((m) => m.model_id);
    assert.deepEqual(await ids(), ['roof', 'shed']);
    assert.deepEqual(await ids('{"template_id":"meter"}'), ['shed']);
    assert.deepEqual(await ids('{"offset":1,"limit":1}'), ['shed']);
    assert.equal(await caller.call('FCALL_RO', 'model_exists', '1', 'roof'), 1);
    assert.equal(await caller.call('FCALL_RO', 'model_exists', '1', 'nobody'), 0);
    await assert.rejects(call('model_get', 'nobody'), /^ReplyError: NOTFOUND there is no model nobody$/);
  });

  it('show what was accepted until it is done, and the result afterwards', async () => {
    let release: () => void = () => undefined;
    handle = async ({ subject }) => {
      await new Promise<void>((resolve) => (release = resolve));
      const made = { ...definition, id: subject, name: 'Made' };
      await store.showModel({ id: subject, definition: made, age: { createdAt: 1, changes: 1 }, points: [point] });
      return { model_id: subject };
    };
    requests.take(true);
    const text = '{ "template_id": "pv", "parameters": { "exact": 0.12345678901234567 }, "name": "Wanted" }';
    const accepted = await call('model_upsert', 'new', text);
    assert.deepEqual([accepted.status, accepted.model_id], ['accepted', 'new']);
    assert.equal((await call('model_get', 'new')).name, 'Wanted');
    assert.ok(((await caller.call('FCALL', 'model_get', '1', 'new')) as string).includes('0.12345678901234567'));
    await assert.rejects(call('model_get_points', 'new'), /PENDING the model new is accepted/);
    assert.equal((await call('statewatt_result', accepted.id as string)).status, 'accepted');
    await eventually(() => (handled.length === 1 ? true : undefined));
    release();
    assert.deepEqual(await result(accepted.id, 'done'), { id: accepted.id, status: 'done', model_id: 'new' });
    assert.equal((await call('model_get', 'new')).name, 'Made');
    assert.deepEqual(await call('model_get_points', 'new'), [point]);
    assert.equal(await caller.xlen('statewatt:commands'), 0);
    assert.equal(await caller.scard('statewatt:pending:model'), 0);
  });

  it('take back what the actor refuses', async () => {
    handle = () => Promise.reject(new StatewattError('models.configured', 'conflict', 'it stands in the site file'));
    const { id } = await call('model_upsert', 'new', '{"template_id":"pv"}');
    const { id: second } = await call('model_delete', 'new');
    assert.equal(await caller.call('FCALL_RO', 'model_exists', '1', 'new'), 0);
    requests.take(true);
    await result(second, 'refused');
    const { error } = await result(id, 'refused');
    assert.equal((error as Json).code, 'models.configured');
    await assert.rejects(call('model_get', 'new'), /NOTFOUND/);
  });

  it('try again what another try may help, and hold back nothing else meanwhile', async () => {
    let away = true;
    handle = ({ subject }) =>
      away && subject === 'slow'
        ? Promise.reject(new StatewattError('bus.unavailable', 'unavailable', 'away'))
        : Promise.resolve({});
    requests.take(true);
    const first = await call('model_upsert', 'slow', '{"template_id":"pv"}');
    const second = await call('model_upsert', 'slow', '{"template_id":"pv"}');
    const other = await call('model_upsert', 'quick', '{"template_id":"pv"}');
    await result(other.id, 'done');
    assert.ok(
      handled.every(({ id }) => id !== second.id),
      'one subject in order',
    );
    away = false;
    await result(second.id, 'done');
    await result(first.id, 'done');
  });

  it('leave what a node did not finish to the next, under the same id and in order', async () => {
    handle = () => Promise.reject(new StatewattError('bus.unavailable', 'unavailable', 'away'));
    requests.take(true);
    const ids = [];
    for (let n = 0; n < 3; n++) ids.push((await call('model_upsert', 'm', `{"template_id":"pv","name":"${n}"}`)).id);
    await eventually(() => (handled.length > 0 ? true : undefined));
    await requests.stop();
    handled = [];
    handle = () => Promise.resolve({});
    requests = open('n2');
    requests.take(true);
    await result(ids[2], 'done');
    assert.deepEqual(
      handled.map(({ id }) => id),
      ids,
    );
  });

  it('answer a request of the same id as the first, and do it once', async () => {
    requests.take(true);
    const first = await call('model_upsert', 'm', '{"template_id":"pv"}', 'mine-1');
    assert.equal(first.id, 'mine-1');
    await result('mine-1', 'done');
    assert.equal((await call('model_upsert', 'm', '{"template_id":"pv"}', 'mine-1')).status, 'done');
    assert.equal(handled.length, 1);
  });

  it('refuse what cannot be right, and more than may wait', async () => {
    await store.setTemplates(['pv']);
    const bad: [name: string, args: string[], why: RegExp][] = [
      ['model_upsert', ['a b', '{}'], /INVALID found the model id "a b", allowed 1 to 64 of/],
      ['model_upsert', ['m', '[1]'], /INVALID .* allowed a JSON object/],
      [
        'model_upsert',
        ['m', '{"tempate_id":"pv"}'],
        /INVALID found the member "tempate_id", allowed mapping, model_id/,
      ],
      ['model_upsert', ['m', '{"template_id":7}'], /INVALID found template_id 7, allowed text/],
      ['model_upsert', ['m', '{"template_id":"none"}'], /NOTFOUND there is no template none/],
      ['model_upsert', ['m', '{"template_id":"pv","model_id":"x"}'], /INVALID found model_id "x", allowed "m"/],
      ['model_upsert', ['m', '{"template_id":"pv"}', 'a b'], /INVALID found the request id/],
      ['model_set_value', ['m', 'p', '1'], /NOTFOUND there is no model m/],
      ['model_delete', ['m'], /NOTFOUND/],
      [
        'store_alarm',
        ['{"title":"T","source":"s","level":"warning"}'],
        /INVALID found level "warning", allowed Critical/,
      ],
      ['store_alarm', ['{"title":"","source":"s","level":"Info"}'], /INVALID found title "", allowed 1 to 256/],
      ['acknowledge_alarm', ['nobody'], /NOTFOUND there is no alarm nobody/],
      ['query_alarms', ['{"status":"gone"}'], /INVALID found status "gone", allowed Active/],
      ['statewatt_result', ['nothing'], /NOTFOUND/],
    ];
    for (const [name, args, why] of bad) await assert.rejects(call(name, ...args), why, `${name} ${args.join(' ')}`);
    const fill = caller.pipeline();
    for (let n = 0; n < 10_000; n++) fill.xadd('statewatt:commands', '*', 'name', 'x');
    await fill.exec();
    await assert.rejects(call('model_upsert', 'm', '{"template_id":"pv"}'), /OVERLOADED 10000 requests wait already/);
  });

  it('write a point that can be written', async () => {
    await store.setModels([{ id: 'roof', definition, age: { createdAt: 1, changes: 1 }, points: [point], values: [] }]);
    await assert.rejects(call('model_set_value', 'roof', 'power', '1'), /NOTFOUND there is no point of roof/);
    requests.take(true);
    const { id } = await call('model_set_value', 'roof', 'limit', '12.5');
    await result(id, 'done');
    assert.deepEqual(
      [handled[0]?.name, handled[0]?.subject, handled[0]?.body],
      ['model_set_value', 'roof', '{"point":"limit","value":"12.5"}'],
    );
    assert.ok(Math.abs((handled[0]?.acceptedAt ?? 0) - Date.now()) < 60_000);
  });

  it('read alarms by id, status, level and source, the newest first', async () => {
    await store.setAlarms([
      alarm('a', { raisedAt: 1 }),
      alarm('b', { raisedAt: 2, level: 'Critical' }),
      alarm('c', { raisedAt: 3, source: 'pump', status: 'Acknowledged', acknowledgedBy: 'ada', acknowledgedAt: 5 }),
    ]);
    const found = await call('alarm_get', 'a');
    assert.deepEqual(
      [found.title, found.level, found.status, found.metadata],
      ['Alarm a', 'Warning', 'Active', { list: [], value: 85.5 }],
    );
    const ids = async (query: string) => {
      const { data, ...rest } = await call('query_alarms', query);
      return [(data as Json[]).map(({ id }) => id).join(''), rest.total, rest.next_offset];
    };
    assert.deepEqual(await ids('{}'), ['cba', 3, null]);
    assert.deepEqual(await ids('{"status":"active"}'), ['ba', 2, null]);
    assert.deepEqual(await ids('{"level":"Critical"}'), ['b', 1, null]);
    assert.deepEqual(await ids('{"source":"pump"}'), ['c', 1, null]);
    assert.deepEqual(await ids('{"limit":1}'), ['c', 1, 1]);
    assert.deepEqual(await ids('{"offset":1,"limit":5}'), ['ba', 2, null]);
    await store.setAlarms([
      alarm('a', { status: 'Resolved', revision: 2 }),
      alarm('b', { title: 'late', revision: 1 }),
    ]);
    assert.deepEqual(await ids('{"status":"Active"}'), ['b', 1, null]);
    assert.deepEqual(await ids('{"status":"Resolved"}'), ['a', 1, null]);
    assert.equal((await call('alarm_get', 'b')).title, 'Alarm b');
    await store.retainAlarms((id) => id === 'c');
    assert.deepEqual(await ids('{}'), ['c', 1, null]);
  });

  it('read rules and what they did, by id and in lists', async () => {
    const rule = (id: string, revision: number, change: object = {}) => ({
      ...{ id, revision, at: 1_000, rule: { id, name: id, enabled: id !== 'c' }, execution: null },
      ...change,
    });
    await store.setRules([rule('b', 1), rule('a', 1), rule('c', 1, { execution: { triggered: true } })]);
    assert.equal((await call('rule_get', 'a')).name, 'a');
    assert.deepEqual(await call('rule_get_execution', 'c'), { triggered: true });
    await assert.rejects(call('rule_get_execution', 'a'), /NOTFOUND there is no execution of the rule a/);
    await assert.rejects(call('rule_get_execution', 'd'), /NOTFOUND there is no rule d/);
    const ids = async (filter: string) =>
      (JSON.parse((await caller.call('FCALL_RO', 'rule_list', '0', filter)) as string) as Json[])
        .map(({ id }) => id)
        .join('');
    assert.deepEqual(
      [await ids('{}'), await ids('{"enabled":true}'), await ids('{"enabled":false}')],
      ['abc', 'ab', 'c'],
    );
    assert.equal(await ids('{"offset":1,"limit":1}'), 'b');
    await store.setRules([rule('b', 1, { rule: { id: 'b', name: 'late' } }), rule('a', 2, { rule: null })]);
    assert.deepEqual([await ids('{}'), (await call('rule_get', 'b')).name], ['bc', 'b']);
    await store.setRules([rule('a', 1)]);
    assert.equal(await ids('{}'), 'bc', 'one that is gone is not brought back by somebody who is late');
    await store.setRules([rule('a', 3)]);
    assert.equal(await ids('{}'), 'abc');
    await caller.del('rulesrv:texts', 'rulesrv:in_order');
    await store.setRules([rule('c', 1), rule('a', 3), rule('b', 1)]);
    assert.equal(await ids('{}'), 'abc', 'what a version before had not written is written as they are shown again');
    await store.retainRules(() => Promise.resolve(['c']));
    assert.equal(await ids('{}'), 'c');
    assert.deepEqual(await caller.hkeys('rulesrv:texts'), ['c']);
  });

  it('make, look at and remove rules', async () => {
    const text =
      '{"condition":{"expression":"1001:T:1 > 80"},"actions":[{"action_type":"create_alarm","parameters":{"x":[]}}]}';
    const { id } = await call('rule_upsert', 'hot', text);
    const shown = await call('rule_get', 'hot');
    assert.deepEqual([shown.id, shown.name, shown.enabled, shown.priority], ['hot', 'hot', true, 0]);
    assert.ok(((await caller.call('FCALL', 'rule_get', '1', 'hot')) as string).includes('{"x":[]}'));
    assert.deepEqual(await call('rule_list', '{}'), [shown]);
    const { id: looked, rule_id: rule } = await call('rule_evaluate', 'hot');
    assert.equal(rule, 'hot');
    await call('rule_delete', 'hot', 'away-1');
    await assert.rejects(call('rule_get', 'hot'), /NOTFOUND/);
    await assert.rejects(call('rule_execute_actions', 'hot'), /NOTFOUND there is no rule hot/);
    assert.equal((await call('rule_delete', 'hot', 'away-1')).id, 'away-1');
    handle = ({ name, body }) => Promise.resolve(name === 'rule_evaluate' ? { triggered: false } : { body });
    requests.take(true);
    assert.equal((await result('away-1', 'done')).status, 'done');
    assert.equal((await result(id, 'done')).body, text);
    assert.equal((await result(looked, 'done')).triggered, false);
    assert.equal(await caller.scard('statewatt:pending:rule'), 0);
    const bad: [name: string, args: string[], why: RegExp][] = [
      ['rule_upsert', ['a.b', text], /INVALID found the rule id "a.b"/],
      [
        'rule_upsert',
        ['hot', '{"expression":"x"}'],
        /INVALID found the member "expression", allowed actions, condition/,
      ],
      ['rule_upsert', ['hot', '{"condition":{},"actions":[]}'], /INVALID found no condition.expression/],
      [
        'rule_upsert',
        ['hot', '{"condition":{"expression":"x"},"actions":[]}'],
        /INVALID found no actions, allowed a list/,
      ],
      ['rule_upsert', ['hot', text.replace('{', '{"id":"cold",')], /INVALID found id "cold", allowed "hot"/],
      ['rule_list', ['{"limit":"x"}'], /INVALID found limit "x", allowed a number/],
      ['rule_evaluate', ['nobody'], /NOTFOUND there is no rule nobody/],
    ];
    for (const [name, args, why] of bad) await assert.rejects(call(name, ...args), why, `${name} ${args.join(' ')}`);
  });

  it('raise, acknowledge and resolve alarms', async () => {
    const text = '{"title":"Hot","source":"sensor","level":"Warning","metadata":{"list":[],"brace":"}"}}';
    const stored = await call('store_alarm', text);
    const id = stored.alarm_id as string;
    const shown = await call('alarm_get', id);
    assert.deepEqual([shown.title, shown.status, shown.acknowledged_by], ['Hot', 'Active', null]);
    assert.equal(new Date(shown.created_at as string).toISOString(), shown.created_at);
    assert.ok(Math.abs(Date.parse(shown.created_at as string) - Date.now()) < 60_000);
    const { id: request } = await call('acknowledge_alarm', id, 'ada', 'looking');
    const seen = await call('alarm_get', id);
    assert.deepEqual(
      [seen.status, seen.acknowledged_by, seen.notes, typeof seen.acknowledged_at],
      ['Acknowledged', 'ada', 'looking', 'string'],
    );
    handle = async ({ name }) => {
      const acknowledged = { status: 'Acknowledged', acknowledgedBy: 'ada', acknowledgedAt: 2_000, note: 'x' } as const;
      const revision = name === 'store_alarm' ? 1 : 2;
      await store.setAlarms([alarm(id, { revision, ...(revision === 1 ? {} : acknowledged) })]);
      return { alarm_id: id };
    };
    requests.take(true);
    await result(request, 'done');
    assert.equal((await call('alarm_get', id)).notes, 'x');
    await requests.stop();
    requests = open('n1');
    await call('resolve_alarm', id);
    assert.equal((await call('alarm_get', id)).status, 'Resolved');
    assert.deepEqual(
      handled.map(({ name, body }) => [name, (JSON.parse(body) as Json).by]),
      [
        ['store_alarm', undefined],
        ['acknowledge_alarm', 'ada'],
      ],
    );
  });
});
