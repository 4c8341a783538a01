import { readFile } from 'node:fs/promises';
import { StatewattError } from '../errors/error.js';

const LOOK_EVERY_MS = 50;

/**
 * Waits until the server that an earlier run has started has left its folder. After a kill of its node it is ended by
 * its watchdog, and finishes writing first; two servers on the same folder would spoil it.
 *
 * @param pidFile where the server wrote its process id
 * @param configFile what it was started with; tells it from another process with the same number
 * @throws `bus.server_running` when it does not leave within `waitMs`
 */
export async function formerServerGone(pidFile: string, configFile: string, waitMs: number): Promise<void> {
  const end = performance.now() + waitMs;
  for (;;) {
    const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
    if (!(pid > 0) || !(await runsWith(pid, configFile))) return;
    if (performance.now() > end) {
      throw new StatewattError(
        'bus.server_running',
        'conflict',
        `the nats-server with process id ${pid}, of an earlier run, still works with ${configFile}; end it first`,
        { details: { pid } },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** False also where there is no /proc; there the server is taken to have ended in time. */
async function runsWith(pid: number, configFile: string): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.split('\0').includes(configFile);
}
