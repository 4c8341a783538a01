import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Disk } from '../../../chaos/disk.js';
import { eventually, tempFolder } from '../../support/temp.js';

describe('faults of a node', function () {
  this.timeout(60_000);
  let folder: { path: string; remove: () => Promise<void> };
  before(async () => {
    folder = await tempFolder();
  });
  after(() => folder.remove());

  describe('a clock that jumps', () => {
    /** Says again and again what time it is, by each way to ask, and how long it runs. */
    const SAYS = `setInterval(() => console.log(JSON.stringify([Date.now(), new Date().getTime(),
      new Date(5).getTime(), performance.now(), new Date() instanceof Date])), 20)`;
    let child: ChildProcess | undefined;
    afterEach(() => child?.kill('SIGKILL'));

    it('is off by what it is told, and what measures spans is not', async () => {
      const clock = join(folder.path, 'clock');
      await writeFile(clock, '0');
      const hook = new URL('../../../chaos/clock-hook.js', import.meta.url).href;
      const args = ['--import', hook, '--input-type=module', '--eval', SAYS];
      child = spawn(process.execPath, args, {
        env: { ...process.env, CHAOS_CLOCK: clock },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said: [number, number, number, number, boolean] | undefined;
      const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
      lines.on('line', (line) => (said = JSON.parse(line) as typeof said));
      const offBy = (ms: number) =>
        eventually(() => (said !== undefined && Math.abs(said[0] - Date.now() - ms) < 30_000 ? said : undefined), {
          within: 20_000,
        });
      const [, , , ranBefore] = await offBy(0);
      for (const ms of [3_600_000, -7_200_000, 0]) {
        await writeFile(clock, String(ms));
        const [now, date, given, ran, isDate] = await offBy(ms);
        assert.ok(Math.abs(date - now) < 30_000);
        assert.deepEqual([given, isDate], [5, true]);
        assert.ok(ran > ranBefore && ran < ranBefore + 60_000);
      }
    });
  });

  describe('a disk that is full', () => {
    let disk: Disk | undefined;
    after(() => disk?.unmount());

    it('takes nothing until there is room again, and goes with its run', async function () {
      const path = join(folder.path, 'small');
      try {
        disk = await Disk.mount(path, 1);
      } catch (error) {
        console.log(`      skipped: a small disk cannot be mounted here: ${String(error).split('\n')[0]}`);
        this.skip();
      }
      const write = (name: string): void => writeFileSync(join(path, name), 'x'.repeat(100));
      write('before');
      disk.fill();
      assert.throws(() => write('full'), { code: 'ENOSPC' });
      await disk.empty();
      write('after');
      await disk.unmount();
      disk = undefined;
      assert.deepEqual(readdirSync(path), []);
    });
  });
});
