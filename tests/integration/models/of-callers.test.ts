import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toAddress } from '../../../actors/client/addresses.js';
import { watchAny } from '../../../actors/client/watch-points.js';
import type { RunningNode } from '../../../node/node.js';
import { firstChannel } from '../../../site/models/stored-address.js';
import { startTestNode, virtualChannel } from '../../support/node.js';
import { eventually, tempFolder } from '../../support/temp.js';

const PATIENCE = { within: 30_000 };
/** Ids from which the same number follows. */
const [OF_SITE, OF_CALLER] = ['pump_944', 'pump_9027'];
const TEMPLATE = `
id: relay
name: Relay
points:
  - { name: power, unit: W }
  - { name: double, unit: W, expression: power * 2 }
  - { name: tariff, kind: A }
`;
const SITE = `channels:${virtualChannel(1001, { base: 5 })}
templates: [relay.yaml]
models:
  - { id: ${OF_SITE}, template: relay, points: { power: 1001:T:1 } }
`;

describe('models of callers, on two nodes', function () {
  this.timeout(120_000);
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let node: RunningNode;

  const start = async () => ({ node } = await startTestNode(folder.path, { nodes: 2 }));
  const hold = (model: string, value: number) => node.client.writeModel({ model, point: 'tariff', value });
  const create = (id: string, condition: string) =>
    node.client.rules.create({
      ...{ id, condition },
      actions: [
        { type: 'write', point: '1001:C:1', value: 1 },
        { type: 'write', point: '1001:C:1', value: 0, on: 'returns' },
      ],
    });
  const switched = (to: number) =>
    eventually(async () => ((await node.client.point(1001, 'C', 1)).value === to ? true : undefined), PATIENCE);
  const valuesOf = async (model: string) => {
    const { rows } = await node.client.modelHistory({ model, point: 'tariff', resolution: 'raw' });
    return rows.map(({ value }) => value);
  };

  let told = 0;
  /** Whether a value that is set now is stored. */
  const isStored = async () => {
    told += 1;
    await hold('loud', told);
    await hold('marker', told);
    await eventually(async () => ((await valuesOf('marker')).includes(told) ? true : undefined), PATIENCE);
    return (await valuesOf('loud')).includes(told);
  };
  const untilStored = (wanted: boolean) =>
    eventually(async () => ((await isStored()) === wanted ? true : undefined), PATIENCE);

  before(async () => {
    folder = await tempFolder();
    await writeFile(join(folder.path, 'relay.yaml'), TEMPLATE);
    await writeFile(join(folder.path, 'site.yaml'), SITE);
    await start();
  });
  after(async () => {
    await node.stop();
    await folder.remove();
  });

  it('have a past of their own, whatever follows from their ids', async () => {
    assert.equal(firstChannel(OF_SITE), firstChannel(OF_CALLER));
    await node.client.createModel({ id: OF_CALLER, template: 'relay', points: { power: { point: '1001:T:1' } } });
    for (const value of [1, 3, 5]) await hold(OF_SITE, value);
    for (const value of [2, 4, 6]) await hold(OF_CALLER, value);
    const whole = async (model: string, last: number) => {
      const values = await valuesOf(model);
      return values.includes(last) ? values : undefined;
    };
    assert.deepEqual(await eventually(() => whole(OF_SITE, 5), PATIENCE), [1, 3, 5]);
    assert.deepEqual(await eventually(() => whole(OF_CALLER, 6), PATIENCE), [2, 4, 6]);
  });

  it('set off rules, which are checked against them', async () => {
    await node.client.createModel({ id: 'made', template: 'relay', points: { power: { point: '1001:T:1' } } });
    await assert.rejects(create('wrong', 'model:made:tarif > 5'), (error: Error) => {
      assert.match(error.message, /model:made:tariff perhaps/);
      return true;
    });
    await assert.rejects(create('wrong', 'model:nobody:tariff > 5'), /there is no model nobody/);
    await create('dear', 'model:made:tariff > 5 and model:made:double > 0');
    await hold('made', 9);
    await switched(1);
    const { values, problem } = await node.client.rules.get('dear');
    assert.deepEqual([values['model:made:tariff'], problem], [9, null]);
    await hold('made', 1);
    await switched(0);
    const run = await eventually(async () => {
      const found = await node.client.rules.dryRun('dear', { from: Date.now() - 600_000 });
      return found.fired > 0 ? found : undefined;
    }, PATIENCE);
    assert.equal(run.fired, 1);
  });

  it('leave rules that say why they rest, and go on when the model is made again', async () => {
    const executions = async () => (await node.client.rules.get('dear')).executions;
    const before = await executions();
    await node.client.removeModel('made');
    const { problem } = await eventually(async () => {
      const rule = await node.client.rules.get('dear');
      return rule.problem === null ? undefined : rule;
    }, PATIENCE);
    assert.match(problem ?? '', /there is no model made/);
    assert.equal(await executions(), before, 'nothing is lost');
    await node.client.createModel({ id: 'made', template: 'relay', points: { power: { point: '1001:T:1' } } });
    await hold('made', 7);
    await switched(1);
    assert.equal((await node.client.rules.get('dear')).problem, null);
    await hold('made', 1);
    await switched(0);
  });

  it('are points wherever those of channels are', async () => {
    const points = ['model:made:power', 'model:made:tariff', '1001:T:1'].map(toAddress);
    const from = Date.now() - 600_000;
    const { series } = await node.client.archive.series({
      ...{ points: points.map((point) => ('model' in point ? point : { channel: 1001, kind: 'T', id: 1 })) },
      ...{ from, every: '1h', aggregates: ['max', 'count'] },
    });
    assert.deepEqual(
      series.map(({ model, point, channel }) => [model, point, channel === 1001]),
      [
        ['made', 'power', true],
        ['made', 'tariff', false],
        [undefined, undefined, true],
      ],
    );
    assert.equal(
      series[1]?.rows.some(({ max }) => max === 9),
      true,
    );
    const text = async (query: string) => (await fetch(`${node.url}/api/v1/${query}`)).text();
    const csv = await text(`history/export?points=model:made:tariff,1001:T:1&from=${from}`);
    assert.match(csv, /^address,time,value,text,quality\n"model:made:tariff",/);
    assert.match(csv, /\n"comsrv:1001:T:1",/);
    const latest = JSON.parse(await text('points/model:made:tariff')) as { address: string; value: number };
    assert.deepEqual([latest.address, latest.value], ['model:made:tariff', 1]);
    const page = JSON.parse(await text('points/model:made:tariff/history')) as { model: string; rows: unknown[] };
    assert.ok(page.model === 'made' && page.rows.length > 0);
    assert.match(await text('points/model:made:tarif/history'), /did you mean tariff\?/);
    assert.match(await text('history?points=model:nobody:tariff&every=1h'), /there is no model nobody/);
  });

  it('take what was kept elsewhere, as they see it', async () => {
    const from = Date.now() - 86_400_000;
    const send = async (text: string) => {
      const headers = { 'content-type': 'text/csv' };
      const answer = await fetch(`${node.url}/api/v1/history/import`, { method: 'POST', headers, body: text });
      return (await answer.json()) as { stored: number; problems: { line: number; problem: string }[] };
    };
    const rows = [`model:made:tariff,${from},41`, `model:made:power,${from},42`, `model:made:tarif,${from},43`];
    const { stored, problems } = await send(`address,time,value\n${rows.join('\n')}\n`);
    assert.deepEqual([stored, problems[0]?.line], [2, 4]);
    assert.match(problems[0]?.problem ?? '', /has no point tarif; did you mean tariff\?/);
    const csv = await (
      await fetch(
        `${node.url}/api/v1/history/export?points=model:made:tariff,model:made:power&from=${from}&to=${from + 1}`,
      )
    ).text();
    assert.match(csv, /"model:made:tariff",[^\n]*,41,[^\n]*\n"model:made:power",[^\n]*,42,/);
    assert.deepEqual((await send(csv)).stored, 2, 'what was exported can be imported');
  });

  it('are watched by their addresses', async () => {
    const abort = new AbortController();
    const seen: (number | string | null)[] = [];
    const updates = await watchAny(
      node.client,
      ['model:made:tariff', 'model:made:double'].map(toAddress),
      abort.signal,
    );
    const watching = (async () => {
      for await (const { points } of updates)
        for (const { address, value } of points) if (address === 'model:made:tariff') seen.push(value);
    })();
    let value = 100;
    await eventually(async () => {
      await hold('made', ++value);
      return seen.length > 1 ? true : undefined;
    }, PATIENCE);
    abort.abort();
    await watching;
    assert.ok(
      seen.every((each) => (each as number) > 100 && (each as number) <= value),
      seen.join(),
    );
    await hold('made', 1);
  });

  it('are stored as mapped', async () => {
    for (const id of ['loud', 'marker']) await node.client.createModel({ id, template: 'relay' });
    await untilStored(true);
    await node.client.archive.putMapping('quiet', { points: 'model:loud:*', store: 'never' });
    await untilStored(false); // The node where the model lives learns of it within moments.
  });

  it('have it again after a restart, and when they are made again', async () => {
    await node.client.removeModel(OF_CALLER);
    await node.stop();
    await start();
    await node.client.createModel({ id: OF_CALLER, template: 'relay' });
    await hold(OF_CALLER, 8);
    const values = await eventually(async () => {
      const found = await valuesOf(OF_CALLER);
      return found.includes(8) ? found : undefined;
    }, PATIENCE);
    assert.deepEqual([...new Set(values)], [2, 4, 6, 8]);
    assert.ok((await valuesOf(OF_SITE)).every((value) => [1, 3, 5].includes(value as number)));
    await hold('made', 9);
    await switched(1);
  });

  it('are stored as mapped after a restart too, until the mapping goes', async () => {
    assert.deepEqual([await isStored(), await isStored()], [false, false]);
    assert.equal((await node.client.modelPoint('loud', 'tariff')).value, told, 'it is there for who reads it');
    await node.client.archive.removeMapping('quiet');
    await untilStored(true);
  });
});
