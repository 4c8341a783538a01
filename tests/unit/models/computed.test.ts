import assert from 'node:assert/strict';
import { collect } from '../../../actors/models/hub.js';
import { ModelValues } from '../../../actors/models/values.js';
import { modelParts } from '../../../site/config/index.js';
import { buildModel } from '../../../site/models/build.js';
import { BAD, GOOD, STALE, pointKey, type Frame } from '../../../site/points.js';
import { loadFiles } from '../../support/config.js';

const SITE = `
channels:
  - id: 1
    protocol: virtual
    points: [{ id: 1, name: L1 }, { id: 2, name: L2 }, { id: 3, name: Sum }]
templates: [t.yaml]
`;
const TEMPLATE = `
id: t
name: T
parameters: [{ name: rated, default: 100 }]
points:
  - { name: share, expression: 'power / \${rated}', max: 1 }
  - { name: power, unit: W, expression: l1 + l2 }
  - { name: high, kind: S, expression: share > 0.5 }
  - { name: l1 }
  - { name: l2 }
  - { name: spare, kind: A }
  - { name: reserve, expression: rest(spare) }
`.replace('rest(spare)', 'power - spare');

type Point = [id: number, value: number, quality?: number];

function frame(time: number, points: readonly Point[]): Frame {
  return {
    ...{ channel: 1, epoch: 1, seq: time, time },
    keys: Uint32Array.from(points, ([id]) => pointKey('T', id)),
    values: Float64Array.from(points, ([, value]) => value),
    quality: Uint8Array.from(points, ([, , quality = GOOD]) => quality),
  };
}

describe('computed points of a model', () => {
  const mapping = { l1: { point: '1:T:1' }, l2: { point: '1:T:2' } };

  async function make(points: Record<string, { point: string }> = mapping, held = {}): Promise<ModelValues> {
    const { templates, channels } = await loadFiles({ 'site.yaml': SITE, 't.yaml': TEMPLATE });
    const problems: string[] = [];
    const definition = { id: 'm', name: 'M', template: 't', parameters: {}, parent: null, points };
    const model = buildModel(definition, modelParts(templates, channels), collect(problems));
    assert.ok(model !== undefined, problems.join('; '));
    return new ModelValues(model, held);
  }
  const names = (values: ModelValues, slots: readonly number[]) =>
    slots.map((slot) => values.model.points[slot]?.name).join(' ');
  const at = (values: ModelValues, name: string) => {
    const { value, quality, time } = values.at(values.model.points.findIndex((point) => point.name === name));
    return [value, quality, time];
  };

  it('follow the values that they read, also those that are computed, whatever the order in the template', async () => {
    const values = await make();
    assert.deepEqual(at(values, 'power'), [null, 'bad', null]);
    assert.equal(names(values, values.applyFrame(frame(1_000, [[1, 20]]))), 'l1 power share high reserve');
    assert.deepEqual(at(values, 'power'), [null, 'bad', null]);
    values.applyFrame(frame(2_000, [[2, 40]]));
    assert.deepEqual(at(values, 'power'), [60, 'good', 2_000]);
    assert.deepEqual(at(values, 'share'), [0.6, 'good', 2_000]);
    assert.deepEqual(at(values, 'high'), [1, 'good', 2_000]);
    values.applyFrame(frame(3_000, [[1, 90]]));
    assert.deepEqual(at(values, 'share'), [1.3, 'out-of-range', 3_000]);
    assert.deepEqual(names(values, values.applyFrame(frame(4_000, [[3, 1]]))), '');
  });

  it('keep the last result while something that they read is not known', async () => {
    const values = await make();
    values.applyFrame(frame(1_000, [[1, 20], [2, 10]])); // prettier-ignore
    values.applyFrame(frame(2_000, [[1, 20, STALE]]));
    assert.deepEqual(at(values, 'power'), [30, 'bad', 1_000]);
    assert.deepEqual(at(values, 'share'), [0.3, 'bad', 1_000]);
    values.applyFrame(frame(3_000, [[1, NaN, BAD]]));
    values.applyFrame(frame(4_000, [[1, 30]]));
    assert.deepEqual(at(values, 'power'), [40, 'good', 4_000]);
  });

  it('read what is held and what readers have, and hold nothing themselves', async () => {
    const values = await make(mapping, { spare: { value: 5, at: 7 }, power: { value: 1, at: 1 } });
    const stored = (id: number) => ({ channel: 1, kind: 'T', id, value: 10, quality: 'good', time: 9 }) as const;
    values.applyStored([stored(1), stored(2)]);
    assert.deepEqual(at(values, 'power'), [20, 'good', 9]);
    assert.deepEqual(at(values, 'reserve'), [15, 'good', 9]);
    assert.equal(names(values, values.hold('spare', { value: 6, at: 11 })), 'spare reserve');
    assert.deepEqual(at(values, 'reserve'), [14, 'good', 11]);
    assert.deepEqual(values.hold('power', { value: 6, at: 11 }), []);
  });

  it('are measured where they are mapped', async () => {
    const values = await make({ ...mapping, power: { point: '1:T:3' } });
    values.applyFrame(frame(1_000, [[1, 20], [2, 10], [3, 50]])); // prettier-ignore
    assert.deepEqual(at(values, 'power'), [50, 'good', 1_000]);
    assert.deepEqual(at(values, 'share'), [0.5, 'good', 1_000]);
  });

  it('are refused with the place in the template', async () => {
    const wrong = async (points: string) => {
      const template = `id: t\nname: T\npoints: [${points}]\n`;
      await assert.rejects(loadFiles({ 'site.yaml': SITE, 't.yaml': template }), (error: Error) => {
        problem = error.message;
        return true;
      });
      return problem;
    };
    let problem = '';
    assert.match(
      await wrong('{ name: a, expression: powr + 1 }, { name: power }'),
      /t\.yaml:3:\d+: points\[0\]\.expression: found "powr", which is no point, allowed .*"power" perhaps/,
    );
    assert.match(
      await wrong('{ name: a, expression: b + 1 }, { name: b, expression: a + 1 }'),
      /found a point that is computed from itself: a from b from a, allowed other points/,
    );
    assert.match(await wrong('{ name: a, kind: A, expression: b }, { name: b }'), /found it at a point of kind A/);
    assert.match(await wrong('{ name: a, expression: b > 1 }, { name: b }'), /found a condition, allowed a number/);
    assert.match(await wrong('{ name: a, expression: b + 1 }, { name: b, text: true }'), /whose value is text/);
    assert.match(await wrong("{ name: a, expression: '-1:T:0 + b' }, { name: b }"), /expression: found/);
  });
});
