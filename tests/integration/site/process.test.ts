import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runStatewatt, SiteProcess } from '../../support/site-process.js';
import { eventually, tempFolder } from '../../support/temp.js';
import { CASE_TIMEOUT_MS } from './bed.js';

const SITE = `
channels:
  - id: 1
    protocol: virtual
    polling: { interval_ms: 100 }
    simulation: { patterns: [{ type: sine, point_id: 1, amplitude: 1, frequency: 1, phase: 0, offset: 0 }] }
`;

describe('statewatt up as a process', function () {
  this.timeout(CASE_TIMEOUT_MS);
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let path: string;
  let site: SiteProcess;

  before(async () => {
    folder = await tempFolder();
    path = join(folder.path, 'site.yaml');
    await writeFile(path, SITE);
  });
  beforeEach(async () => {
    site = await SiteProcess.start({ site: path });
  });
  afterEach(() => site.close());
  after(() => folder.remove());

  const runFile = (): string => join(site.data, 'run.json');
  const pidFile = (): string => join(site.data, 'node.pid');

  it('stops in order at SIGTERM: code 0, no process left, no trace of running; a second start goes on', async () => {
    const running = JSON.parse(await readFile(runFile(), 'utf8')) as { pid: number; http: { url: string } };
    assert.deepEqual([running.pid, running.http.url], [site.pid, site.url]);
    assert.equal(parseInt(await readFile(pidFile(), 'utf8'), 10), site.pid);
    assert.ok(site.partPid('nats-server') !== undefined && site.partPid('history engine') !== undefined);
    const before = await site.healthWhen('some history', ({ parts }) => Number(parts.history?.facts?.points) >= 10);

    await site.stop();
    assert.deepEqual([existsSync(runFile()), existsSync(pidFile())], [false, false]);
    await assert.rejects(fetch(`${site.url}/health`));

    await site.start();
    const after = await site.healthWhen('more history', ({ parts }) => Number(parts.history?.facts?.points) >= 1);
    assert.ok(Number(after.parts.history?.facts?.rows) > Number(before.parts.history?.facts?.points));
    await site.stop();
  });

  it('refuses a data folder on which a site runs, and leaves that site alone', async () => {
    const refused = await runStatewatt(['up', path, '--data', site.data, '--http-port', '0', '--json']);
    assert.equal(refused.code, 1, refused.err);
    const { error } = JSON.parse(refused.err) as { error: { code: string; message: string } };
    assert.equal(error.code, 'node.folder_in_use');
    assert.match(error.message, new RegExp(`process id ${site.pid} `));
    assert.equal(refused.out, '');
    assert.equal(parseInt(await readFile(pidFile(), 'utf8'), 10), site.pid);
    await site.healthWhen('it is well', ({ status }) => status === 'healthy');
    await site.stop();
  });

  it('starts again after SIGKILL, on the data that is there', async () => {
    await site.healthWhen('some history', ({ parts }) => Number(parts.history?.facts?.points) >= 10);
    await site.kill();
    assert.deepEqual([existsSync(runFile()), existsSync(pidFile())], [true, true]);
    // Who asks by the run file of a site that is gone hears so.
    const asked = await runStatewatt(['health', '--data', site.data, '--json']);
    assert.equal(asked.code, 3, asked.err);
    await site.start();
    const { parts } = await site.healthWhen('history goes on', (health) => health.status === 'healthy');
    assert.ok(Number(parts.history?.facts?.rows) >= 10);
    await site.stop();
  });

  it('stops in order when it is told so while it starts', async () => {
    await site.stop();
    const starting = site.start().catch((error: Error) => error);
    await eventually(() => site.partPid('nats-server'), { within: 60_000, what: 'its first server' });
    await site.stop();
    await starting;
    assert.deepEqual([existsSync(runFile()), existsSync(pidFile())], [false, false]);
  });
});
