import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SupervisedChild, type ChildOptions } from '../../../processes/child.js';
import type { StatewattError } from '../../../errors/error.js';
import { eventually, tempFolder } from '../../support/temp.js';

/** A zombie, which only waits to be reaped, is not alive. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const gone = (pid: number, within?: number) =>
  eventually(() => (alive(pid) ? undefined : true), { what: `end of ${pid}`, ...(within && { within }) });

describe('SupervisedChild', () => {
  const children: SupervisedChild[] = [];

  function shell(script: string, options: Partial<ChildOptions> = {}): SupervisedChild & { pids: number[] } {
    const pids: number[] = [];
    const child = new SupervisedChild({
      name: 'worker',
      command: '/bin/sh',
      args: ['-c', script],
      ...options,
      ready:
        options.ready ??
        (async (running) => {
          await running.line(/^ready/);
        }),
      onLine: (line) => {
        const pid = /^ready (\d+)/.exec(line)?.[1];
        if (pid !== undefined) pids.push(Number(pid));
        options.onLine?.(line);
      },
    });
    children.push(child);
    return Object.assign(child, { pids });
  }

  afterEach(async () => {
    for (const child of children.splice(0)) await child.stop(1_000);
  });

  it('starts, says when it serves, and stops in order by SIGTERM', async () => {
    const lines: string[] = [];
    const child = shell('trap "echo bye; exit 0" TERM; echo ready $$; while :; do sleep 0.05; done', {
      onLine: (line) => lines.push(line),
    });
    assert.equal(child.running, false);
    await child.start();
    assert.equal(child.running, true);
    assert.ok(child.pid !== undefined && alive(child.pid));
    await assert.rejects(child.start(), { code: 'process.running' });
    await child.stop();
    assert.deepEqual([child.running, child.pid, child.restarts], [false, undefined, 0]);
    await eventually(() => lines.includes('bye') || undefined);
    await gone(child.pids[0] ?? 0);
    await child.stop();
  });

  it('fails to start with the last lines that the child printed', async () => {
    for (let each = 0; each < 10; each++) {
      const child = shell('i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i >&2; done; exit 3');
      await assert.rejects(child.start(), (error: StatewattError) => {
        assert.equal(error.code, 'process.start_failed');
        assert.match(error.message, /^worker ended with code 3:\nline 291\n(.*\n)+line 300$/);
        return true;
      });
      assert.deepEqual([child.running, child.restarts], [false, 0]);
    }
  });

  it('fails to start without its output when something else holds that open', async () => {
    const child = shell('setsid sleep 2 & echo last words; exit 1');
    await assert.rejects(child.start(), /worker ended with code 1:\nlast words/);
  });

  it('says that a command is not there, and that a folder is not', async () => {
    const missing = new SupervisedChild({ name: 'nothing', command: 'no-such-command', args: [], ready: forEver });
    await assert.rejects(missing.start(), /nothing ended with code 127:\n.*no-such-command/);
    const lost = shell('echo ready', { cwd: '/no/such/folder' });
    await assert.rejects(lost.start(), /worker could not be started: .*ENOENT/);
    assert.equal(lost.running, false);
  });

  it('stops what it started when it never gets ready, however early', async () => {
    const folder = await tempFolder();
    for (let each = 0; each < 10; each++) {
      const child = shell('sleep 600', {
        cwd: folder.path,
        ready: () => Promise.reject(new Error('not what we want')),
      });
      await assert.rejects(child.start(), /not what we want/);
    }
    await eventually(async () => (await processesIn(folder.path)).length === 0 || undefined);
    await folder.remove();
  });

  it('kills by SIGKILL what does not heed SIGTERM', async () => {
    const child = shell('trap "" TERM; echo ready $$; while :; do sleep 0.05; done');
    await child.start();
    await child.stop(50);
    await gone(child.pids[0] ?? 0);
    assert.equal(child.running, false);
  });

  it('takes with it what it started itself', async () => {
    const child = shell('sleep 600 & echo ready $!; wait');
    await child.start();
    await child.stop();
    await gone(child.pids[0] ?? 0);
  });

  it('starts again what died, with a growing backoff, and answers lines of the new run', async () => {
    const restarts: { code: number | null; delayMs: number; restarts: number }[] = [];
    const child = shell('echo ready $$; exec sleep 600', { onRestart: (info) => restarts.push(info) });
    await child.start();
    for (const lives of [2, 3]) {
      child.kill();
      await eventually(() => child.pids.length === lives || undefined);
    }
    assert.deepEqual(
      restarts.map(({ delayMs, restarts: count }) => [delayMs, count]),
      [
        [200, 1],
        [400, 2],
      ],
    );
    await gone(child.pids[0] ?? 0);
    await gone(child.pids[1] ?? 0);
    assert.ok(alive(child.pids[2] ?? 0));
  });

  it('keeps trying when a restart fails, gives up at its intensity, and can be started anew', async () => {
    const folder = await tempFolder();
    let giveUp: (error: StatewattError) => void = () => undefined;
    const givenUp = new Promise<StatewattError>((resolve) => (giveUp = resolve));
    // Serves the first time only.
    const child = shell('if mkdir once; then echo ready $$; exec sleep 600; else echo no second time; exit 1; fi', {
      cwd: folder.path,
      intensity: { restarts: 2, windowMs: 60_000 },
      onGiveUp: (error) => giveUp(error),
    });
    await child.start();
    child.kill();
    assert.match((await givenUp).message, /worker ended 3 times within 60 s; giving up:\n(.*\n)*no second time/);
    assert.deepEqual([child.running, child.restarts], [false, 2]);
    await folder.remove();
    const fresh = shell('echo ready $$; exec sleep 600', { intensity: { restarts: 0, windowMs: 60_000 } });
    await fresh.start();
    fresh.kill();
    await eventually(() => !fresh.running || undefined);
    await fresh.start();
    assert.equal(fresh.running, true);
  });

  it('stays stopped when it is stopped while it comes back', async () => {
    const folder = await tempFolder();
    let second: () => void = () => undefined;
    const comesBack = new Promise<void>((resolve) => (second = resolve));
    const child = shell('if mkdir once 2>/dev/null; then echo ready $$; else echo slow; fi; exec sleep 600', {
      cwd: folder.path,
      onLine: (line) => line === 'slow' && second(),
    });
    await child.start();
    child.kill();
    await comesBack;
    await child.stop();
    const { restarts } = child;
    // The backoff would have been 0.4 s.
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.deepEqual([child.running, child.restarts], [false, restarts]);
    await eventually(async () => (await processesIn(folder.path)).length === 0 || undefined);
    await folder.remove();
  });

  it('started by hand while a restart is due runs once', async () => {
    const child = shell('echo ready $$; exec sleep 600');
    await child.start();
    child.kill();
    await eventually(() => !child.running || undefined);
    await child.start();
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal(child.pids.length, 2);
    assert.ok(alive(child.pids[1] ?? 0));
  });

  describe('whose parent is killed by SIGKILL', () => {
    async function parentOf(script: string): Promise<{ parent: ChildProcess; pid: number }> {
      const file = fileURLToPath(new URL('../../support/parent.js', import.meta.url));
      const parent = spawn(process.execPath, [file, script], { stdio: ['ignore', 'pipe', 'inherit'] });
      for await (const line of createInterface({ input: parent.stdout })) {
        const pid = /^ready (\d+)/.exec(line)?.[1];
        if (pid !== undefined) return { parent, pid: Number(pid) };
      }
      throw new Error('the parent ended early');
    }

    it('ends with it', async () => {
      const { parent, pid } = await parentOf('echo ready $$; exec sleep 600');
      assert.ok(alive(pid));
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      await gone(pid);
    });

    it('ends with what it started itself', async () => {
      const { parent, pid } = await parentOf('sleep 600 & echo ready $!; wait');
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      await gone(pid);
    });

    it('ends by force when it does not heed SIGTERM', async () => {
      const { parent, pid } = await parentOf('trap "" TERM; echo ready $$; while :; do sleep 0.1; done');
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      await gone(pid, 30_000);
    }).timeout(40_000);
  });
});

const forEver = (): Promise<void> => new Promise(() => undefined);

/** Pids of the processes whose working folder this is (Linux). */
async function processesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const place = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (place === folder) found.push(pid);
  }
  return found;
}
