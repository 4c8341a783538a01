import assert from 'node:assert/strict';
import { ModelRecord } from '../../../actors/models/record.js';
import { ModelValues } from '../../../actors/models/values.js';
import { STORES_ALL, type StoragePlan } from '../../../site/history/mapping.js';
import { buildStorageRule, type MappingDefinition } from '../../../site/history/definition.js';
import { firstChannel, storedId } from '../../../site/models/stored-address.js';
import { FIRST_MODEL_CHANNEL } from '../../../site/models/address.js';
import type { Model } from '../../../site/models/model.js';
import { BAD, GOOD, pointKey, type Frame } from '../../../site/points.js';
import { loadFiles } from '../../support/config.js';
import { eventually } from '../../support/temp.js';

const TEMPLATE = `
id: relay
name: Relay
points:
  - { name: power }
  - { name: double, expression: power * 2 }
  - { name: tariff, kind: A }
  - { name: note, kind: A, text: true }
`;
const SITE = `
channels:
  - id: 7
    protocol: virtual
    points: [{ id: 1, name: Power }]
templates: [t.yaml]
models: [{ id: m, template: relay, points: { power: 7:T:1 } }]
`;

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('what a model tells of itself', () => {
  let model: Model;
  let sent: Frame[];
  let plan: StoragePlan;
  let newest: Frame | undefined;
  let claimed: (model: string) => Promise<number>;
  let record: ModelRecord;
  let values: ModelValues;

  before(async () => {
    [model] = (await loadFiles({ 'site.yaml': SITE, 't.yaml': TEMPLATE })).models as [Model];
  });
  const open = async (epoch = 9) => {
    record = new ModelRecord('m', epoch, {
      claim: (model) => claimed(model),
      openLine: () => ({ publish: (frame) => sent.push(frame), close: () => Promise.resolve() }),
      plan: () => plan,
      newest: () => Promise.resolve(newest),
    });
    values = new ModelValues(model, {});
    record.use(values);
    await settled();
  };
  beforeEach(async () => {
    sent = [];
    plan = STORES_ALL;
    newest = undefined;
    claimed = () => Promise.resolve(firstChannel('m'));
    await open();
  });
  const key = (point: string, kind: 'T' | 'A') => pointKey(kind, storedId({ model: 'm', point }));
  const power = (time: number, value: number, quality = GOOD) => {
    const columns = {
      keys: Uint32Array.of(pointKey('T', 1)),
      values: Float64Array.of(value),
      quality: Uint8Array.of(quality),
    };
    record.changed(values.applyFrame({ channel: 7, epoch: 1, seq: time, time, ...columns }), time);
  };
  const hold = (point: string, value: number | string, at: number) =>
    record.changed(values.hold(point, { value, at }), at);
  const told = () =>
    sent.flatMap(({ time, values: list, quality, texts, ages }) =>
      [...list].map((value, index) => [time - (ages?.[index] ?? 0), texts?.get(index) ?? value, quality[index]]),
    );
  const store = (definition: MappingDefinition) => {
    const rule = buildStorageRule(definition, undefined, { report: assert.fail });
    if (rule !== undefined) plan = { rules: [rule], nameOf: () => undefined };
  };

  it('is what it computes, when that has changed, and at least once a minute', () => {
    for (const [time, value] of [
      [1_000, 5],
      [2_000, 5],
      [3_000, 6],
      [62_000, 6],
      [63_000, 6],
    ] as const)
      power(time, value);
    assert.deepEqual(told(), [
      [1_000, 10, GOOD],
      [3_000, 12, GOOD],
      [63_000, 12, GOOD],
    ]);
    const [first] = sent;
    assert.deepEqual(
      [first?.channel, first?.epoch, [...(first?.keys ?? [])]],
      [firstChannel('m'), 9, [key('double', 'T')]],
    );
    assert.deepEqual(
      sent.map(({ seq }) => seq),
      [1, 2, 3],
    );
  });

  it('says when a value cannot be computed any more, and since when', () => {
    power(1_000, 5);
    power(2_000, NaN, BAD);
    assert.deepEqual(
      told().map(([time, , quality]) => [time, quality]),
      [
        [1_000, GOOD],
        [2_000, BAD],
      ],
    );
  });

  it('is what it is set to, each time', () => {
    hold('tariff', 3, 100);
    hold('tariff', 3, 200);
    hold('note', 'day', 300);
    assert.deepEqual(told(), [
      [100, 3, GOOD],
      [200, 3, GOOD],
      [300, 'day', GOOD],
    ]);
  });

  it('follows the mapping of storage, by address and by name', () => {
    store({ points: 'model:m:dou*', store: 'change', deadband: 10 });
    for (const [time, value] of [
      [1, 1],
      [2, 5],
      [3, 6],
    ] as const)
      power(time, value);
    assert.deepEqual(told(), [
      [1, 2, GOOD],
      [3, 12, GOOD],
    ]);
    store({ names: 'double', store: 'never' });
    power(4, 100);
    store({ points: 'model:other:*', store: 'never' });
    power(5, 200);
    assert.deepEqual(told().at(-1), [5, 400, GOOD]);
    assert.equal(sent.length, 3);
  });

  it('is marked when what it is set to is not to be stored, and told all the same', () => {
    const marks = () =>
      sent.splice(0).map(({ values: list, leftOut }) => [...list].map((value) => [value, ...(leftOut ?? [])]));
    store({ points: 'model:m:tariff', store: 'never' });
    hold('tariff', 3, 100);
    hold('note', 'day', 150);
    assert.deepEqual(marks(), [[[3, 1]], [[NaN]]]);
    record.beat(70_000);
    assert.deepEqual(marks(), [[[NaN]]], 'it is told when it is set');
    store({ points: 'model:m:tariff', store: 'interval', intervalMs: 1_000 });
    for (const [value, at] of [
      [4, 71_000],
      [5, 71_500],
      [6, 72_000],
    ] as const)
      hold('tariff', value, at);
    assert.deepEqual(marks(), [[[4]], [[5, 1]], [[6]]]);
    plan = STORES_ALL;
    hold('tariff', 6, 72_001);
    hold('tariff', 6, 72_002);
    assert.deepEqual(marks(), [[[6]], [[6]]]);
  });

  it('is told again as it is now, and what nobody knows is not', () => {
    record.beat(10);
    assert.equal(sent.length, 0);
    power(1_000, 5);
    hold('tariff', 3, 100);
    record.beat(1_500);
    assert.equal(sent.length, 2, 'it has just been told');
    record.beat(70_000);
    record.beat(70_001);
    assert.deepEqual(
      told()
        .slice(2)
        .sort((a, b) => Number(a[1]) - Number(b[1])),
      [
        [70_000, 3, GOOD],
        [70_000, 10, GOOD],
      ],
    );
  });

  it('leaves out what the activation before has told, and waits until it knows that', async () => {
    power(1_000, 5);
    power(2_000, 6);
    hold('tariff', 1, 2_500);
    newest = sent[1];
    sent = [];
    let found: (frame: Frame | undefined) => void = () => undefined;
    record = new ModelRecord('m', 10, {
      claim: (model) => claimed(model),
      openLine: () => ({ publish: (frame) => sent.push(frame), close: () => Promise.resolve() }),
      plan: () => plan,
      newest: () => new Promise((resolve) => (found = resolve)),
    });
    values = new ModelValues(model, {});
    record.use(values);
    await settled();
    power(1_000, 5);
    power(2_000, 6);
    power(3_000, 7);
    hold('tariff', 2, 3_500);
    assert.equal(sent.length, 0);
    found(newest);
    await eventually(() => Promise.resolve(sent.length > 0 ? true : undefined));
    assert.deepEqual(told(), [
      [3_000, 14, GOOD],
      [3_500, 2, GOOD],
    ]);
    assert.deepEqual(
      sent.map(({ epoch, seq }) => `${epoch}/${seq}`),
      ['10/1', '10/2'],
    );
  });

  it('goes under the number that the model has, and waits until that is known', async () => {
    let answer: (number: number) => void = () => undefined;
    claimed = () => new Promise((resolve) => (answer = resolve));
    await open(10);
    power(1_000, 5);
    assert.equal(sent.length, 0);
    answer(FIRST_MODEL_CHANNEL + 7);
    await eventually(() => (sent.length > 0 ? true : undefined));
    power(2_000, 6);
    assert.deepEqual(
      sent.map(({ channel }) => channel),
      [FIRST_MODEL_CHANNEL + 7, FIRST_MODEL_CHANNEL + 7],
    );
  });

  it('asks again for the number while the bus is away', async () => {
    let asked = 0;
    claimed = () => (++asked === 1 ? Promise.reject(new Error('away')) : Promise.resolve(FIRST_MODEL_CHANNEL));
    await open(10);
    power(1_000, 5);
    await eventually(() => (sent.length > 0 ? true : undefined));
    assert.equal(asked, 2);
  });

  it('ends when the model is elsewhere, or cannot be made', async () => {
    record.use(undefined);
    record.beat(1);
    record.changed([1], 1);
    record.use(values);
    await record.close();
    power(1_000, 5);
    assert.equal(sent.length, 0);
  });
});
