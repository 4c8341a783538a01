import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { StatewattError } from '../../../errors/error.js';
import { SupervisedChild, type ChildOptions } from '../../../processes/child.js';
import { freePort } from '../../../processes/free-port.js';

export interface EmbeddedChainOptions extends Pick<ChildOptions, 'onLine' | 'onRestart' | 'onGiveUp'> {
  dataFolder: string;
  /** 0 (the default) picks a free port; a restart keeps it. */
  port?: number;
  /** Length of a slot of a new chain, ms; an existing one keeps its own. Default 400, a cluster's. */
  slotMs?: number;
  /** How long a start waits for a former process to leave the folder. Default 10 s. */
  lockWaitMs?: number;
}

export interface EmbeddedChain {
  /** JSON-RPC; its path is a secret of this run. Loopback only. */
  readonly url: string;
  readonly child: SupervisedChild;
  stop(): Promise<void>;
}

/** A long ledger is read through at the start. */
const READY_MS = 120_000;

/**
 * Runs the embedded chain as a supervised child, on loopback only. It is started again on the same address when it dies, with
 * all that it had acknowledged.
 *
 * @throws `process.start_failed` with its last lines, among them that the folder is in use by another process
 */
export async function startEmbeddedChain({
  dataFolder,
  port: wanted = 0,
  slotMs = 400,
  lockWaitMs = 10_000,
  ...watch
}: EmbeddedChainOptions): Promise<EmbeddedChain> {
  const port = wanted === 0 ? await freePort() : wanted;
  const token = randomBytes(24).toString('hex');
  const child = new SupervisedChild({
    name: 'chain',
    command: process.execPath,
    args: [
      fileURLToPath(new URL('./main.js', import.meta.url)),
      ...['--data-folder', dataFolder, '--port', String(port)],
      ...['--slot-ms', String(slotMs), '--lock-wait-ms', String(lockWaitMs)],
    ],
    env: { STATEWATT_CHAIN_TOKEN: token },
    ready: async (running) => {
      await Promise.race([running.line(/chain ready on/), timeout(READY_MS)]);
    },
    // As the history engine: a full disk ends it again and again until somebody makes room.
    intensity: { restarts: Infinity, windowMs: 60_000 },
    ...watch,
  });
  await child.start();
  return { url: `http://127.0.0.1:${port}/${token}`, child, stop: () => child.stop() };
}

function timeout(ms: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => {
      reject(
        new StatewattError('process.start_failed', 'timeout', `the chain did not get ready within ${ms / 1000} s`),
      );
    }, ms).unref();
  });
}
