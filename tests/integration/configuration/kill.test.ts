import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { finishWriting, isBeingWritten, putFiles } from '../../../site/config/versions/write.js';
import { tempFolder } from '../../support/temp.js';

const WRITER = fileURLToPath(new URL('./writer.js', import.meta.url));
const FILES = 30;
const KILLS = 6;

describe('files that are put back', function () {
  this.timeout(120_000);
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  beforeEach(async () => {
    folder = await tempFolder();
  });
  afterEach(() => folder.remove());

  const contents = async (): Promise<Map<string, string>> => {
    const found = new Map<string, string>();
    for (const entry of await readdir(folder.path, { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && entry.name.endsWith('.csv')) {
        found.set(entry.name, (await readFile(join(entry.parentPath, entry.name), 'utf8')).split('\n', 1)[0] ?? '');
      }
    }
    return found;
  };

  it('are whole old or whole new after a kill at any moment', async () => {
    let brokenOff = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const writer = spawn(process.execPath, [WRITER, folder.path, String(FILES)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = once(writer, 'exit');
      // The kill comes at another moment of a turn each time.
      const [first] = (await once(writer.stdout, 'data')) as [Buffer];
      assert.match(first.toString(), /^0\n/);
      await new Promise((resolve) => setTimeout(resolve, (kill * 37) % 50));
      writer.kill('SIGKILL');
      await ended;
      if ((await finishWriting(folder.path)) !== undefined) brokenOff += 1;
      const found = await contents();
      const turns = new Set(found.values());
      assert.equal(turns.size, 1, `all of one turn, not of ${[...turns].join(', ')}`);
      assert.equal(found.size, Number([...turns][0]) % 2 === 0 ? FILES : FILES - 1);
      assert.equal(await isBeingWritten(folder.path), false);
    }
    console.log(`      ${brokenOff} of ${KILLS} kills were amid the moves`);
  });

  it('that were begun are finished, from wherever that was broken off', async () => {
    const { path } = folder;
    await writeFile(join(path, 'site.yaml'), 'old');
    await putFiles(path, [{ path: 'site.yaml', bytes: Buffer.from('new') }], []);
    assert.equal(await readFile(join(path, 'site.yaml'), 'utf8'), 'new');
    await mkdir(join(path, 'meter'));
    await writeFile(join(path, 'meter', 'signal.csv'), 'old');
    // As a process that was killed between the first and the second move has left it.
    await writeFile(join(path, '.site.yaml.statewatt-new'), 'newer');
    const sha256 = 'f'.repeat(64);
    const intent = {
      files: [
        { path: join(path, 'moved.csv'), sha256: '0'.repeat(64) },
        { path: join(path, 'site.yaml'), sha256 },
      ],
      remove: [join(path, 'meter', 'signal.csv')],
    };
    await writeFile(join(path, '.statewatt-rollback.json'), JSON.stringify(intent));
    assert.equal(await isBeingWritten(path), true);
    await assert.rejects(putFiles(path, [], []), { code: 'config.being_written' });
    await assert.rejects(finishWriting(join(path, 'site.yaml')), { code: 'config.not_written', message: /site\.yaml/ });
    assert.equal(await readFile(join(path, 'site.yaml'), 'utf8'), 'new');
    const { createHash } = await import('node:crypto');
    intent.files[1] = { path: join(path, 'site.yaml'), sha256: createHash('sha256').update('newer').digest('hex') };
    await writeFile(join(path, '.statewatt-rollback.json'), JSON.stringify(intent));
    assert.deepEqual(
      await finishWriting(join(path, 'site.yaml')),
      intent.files.map((file) => file.path),
    );
    assert.equal(await readFile(join(path, 'site.yaml'), 'utf8'), 'newer');
    assert.deepEqual((await readdir(path, { recursive: true })).sort(), ['meter', 'site.yaml']);
    assert.equal(await finishWriting(path), undefined);
  });

  it('change nothing when they cannot be written', async () => {
    await writeFile(join(folder.path, 'file'), 'x');
    const files = ['a.csv', 'file/below.csv'].map((path) => ({ path, bytes: Buffer.from('new') }));
    await assert.rejects(putFiles(folder.path, files, []), { code: 'config.not_written' });
    assert.deepEqual(await readdir(folder.path), ['file']);
  });
});
