import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findServer } from '../../bus/server.js';
import { PEERS_FOLDER } from '../support/peers.js';

const ROOT = join(import.meta.dirname, '../../..');
/** Packages whose version matters to a figure, and what stands beside us. */
const OURS = ['fastify', 'xstate', '@nats-io/jetstream', '@clickhouse/client', 'chdb', 'litesvm', 'modbus-serial'];
const PEERS = ['autocannon', '@restatedev/restate-server', 'moleculer', 'node-red', 'node-red-contrib-modbus'];

/** On what it was measured. */
export interface Machine {
  /** As "2 × AMD EPYC 7B13, 7.8 GB, Debian GNU/Linux 12 (bookworm)". */
  readonly hardware: string;
  /** Name → version; what is not installed is not there. */
  readonly versions: Readonly<Record<string, string>>;
}

export async function describeMachine(): Promise<Machine> {
  const system = /^PRETTY_NAME="?([^"\n]+)/m.exec(await readFile('/etc/os-release', 'utf8').catch(() => ''))?.[1];
  const memory = `${(totalmem() / 1024 ** 3).toFixed(1)} GB`;
  const cores = `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}`;
  const versions: Record<string, string> = { Node: process.versions.node };
  const { stdout } = await promisify(execFile)(findServer(), ['--version']);
  versions['nats-server'] = /v(\d\S*)/.exec(stdout)?.[1] ?? stdout.trim();
  for (const name of OURS) await note(versions, name, ROOT);
  for (const name of PEERS) await note(versions, name, PEERS_FOLDER);
  return { hardware: [cores, memory, system ?? process.platform].join(', '), versions };
}

async function note(versions: Record<string, string>, name: string, folder: string): Promise<void> {
  const text = await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8').catch(() => undefined);
  if (text !== undefined) versions[name] = (JSON.parse(text) as { version: string }).version;
}
