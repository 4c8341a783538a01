import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { ModelChange } from '../../../actors/client/model-data.js';
import type { ModelView } from '../../../actors/client/model-schemas.js';
import { ApiError, HttpApi } from '../../../facade/web/src/api.js';
import { treeRows } from '../../../facade/web/src/state/model-tree.js';
import { ModelsStore, ModelStore } from '../../../facade/web/src/state/models-store.js';
import type { StreamHandlers } from '../../../facade/web/src/state/points-store.js';
import { FakeModels } from '../../support/fake-models.js';

describe('web page: models', () => {
  let clock: sinon.SinonFakeTimers;
  let models: FakeModels;
  let streams: StreamHandlers[];
  let urls: string[];
  let ask: sinon.SinonSpy<[string], Promise<unknown>>;
  let store: ModelStore;
  const newest = () => streams.at(-1) as StreamHandlers;
  const tell = (change: Partial<ModelChange>) =>
    newest().message(JSON.stringify({ model: 'm', points: [], remade: false, ...change }));
  const soc = () => store.detail.value?.points[0];

  beforeEach(() => {
    clock = sinon.useFakeTimers({ now: 1_700_000_000_000 });
    models = new FakeModels();
    models.create({ id: 'm', template: 'battery' });
    [streams, urls] = [[], []];
    ask = sinon.spy(async (url: string) => {
      const id = /\/models\/(.*)$/.exec(url)?.[1];
      if (id === undefined) return models.list();
      if (id !== 'm') throw new ApiError(404, { code: 'models.not_found', message: `There is no model ${id}.` });
      return structuredClone(models.get(id));
    });
    store = new ModelStore({ ask }, (url, handlers) => {
      urls.push(url);
      streams.push(handlers);
      return { close: () => undefined };
    });
  });
  afterEach(() => {
    store.select(undefined);
    clock.restore();
  });

  it('lists the models while they are shown', async () => {
    const list = new ModelsStore({ ask });
    list.poll.start();
    await clock.tickAsync(0);
    assert.equal(list.models.value.length, 1);
    models.create({ id: 'n', template: 'battery' });
    await clock.tickAsync(10_000);
    assert.equal(list.models.value.length, 2);
    list.poll.stop();
  });

  it('follows the points of one model, and reads it again when it is another one', async () => {
    const seen: string[] = [];
    store.onPoint = ({ address, value }) => seen.push(`${address} ${value}`);
    store.select('m');
    newest().opened();
    const changed = { name: 'soc', kind: 'T', value: 60, quality: 'stale', time: 2 } as const;
    tell({ points: [changed] }); // overtakes the answer
    await clock.tickAsync(0);
    assert.deepEqual([urls, soc()?.value, soc()?.quality], [['/api/v1/models/m/stream'], 60, 'stale']);
    tell({ points: [{ ...changed, value: 61 }] });
    await clock.tickAsync(100);
    assert.equal(soc()?.value, 61);
    assert.equal(soc()?.title, 'State of charge', 'what it is stays');
    models.update('m', { name: 'Store' });
    tell({ remade: true });
    await clock.tickAsync(0);
    assert.equal(store.detail.value?.model.name, 'Store');
    assert.deepEqual(seen, ['model:m:soc 60', 'model:m:soc 61']);
  });

  it('says that there is no such model, and does not try again', async () => {
    store.select('x');
    newest().lost();
    await clock.tickAsync(60_000);
    assert.deepEqual(store.link.status.value, { state: 'missing', message: 'There is no model x.' });
    assert.equal(streams.length, 1);
  });

  it('reads the history of a model’s point, and writes it, where models have them', async () => {
    clock.restore(); // fetch needs real ones
    const asked: string[] = [];
    const fetched = sinon.stub(globalThis, 'fetch').callsFake((url) => {
      asked.push((url as string).replace(/\?.*/, ''));
      return Promise.resolve(new Response('{"rows": [], "nextCursor": null}'));
    });
    try {
      const api = new HttpApi();
      await api.history({ address: 'model:m:soc', from: 0, to: 1 }, new AbortController().signal);
      await api.write('model:m:limit', 5, 'c1');
      await api.write('comsrv:1:A:1', 5, 'c2');
    } finally {
      fetched.restore();
    }
    assert.deepEqual(asked, [
      '/api/v1/models/m/points/soc/history',
      '/api/v1/models/m/points/limit/write',
      '/api/v1/points/comsrv:1:A:1/write',
    ]);
  });

  describe('tree', () => {
    const view = (id: string, product: string, parent: string | null = null): ModelView => ({
      ...{ id, name: id.toUpperCase(), template: `${product}_t`, parameters: {}, parent, points: {}, product },
      ...{ ref: `model/${id}`, source: 'site', problem: null, createdAt: 1, updatedAt: 1 },
    });
    const all = [
      view('a', 'meter'),
      view('b', 'battery'),
      view('b1', 'breaker', 'b'),
      view('b2', 'breaker', 'b1'),
      view('lost', 'meter', 'gone'),
      view('odd', ''),
    ];
    const lines = (closed: string[] = [], text = '') =>
      treeRows(all, new Set(closed), text).map((row) => `${'  '.repeat(row.depth)}${row.key}`);

    it('goes from products to models to their parts', () => {
      assert.deepEqual(lines(), [
        'product-battery',
        '  model-b',
        '    model-b1',
        '      model-b2',
        'product-meter',
        '  model-a',
        '  model-lost',
        'product-without a template',
        '  model-odd',
      ]);
    });

    it('hides what is below a closed line', () => {
      assert.deepEqual(lines(['model-b', 'product-meter']).slice(0, 3), [
        'product-battery',
        '  model-b',
        'product-meter',
      ]);
    });

    it('shows what matches and what that is part of, also below closed lines', () => {
      assert.deepEqual(lines(['model-b'], 'B2 breaker'), [
        'product-battery',
        '  model-b',
        '    model-b1',
        '      model-b2',
      ]);
    });
  });
});
