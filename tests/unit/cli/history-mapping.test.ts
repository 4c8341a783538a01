import assert from 'node:assert/strict';
import { FakeClient } from '../../support/fake-client.js';
import { NOW, statewatt } from './support.js';

describe('statewatt history mapping', () => {
  let client: FakeClient;
  const run = async (line: string) => {
    const { code, out } = await statewatt(line, { client });
    return { code, lines: out.split('\n').map((text) => text.trim().replace(/ {2,}/g, '  ')) };
  };
  beforeEach(() => {
    client = new FakeClient({ time: NOW });
  });

  it('makes, lists and removes what is stored of points', async () => {
    const put =
      'history mapping put cells --points 1001:T:1 1001:T:2 --store change --deadband 0.5 --max-interval-ms 9';
    assert.deepEqual((await run(put)).lines[0], 'cells: change, deadband 0.5, 9 ms at most of 1001:T:1, 1001:T:2');
    assert.deepEqual((await client.archive.mappings()).mappings, [
      {
        ...{ id: 'cells', points: ['1001:T:1', '1001:T:2'], store: 'change', deadband: 0.5, maxIntervalMs: 9 },
        ...{ definedBy: 'caller', updatedAt: NOW, problem: null },
      },
    ]);
    await run('history mapping put others --names *temp* --store interval --interval-ms 500 --json');
    await run('history mapping put outside --points 7:T:* --source redis');
    assert.deepEqual((await run('history mapping')).lines.slice(0, 4), [
      'ID  BY  STORE  OF  SINCE  PROBLEM',
      'cells  caller  change, deadband 0.5, 9 ms at most  1001:T:1, 1001:T:2  0 ms  –',
      'others  caller  interval, 500 ms  *temp*  0 ms  –',
      'outside  caller  all, from Redis each 1000 ms  7:T:*  0 ms  –',
    ]);
    assert.equal((await run('history mapping remove cells')).lines[0], 'cells: removed');
    assert.equal((await run('history mapping remove cells')).code, 4);
    const { out } = await statewatt('history mapping list --json', { client });
    assert.equal((JSON.parse(out) as unknown[]).length, 2);
    assert.equal((await run('history mapping put x --store sometimes')).code, 2);
  });
});
