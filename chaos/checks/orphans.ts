import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { RUN_MARK } from '../stack.js';
import { verdict, type Verdict } from './finding.js';

const PATIENCE_MS = 12_000;

/** No process of a run is left after it. They are known by their environment, so only on Linux. */
export async function checkOrphans(run: string): Promise<Verdict> {
  const claim = 'no process is left';
  let left = await processesOf(run);
  for (const end = performance.now() + PATIENCE_MS; left.length > 0 && performance.now() < end;) {
    await sleep(100);
    left = await processesOf(run);
  }
  return verdict(
    'no-orphans',
    claim,
    process.platform === 'linux' ? 'every process of this machine' : 'nothing: not on Linux',
    left,
  );
}

/** See proc(5). */
async function processesOf(run: string): Promise<string[]> {
  const names = await readdir('/proc').catch((): string[] => []);
  const found = await Promise.all(
    names
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .map(async (pid) => {
        const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
        if (!environment.split('\0').includes(`${RUN_MARK}=${run}`)) return [];
        const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        return [`${pid} ${command.replaceAll('\0', ' ').slice(0, 120)}`];
      }),
  );
  return found.flat();
}
