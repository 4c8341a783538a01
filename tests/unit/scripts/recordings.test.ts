import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Recordings } from '../../../scripts/testing/recordings.mjs';
import { tempFolder } from '../../support/temp.js';

describe('npm test: recordings for coverage', () => {
  it('are kept as far as they are of the product’s files, each source map once', async () => {
    const { path, remove } = await tempFolder();
    try {
      const [to, first, second] = ['to', 'first', 'second'].map((name) => join(path, name)) as [string, string, string];
      await Promise.all([to, first, second].map((folder) => mkdir(folder)));
      const script = (name: string) => ({ url: `file://${path}/${name}`, functions: [] });
      const own = script('dist/a.js');
      const foreign = script('node_modules/b/b.js');
      const recording = JSON.stringify({
        result: [own, foreign],
        'source-map-cache': { [own.url]: { data: 'a' }, [foreign.url]: { data: 'b' } },
        timestamp: 1,
      });
      await writeFile(join(first, 'coverage-1.json'), recording);
      await writeFile(join(first, 'coverage-2.json'), JSON.stringify({ result: [foreign] }));
      await writeFile(join(first, 'coverage-3.json'), recording.slice(0, -10)); // Its process was killed.
      await writeFile(join(second, 'coverage-1.json'), recording);

      const recordings = new Recordings(path, to);
      recordings.take(first);
      recordings.take(second);
      const kept = await Promise.all((await readdir(to)).sort().map((name) => readFile(join(to, name), 'utf8')));
      assert.deepEqual(
        kept.map((text) => JSON.parse(text) as unknown),
        [
          { result: [own], 'source-map-cache': { [own.url]: { data: 'a' } } },
          { result: [own], 'source-map-cache': {} },
        ],
      );
      assert.deepEqual([existsSync(first), existsSync(second)], [false, false]);
    } finally {
      await remove();
    }
  });
});
