import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fingerprint, removeOrphans } from '../../../scripts/setup/build.mjs';
import { SetupError, ask, run } from '../../../scripts/setup/command.mjs';
import { withLock } from '../../../scripts/setup/lock.mjs';
import { checkNode } from '../../../scripts/setup/node-version.mjs';
import { installLine } from '../../../scripts/setup/package-managers.mjs';
import { isInstalled } from '../../../scripts/setup/packages.mjs';
import { NATS_SERVER, TEST_PARTS, findPart, type Part } from '../../../scripts/setup/parts.mjs';
import { Steps, printFailure } from '../../../scripts/setup/steps.mjs';
import { ensureParts } from '../../../scripts/setup/system-parts.mjs';
import { isAtLeast, parseVersion } from '../../../scripts/setup/version.mjs';
import { tempFolder } from '../../support/temp.js';

let folder: Awaited<ReturnType<typeof tempFolder>>;
const at = (...names: string[]) => join(folder.path, ...names);
beforeEach(async () => {
  folder = await tempFolder();
});
afterEach(() => folder.remove());

/** Collects what a step prints. */
function paper(isTTY = false) {
  const written: string[] = [];
  return { isTTY, write: (text: string) => written.push(text), text: () => written.join('') };
}

describe('setup: versions', () => {
  it('finds and compares them', () => {
    assert.deepEqual(parseVersion('nats-server: v2.15.1'), [2, 15, 1]);
    assert.deepEqual(parseVersion('mbpoll 1.4'), [1, 4, 0]);
    assert.equal(parseVersion('none'), undefined);
    assert.ok(isAtLeast([2, 12, 0], '2.12.0'));
    assert.ok(isAtLeast([3, 0, 0], '2.12.0'));
    assert.ok(isAtLeast([20, 19, 1], '20.19'));
    assert.ok(!isAtLeast([2, 9, 10], '2.12.0'));
    assert.ok(!isAtLeast([], '1'));
  });

  it('refuses a Node that is too old, saying which is needed', async () => {
    await writeFile(at('package.json'), '{"engines":{"node":">=20.19"}}');
    assert.deepEqual(checkNode(folder.path, '20.19.0'), { note: '20.19.0' });
    assert.deepEqual(checkNode(folder.path, '24.1.0'), { note: '24.1.0' });
    assert.throws(
      () => checkNode(folder.path, '18.20.4'),
      (error) =>
        error instanceof SetupError && /Node 18\.20\.4; Statewatt needs Node 20\.19 or newer/.test(error.message),
    );
  });
});

describe('setup: commands', () => {
  it('answers what a command prints, and keeps the log of one that fails', async () => {
    assert.equal(await run('/bin/sh', ['-c', 'echo a; echo $X >&2'], { env: { X: 'b' } }), 'a\nb\n');
    await assert.rejects(
      run('/bin/sh', ['-c', 'echo reason >&2; exit 3']),
      (error) => error instanceof SetupError && /ended with code 3/.test(error.message) && error.log === 'reason\n',
    );
    await assert.rejects(run(at('nothing'), []), /could not be started/);
    assert.equal(ask('/bin/sh', ['-c', 'echo a']), 'a\n');
    assert.equal(ask('/bin/sh', ['-c', 'exit 1']), undefined);
    assert.equal(ask(at('nothing'), []), undefined);
  });

  it('says the line that installs a package', () => {
    const manager = (id: string, needsRoot: boolean, install: string[]) => ({ id, program: id, needsRoot, install });
    assert.equal(
      installLine(manager('apt-get', true, ['install', '-y', '-o', 'X']), ['a', 'b']),
      'sudo apt-get install a b',
    );
    assert.equal(installLine(manager('brew', false, ['install']), ['a']), 'brew install a');
    assert.equal(installLine(manager('pacman', true, ['-S', '--noconfirm']), ['a']), 'sudo pacman -S a');
  });
});

