import assert from 'node:assert/strict';
import { diffSites } from '../../../site/config/diff.js';
import { loadFiles } from '../../support/config.js';

const point = (name: string) => `[{ id: 1, name: ${name}, function_code: 3, register_address: 1 }]`;
const load = (channels: string) => loadFiles({ 'site.yaml': `channels: [${channels}]` });
const VIRTUAL = 'protocol: virtual, simulation: { patterns: [{ type: constant, point_id: 1, value: 1 }] }';

describe('diffSites', () => {
  it('finds nothing between two loads of the same', async () => {
    const text = `{ id: 1, protocol: modbus, address: a, points: ${point('x')} }, { id: 2, ${VIRTUAL} }`;
    assert.deepEqual(diffSites(await load(text), await load(text)), []);
  });

  it('names what was added, removed and changed', async () => {
    const before = await load(
      `{ id: 3, ${VIRTUAL} }, { id: 1, protocol: modbus, address: a, points: ${point('x')} }, { id: 2, ${VIRTUAL} }`,
    );
    const after = await load(
      `{ id: 3, ${VIRTUAL} }, { id: 1, protocol: modbus, address: b, name: n, points: ${point('y')} }, { id: 4, ${VIRTUAL} }`,
    );
    const changes = diffSites(before, after);
    assert.deepEqual(
      changes.map(({ change, id }) => [change, id]),
      [
        ['changed', 1],
        ['removed', 2],
        ['added', 4],
      ],
    );
    const [changed] = changes;
    assert.ok(changed?.change === 'changed');
    assert.deepEqual(changed.parts, ['name', 'points', 'transport']);
    assert.equal(changed.before, before.channels[0]);
    assert.equal(changed.after, after.channels[0]);
  });

  it('tells a channel that became another sort by its protocol', async () => {
    const [change] = diffSites(
      await load(`{ id: 1, protocol: modbus, address: a, points: ${point('x')} }`),
      await load(`{ id: 1, ${VIRTUAL} }`),
    );
    assert.ok(change?.change === 'changed' && change.parts.includes('protocol'));
  });
});
