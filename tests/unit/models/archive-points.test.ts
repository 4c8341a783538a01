import assert from 'node:assert/strict';
import { aggregatesFor, knownPoints, seenOf, seriesOf } from '../../../node/archive-points.js';
import type { ModelPoint } from '../../../site/models/model.js';

describe('points of models in aggregates and files', () => {
  const facts = { title: '', unit: '', description: '', text: false } as const;
  const route = { channel: 7, kind: 'T', id: 3, scale: -2, offset: 10 } as const;
  const load: ModelPoint = { ...facts, name: 'load', kind: 'T', max: 50, route };
  const stored = { channel: 7, kind: 'T', id: 3 } as const;
  const known = async () => {
    const asked = [{ model: 'm', point: 'load' }, stored];
    const points = await knownPoints(
      asked,
      () => undefined,
      () => Promise.resolve({ point: load, stored }),
    );
    assert.equal(points.length, 2);
    return points as [(typeof points)[0], (typeof points)[0]];
  };

  it('are computed from what is stored of the channel’s point', async () => {
    const [ofModel, ofChannel] = await known();
    assert.deepEqual(aggregatesFor([ofModel], ['min', 'sum']).sort(), ['count', 'max', 'min', 'sum']);
    assert.deepEqual(aggregatesFor([ofChannel], ['min', 'sum']), ['min', 'sum']);
    const row = { time: 0, avg: 2, min: 1, max: 3, sum: 6, count: 3, first: null };
    assert.deepEqual(seriesOf(ofModel, [row], ['avg', 'min', 'sum', 'first']), {
      ...{ ...stored, model: 'm', point: 'load' },
      rows: [{ time: 0, avg: 6, min: 4, sum: 18, first: null }],
    });
    assert.deepEqual(seriesOf(ofChannel, [row], ['avg']), { ...stored, rows: [{ time: 0, avg: 2 }] });
  });

  it('are named by their addresses in a file', async () => {
    const [ofModel, ofChannel] = await known();
    assert.deepEqual(seenOf(ofModel), {
      ...stored,
      seen: { address: 'model:m:load', scale: -2, offset: 10, max: 50 },
    });
    assert.deepEqual(seenOf(ofChannel), stored);
  });

  it('are refused when there are none', async () => {
    const none = () => Promise.reject(new Error('no such model'));
    await assert.rejects(
      knownPoints([{ model: 'm', point: 'x' }], () => undefined, none),
      /no such model/,
    );
  });
});
