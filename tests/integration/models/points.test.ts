import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningNode } from '../../../node/node.js';
import type { RuleContext } from '../../../machines/rule.js';
import { startTestNode, virtualChannel } from '../../support/node.js';
import { eventually, tempFolder } from '../../support/temp.js';

const PATIENCE = { within: 30_000 };
const TEMPLATE = `
id: relay
name: Relay
points:
  - { name: power, unit: W, max: 1000000 }
  - { name: double, unit: W, expression: power * 2 }
  - { name: silent, unit: W, expression: power * 3 }
  - { name: high, kind: S, expression: double > 0 and tariff > 5 }
  - { name: close, kind: C }
  - { name: limit, kind: A, unit: W, min: 0, max: 100 }
  - { name: tariff, kind: A }
  - { name: note, kind: A, text: true }
`;
const SITE = `channels:${virtualChannel(1001, { base: 5 })}
templates: [relay.yaml]
history:
  mapping:
    - { points: 'model:*:silent', store: never }
models:
  - id: feeder
    template: relay
    points:
      power: { point: 1001:T:1, scale: 1000 }
      close: 1001:C:1
      limit: { point: 1001:A:1, scale: 2 }
aliases: { dear: 'model:feeder:tariff' }
rules:
  - id: expensive
    condition: model:feeder:high and quality(model:feeder:power) == good and dear > 5
    actions:
      - { type: write, point: 'model:feeder:close', value: 1 }
      - { type: set, point: 'model:feeder:limit', value: 'dear * 4', on: fires }
      - { type: write, point: 'model:feeder:close', value: 0, on: returns }
  - id: loop_out
    condition: model:feeder:limit > 200
    enabled: false
    actions: [{ type: write, point: '1001:A:1', value: 1 }]
`;

describe('points of models that no channel has', function () {
  this.timeout(120_000);
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let node: RunningNode;

  const start = async () => ({ node } = await startTestNode(folder.path));
  const rowsOf = async (point: string, model = 'feeder') =>
    (await node.client.modelHistory({ model, point, resolution: 'raw', limit: 10_000 })).rows;
  const write = (point: string, value: number | string, model = 'feeder') =>
    node.client.writeModel({ model, point, value });
  const channelValue = async (kind: 'C' | 'A') => (await node.client.point(1001, kind, 1)).value;
  const rule = async (id: string) => (await node.client.actor(`rule/${id}`)).context as RuleContext;

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

  it('have a history: what is computed with each change, what is set, each once', async () => {
    const power = await eventually(async () => {
      const rows = await rowsOf('power');
      return rows.length >= 3 ? rows : undefined;
    }, PATIENCE);
    const double = await eventually(async () => {
      const rows = await rowsOf('double');
      return rows.length >= 3 ? rows : undefined;
    }, PATIENCE);
    const known = new Map(power.map(({ time, value }) => [time, value as number]));
    const same = double.filter(({ time, value }) => known.get(time) === (value as number) / 2);
    assert.ok(same.length >= 2, 'at the time of the reading');
    assert.equal(new Set(double.map(({ time }) => time)).size, double.length, 'each time once');
    await write('tariff', 1);
    await write('tariff', 2);
    await write('note', 'day');
    await eventually(async () => {
      const rows = await rowsOf('tariff');
      const values = rows.map(({ value }) => value);
      return values.includes(1) && values.includes(2) ? true : undefined;
    }, PATIENCE);
    await eventually(
      async () => ((await rowsOf('note')).some(({ value }) => value === 'day') ? true : undefined),
      PATIENCE,
    );
    assert.deepEqual(await rowsOf('silent'), [], 'the mapping says never');
  });

  it('set off rules, which write to models', async () => {
    await eventually(async () => ((await rule('expensive')).condition === false ? true : undefined), PATIENCE);
    await write('tariff', 9);
    await eventually(async () => ((await channelValue('C')) === 1 ? true : undefined), PATIENCE);
    await eventually(async () => ((await channelValue('A')) === 18 ? true : undefined), PATIENCE);
    const { executions } = await rule('expensive');
    const values = executions[0]?.values ?? {};
    assert.deepEqual(Object.keys(values).sort(), ['comsrv:1001:T:1', 'model:feeder:tariff']);
    assert.equal(values['model:feeder:tariff'], 9);
    await write('tariff', 0);
    await eventually(async () => ((await channelValue('C')) === 0 ? true : undefined), PATIENCE);
  });

  it('are seen through by the search for loops', async () => {
    const { loop } = await node.client.rules.get('loop_out');
    assert.equal(loop, 'loop_out writes comsrv:1001:A:1, loop_out reads it');
  });

  it('are seen by dry runs', async () => {
    const run = await eventually(async () => {
      const found = await node.client.rules.dryRun('expensive', { from: Date.now() - 600_000 });
      return found.fired > 0 ? found : undefined;
    }, PATIENCE);
    assert.equal(run.fired, 1);
    assert.equal(run.firings[0]?.values['model:feeder:tariff'], 9);
  });

  it('have nothing twice after a restart, and go on', async () => {
    await node.stop();
    await start();
    const since = Date.now();
    const double = await eventually(async () => {
      const rows = await rowsOf('double');
      return rows.filter(({ time }) => time > since).length >= 2 ? rows : undefined;
    }, PATIENCE);
    assert.equal(new Set(double.map(({ time }) => time)).size, double.length);
    const tariff = await rowsOf('tariff');
    assert.equal(new Set(tariff.map(({ time }) => time)).size, tariff.length);
    assert.equal(tariff.at(-1)?.value, 0);
    await write('tariff', 7);
    await eventually(async () => ((await channelValue('C')) === 1 ? true : undefined), PATIENCE);
  });
});
