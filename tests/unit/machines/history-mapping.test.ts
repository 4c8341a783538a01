import assert from 'node:assert/strict';
import { historyMappingMachine, type HistoryMappingContext } from '../../../machines/history-mapping.js';
import { assertAllTaken, Walk } from '../../support/walk.js';

describe('the machine of a mapping of history', () => {
  const covered = new Set<unknown>();
  after(() => assertAllTaken(historyMappingMachine, covered));

  it('holds what was put last, until it is removed', () => {
    const walk = new Walk(historyMappingMachine, covered);
    const context = () => walk.snapshot.context as HistoryMappingContext;
    walk.send({ type: 'remove' });
    assert.deepEqual(context(), { definition: null, updatedAt: 0 });
    walk.send({ type: 'put', definition: { points: '1:T:1', store: 'never' } });
    walk.send({ type: 'put', definition: { points: '1:T:2' } });
    assert.deepEqual(context(), { definition: { points: '1:T:2' }, updatedAt: walk.now });
    walk.send({ type: 'remove' });
    assert.deepEqual(context(), { definition: null, updatedAt: walk.now });
  });
});
