import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectBus, type Bus } from '../../../bus/connection.js';
import type { RuleContext } from '../../../machines/rule.js';
import type { RunningNode } from '../../../node/node.js';
import { startTestNode, virtualChannel, type LogLine } from '../../support/node.js';
import { eventually, tempFolder } from '../../support/temp.js';

const PATIENCE = { within: 30_000 };

describe('rules of a node', function () {
  this.timeout(120_000);
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  let node: RunningNode;
  let lines: LogLine[];
  let bus: Bus;
  let hook: Server;
  const hooked: { key: unknown; body: Record<string, unknown> }[] = [];
  const heard: { id: string | undefined; body: Record<string, unknown> }[] = [];
  let answers: number[] = [];
  /** The first call of the webhook is answered only then, so nothing is published before somebody listens. */
  let listening: () => void = () => undefined;
  const someoneListens = new Promise<void>((resolve) => (listening = resolve));

  const writeRules = (rules: string) =>
    writeFile(join(temp.path, 'site.yaml'), `site: Test\nchannels:${virtualChannel(1)}\n${rules}`);
  const rule = async (id: string) => {
    const { state, context } = await node.client.actor(`rule/${id}`);
    return { state, ...(context as Partial<RuleContext>) };
  };
  const settled = (id: string) =>
    eventually(
      async () => {
        const found = await rule(id).catch(() => undefined);
        // An actor that is being started shows no context yet.
        const steps = found?.executions?.[0]?.steps ?? [];
        return steps.length > 0 && steps.every(({ status }) => status !== 'pending') ? steps : undefined;
      },
      { ...PATIENCE, what: `rule ${id} has acted` },
    );
  async function take(request: IncomingMessage): Promise<void> {
    let text = '';
    for await (const part of request) text += String(part);
    hooked.push({ key: request.headers['idempotency-key'], body: JSON.parse(text) as Record<string, unknown> });
  }

  before(async () => {
    temp = await tempFolder();
    hook = createServer((request, response) => {
      void Promise.all([take(request), someoneListens]).then(() => response.writeHead(answers.shift() ?? 204).end());
    });
    await once(hook.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/alarm`;
    answers = [503];
    await writeRules(`
aliases: { power: '1:T:1' }
rules:
  - id: on
    name: Power is there
    condition: power >= 0 and not 1:C:1
    actions:
      - { type: write, point: 1:C:1, value: 1 }
      - { type: webhook, url: '${url}', body: { text: hello } }
      - { type: publish, subject: test.power }
      - { type: publish, subject: test.returned, on: returns }
`);
    ({ node, lines } = await startTestNode(temp.path));
    bus = await connectBus({ servers: [node.natsUrl], name: 'listener' });
    bus.nats.subscribe('test.>', {
      callback: (_, message) => {
        heard.push({ id: message.headers?.get('Nats-Msg-Id'), body: message.json() });
      },
    });
    await bus.nats.flush();
    listening();
  });
  after(async () => {
    await bus.close();
    await node.stop();
    await new Promise((resolve) => hook.close(resolve));
    await temp.remove();
  });

  it('write, call and publish, and see what they have written', async () => {
    const steps = await settled('on');
    assert.deepEqual(
      steps.map(({ status }) => status),
      ['done', 'queued', 'queued'],
      JSON.stringify(steps),
    );
    // The device holds it; readers have it with the next cycle.
    await eventually(async () => ((await node.client.point(1, 'C', 1)).value === 1 ? true : undefined), PATIENCE);
    // What it wrote made its condition false.
    await eventually(() => (heard.length === 2 ? true : undefined), { ...PATIENCE, what: 'the return' });
    // More than twice where the first call was held for longer than it is waited for: always with the same key.
    assert.ok(hooked.length >= 2, 'the first answer was 503');
    assert.equal(new Set(hooked.map(({ key }) => key)).size, 1);
    assert.match(String(hooked[0]?.key), /^rule\/on#\d+\.\d+$/);
    const [{ body }] = hooked as [(typeof hooked)[number]];
    assert.deepEqual([body.rule, body.name, body.body], ['on', 'Power is there', { text: 'hello' }]);
    assert.equal(typeof (body.values as Record<string, number>)['comsrv:1:T:1'], 'number');
    assert.deepEqual(
      heard.map(({ body }) => [body.rule, body.execution]),
      [
        ['on', 1],
        ['on', 2],
      ],
    );
    assert.equal(new Set([...heard.map(({ id }) => id), hooked[0]?.key]).size, 3);
    assert.match((await rule('on')).loop ?? '', /^on writes comsrv:1:C:1, on reads it$/);
  });

  it('follow the site file, all of it or not at all', async () => {
    await writeRules(`rules: [{ id: other, condition: 1:T:1 >, actions: [{ type: publish, subject: a.b }] }]`);
    await eventually(() => lines.find(({ text }) => text.includes('the edit is not in force')), PATIENCE);
    assert.notEqual((await rule('on')).state, 'disabled');

    await writeRules(
      `rules: [{ id: other, condition: 1:T:1 >= 0, actions: [{ type: publish, subject: test.other }] }]`,
    );
    await settled('other');
    await eventually(async () => ((await rule('on').catch(() => undefined)) === undefined ? true : undefined), {
      ...PATIENCE,
      what: 'the removed rule is gone',
    });
    await eventually(() => (heard.some(({ body }) => body.rule === 'other') ? true : undefined), PATIENCE);
    assert.equal(heard.filter(({ body }) => body.rule === 'other').length, 1);
    assert.deepEqual(
      lines.filter(({ level, facts }) => level === 'error' && facts.part === 'rules'),
      [],
    );
  });

  it('of callers are durable, have their interlocks, and may be tried on the past', async () => {
    const { rules } = node.client;
    const actions = [
      { type: 'write', point: '1:A:1', value: 5, interlock: '1:S:1 and 1:C:1', onFailure: 'continue' },
      { type: 'write', point: '1:A:1', value: 7, interlock: '1:S:1' },
    ] as const;
    const made = await rules.create({ id: 'mine', condition: '1:T:1 >= 0', enabled: false, actions: [...actions] });
    assert.deepEqual([made.source, made.state], ['caller', 'disabled']);
    await assert.rejects(rules.create({ id: 'mine', condition: '1:T:1 > 0', actions: [...actions] }), {
      code: 'rules.exists',
    });
    await assert.rejects(rules.create({ condition: '9:T:1 > 0', actions: [...actions] }), { code: 'rules.invalid' });
    await assert.rejects(rules.update('other', { name: 'x' }), { code: 'rules.configured', message: /site\.yaml/ });
    await eventually(
      async () => ((await node.client.point(1, 'C', 1)).quality === 'good' ? true : undefined),
      PATIENCE,
    );
    await node.client.write({ channel: 1, kind: 'C', id: 1, value: 0 });
    await eventually(async () => ((await node.client.point(1, 'C', 1)).value === 0 ? true : undefined), PATIENCE);

    await bus.close();
    await node.stop();
    ({ node, lines } = await startTestNode(temp.path));
    bus = await connectBus({ servers: [node.natsUrl], name: 'listener' });
    await eventually(async () => {
      return (await node.client.channel(1)).state === 'online' ? true : undefined;
    }, PATIENCE);
    assert.deepEqual(
      (await node.client.rules.list({ source: 'caller' })).rules.map(({ id }) => id),
      ['mine'],
    );
    await node.client.rules.update('mine', { enabled: true });
    const steps = await settled('mine');
    const [refused, done] = steps as unknown as [
      { status: string; error?: { code: string; message: string } },
      { status: string },
    ];
    assert.deepEqual([refused.status, refused.error?.code, done.status], ['failed', 'rules.interlocked', 'done']);
    assert.match(refused.error?.message ?? '', /is false; comsrv:1:S:1 = 1, comsrv:1:C:1 = 0$/);
    const past = await eventually(
      async () => {
        const found = await node.client.rules.dryRun('mine', {});
        return found.fired > 0 ? found : undefined;
      },
      { ...PATIENCE, what: 'the dry run finds the values in history' },
    );
    assert.equal(past.complete, true);

    // Whatever befalls its actor, it is a rule of the site, and says what is wrong with it.
    const given = await eventually(
      async () => {
        await node.client.killActor('rule/mine').catch(() => undefined); // It waits for its restart.
        const found = await node.client.rules.get('mine');
        return found.state === 'failed' ? found : undefined;
      },
      { ...PATIENCE, what: 'its actor is given up' },
    );
    assert.deepEqual([given.name, given.actions.length, given.enabled], ['mine', 2, true]);
    assert.match(given.problem ?? '', /killed by an operator/);
    assert.deepEqual((await node.client.rules.list({ state: 'failed' })).rules, [given]);
    await assert.rejects(node.client.rules.remove('mine'), { code: 'actors.failed' });
    await node.client.restartActor('rule/mine');
    assert.equal((await node.client.rules.get('mine')).problem, null);
    // What is changed while it waits for its restart turns nothing on.
    await node.client.rules.command('mine', 'disable');
    await node.client.killActor('rule/mine');
    assert.equal((await node.client.rules.get('mine')).enabled, false);
    assert.deepEqual((await node.client.rules.update('mine', { name: 'My rule' })).state, 'disabled');
    await node.client.rules.remove('mine');
    await assert.rejects(node.client.rules.get('mine'), { code: 'rules.not_found' });
    await assert.rejects(node.client.rules.evaluate('mine', {}), { code: 'rules.not_found' });
  });

  it('raise one alarm an episode and clear it when their condition is false again', async () => {
    await writeRules(
      `rules: [{ id: much, name: Too much, condition: 1:A:1 > 50, actions: [{ type: alarm, level: Major }] }]`,
    );
    await eventually(
      async () => ((await rule('much').catch(() => undefined))?.state === 'waiting' ? true : undefined),
      {
        ...PATIENCE,
        what: 'the rule is there',
      },
    );
    const become = (state: string) =>
      eventually(
        async () => {
          const { alarms: items } = await node.client.alarms.list({ ruleId: 'much' });
          return items[0]?.state === state ? items : undefined;
        },
        { ...PATIENCE, what: `the alarm is ${state}` },
      );
    await node.client.write({ channel: 1, kind: 'A', id: 1, value: 60 });
    const [alarm, ...others] = await become('unacknowledged');
    assert.deepEqual(
      [alarm?.title, alarm?.level, alarm?.source, alarm?.ruleId, others.length],
      ['Too much', 'Major', 'rule:much', 'much', 0],
    );
    await node.client.write({ channel: 1, kind: 'A', id: 1, value: 10 });
    await become('returned');
  });
});