describe('setup: npm packages', () => {
  it('knows whether what is installed is what the lock file asks for', () => {
    const lock = { packages: { '': {}, a: { version: '1', integrity: 'x' }, b: { version: '2', optional: true } } };
    const same = { packages: { a: { version: '1', integrity: 'x' } } };
    assert.ok(isInstalled(lock, same));
    assert.ok(isInstalled(lock, { packages: { ...same.packages, b: { version: '2' } } }));
    assert.ok(!isInstalled(lock, {}));
    assert.ok(!isInstalled(lock, { packages: { a: { version: '1', integrity: 'y' } } }));
    assert.ok(!isInstalled(lock, { packages: { ...same.packages, b: { version: '1' } } }));
    assert.ok(!isInstalled(lock, { packages: { ...same.packages, c: { version: '1' } } }));
  });
});

describe('setup: system parts', () => {
  const part: Part = {
    name: 'widget',
    purpose: 'something for tests',
    programs: ['widget', 'widget-2'],
    versionArgs: ['--version'],
    minimum: '2.0.0',
    packages: {},
  };
  async function program(text: string, ...names: string[]) {
    const path = at(...names);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${text}\n`);
    await chmod(path, 0o755);
    return path;
  }

  it('are found on PATH, then in the cache, and only when new enough', async () => {
    const old = await program('echo widget 1.9.9', 'old', 'widget');
    const cached = await program('echo widget 2.1', 'cache', 'widget', 'widget');
    const searchPath = [at('empty'), at('old')].join(delimiter);
    assert.deepEqual(findPart(part, at('cache'), searchPath), {
      found: { path: cached, version: '2.1.0' },
      rejected: [`${old} is version 1.9.9, needed is 2.0.0 or newer`],
    });
    const second = await program('echo 3.0', 'new', 'widget-2');
    assert.equal(findPart(part, at('cache'), at('new')).found?.path, second);
    assert.equal(findPart(part, at('none'), at('empty')).found, undefined);
  });

  it('are looked for at every match when one name stands for several', async () => {
    const broken = await program('exit 1', 'a', 'widget');
    const good = await program('echo 2.2', 'b', 'widget');
    const searchPath = [at('a'), at('b')].join(delimiter);
    assert.equal(findPart(part, at('cache'), searchPath).found, undefined);
    assert.deepEqual(findPart({ ...part, everyMatch: true }, at('cache'), searchPath), {
      found: { path: good, version: '2.2.0' },
      rejected: [`${broken} does not run or lacks what is needed`],
    });
  });

  it('that are missing and cannot be had are all named, with what to do', async () => {
    const out = paper();
    const missing = { ...part, programs: ['statewatt-no-such-program'], packages: { winget: 'Some.Widget' } };
    await assert.rejects(
      ensureParts([missing, { ...missing, name: 'gadget' }], at('cache'), new Steps(out)),
      (error) => {
        assert.ok(error instanceof SetupError);
        assert.match(error.message, /^widget 2\.0\.0 or newer is missing \(something for tests\)\./);
        assert.match(error.message, /winget install Some\.Widget/);
        assert.match(error.message, /looked for as statewatt-no-such-program on PATH, then in \.cache\/widget\//);
        assert.match(error.message, /\n\ngadget 2\.0\.0/);
        return true;
      },
    );
  });

  it('of the product and its tests have a purpose and a package for apt, or a way of their own', () => {
    assert.equal(NATS_SERVER.minimum, '2.12.0');
    for (const one of TEST_PARTS) assert.ok(one.purpose !== '' && one.packages.apt !== undefined, one.name);
  });
});

describe('setup: build stamps', () => {
  it('change when a source is added, changed or removed, and not by what is built', async () => {
    await mkdir(at('src'));
    await writeFile(at('src', 'a.ts'), 'export {};');
    const first = fingerprint(folder.path);
    assert.equal(fingerprint(folder.path), first);
    await mkdir(at('dist'));
    await writeFile(at('dist', 'a.js'), '');
    await writeFile(at('README.md'), '');
    assert.equal(fingerprint(folder.path), first);
    await utimes(at('src', 'a.ts'), 1, 1);
    const touched = fingerprint(folder.path);
    assert.notEqual(touched, first);
    await writeFile(at('src', 'b.ts'), '');
    assert.notEqual(fingerprint(folder.path), touched);
    await rm(at('src', 'b.ts'));
    assert.equal(fingerprint(folder.path), touched);
  });

  it('compiled files of sources that are gone are removed, the web bundle stays', async () => {
    await mkdir(at('dist', 'web'), { recursive: true });
    await writeFile(at('kept.ts'), '');
    for (const name of ['kept.js', 'kept.d.ts', 'gone.js', 'gone.js.map', 'gone.d.ts', 'web/bundle.js'])
      await writeFile(at('dist', name), '');
    assert.equal(removeOrphans(folder.path), 1);
    assert.deepEqual(
      ['kept.js', 'kept.d.ts', 'gone.js', 'gone.js.map', 'gone.d.ts', 'web/bundle.js'].map((name) =>
        existsSync(at('dist', name)),
      ),
      [true, true, false, false, false, true],
    );
  });
});

describe('setup: lock', () => {
  it('lets one run at a time, and is gone afterwards, also after a failure', async () => {
    const lock = at('cache', 'setup.lock');
    const order: string[] = [];
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const first = withLock(lock, async () => {
      order.push('first');
      await held;
      order.push('first ends');
    });
    assert.equal(await readFile(lock, 'utf8'), String(process.pid));
    const second = withLock(
      lock,
      async () => void order.push('second'),
      (pid) => {
        order.push(`waits for ${pid === process.pid ? 'us' : pid}`);
        release();
      },
    );
    await Promise.all([first, second]);
    assert.deepEqual(order, ['first', 'waits for us', 'first ends', 'second']);
    await assert.rejects(withLock(lock, () => Promise.reject(new Error('x'))));
    assert.ok(!existsSync(lock));
  });

  it('of a process that is gone is taken over', async () => {
    const gone = (await run('/bin/sh', ['-c', 'echo $$'])).trim();
    await writeFile(at('lock'), gone);
    assert.equal(
      await withLock(
        at('lock'),
        async () => 'done',
        () => assert.fail('must not wait'),
      ),
      'done',
    );
    await writeFile(at('lock'), '');
    await utimes(at('lock'), 1, 1);
    assert.equal(await withLock(at('lock'), async () => 'done'), 'done');
  });
});

describe('setup: steps', () => {
  it('print one line each, with what it cost', async () => {
    const out = paper();
    const steps = new Steps(out);
    await steps.step('npm packages', () => ({ note: 'installed', megabytes: 812.2 }));
    await assert.rejects(steps.step('build', () => Promise.reject(new SetupError('wrong'))));
    assert.match(out.text(), /^ {2}✓ npm packages {2}installed +\d+\.\d s {2}813 MB\n {2}✗ build +\d+\.\d s\n$/);
  });

  it('show on a terminal that they are under way', async () => {
    const out = paper(true);
    await new Steps(out).step('build', () => ({ note: 'compiled' }));
    assert.ok(out.text().startsWith('  … build'));
    assert.match(out.text(), /\r\u001b\[2K {2}✓ build/);
  });

  it('print the log before what is wrong, and the stack of what nobody expected', () => {
    const out = paper();
    printFailure(new SetupError('it failed', 'line 1\nline 2\n'), out);
    assert.equal(out.text(), '\nline 1\nline 2\n\nit failed\n');
    const odd = paper();
    printFailure(new TypeError('odd'), odd);
    assert.match(odd.text(), /TypeError: odd\n +at /);
  });
});
