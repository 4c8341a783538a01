import assert from 'node:assert/strict';
import { hierarchyOf, type ModelNode, type Placed } from '../../../site/models/hierarchy.js';

const shape = ({ model, parts }: ModelNode<Placed>): unknown =>
  parts.length === 0 ? model.id : [model.id, parts.map(shape)];

function tree(...models: [id: string, product: string, parent?: string][]): unknown {
  const placed = models.map(([id, product, parent = null]) => ({ id, product, parent }));
  return hierarchyOf(placed).map((node) => [node.product, node.models.map(shape)]);
}

describe('the hierarchy of models', () => {
  it('goes from products to models and their parts, in order', () => {
    assert.deepEqual(
      tree(['m2', 'meter'], ['bat', 'battery', 'ess'], ['m1', 'meter'], ['ess', 'station'], ['pcs', 'inverter', 'ess']),
      [
        ['meter', ['m1', 'm2']],
        ['station', [['ess', ['bat', 'pcs']]]],
      ],
    );
  });

  it('loses no model whose parent is missing or that is part of itself', () => {
    assert.deepEqual(tree(['a', 'x', 'b'], ['b', 'x', 'a'], ['c', 'x', 'a'], ['d', 'x', 'gone']), [
      ['x', [['a', ['c']], 'b', 'd']],
    ]);
  });
});
