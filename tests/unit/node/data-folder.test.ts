import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataFolder } from '../../../node/data-folder.js';
import { tempFolder } from '../../support/temp.js';

describe('DataFolder', () => {
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  let path: string;

  beforeEach(async () => {
    temp = await tempFolder();
    path = join(temp.path, 'deep', 'data');
  });
  afterEach(() => temp.remove());

  it('is made when it is not there, and is free again after its release', async () => {
    const folder = await DataFolder.claim(path);
    assert.equal(folder.path, path);
    assert.equal(folder.join('nats', 'x'), join(path, 'nats', 'x'));
    await folder.release();
    await (await DataFolder.claim(path)).release();
    assert.deepEqual(await readdir(path), []);
  });

  it('is refused while the process that has it lives, naming it', async () => {
    const folder = await DataFolder.claim(path);
    await assert.rejects(DataFolder.claim(path), (error: { code: string; message: string; details: unknown }) => {
      assert.equal(error.code, 'node.folder_in_use');
      assert.match(error.message, new RegExp(`process id ${process.pid} runs on .*--data`));
      assert.deepEqual(error.details, { pid: process.pid, folder: path });
      return true;
    });
    await folder.release();
  });

  it('goes to one of many who claim it at once', async () => {
    const claims = await Promise.allSettled(Array.from({ length: 20 }, () => DataFolder.claim(path)));
    assert.equal(claims.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  // 2^22 is the largest pid of Linux; the second has our number, and began at another time.
  for (const [what, content] of [
    ['a process that is gone', '4194305 77'],
    ['an earlier process with our own number', `${process.pid} 1`],
    ['another process that has got the number since', `${process.ppid} 1`],
    ['a writer that was killed before it wrote', ''],
    ['whatever wrote this', 'no number'],
    ['nobody', '-1'],
  ] as const) {
    it(`is taken over from ${what}`, async () => {
      await (await DataFolder.claim(path)).release();
      await writeFile(join(path, 'node.pid'), content);
      const folder = await DataFolder.claim(path);
      assert.match(await readFile(join(path, 'node.pid'), 'utf8'), new RegExp(`^${process.pid} `));
      await folder.release();
    });
  }

  it('passes on why it cannot be written', async () => {
    await writeFile(join(temp.path, 'file'), '');
    await assert.rejects(DataFolder.claim(join(temp.path, 'file')), { code: 'EEXIST' });
    await assert.rejects(DataFolder.claim(join(temp.path, 'file', 'below')), { code: 'ENOTDIR' });
  });

  it('holds the run file, for its owner only, as one whole', async () => {
    const folder = await DataFolder.claim(path);
    const content = {
      nats: { url: 'nats://a' },
      http: { url: 'http://b' },
      pid: 1,
      node: 'n',
      startedAt: 5,
      token: 'swl_x',
    };
    await folder.writeRunFile({ ...content, pid: 2 });
    await folder.writeRunFile(content);
    assert.deepEqual(JSON.parse(await readFile(join(path, 'run.json'), 'utf8')), content);
    assert.equal((await stat(join(path, 'run.json'))).mode & 0o777, 0o600);
    await folder.removeRunFile();
    await folder.removeRunFile();
    await folder.release();
    assert.deepEqual(await readdir(path), []);
  });
});
