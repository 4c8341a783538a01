import assert from 'node:assert/strict';
import { importTargets, readRows } from '../../../node/import-rows.js';
import type { ImportRow } from '../../../actors/client/archive-schemas.js';
import { StatewattError } from '../../../errors/error.js';
import type { ModelPoint } from '../../../site/models/model.js';
import { point } from '../channel/support.js';

const facts = { kind: 'T', title: '', unit: '', description: '', text: false } as const;
const POINTS: Record<string, ModelPoint> = {
  power: { ...facts, name: 'power', route: { channel: 7, kind: 'T', id: 1, scale: 1000, offset: 10 } },
  door: { ...facts, kind: 'S', name: 'door', route: { channel: 7, kind: 'S', id: 2, scale: -1, offset: 1 } },
  tariff: { ...facts, kind: 'A', name: 'tariff' },
  note: { ...facts, kind: 'A', name: 'note', text: true },
};

describe('rows of an import', () => {
  const time = Date.now() - 60_000;
  let looked: string[];
  beforeEach(() => {
    looked = [];
  });
  const read = async (...rows: ImportRow[]) => {
    const targets = await importTargets(
      rows,
      ({ id }) => (id === 1 ? point({ id: 1 }) : undefined),
      ({ model, point: name }) => {
        looked.push(`${model}:${name}`);
        const found = model === 'roof' ? POINTS[name] : undefined;
        if (model === 'away') return Promise.reject(new StatewattError('x', 'unavailable', 'try again'));
        if (found === undefined) {
          return Promise.reject(
            new StatewattError('models.point_not_found', 'not_found', `no ${name}; did you mean it?`),
          );
        }
        const { route = { channel: 4_000_000_007, id: 5 }, kind } = found;
        return Promise.resolve({ point: found, stored: { channel: route.channel, kind, id: route.id } });
      },
    );
    return readRows(rows, targets, 30);
  };
  const of = (name: string, value: number | string | null): ImportRow => ({ model: 'roof', point: name, time, value });

  it('are stored where the points of models are, as their channels have them', async () => {
    const { sound, refused } = await read(of('power', 2_010), of('door', 1), of('tariff', 3), of('note', 5));
    assert.deepEqual(refused, []);
    assert.deepEqual(
      sound.map(({ channel, kind, id, value }) => [channel, kind, id, value]),
      [
        [7, 'T', 1, 2],
        [7, 'S', 2, 0],
        [4_000_000_007, 'A', 5, 3],
        [4_000_000_007, 'A', 5, '5'],
      ],
    );
  });

  it('say what is wrong with each, and look each point up once', async () => {
    const { sound, refused } = await read(
      ...[of('power', 1), of('power', 2), of('powr', 3), of('powr', 4), of('tariff', 'high'), of('power', null)],
      ...[
        { ...of('power', 1), time: Date.now() + 3_600_000 },
        { ...of('power', 1), time: 1 },
      ],
      ...[
        { ...of('power', null), quality: 'good' } as const,
        { channel: 7, kind: 'T', id: 9, time, value: 1 } as const,
      ],
    );
    assert.equal(sound.length, 3);
    assert.deepEqual(
      refused.map(({ row, problem }) => [row, problem.replace(/\d{4}-\S+,/, 'then,')]),
      [
        [2, 'no powr; did you mean it?'],
        [3, 'no powr; did you mean it?'],
        [4, '"high" is no number, as those of model:roof:tariff are'],
        [6, 'its time, then, lies in the future'],
        [7, 'its time, then, is past the 30 days that history is kept'],
        [8, 'it has no value, and yet is called good'],
        [9, 'there is no point comsrv:7:T:9'],
      ],
    );
    assert.deepEqual(looked, ['roof:power', 'roof:powr', 'roof:tariff']);
  });

  it('are not refused for what may pass', async () => {
    await assert.rejects(read({ model: 'away', point: 'power', time, value: 1 }), /try again/);
  });
});
