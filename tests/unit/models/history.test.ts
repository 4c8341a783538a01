import assert from 'node:assert/strict';
import type { HistoryPage, HistoryQuery, HistoryRow } from '../../../actors/client/schemas.js';
import { modelHistory } from '../../../node/model-history.js';
import { FIRST_MODEL_CHANNEL } from '../../../site/models/address.js';
import type { ModelPoint } from '../../../site/models/model.js';

describe('history of a model’s point', () => {
  const facts = { title: '', unit: '', description: '', text: false } as const;
  const route = { channel: 7, kind: 'T', id: 3, scale: 1000, offset: 0 } as const;
  const power: ModelPoint = { ...facts, name: 'power', kind: 'T', max: 2500, route };
  let asked: HistoryQuery[];
  const rows = async (point: ModelPoint, ...stored: HistoryRow[]): Promise<HistoryRow[]> => {
    asked = [];
    const page: HistoryPage = {
      ...{ channel: 7, kind: 'T', id: 3, resolution: 'raw', from: 0, to: 9, nextCursor: 'c' },
      rows: stored,
    };
    const { channel, kind, id } = point.route ?? { channel: FIRST_MODEL_CHANNEL + 5, kind: point.kind, id: 6 };
    const known = { point, stored: { channel, kind, id } };
    const query = (question: HistoryQuery) => {
      asked.push(question);
      return Promise.resolve(page);
    };
    const answer = await modelHistory(known, { model: 'm', point: point.name, from: 0, limit: 5 }, query);
    assert.deepEqual([answer.model, answer.point, answer.nextCursor], ['m', point.name, 'c']);
    return answer.rows;
  };

  it('is that of the channel’s point, as the model sees it', async () => {
    const found = await rows(
      power,
      { time: 1, value: 2, quality: 'good' },
      { time: 2, value: 3, quality: 'good' },
      { time: 3, value: 3, quality: 'stale' },
      { time: 4, value: null, quality: 'bad' },
    );
    assert.deepEqual(asked, [{ channel: 7, kind: 'T', id: 3, from: 0, limit: 5 }]);
    assert.deepEqual(found, [
      { time: 1, value: 2000, quality: 'good' },
      { time: 2, value: 3000, quality: 'out-of-range' },
      { time: 3, value: 3000, quality: 'stale' },
      { time: 4, value: null, quality: 'bad' },
    ]);
  });

  it('turns least and greatest round where the scale is negative', async () => {
    const load: ModelPoint = { ...power, route: { ...route, scale: -1, offset: 10 } };
    const [row] = await rows(load, { time: 0, value: 2, min: 1, max: 4, first: 1, last: 4, count: 9 });
    assert.deepEqual(row, { time: 0, value: 8, min: 6, max: 9, first: 9, last: 6, count: 9 });
  });

  it('gives states as states', async () => {
    const open: ModelPoint = { ...facts, name: 'open', kind: 'S', route: { ...route, scale: -1, offset: 1 } };
    const found = await rows(open, { time: 1, value: 1, quality: 'good' }, { time: 2, value: 0, quality: 'good' });
    assert.deepEqual(
      found.map(({ value }) => value),
      [0, 1],
    );
  });

  it('is that of the model itself where no channel has the point', async () => {
    const held: ModelPoint = { ...facts, name: 'tariff', kind: 'A' };
    const row = { time: 1, value: 7, quality: 'good' } as const;
    assert.deepEqual(await rows(held, row), [row]);
    const { channel, kind } = asked.at(-1) as { channel: number; kind: string };
    assert.deepEqual([channel, kind], [FIRST_MODEL_CHANNEL + 5, 'A']);
  });
});
