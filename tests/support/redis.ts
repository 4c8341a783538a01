import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SupervisedChild } from '../../processes/child.js';
import { freePort, tempFolder } from './temp.js';

export interface TestRedis {
  readonly port: number;
  readonly url: string;
  /** Ends the server; nothing is kept, as after a power cut of a server without persistence. */
  stop(): Promise<void>;
  /** Starts it again on the same port, empty; does nothing while it runs. */
  start(): Promise<void>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

/** Files in PEM form. */
export interface Certificate {
  cert: string;
  key: string;
}

/** A certificate for 127.0.0.1 of a day's length, made by openssl; undefined on a machine without openssl. */
export async function selfSignedCertificate(folder: string): Promise<Certificate | undefined> {
  const certificate = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const args = [
    ...['req', '-x509', '-nodes', '-days', '1', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
    ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-keyout', certificate.key, '-out', certificate.cert],
  ];
  try {
    await promisify(execFile)('openssl', args);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return certificate;
}

/** A real redis-server of this test's own, on a free port of 127.0.0.1, without persistence. */
export async function startRedis({
  password,
  certificate,
  args = [],
}: { password?: string; certificate?: Certificate; args?: string[] } = {}): Promise<TestRedis> {
  const folder = await tempFolder();
  const port = await freePort();
  const child = new SupervisedChild({
    name: 'redis-server',
    command: 'redis-server',
    args: [
      ...(certificate === undefined
        ? ['--port', String(port)]
        : [
            ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no'],
            ...['--tls-cert-file', certificate.cert, '--tls-key-file', certificate.key],
          ]),
      ...['--bind', '127.0.0.1', '--dir', folder.path, '--save', '', '--appendonly', 'no'],
      ...(password === undefined ? [] : ['--requirepass', password]),
      ...args,
    ],
    ready: async (running) => {
      await running.line(/Ready to accept connections/);
    },
  });
  await child.start();
  const login = password === undefined ? '' : `:${password}@`;
  return {
    port,
    url: `${certificate === undefined ? 'redis' : 'rediss'}://${login}127.0.0.1:${port}`,
    stop: () => child.stop(),
    start: async () => {
      if (!child.running) await child.start();
    },
    close: async () => {
      await child.stop();
      await folder.remove();
    },
  };
}
