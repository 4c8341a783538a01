import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { StatewattError } from '../errors/error.js';
import { SupervisedChild, type ChildOptions } from '../processes/child.js';
import { freePort } from '../processes/free-port.js';
import { formerServerGone } from './former-server.js';

/** Of `startEmbeddedServer`. */
export interface EmbeddedServerOptions extends Pick<ChildOptions, 'onLine' | 'onRestart' | 'onGiveUp'> {
  /** Its streams live here. */
  dataFolder: string;
  /** 0 picks a free port. */
  port: number;
  /** fsync before every acknowledgement: survives a power cut. Otherwise a kill of any process. */
  strict?: boolean;
  /** How long a start waits for the server of a former run to leave the folder. Default 15 s. */
  formerWaitMs?: number;
}

/** A nats-server that runs as a child of this process. */
export interface EmbeddedServer {
  readonly url: string;
  /** Whether an acknowledgement waits for the disk. */
  readonly strict: boolean;
  readonly child: SupervisedChild;
  /** Ends the server in order; what it has acknowledged is there at the next start. */
  stop(): Promise<void>;
}

/**
 * Runs our own nats-server as a supervised child, on loopback only.
 *
 * @throws `bus.server_missing` when no nats-server is to be found, `bus.server_running` when one of a former run has the
 * folder, `process.start_failed` when it does not come up
 */
export async function startEmbeddedServer({
  dataFolder,
  port: wanted,
  strict = false,
  formerWaitMs = 15_000,
  ...watch
}: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const command = findServer();
  await mkdir(dataFolder, { recursive: true });
  const configFile = resolve(dataFolder, 'nats-server.conf');
  const pidFile = resolve(dataFolder, 'nats-server.pid');
  await formerServerGone(pidFile, configFile, formerWaitMs);
  const port = wanted === 0 ? await freePort() : wanted;
  await writeFile(configFile, configuration(dataFolder, port, pidFile, strict));
  const child = new SupervisedChild({
    name: 'nats-server',
    command,
    args: ['-c', configFile],
    ready: async (running) => {
      await Promise.race([running.line(/Server is ready/), timeout(30_000)]);
    },
    // A full disk, say, ends it again and again until somebody makes room; then the site must go on by itself.
    intensity: { restarts: Infinity, windowMs: 60_000 },
    ...watch,
  });
  await child.start();
  return { url: `nats://127.0.0.1:${port}`, strict, child, stop: () => child.stop() };
}

/**
 * PATH first, then the project's own cache, where the set-up puts it.
 *
 * @throws `bus.server_missing`
 */
export function findServer(): string {
  const places = [
    ...(process.env.PATH ?? '').split(delimiter).filter((place) => place !== ''),
    resolve(import.meta.dirname, '../../.cache/nats-server'),
    resolve(process.cwd(), '.cache/nats-server'),
  ];
  for (const place of places) {
    const file = join(place, 'nats-server');
    if (existsSync(file)) return file;
  }
  throw new StatewattError(
    'bus.server_missing',
    'unavailable',
    'nats-server is neither on PATH nor in .cache/nats-server; install nats-server 2.12 or newer, or give NATS_URL',
  );
}

function configuration(dataFolder: string, port: number, pidFile: string, strict: boolean): string {
  return `# Written by Statewatt at each start.
host: 127.0.0.1
port: ${port}
server_name: statewatt-embedded
pid_file: ${JSON.stringify(pidFile)}
max_payload: 8MB
jetstream {
  store_dir: ${JSON.stringify(resolve(dataFolder))}
  max_mem: 256MB
  max_file: 128GB
  ${strict ? 'sync_interval: always' : '# sync_interval: the default, two minutes'}
}
`;
}

function timeout(ms: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => {
      reject(
        new StatewattError('process.start_failed', 'timeout', `nats-server did not get ready within ${ms / 1000} s`),
      );
    }, ms).unref();
  });
}
