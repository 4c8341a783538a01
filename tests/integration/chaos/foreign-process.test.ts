import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ForeignProcess } from '../../../chaos/attach/process.js';
import { eventually } from '../../support/temp.js';

describe('a process of somebody else, in a chaos run', function () {
  this.timeout(60_000);
  let child: ChildProcess;
  before(function () {
    if (process.platform !== 'linux') this.skip();
  });
  beforeEach(() => {
    child = spawn('sleep', ['60'], { stdio: 'ignore' });
  });
  afterEach(() => child.kill('SIGKILL'));
  const state = (): string => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? '';

  it('which goes on after a pause', async () => {
    const found = await ForeignProcess.find(child.pid as number);
    const pause = await found.pause();
    await eventually(() => (state() === 'T' ? true : undefined));
    await pause.release();
    await eventually(() => (state() === 'S' ? true : undefined));
  });

  it('which is killed once, and nothing that comes to have its number', async () => {
    const found = await ForeignProcess.find(child.pid as number);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await found.kill();
    await ended;
    await assert.rejects(found.kill(), { code: 'chaos.no_target' });
    await assert.rejects(found.pause(), { code: 'chaos.no_target' });
  });

  it('but neither itself, nor one that is not there, nor that of another user', async () => {
    for (const pid of [process.pid, process.ppid, 1, 4_194_000])
      await assert.rejects(ForeignProcess.find(pid), { code: 'chaos.not_permitted' }, String(pid));
    const getuid = process.getuid;
    process.getuid = () => 4_000_000_000;
    try {
      await assert.rejects(ForeignProcess.find(child.pid as number), /belongs to another user/);
    } finally {
      process.getuid = getuid;
    }
  });
});
