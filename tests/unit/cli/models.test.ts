import assert from 'node:assert/strict';
import { FakeClient } from '../../support/fake-client.js';
import { NOW, statewatt } from './support.js';

describe('cli models', () => {
  let client: FakeClient;
  const run = async (line: string) => {
    const { code, out, err } = await statewatt(line, { client });
    return { code, lines: out.split('\n').map((text) => text.trim().replace(/ {2,}/g, '  ')), err };
  };
  beforeEach(async () => {
    client = new FakeClient({ time: NOW });
    await client.createModel({ id: 'ess', name: 'Storage', template: 'battery' });
    await client.createModel({ id: 'rack', template: 'battery', parent: 'ess', parameters: { capacity: 5 } });
  });

  it('lists them', async () => {
    const { code, lines } = await run('models');
    assert.equal(code, 0);
    assert.deepEqual(lines, [
      'ID  NAME  TEMPLATE  PRODUCT  PART OF  FROM  PROBLEM',
      'ess  Storage  battery  battery  –  caller  –',
      'rack  rack  battery  battery  ess  caller  –',
      '',
    ]);
    assert.equal((JSON.parse((await statewatt('models --json', { client })).out) as unknown[]).length, 2);
  });

  it('shows one with its points', async () => {
    const { lines } = await run('models show rack');
    assert.ok(lines.includes('parameters  capacity 5'), lines.join('\n'));
    assert.ok(
      lines.some((line) => /^soc  T  55.5  %  good  .* comsrv:1001:T:1  State of charge$/.test(line)),
      lines.join('\n'),
    );
    assert.equal((await run('models show nothing')).code, 4);
    assert.equal((await run('models show a.b')).code, 2);
  });

  it('shows the tree, and the templates', async () => {
    assert.deepEqual((await run('models tree')).lines, ['battery', 'ess  Storage', 'rack  rack', '']);
    assert.deepEqual((await run('models templates')).lines.slice(0, 2), [
      'ID  PRODUCT  DESCRIPTION  PARAMETERS',
      'battery  battery  A battery  capacity',
    ]);
  });

  it('writes a point', async () => {
    const { code, lines } = await run('models write rack limit 12.5');
    assert.deepEqual([code, lines[0]], [0, 'modsrv:rack:limit: written 12.5, confirmed: held']);
    assert.equal((await client.model('rack')).points[1]?.value, 12.5);
  });
});
