import assert from 'node:assert/strict';
import { FakeClient } from '../../support/fake-client.js';
import { NOW, statewatt } from './support.js';

describe('cli mint', () => {
  let client: FakeClient;
  const run = async (line: string) => {
    const { code, out, err } = await statewatt(line, { client });
    return { code, lines: out.split('\n').map((text) => text.trim().replace(/ {2,}/g, '  ')), err };
  };
  beforeEach(() => {
    client = new FakeClient({ time: NOW });
  });

  it('shows what waits, what is under way and what it cost', async () => {
    const { code, lines } = await run('mint');
    assert.equal(code, 0);
    assert.ok(lines.includes('minting  as readings come'));
    assert.ok(lines.includes('minted  2 of 4 readings, 2000000000 base units'));
    assert.ok(lines.includes('fees  5012 lamports paid, 5012 expected'));
    assert.ok(lines.some((line) => line.startsWith('9-1  parked')));
    assert.equal((JSON.parse((await statewatt('mint --json', { client })).out) as { waiting: number }).waiting, 3);
  });

  it('mints now, and is switched', async () => {
    assert.ok((await run('mint now')).lines.includes('minting  as readings come, told to now'));
    assert.ok((await run('mint auto off')).lines.includes('minting  when told to, told to now'));
    assert.ok((await run('mint auto configured')).lines.includes('minting  as readings come, told to now'));
    assert.equal((await run('mint auto maybe')).code, 2);
  });

  it('shows a batch, and has it tried again', async () => {
    const { lines } = await run('mint batch 7-1');
    assert.ok(lines.includes('signature  sig7'));
    assert.ok(lines.includes('fee  5012 lamports paid, 5012 expected'));
    assert.ok(lines.some((line) => line.startsWith('METER_1  2  1000000000  user1')));
    assert.ok((await run('mint batch 9-1')).lines.some((line) => /^last error {2}.*it is not a wallet$/.test(line)));
    assert.deepEqual((await run('mint retry 9-1')).lines, ['9-1 is building', '']);
    assert.notEqual((await run('mint retry 7-1')).code, 0);
    assert.equal((await run('mint batch 1-1')).code, 4);
    assert.match((await statewatt('mint batch 7-1 --json', { client })).out, /"signature":"sig7"/);
  });
});
