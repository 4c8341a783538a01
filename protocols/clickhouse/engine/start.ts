import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { StatewattError } from '../../../errors/error.js';
import { SupervisedChild, type ChildOptions } from '../../../processes/child.js';
import { freePort } from '../../../processes/free-port.js';

export interface EmbeddedEngineOptions extends Pick<ChildOptions, 'onLine' | 'onRestart' | 'onGiveUp'> {
  dataFolder: string;
  /** 0 (the default) picks a free port; a restart keeps it. */
  port?: number;
  /** How long a start waits for a former process to leave the folder. Default 10 s. */
  lockWaitMs?: number;
}

export interface EmbeddedEngine {
  /** With the credentials of this run; loopback only. */
  readonly url: string;
  readonly child: SupervisedChild;
  stop(): Promise<void>;
}

/** Opening a large folder reads every part's metadata first. */
const READY_MS = 120_000;

/**
 * Runs the embedded history engine as a supervised child, on loopback only. It is started again on the same port
 * when it dies.
 *
 * @throws `process.start_failed` with its last lines, among them that the folder is in use by another process
 */
export async function startEmbeddedEngine({
  dataFolder,
  port: wanted = 0,
  lockWaitMs = 10_000,
  ...watch
}: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
  const port = wanted === 0 ? await freePort() : wanted;
  const username = 'statewatt';
  const password = randomBytes(24).toString('hex');
  const child = new SupervisedChild({
    name: 'history engine',
    command: process.execPath,
    args: [
      fileURLToPath(new URL('./main.js', import.meta.url)),
      '--data-folder',
      dataFolder,
      '--port',
      String(port),
      '--lock-wait-ms',
      String(lockWaitMs),
    ],
    env: {
      STATEWATT_ENGINE_USER: username,
      STATEWATT_ENGINE_PASSWORD: password,
      // Statements take a thread each while they run; files of bodies need some beside them.
      UV_THREADPOOL_SIZE: '8',
    },
    ready: async (running) => {
      await Promise.race([running.line(/history engine ready on/), timeout(READY_MS)]);
    },
    // A full disk, say, ends it again and again until somebody makes room; then the site must go on by itself.
    intensity: { restarts: Infinity, windowMs: 60_000 },
    ...watch,
  });
  await child.start();
  return { url: `http://${username}:${password}@127.0.0.1:${port}`, child, stop: () => child.stop() };
}

function timeout(ms: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => {
      reject(
        new StatewattError('process.start_failed', 'timeout', `history engine did not get ready within ${ms / 1000} s`),
      );
    }, ms).unref();
  });
}
