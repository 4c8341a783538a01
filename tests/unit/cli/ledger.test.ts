import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sinon from 'sinon';
import { FakeClient } from '../../support/fake-client.js';
import { tempFolder } from '../../support/temp.js';
import { NOW, statewatt } from './support.js';

describe('cli ledger', () => {
  let client: FakeClient;
  const run = async (line: string) => {
    const { code, out, err } = await statewatt(line, { client });
    return { code, lines: out.split('\n').map((text) => text.trim().replace(/ {2,}/g, '  ')), err };
  };
  beforeEach(() => {
    client = new FakeClient({ time: NOW });
  });
  afterEach(() => sinon.restore());

  it('lists readings of a user, and says that there are more', async () => {
    const asked = sinon.spy(client.ledger, 'readings');
    const { code, lines, err } = await run('ledger --user user1 --limit 1 --from -1d');
    assert.equal(code, 0);
    assert.deepEqual(asked.lastCall.args[0], { user: 'user1', limit: 1, from: NOW - 86_400_000 });
    assert.match(lines[1] ?? '', /^METER_1 {2}2 {2}.* {2}1 {2}1000000000 {2}accepted /);
    assert.match(err, /--cursor more/);
    assert.match((await run('ledger --status minted')).lines[1] ?? '', / minted .* 7-1 /);
    const json = await statewatt('ledger readings --meter METER_1 --order oldest --json', { client });
    assert.equal((JSON.parse(json.out) as { readings: { sequence: number }[] }).readings[0]?.sequence, 1);
    assert.equal((await run('ledger --status lost')).code, 2);
    assert.match((await run('ledger nothing')).err, /unknown command 'nothing'/);
  });

  it('lists accounts with their sums', async () => {
    const asked = sinon.spy(client.ledger, 'accounts');
    const { lines } = await run('ledger accounts --by user --text user --limit 5');
    assert.deepEqual(asked.lastCall.args[0], { by: 'user', text: 'user', limit: 5 });
    assert.match(lines[1] ?? '', /^user1 {2}user1 {2}1 {2}.* {2}1 {2}1 {2}0 {2}0 {2}0 {2}1 {2}1000000000$/);
    assert.match((await statewatt('ledger accounts --json', { client })).out, /"id":"METER_1"/);
    assert.equal((await run('ledger accounts --by status')).code, 2);
  });

  it('shows sums, and one reading', async () => {
    const { lines } = await run('ledger totals --user user1');
    assert.deepEqual(lines.slice(1, 4), ['minted  1  1  1000000000', 'pending  1  1  1000000000', 'failed  0  0  0']);
    assert.match((await statewatt('ledger totals --json', { client })).out, /"minted":\{"readings":1/);
    const one = await run('ledger reading METER_1 1');
    assert.ok(one.lines.includes('signature  sig7'));
    assert.match((await statewatt('ledger reading METER_1 2 --json', { client })).out, /"signature":null/);
    assert.equal((await run('ledger reading METER_1 9')).code, 4);
    assert.equal((await run('ledger reading METER_1 x')).code, 2);
  });

  it('writes a file of CSV, or to the standard output', async () => {
    const text = 'meter,sequence\nMETER_1,1\nMETER_1,2\n';
    const asked = sinon.spy(client.ledger, 'export');
    assert.equal((await statewatt('ledger export --user user1 --status minted', { client })).out, text);
    assert.deepEqual(asked.lastCall.args[0], { user: 'user1', status: 'minted' });
    const folder = await tempFolder();
    const file = join(folder.path, 'a.csv');
    assert.equal((await statewatt(['ledger', 'export', '-o', file], { client })).code, 0);
    assert.equal(await readFile(file, 'utf8'), text);
    await folder.remove();
  });
});
