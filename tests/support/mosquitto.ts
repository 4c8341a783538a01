import { access, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SupervisedChild } from '../../processes/child.js';
import { freePort, tempFolder } from './temp.js';

export interface TestBroker {
  readonly port: number;
  readonly url: string;
  /** SIGKILL, as a fault would; it stays away until `start`. */
  kill(): Promise<void>;
  /** Starts it again on the same port; nothing is kept. */
  start(): Promise<void>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

export interface Authority {
  /** Files in PEM form: the authority's certificate, and a server's certificate for 127.0.0.1 with its key. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const run = promisify(execFile);

/** An authority of a day's length with one server, made by openssl. */
export async function makeAuthority(folder: string): Promise<Authority> {
  const file = (name: string) => join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await run('openssl', [
    ...['req', '-x509', '-days', '1', ...key, '-subj', '/CN=Test authority'],
    ...['-keyout', file('ca.key'), '-out', file('ca.pem')],
  ]);
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  await run('openssl', [
    ...['req', '-x509', '-days', '1', ...key, ...names, '-CA', file('ca.pem'), '-CAkey', file('ca.key')],
    ...['-keyout', file('server.key'), '-out', file('server.pem')],
  ]);
  return { ca: file('ca.pem'), cert: file('server.pem'), key: file('server.key') };
}

/** A real mosquitto on a free port of 127.0.0.1, without persistence; with `login` only for who gives that. */
export async function startMosquitto(
  options: { authority?: Authority; login?: { user: string; password: string } } = {},
): Promise<TestBroker> {
  const { authority, login } = options;
  const folder = await tempFolder();
  const port = await freePort();
  const config = join(folder.path, 'mosquitto.conf');
  const passwords = join(folder.path, 'passwords');
  if (login !== undefined)
    await run(await find('mosquitto_passwd'), ['-b', '-c', passwords, login.user, login.password]);
  await writeFile(
    config,
    [
      `listener ${port} 127.0.0.1`,
      ...(login === undefined ? ['allow_anonymous true'] : ['allow_anonymous false', `password_file ${passwords}`]),
      ...(authority === undefined ? [] : [`certfile ${authority.cert}`, `keyfile ${authority.key}`]),
      'persistence false',
      // Run by root it would become another user, who cannot read the files.
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      '',
    ].join('\n'),
  );
  const child = new SupervisedChild({
    name: 'mosquitto',
    command: await find('mosquitto'),
    args: ['-c', config],
    ready: async (running) => {
      await running.line(/mosquitto version .* running/);
    },
  });
  await child.start();
  return {
    port,
    url: `${authority === undefined ? 'mqtt' : 'mqtts'}://127.0.0.1:${port}`,
    kill: () => {
      child.kill();
      return child.stop(); // So that it is not started again by itself.
    },
    start: async () => {
      if (!child.running) await child.start();
    },
    close: async () => {
      await child.stop();
      await folder.remove();
    },
  };
}

/** Servers are not on everybody's PATH. */
async function find(program: string): Promise<string> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    const path = join(folder, program);
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  return program;
}
