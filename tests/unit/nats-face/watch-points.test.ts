import assert from 'node:assert/strict';
import sinon from 'sinon';
import { toAddress } from '../../../actors/client/addresses.js';
import { merged } from '../../../actors/client/merged.js';
import { watchAny, type AnyPointsUpdate } from '../../../actors/client/watch-points.js';
import type { ModelChange } from '../../../actors/client/model-data.js';
import { FakeClient } from '../../support/fake-client.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a watch of single points', () => {
  let client: FakeClient;
  let abort: AbortController;
  beforeEach(async () => {
    client = new FakeClient();
    abort = new AbortController();
    await client.createModel({ id: 'roof', template: 'battery' });
    await client.writeModel({ model: 'roof', point: 'limit', value: 1 });
  });
  afterEach(async () => {
    abort.abort();
    await settled();
    assert.equal(client.watchers, 0);
  });
  const watch = async (...points: string[]) => {
    const updates: AnyPointsUpdate[] = [];
    const source = await watchAny(client, points.map(toAddress), abort.signal);
    const ended = (async () => {
      for await (const update of source) updates.push(update);
    })();
    await settled();
    return { updates, ended };
  };
  const shown = (updates: readonly AnyPointsUpdate[]) =>
    updates.flatMap((update) => update.points.map(({ address, value }) => [address, value]));

  it('tells those of models and of channels, each once, whatever else changes', async () => {
    const { updates } = await watch('model:roof:limit', '1001:T:1', '1001:T:1', 'comsrv:1002:T:1');
    client.tick();
    await client.writeModel({ model: 'roof', point: 'limit', value: 7 });
    await settled();
    const addresses = shown(updates).map(([address]) => address);
    assert.deepEqual(addresses.sort(), ['comsrv:1001:T:1', 'comsrv:1002:T:1', 'model:roof:limit']);
    const ofModel = updates.find((update) => 'model' in update);
    const [point] = ofModel?.points ?? [];
    assert.deepEqual([point?.value, point?.name, point?.unit, point?.channel], [7, 'Limit', '%', 1001]);
    assert.equal(ofModel?.time, point?.time);
  });

  it('looks at one channel when the points are of one', async () => {
    const asked = sinon.spy(client, 'watchPoints');
    await watch('1001:T:1', '1001:T:2');
    assert.deepEqual(asked.firstCall.args[0], { channel: 1001 });
  });

  it('reads the points again when the model is another one, and ends when one of them is gone', async () => {
    const changes: ModelChange[] = [{ model: 'roof', points: [], remade: true }];
    let next: () => void = () => undefined;
    sinon.stub(client, 'watchModel').callsFake(async function* () {
      for (;;) {
        await new Promise<void>((resolve) => (next = resolve));
        yield* changes;
      }
    });
    const { updates, ended } = await watch('model:roof:limit', 'model:roof:soc');
    const again = async () => {
      next();
      await settled();
    };
    await again();
    assert.deepEqual(updates, [], 'nothing has changed');
    await client.writeModel({ model: 'roof', point: 'limit', value: 9 });
    await again();
    assert.deepEqual(shown(updates.splice(0)), [['model:roof:limit', 9]]);
    const detail = await client.model('roof');
    const reads = sinon.spy(client, 'modelPoint');
    const model = sinon.stub(client, 'model');
    model.resolves({ ...detail, points: detail.points.map((point) => ({ ...point, unit: 'kW' })) });
    await again();
    assert.equal(reads.callCount, 2, 'it is asked what they are now');
    model.resolves({ ...detail, points: [] });
    reads.restore();
    sinon.stub(client, 'modelPoint').rejects(new Error('no point limit'));
    await again();
    await assert.rejects(ended, /no point limit/);
  });

  it('is refused at once for what is not there', async () => {
    for (const [point, code] of [
      ['model:nobody:limit', 'models.not_found'],
      ['model:roof:limt', 'models.point_not_found'],
      ['1001:T:99', 'points.not_found'],
    ] as const)
      await assert.rejects(watchAny(client, [toAddress(point)], abort.signal), { code });
  });
});

describe('sources as one', () => {
  it('are asked for more only when what they gave was taken', async () => {
    const given = [0, 0];
    const source = (which: 0 | 1) =>
      async function* () {
        for (;;) yield `${which}:${++(given[which] as number)}`;
      };
    const seen: string[] = [];
    for await (const value of merged<string>([source(0), source(1)], new AbortController().signal)) {
      seen.push(value);
      await settled();
      assert.ok(Math.max(...given) <= seen.length, given.join());
      if (seen.length === 10) break;
    }
    assert.deepEqual(new Set(seen.map((value) => value[0])), new Set(['0', '1']));
  });

  it('end together: when all have ended, with an error of one, when nobody listens any more', async () => {
    const ends: string[] = [];
    const source = (name: string, fails = false) =>
      async function* (until: AbortSignal) {
        try {
          yield name;
          if (fails) throw new Error('away');
          await new Promise<void>((resolve) => until.addEventListener('abort', () => resolve()));
        } finally {
          ends.push(name);
        }
      };
    const all = async (sources: Parameters<typeof merged<string>>[0], signal = new AbortController().signal) => {
      const seen: string[] = [];
      for await (const value of merged(sources, signal)) seen.push(value);
      return seen;
    };
    const short = async function* () {
      yield 'x';
    };
    assert.deepEqual(await all([short, short]), ['x', 'x']);
    await assert.rejects(all([source('a'), source('b', true)]), /away/);
    assert.deepEqual(ends.splice(0).sort(), ['a', 'b']);
    const abort = new AbortController();
    setImmediate(() => abort.abort());
    assert.deepEqual(await all([source('c')], abort.signal), ['c']);
    assert.deepEqual(ends, ['c']);
  });
});
