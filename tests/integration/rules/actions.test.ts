import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { RuleContext } from '../../../machines/rule.js';
import type { RunningNode } from '../../../node/node.js';
import { startTestNode, virtualChannel } from '../../support/node.js';
import { eventually, tempFolder } from '../../support/temp.js';

const PATIENCE = { within: 20_000 };

describe('what rules do', function () {
  this.timeout(90_000);
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  let node: RunningNode;
  let hook: Server;
  let hookUrl: string;
  let answer = 404;
  const hooked: { key: unknown; body: Record<string, unknown> }[] = [];

  const writeRules = (rules: string) =>
    writeFile(
      join(temp.path, 'site.yaml'),
      `site: Test
channels:${virtualChannel(1)}
  - id: 900
    name: Simulation
    protocol: virtual
    polling: { interval_ms: 50 }
    simulation: { patterns: [{ type: ramp, point_id: 1, from: 0, to: 86400, duration_ms: 86400000 }] }
    points:
      - { id: 1, name: Elapsed, unit: s }
      - { id: 2, name: Target, unit: °C, min: 0, max: 100 }
      - { id: 1, kind: S, name: Asked }
models:
  - { id: roof, template: pv_inverter, parameters: { rated_power: 1000 } }
rules:${rules}
`,
    );
  const value = async (kind: 'T' | 'S' | 'A', id: number, channel = 900) => {
    const { value: found, quality } = await node.client.point(channel, kind, id);
    return quality === 'good' ? found : undefined;
  };
  const becomes = (what: string, wanted: unknown, read: () => Promise<unknown>) =>
    eventually(async () => ((await read()) === wanted ? true : undefined), {
      ...PATIENCE,
      what: `${what} is ${String(wanted)}`,
    });
  const stateOf = (id: string) => async () => (await node.client.rules.get(id).catch(() => undefined))?.state;
  const steps = (id: string) =>
    eventually(
      async () => {
        const { executions } = await node.client.rules.executions(id, {});
        const found = executions.at(-1)?.steps ?? [];
        return found.length > 0 && found.every(({ status }) => status !== 'pending') ? found : undefined;
      },
      { ...PATIENCE, what: `the rule ${id} has acted` },
    );
  async function take(request: IncomingMessage): Promise<void> {
    let text = '';
    for await (const part of request) text += String(part);
    hooked.push({ key: request.headers['idempotency-key'], body: JSON.parse(text) as Record<string, unknown> });
  }
  const start = async () => {
    ({ node } = await startTestNode(temp.path, {}, { STATEWATT_DURABILITY: 'relaxed' }));
    await becomes('channel 1', 'online', async () => (await node.client.channel(1)).state);
  };

  before(async () => {
    temp = await tempFolder();
    hook = createServer((request, response) => {
      void take(request).then(() => response.writeHead(answer).end());
    });
    await once(hook.listen(0, '127.0.0.1'), 'listening');
    hookUrl = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`;
    await writeRules(' []');
    await start();
  });
  after(async () => {
    await node.stop();
    await new Promise((resolve) => hook.close(resolve));
    await temp.remove();
  });

  it('sets points that no device has, durably, and computes what they take', async () => {
    assert.equal(await value('T', 2), undefined, 'nobody has set it yet');
    await node.client.write({ channel: 1, kind: 'A', id: 1, value: 20 });
    await becomes('the limit', 20, () => value('A', 1, 1));
    await node.client.rules.create({
      id: 'sets',
      condition: '1:S:1',
      actions: [
        { type: 'set', point: 'Simulation/Target', value: '1:A:1 * 2 + 1' },
        { type: 'set', point: '900:S:1', value: '1:A:1 > 10' },
        { type: 'set', model: 'roof', point: 'power_limit', value: '1:A:1' },
        { type: 'set', point: '900:T:2', value: '1:A:1 * 100', onFailure: 'continue' },
        { type: 'set', point: '900:T:2', value: '1 / (1:A:1 - 20)', onFailure: 'continue' },
      ],
    });
    const taken = await steps('sets');
    assert.deepEqual(
      taken.map(({ status, error }) => error?.code ?? status),
      ['done', 'done', 'done', 'points.out_of_range', 'rules.unknown_value'],
      JSON.stringify(taken),
    );
    await becomes('the target', 41, () => value('T', 2));
    await becomes('the state', 1, () => value('S', 1));
    const limit = async () => {
      const { points } = await node.client.model('roof');
      return points.find(({ name }) => name === 'power_limit')?.value;
    };
    assert.equal(await limit(), 20);

    await node.client.rules.remove('sets');
    await node.stop();
    await start();
    await becomes('the target, after a restart,', 41, () => value('T', 2));
    assert.equal(await limit(), 20);
  });

  it('starts a simulation from its beginning, and stops it', async () => {
    const simulation = async () => (await node.client.channel(900)).state;
    const elapsed = async () => Number(await value('T', 1));
    await eventually(async () => ((await elapsed()) > 1 ? true : undefined), PATIENCE);
    const before = await elapsed();
    await node.client.rules.create({
      id: 'begins',
      condition: '1:S:1',
      actions: [{ type: 'simulate', channel: 900 }],
    });
    assert.equal((await steps('begins'))[0]?.status, 'done');
    await eventually(async () => ((await elapsed()) < before ? true : undefined), PATIENCE);
    assert.equal(await value('T', 2), 41, 'what was set stays');
    await node.client.rules.create({
      id: 'ends',
      condition: '1:S:1',
      actions: [{ type: 'simulate', channel: 900, command: 'stop' }],
    });
    await becomes('the simulation', 'stopped', simulation);
    await node.client.rules.evaluate('begins', {});
    await node.client.rules.update('begins', { name: 'again' });
    await becomes('the simulation', 'online', simulation);
    const loop = await node.client.rules.create({
      id: 'round',
      condition: '900:T:1 > 100000',
      actions: [{ type: 'simulate', channel: 900 }],
    });
    assert.match(loop.loop ?? '', /^round writes comsrv:900:T:1, round reads it$/);
    await assert.rejects(
      node.client.rules.create({ condition: '1:S:1', actions: [{ type: 'set', point: '900:T:1', value: 1 }] }),
      { code: 'rules.invalid', message: /which something else feeds/ },
    );
    for (const id of ['begins', 'ends', 'round']) await node.client.rules.remove(id);
  });

  it('calls a webhook that refuses once, parks it, goes on with the rest, and calls again when told to', async () => {
    await node.client.rules.create({
      id: 'hooks',
      condition: '1:S:1',
      actions: [
        { type: 'webhook', url: hookUrl, body: 'first' },
        { type: 'set', point: '900:T:2', value: 77 },
        { type: 'webhook', url: hookUrl, body: 'second' },
      ],
    });
    assert.deepEqual(
      (await steps('hooks')).map(({ status }) => status),
      ['queued', 'done', 'queued'],
    );
    await becomes('the target', 77, () => value('T', 2));
    const parked = await eventually(
      async () => {
        const { letters } = await node.client.deadLetters({ ref: 'rule/hooks' });
        return letters.length === 2 ? letters : undefined;
      },
      { ...PATIENCE, what: 'both are parked' },
    );
    assert.deepEqual(
      parked.map(({ effect, attempts, replayable, error }) => [effect, attempts, replayable, error.code]),
      Array.from({ length: 2 }, () => ['callWebhook', 1, true, 'effects.refused']),
    );
    assert.match(parked[0]?.error.message ?? '', /answered 404/);
    answer = 204;
    const [letter] = parked;
    await node.client.replayDeadLetter(letter?.id as number);
    assert.deepEqual(
      hooked.map(({ body }) => body.body),
      ['first', 'second', 'first'],
    );
    assert.deepEqual([hooked[2]?.key, hooked[2]?.key === hooked[1]?.key], [hooked[0]?.key, false]);
    await becomes('what is parked', 1, async () => {
      return (await node.client.deadLetters({ ref: 'rule/hooks' })).letters.length;
    });
    await node.client.rules.remove('hooks');
  });

  describe('about the alarms of an active rule', () => {
    const actions = [{ type: 'alarm', level: 'Major' } as const];
    const alarmOf = async (ruleId: string) => (await node.client.alarms.list({ ruleId })).alarms[0];
    const isUp = async (id: string) => {
      await becomes('the rule', 'active', stateOf(id));
      await becomes('the alarm', 'unacknowledged', async () => (await alarmOf(id))?.state);
    };
    const isGone = async (id: string, reason: string) => {
      await becomes('the alarm', 'returned', async () => (await alarmOf(id))?.state);
      const { entries } = await node.client.alarms.journal((await alarmOf(id))?.id as string, {});
      const { what, by, text } = entries.at(-1) ?? {};
      assert.deepEqual([what, by, text], ['cleared', `rule:${id}`, reason]);
      assert.equal(entries.filter((entry) => entry.what === 'cleared').length, 1);
    };

    it('is that one disabled leaves none behind', async () => {
      await node.client.rules.create({ id: 'off', condition: '1:S:1', actions });
      await isUp('off');
      await node.client.rules.command('off', 'disable');
      await isGone('off', 'rule disabled');
      await node.client.rules.command('off', 'enable');
      await isUp('off');
    });

    it('is that one removed leaves none behind', async () => {
      await node.client.rules.create({ id: 'gone', condition: '1:S:1', actions });
      await isUp('gone');
      await node.client.rules.remove('gone');
      await isGone('gone', 'rule removed');
    });

    it('is that one changed keeps what it still raises, and leaves nothing else behind', async () => {
      await node.client.rules.create({ id: 'changes', condition: '1:S:1', actions });
      await isUp('changes');
      await node.client.rules.update('changes', { condition: '1:S:1 and 1:T:1 >= 0' });
      await isUp('changes');
      assert.equal((await alarmOf('changes'))?.occurrences, 1, 'it never went');
      await node.client.rules.update('changes', { condition: '1:T:1 < 0' });
      await isGone('changes', 'rule changed');
    });

    it('is the same when the site file changes', async () => {
      const rule = (condition: string) => `
  - { id: filed, condition: '${condition}', actions: [{ type: alarm, level: Minor }] }`;
      await writeRules(rule('1:S:1'));
      await isUp('filed');
      await writeRules(rule('not 1:S:1'));
      await isGone('filed', 'rule changed');
      await writeRules(rule('1:S:1'));
      await isUp('filed');
      await writeRules(' []');
      await becomes('the alarm', 'returned', async () => (await alarmOf('filed'))?.state);
      const { entries } = await node.client.alarms.journal((await alarmOf('filed'))?.id as string, {});
      assert.equal(entries.at(-1)?.text, 'rule removed');
      await becomes('the rule', undefined, async () => {
        const found = await node.client.actor('rule/filed').catch(() => undefined);
        return (found?.context as Partial<RuleContext> | undefined)?.rule ?? undefined;
      });
    });
  });
});
