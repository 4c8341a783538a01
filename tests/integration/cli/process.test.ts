import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { tempFolder } from '../../support/temp.js';

const MAIN = fileURLToPath(new URL('./fake-main.js', import.meta.url));
const NODE = process.execPath;

interface Ended {
  code: number | null;
  signal: string | null;
}

function start(args: readonly string[]): ChildProcess {
  return spawn(NODE, [MAIN, '--nats', 'nats://127.0.0.1:1', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function ended(child: ChildProcess): Promise<Ended> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return { code, signal };
}

async function run(args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = start(args);
  const [{ code }, out, err] = await Promise.all([ended(child), text(child.stdout!), text(child.stderr!)]);
  return { code, out, err };
}

describe('the CLI as a process', () => {
  it('is the command of the package, and finds the demo site valid', async () => {
    const root = fileURLToPath(new URL('../../../../', import.meta.url));
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: { statewatt: string } };
    const main = join(root, bin.statewatt);
    assert.match(readFileSync(main, 'utf8'), /^#!\/usr\/bin\/env node\n/);
    const child = spawn(NODE, [main, 'check', join(root, 'demo/site.yaml')], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [{ code }, out] = await Promise.all([ended(child), text(child.stdout)]);
    assert.equal(code, 0, out);
    assert.match(out, /valid \(site Demo site, 8 channels, \d+ points, \d+ files\)\n$/);
  });

  it('answers on stdout and ends by itself', async () => {
    const { code, out, err } = await run(['points', '--channel', '1001', '--json']);
    assert.deepEqual([code, err], [0, '']);
    assert.equal((JSON.parse(out) as { points: unknown[] }).points.length, 6);
  });

  it('gives the package its version', async () => {
    const file = new URL('../../../../package.json', import.meta.url);
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    assert.deepEqual(await run(['--version']), { code: 0, out: `${version}\n`, err: '' });
  });

  it('tells failures by its exit code', async () => {
    assert.equal((await run(['show'])).code, 2);
    assert.equal((await run(['show', 'channel/9'])).code, 4);
    assert.equal((await run(['write', '1001:A:1', '4000'])).code, 1);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`ends tail in order at ${signal}, with code 0`, async () => {
      const child = start(['tail', '--json']);
      const end = ended(child);
      await once(createInterface({ input: child.stdout! }), 'line');
      child.kill(signal);
      assert.deepEqual(await end, { code: 0, signal: null });
    });
  }

  it('ends quietly when its reader has enough', async () => {
    const child = spawn('/bin/sh', ['-c', '"$0" "$1" --nats nats://x tail --json | head -n 3', NODE, MAIN], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [{ code }, out, err] = await Promise.all([ended(child), text(child.stdout), text(child.stderr)]);
    assert.deepEqual([code, out.trimEnd().split('\n').length, err], [0, 3, '']);
  });

  it('writes long answers whole into a slow pipe', async () => {
    const child = start([
      'history',
      '1001:T:1',
      '--from',
      '-7d',
      '--resolution',
      '1m',
      '--limit',
      '5000',
      '--all',
      '--json',
    ]);
    const end = ended(child);
    child.stdout!.pause();
    await once(child.stdout!, 'readable');
    const [out, { code }] = await Promise.all([text(child.stdout!), end]);
    assert.equal(code, 0);
    assert.ok((JSON.parse(out) as { rows: unknown[] }).rows.length > 8000);
  });

  it('checks a configuration on disk: one that is valid, and one with its problems', async () => {
    const folder = await tempFolder();
    try {
      const file = join(folder.path, 'site.yaml');
      await writeFile(file, 'site: Depot\nchannels: []\nchanels: []\n');
      const bad = await run(['check', file]);
      assert.equal(bad.code, 1);
      assert.match(bad.out, /site\.yaml:3:1: /);
      const { valid, problems } = JSON.parse((await run(['check', file, '--json'])).out) as {
        valid: boolean;
        problems: { line: number; found: string; allowed: string }[];
      };
      assert.equal(valid, false);
      assert.equal(problems[0]?.line, 3);
      await writeFile(file, 'site: Depot\nchannels: []\n');
      const good = await run(['check', file]);
      assert.deepEqual([good.code, good.out], [0, `${file}: valid (site Depot, 0 channels, 0 points, 1 file)\n`]);
      const missing = await run(['check', join(folder.path, 'nothing.yaml')]);
      assert.deepEqual([missing.code, missing.err], [1, '']);
    } finally {
      await folder.remove();
    }
  });
});
