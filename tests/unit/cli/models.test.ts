import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FakeClient } from '../../support/fake-client.js';
import { tempFolder } from '../../support/temp.js';
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

  it('makes the models of a file, each for itself, and removes one', async () => {
    const folder = await tempFolder();
    try {
      const file = join(folder.path, 'models.json');
      const models = ['a', 'ess', 'b'].map((id) => ({ id, template: 'battery' }));
      await writeFile(file, JSON.stringify(models));
      const { code, lines } = await run(`models create ${file}`);
      assert.deepEqual(
        [code, lines.slice(0, 3)],
        [1, ['2 made, 1 refused', 'ID  WHY', 'ess  There is a model ess already.']],
      );
      await writeFile(file, JSON.stringify({ id: 'c', template: 'battery' }));
      const one = JSON.parse((await statewatt(`models create ${file} --json`, { client })).out) as object;
      assert.deepEqual({ ...one, verdicts: [] }, { created: 1, refused: 0, verdicts: [] });
      assert.deepEqual(await run('models remove c'), { code: 0, lines: ['c: removed', ''], err: '' });
      assert.equal((await run('models remove c')).code, 4);
      for (const text of ['{', '[]', '[5]']) {
        await writeFile(file, text);
        const { code: exit, err } = await run(`models create ${file}`);
        assert.ok(exit !== 0 && err.includes(file), err);
      }
    } finally {
      await folder.remove();
    }
  });

  it('makes as many as a file has, a thousand at a time', async () => {
    const folder = await tempFolder();
    try {
      const file = join(folder.path, 'models.json');
      await writeFile(
        file,
        JSON.stringify(Array.from({ length: 2_001 }, (_, n) => ({ id: `m${n}`, template: 'battery' }))),
      );
      assert.deepEqual((await run(`models create ${file}`)).lines[0], '2001 made, 0 refused');
    } finally {
      await folder.remove();
    }
  });

  it('watches one until so many lines have come', async () => {
    const writing = setInterval(() => void client.writeModel({ model: 'rack', point: 'limit', value: 3 }), 5);
    try {
      const { code, lines } = await run('models watch rack --point limit --count 2');
      assert.equal(code, 0);
      assert.match(lines[0] as string, /^20\d\d-.*  limit  3  good$/);
      assert.equal(lines.length, 3);
      const { out } = await statewatt('models watch rack --count 1 --json', { client });
      const { model, name, value } = JSON.parse(out) as Record<string, unknown>;
      assert.deepEqual([model, name, value], ['rack', 'limit', 3]);
    } finally {
      clearInterval(writing);
    }
    const { code, err } = await run('models watch rack --point power');
    assert.deepEqual([code, err.includes('rack has no point power; it has soc, limit')], [4, true]);
    assert.equal((await run('models watch nobody')).code, 4);
  });

  it('ends a watch in order when it is interrupted', async () => {
    const stop = new AbortController();
    const watching = statewatt('models watch rack', { client, interrupted: stop.signal });
    stop.abort();
    assert.equal((await watching).code, 0);
  });

  it('prints the past of a point, page by page or whole', async () => {
    const { code, lines, err } = await run('models history rack soc --limit 2 --resolution raw');
    assert.deepEqual([code, lines.length], [0, 4]);
    assert.equal(lines[0], 'TIME  VALUE  QUALITY');
    assert.match(err, /There are more/);
    const page = JSON.parse((await statewatt('models history rack soc --limit 2 --json', { client })).out) as {
      [key: string]: unknown;
      rows: unknown[];
    };
    assert.deepEqual([page.model, page.point, page.rows.length], ['rack', 'soc', 2]);
    const csv = await statewatt('models history rack soc --resolution raw --limit 2 --csv', { client });
    assert.equal(csv.out.split('\n')[0], 'time,value,quality');
    assert.equal((await run('models history rack soc --csv --json')).code, 2);
    assert.equal((await run('models history nobody soc')).code, 4);
  });

  it('shows examples with each of them', async () => {
    for (const command of ['', ' create', ' remove', ' watch', ' history']) {
      assert.match(
        (await statewatt(`models${command} --help`, { client })).out,
        /Examples:\n  statewatt|Examples:\n  echo/,
      );
    }
  });
});
