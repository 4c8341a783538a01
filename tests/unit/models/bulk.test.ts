import assert from 'node:assert/strict';
import type { ModelView, NewModel } from '../../../actors/client/model-schemas.js';
import { StatewattError } from '../../../errors/error.js';
import { createModels } from '../../../node/model-bulk.js';

describe('models in bulk', () => {
  let made: string[];
  let underWay: number;
  let most: number;
  const maker = {
    known: () => Promise.resolve(new Set(['site'])),
    create: async ({ id, parent }: NewModel, isThere: (id: string) => boolean): Promise<ModelView> => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      if (id.startsWith('bad')) throw new StatewattError('models.invalid', 'invalid', `${id} cannot be made`);
      assert.ok(parent === undefined || parent === null || isThere(parent));
      made.push(id);
      return { id } as ModelView;
    },
  };
  beforeEach(() => {
    made = [];
    underWay = most = 0;
  });
  const model = (id: string, parent?: string): NewModel => ({
    id,
    template: 'x',
    ...(parent === undefined ? {} : { parent }),
  });

  it('makes parents before their parts, wherever they stand', async () => {
    const models = [model('leaf', 'mid'), model('mid', 'top'), model('top', 'site'), model('alone')];
    const { created, refused, verdicts } = await createModels(models, maker);
    assert.deepEqual([created, refused], [4, 0]);
    assert.deepEqual(
      verdicts.map(({ id }) => id),
      ['leaf', 'mid', 'top', 'alone'],
      'in the order of the request',
    );
    assert.deepEqual(
      made.filter((id) => id !== 'alone'),
      ['top', 'mid', 'leaf'],
    );
  });

  it('refuses each for itself: what cannot be made, and what is part of that', async () => {
    const models = [model('bad'), model('a'), model('part', 'bad'), model('x', 'y'), model('y', 'x'), model('z', 'no')];
    const { created, refused, verdicts } = await createModels(models, maker);
    assert.deepEqual([created, refused, made], [1, 5, ['a']]);
    assert.deepEqual(
      verdicts.map(({ id, error }) => `${id} ${error?.code ?? ''}`),
      ['bad', 'a', 'part', 'x', 'y', 'z'].map((id) => `${id} ${id === 'a' ? '' : 'models.invalid'}`),
    );
    assert.match(verdicts[5]?.error?.message ?? '', /there is no model no/);
  });

  it('makes many at a time, but not all of them', async () => {
    const models = Array.from({ length: 1_000 }, (_, index) => model(`m${index}`));
    assert.equal((await createModels(models, maker)).created, 1_000);
    assert.equal(most, 128);
  });
});
