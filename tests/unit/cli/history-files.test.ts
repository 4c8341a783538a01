import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sinon from 'sinon';
import { FakeClient } from '../../support/fake-client.js';
import { tempFolder } from '../../support/temp.js';
import { NOW, statewatt } from './support.js';

describe('statewatt history export and import', () => {
  let folder: { path: string; remove: () => Promise<void> };
  beforeEach(async () => {
    folder = await tempFolder();
  });
  afterEach(async () => {
    sinon.restore();
    await folder.remove();
  });

  it('writes a file, or to the standard output', async () => {
    const client = new FakeClient({ time: NOW });
    const asked = sinon.spy(client.archive, 'export');
    const text = 'channel,kind,point,time,value,text,quality\n2 points as csv\n';
    assert.deepEqual(await statewatt('history export 1001:T:1 1001:T:2 --from -1d', { client }), {
      code: 0,
      out: text,
      err: '',
    });
    assert.deepEqual(asked.lastCall.args[0], {
      points: [
        { channel: 1001, kind: 'T', id: 1 },
        { channel: 1001, kind: 'T', id: 2 },
      ],
      from: NOW - 86_400_000,
    });
    const file = join(folder.path, 'day.csv');
    assert.equal((await statewatt(['history', 'export', '1001:T:1', '1001:T:2', '-o', file], { client })).code, 0);
    assert.equal(await readFile(file, 'utf8'), text);
  });

  it('leaves no file behind when it fails', async () => {
    const file = join(folder.path, 'day.csv');
    const result = await statewatt(['history', 'export', '--channel', '1001', '-o', file]);
    assert.equal(result.code, 1);
    assert.match(result.err, /history\.invalid_query/);
    await assert.rejects(stat(file), { code: 'ENOENT' });
    const nowhere = await statewatt(['history', 'export', '1001:T:1', '-o', join(folder.path, 'none', 'day.csv')]);
    assert.deepEqual([nowhere.code, /cli\.file/.test(nowhere.err)], [1, true]);
  });

  it('says what is wrong with the command line', async () => {
    for (const line of [
      'history export',
      'history export 1001:T:1 --channel 1',
      'history export x',
      'history import',
    ]) {
      assert.equal((await statewatt(line)).code, 2, line);
    }
    assert.equal((await statewatt('history export 1001:T:1 --format parquet', { terminal: 80 })).code, 2);
  });

  it('imports a file, and tells what is wrong by line', async () => {
    const client = new FakeClient({ time: NOW });
    const file = join(folder.path, 'late.csv');
    await writeFile(file, 'address,time,value\n1001:T:1,5,1\n1001:T:1,5,2\nx,1,1\n');
    const result = await statewatt(['history', 'import', file], { client });
    assert.deepEqual(result, {
      code: 1,
      out: '3 rows: 2 stored; 1 of them had been imported before; 1 refused\n',
      err: 'line 4: "x" is no point; allowed: <channel>:<kind>:<id> with kind T, S, C or A, as comsrv:1001:T:1, or model:<id>:<point>\n',
    });
    const lines = join(folder.path, 'late.ndjson');
    await writeFile(lines, '{"address":"1001:T:1","time":6,"value":1}\n');
    const json = await statewatt(['--json', 'history', 'import', lines], { client });
    assert.deepEqual(JSON.parse(json.out), { rows: 1, stored: 1, replaced: 0, measured: 0, refused: 0, problems: [] });
    const missing = await statewatt(['history', 'import', join(folder.path, 'none.csv')], { client });
    assert.deepEqual([missing.code, /cli\.file: .*ENOENT/.test(missing.err)], [1, true]);
  });
});
