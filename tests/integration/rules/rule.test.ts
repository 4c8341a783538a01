import assert from 'node:assert/strict';
import { createRuleKind, ruleRef, type RuleKind } from '../../../actors/rule.js';
import { createSystem, type ActorSystem } from '../../../actors/runtime/system.js';
import type { Bus } from '../../../bus/connection.js';
import { PARTITIONS } from '../../../bus/subjects.js';
import { StatewattError } from '../../../errors/error.js';
import type { RuleContext } from '../../../machines/rule.js';
import type { Rule } from '../../../site/rules/rule.js';
import { readRule } from '../../../node/rule-views.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { acting, RuleBench, testRule } from '../../support/rules.js';
import { eventually } from '../../support/temp.js';

const RETURN = acting('cool', { on: 'returns' });

describe('rules on the durable runtime', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let nodes: { bus: Bus; system: ActorSystem; kind: RuleKind; bench: RuleBench }[];
  let revision = 0;

  async function start(name = 'n1', bench = new RuleBench()) {
    const bus = await nats.connect(name);
    const kind = createRuleKind(bench.parts, bus);
    const system = createSystem({ bus, kinds: [kind], node: name, alwaysOn: () => [ruleRef(kind, 'hot')] });
    const node = { bus, system, kind, bench };
    nodes.push(node);
    await system.start();
    return node;
  }
  type Node = Awaited<ReturnType<typeof start>>;

  /** As a crash would end it: nothing is said to anybody. */
  async function cut(node: Node): Promise<void> {
    nodes.splice(nodes.indexOf(node), 1);
    await node.bus.nats.close();
    await node.system.stop().catch(() => undefined);
  }

  /** The node has taken over all that another had. */
  const owner = ({ system }: Node) =>
    eventually(() => (system.owned.size === PARTITIONS ? true : undefined), { what: 'all partitions' });

  const configure = (node: Node, change: Partial<Rule> = {}) =>
    node.system.ask(ruleRef(node.kind, 'hot'), {
      ...{ type: 'configure', revision: `r${++revision}`, rule: testRule(change), loop: null },
    });
  const inside = async (node: Node) => {
    const { state, context } = await node.system.query(ruleRef(node.kind, 'hot'));
    return { state, ...(context as RuleContext) };
  };
  const becomes = (node: Node, wanted: string) =>
    eventually(async () => ((await inside(node)).state === wanted ? true : undefined), { what: `state ${wanted}` });
  const settled = (node: Node, executions: number) =>
    eventually(
      async () => {
        const found = (await inside(node)).executions;
        const open = found.some(({ steps }) => steps.some(({ status }) => status === 'pending'));
        return found.length >= executions && !open ? found : undefined;
      },
      { what: `${executions} executions` },
    );
  /** The watch has begun, so no frame is missed. */
  const watching = (bench: RuleBench, reads = 1) =>
    eventually(() => (bench.reads >= reads ? true : undefined), { what: 'watching' });

  beforeEach(async () => {
    nats = await startNats();
    nodes = [];
  });
  afterEach(async () => {
    for (const { system, bench } of nodes) {
      await system.stop();
      bench.frames.close();
    }
    await nats.stop();
  });

  it('fire on a frame, and take their actions in order, at the edge and at the return', async () => {
    const node = await start();
    const { bench } = node;
    await configure(node, { actions: [acting('hot'), RETURN, acting('second')] });
    await watching(bench);
    bench.send(70);
    bench.send(85.75);
    bench.send(90);
    bench.send(99, { channel: 2 });
    await becomes(node, 'active');
    bench.send(60);
    await becomes(node, 'waiting');
    await settled(node, 2);
    assert.deepEqual(
      bench.taken.map(({ action, key, values }) => [(action as { source: string }).source, key, values]),
      [
        ['hot', 'rule/hot#1.0', { 'comsrv:1:T:1': 85.75 }],
        ['second', 'rule/hot#1.2', { 'comsrv:1:T:1': 85.75 }],
        ['cool', 'rule/hot#2.1', { 'comsrv:1:T:1': 60 }],
      ],
    );
  });

  it('begin with the values that readers have', async () => {
    const bench = new RuleBench();
    bench.values = [{ channel: 1, kind: 'T', id: 1, value: 99, quality: 'good', time: 1 }];
    const node = await start('n1', bench);
    await configure(node);
    await becomes(node, 'active');
    assert.deepEqual((await settled(node, 1))[0]?.values, { 'comsrv:1:T:1': 99 });
  });

  it('note every short edge, one after the other', async () => {
    const node = await start();
    await configure(node);
    await watching(node.bench);
    for (let count = 0; count < 5; count++) {
      node.bench.send(90);
      node.bench.send(10);
    }
    const executions = await settled(node, 10);
    assert.deepEqual(
      executions.map(({ trigger }) => trigger),
      Array.from({ length: 5 }, () => ['fires', 'returns']).flat(),
    );
    assert.equal(node.bench.taken.length, 5);
  });

  it('try again what may help, and note what does not', async () => {
    const node = await start();
    const { bench } = node;
    let away = 2;
    bench.act = ({ action }) => {
      if ((action as { source: string }).source === 'refused')
        return Promise.reject(new StatewattError('points.not_writable', 'invalid', 'no'));
      return away-- > 0 ? Promise.reject(new StatewattError('x.away', 'unavailable', 'away')) : Promise.resolve();
    };
    await configure(node, { actions: [acting('hot'), acting('refused'), acting('hot')] });
    await watching(bench);
    bench.send(90);
    const [execution] = await settled(node, 1);
    assert.deepEqual(
      execution?.steps.map(({ status }) => status),
      ['done', 'failed', 'skipped'],
    );
    assert.equal(bench.taken.length, 4);
    assert.equal(new Set(bench.taken.slice(0, 3).map(({ key }) => key)).size, 1);
  });

  it('are evaluated on demand', async () => {
    const node = await start();
    const { system, kind, bench } = node;
    const to = ruleRef(kind, 'hot');
    await configure(node, { holdMs: 3_600_000 });
    await watching(bench);
    bench.send(85.75);
    bench.values = [{ channel: 1, kind: 'T', id: 1, value: 85.75, quality: 'good', time: 1 }];
    await becomes(node, 'holding');
    const execution = await system.ask(to, { type: 'evaluate', request: 'one' });
    assert.equal(execution.condition, true);
    assert.deepEqual([execution.trigger, execution.values], ['manual', { 'comsrv:1:T:1': 85.75 }]);
    assert.equal((await system.ask(to, { type: 'evaluate', request: 'one' })).number, execution.number);
    assert.equal(await system.ask(to, { type: 'disable' }), 'disabled');
    await assert.rejects(system.ask(to, { type: 'evaluate', request: 'two' }), { code: 'rules.not_enabled' });
    assert.equal(await system.ask(to, { type: 'enable' }), 'waiting');
  });

  it('fire once and in time though their node dies in the middle of a hold', async () => {
    const bench = new RuleBench();
    bench.values = [{ channel: 1, kind: 'T', id: 1, value: 99, quality: 'good', time: 1 }];
    const one = await start('n1', bench);
    await configure(one, { holdMs: 3_000 });
    await becomes(one, 'holding');
    const { since } = await inside(one);
    await cut(one);
    const two = await start('n2', bench);
    await owner(two);
    await becomes(two, 'active');
    const executions = await settled(two, 1);
    assert.equal(executions.length, 1);
    assert.ok((executions[0]?.at as number) >= since + 3_000, 'not before its time');
    assert.equal(bench.taken.length, 1);
  });

  it('take an action again under its key when their node dies in the middle of it', async () => {
    const bench = new RuleBench();
    bench.values = [{ channel: 1, kind: 'T', id: 1, value: 99, quality: 'good', time: 1 }];
    bench.act = () => new Promise(() => undefined);
    const one = await start('n1', bench);
    await configure(one);
    await eventually(() => (bench.taken.length === 1 ? true : undefined), { what: 'the action' });
    await cut(one);
    bench.act = () => Promise.resolve();
    const two = await start('n2', bench);
    await owner(two);
    await settled(two, 1);
    assert.deepEqual(
      bench.taken.map(({ key }) => key),
      ['rule/hot#1.0', 'rule/hot#1.0'],
    );
  });

  it('are gone for readers of Redis though they were brought to life again, as at each start', async () => {
    const node = await start();
    const { bus, system } = node;
    const ref = ruleRef(node.kind, 'hot');
    await configure(node);
    assert.equal((await readRule(bus, system, ref))?.id, 'hot');
    await system.ask(ref, { type: 'remove', source: 'site' });
    const gone = async () => {
      const found = await readRule(bus, system, ref);
      return found === undefined ? undefined : [found.id, found.rule, found.execution, found.revision > 0];
    };
    const expected = ['hot', null, null, true];
    assert.deepEqual(await gone(), expected, 'while its actor lives');
    await system.retire(ref);
    assert.deepEqual(await gone(), expected, 'when the removal is the last of it');
    await system.activate(ref);
    await system.retire(ref);
    assert.deepEqual(await gone(), expected, 'when it has lived since');
    await configure(node);
    await system.retire(ref);
    assert.equal(await gone(), undefined, 'one that is there, and lives nowhere now');
  });

  it('say what is wrong when the site has not got a point any more', async () => {
    const node = await start();
    await configure(node, { expression: '1:T:1 > 80 and' });
    const { live } = await node.system.query(ruleRef(node.kind, 'hot'));
    assert.match((live as { problem: string }).problem, /line 1, column 15: found the end/);
  });
});
