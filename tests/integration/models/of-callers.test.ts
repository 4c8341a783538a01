import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
  const valuesOf = async (model: string) => {
    const { rows } = await node.client.modelHistory({ model, point: 'tariff', resolution: 'raw' });
    return rows.map(({ value }) => value);
  };

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
  });
});
