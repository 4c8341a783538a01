import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ChannelView } from '../../../actors/client/schemas.js';
import { noProcessOf, processesOf, virtualChannel, writeSite } from '../../support/node.js';
import { eventually, freePort, tempFolder } from '../../support/temp.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const MAIN = join(ROOT, 'dist/cli/main.js');

interface Ended {
  code: number | null;
  signal: string | null;
}

describe('statewatt up as a process', function () {
  this.timeout(120_000);
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  const running = new Set<ChildProcess>();

  beforeEach(async () => {
    temp = await tempFolder();
    await writeSite(temp.path, virtualChannel(1));
  });
  afterEach(async () => {
    for (const child of running) child.kill('SIGKILL');
    await eventually(async () => ((await processesOf(temp.path)).length === 0 ? true : undefined), {
      within: 30_000,
      what: 'the end of all processes',
    });
    await temp.remove();
  });

  function start(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    nodeOptions: readonly string[] = [],
    main = MAIN,
  ) {
    const child = spawn(process.execPath, [...nodeOptions, main, 'up', ...args], {
      cwd: temp.path,
      env: { ...process.env, STATEWATT_HTTP_PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    const ended = once(child, 'exit').then(([code, signal]): Ended => {
      running.delete(child);
      return { code: code as number | null, signal: signal as string | null };
    });
    return { child, ended, out: createInterface({ input: child.stdout }) };
  }
  async function run(...args: Parameters<typeof start>): Promise<Ended & { out: string; err: string }> {
    const { child, ended } = start(...args);
    const [end, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    return { ...end, out, err };
  }
  /** Starts with --json and answers what it says when it runs. */
  async function startJson(env: NodeJS.ProcessEnv = {}) {
    const started = start(['--json'], { STATEWATT_LOG_LEVEL: 'silent', ...env });
    const [line] = (await once(started.out, 'line')) as [string];
    return { ...started, where: JSON.parse(line) as { http: { url: string }; nats: { url: string }; pid: number } };
  }
  const state = async (url: string) => ((await (await fetch(`${url}/api/v1/channels/1`)).json()) as ChannelView).state;

  it('runs the site of the folder, tells each step, and stops all in order at SIGTERM', async () => {
    const { child, ended, out } = start([]);
    const lines: string[] = [];
    for await (const line of out) {
      lines.push(line);
      if (!line.includes('Data  ')) continue;
      const url = /http:\/\/\S+/.exec(lines.find((each) => each.includes('Web page')) ?? '')?.[0] ?? '';
      assert.equal((await fetch(`${url}/health/live`)).status, 200);
      child.kill('SIGTERM');
    }
    assert.deepEqual(await ended, { code: 0, signal: null });
    const stage = (name: string) => lines.map((line) => line.trim()).filter((line) => line.startsWith(`✓ ${name}`));
    for (const name of ['data folder', 'nats-server', 'bus', 'history', 'actors', 'channels', 'HTTP']) {
      assert.ok(stage(name).length >= 2, `${name}: started and stopped`);
    }
    assert.ok(lines.includes('Stopping …'));
    await noProcessOf(temp.path);
  });

  it('goes on when its output is no longer read, refuses a second node, and stops at SIGINT', async () => {
    const { child, ended, where } = await startJson({ STATEWATT_LOG_LEVEL: 'debug' });
    child.stdout.destroy();
    child.stderr.destroy();
    const second = await run([]);
    assert.deepEqual([second.code, second.signal], [1, null]);
    assert.match(second.err, new RegExp(`^statewatt: node\\.folder_in_use: .*process id ${child.pid} `));
    assert.equal(where.pid, child.pid);
    await eventually(async () => ((await state(where.http.url)) === 'online' ? true : undefined), { within: 30_000 });
    child.kill('SIGINT');
    assert.deepEqual(await ended, { code: 0, signal: null });
    await noProcessOf(temp.path);
  });

  it('starts again at once after a kill, on the same ports, and knows what an operator said', async () => {
    const env = { STATEWATT_HTTP_PORT: String(await freePort()), STATEWATT_NATS_PORT: String(await freePort()) };
    const first = await startJson(env);
    const stop = await fetch(`${first.where.http.url}/api/v1/channels/1/commands`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ command: 'stop' }),
    });
    assert.equal(stop.status, 200, await stop.text());
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await startJson(env);
    assert.deepEqual(second.where.http, first.where.http);
    assert.equal(await state(second.where.http.url), 'stopped');
    second.child.kill('SIGTERM');
    assert.deepEqual(await second.ended, { code: 0, signal: null });
  });

  it('stops what it has started when it is interrupted during the start', async () => {
    const { child, ended, out } = start([]);
    const lines: string[] = [];
    for await (const line of out) {
      lines.push(line);
      if (line.includes('✓ nats-server') && !child.killed) child.kill('SIGINT');
    }
    assert.deepEqual(await ended, { code: 0, signal: null });
    assert.ok(!lines.some((line) => line.includes('Running after')));
    await noProcessOf(temp.path);
  });

  it('says what is wrong with the site, and starts nothing', async () => {
    const missing = await run(['nothing.yaml']);
    assert.equal(missing.code, 1);
    assert.match(missing.err, /^statewatt: config\.invalid: .*nothing\.yaml/);
    assert.equal(missing.out, '');
    await writeFile(join(temp.path, 'site.yaml'), 'channels: [{ id: 1, protocol: virtul }]\n');
    const wrong = await run(['--json']);
    assert.equal(wrong.code, 1);
    const { error } = JSON.parse(wrong.err) as { error: { code: string; message: string } };
    assert.equal(error.code, 'config.invalid');
    assert.match(error.message, /site\.yaml:1:31: .*found "virtul", allowed modbus/);
  });

  it('stops again when its port is taken', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    try {
      const { code, out, err } = await run(['--http-port', String(port)], { STATEWATT_LOG_LEVEL: 'silent' });
      assert.equal(code, 1);
      assert.equal(
        err,
        `statewatt: http.port_in_use: Port ${port} of 127.0.0.1 is in use by another program; ` +
          'choose another port, or end that program.\n',
      );
      assert.match(out, /✓ channels[^]*✓ channels/);
    } finally {
      other.close();
    }
  });

  it('says what to install when there is no nats-server', async () => {
    // The same program in a folder without a cache.
    for (const name of ['dist', 'node_modules', 'package.json', 'templates'])
      await symlink(join(ROOT, name), join(temp.path, name));
    const { code, err } = await run(
      [],
      { PATH: '/nowhere', STATEWATT_LOG_LEVEL: 'silent' },
      ['--preserve-symlinks', '--preserve-symlinks-main'],
      join(temp.path, 'dist/cli/main.js'),
    );
    assert.equal(code, 3);
    assert.match(err, /^statewatt: bus\.server_missing: .*install nats-server 2\.12 or newer, or give NATS_URL\n$/);
  });

  it('tells a wrong command line from a wrong setting by its exit code', async () => {
    assert.equal((await run(['--port', '1'])).code, 2);
    assert.equal((await run(['--http-port', 'http'])).code, 1);
    assert.equal((await run(['a', 'b'])).code, 2);
  });
});
