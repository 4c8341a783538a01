import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedServer } from '../bus/server.js';
import { SupervisedChild } from '../processes/child.js';
import { freePort } from '../processes/free-port.js';
import { startEmbeddedEngine } from '../protocols/clickhouse/engine/start.js';
import type { Random } from '../protocols/virtual/random.js';
import { DeviceLink } from './device-link.js';
import { Link, through } from './link.js';
import { startChaosChain } from './minting/chain.js';
import { NatsCluster } from './nats-cluster.js';
import { DEVICE_PORTS, deviceFile } from './site.js';

const SIMULATOR = fileURLToPath(new URL('../protocols/modbus/simulator/main.js', import.meta.url));
export const NOTHING_GIVES_UP = { intensity: { restarts: Infinity, windowMs: 60_000 } };

/** A part that nodes connect to, over links that can fail. */
export interface Part {
  /** More than one only of a NATS cluster. */
  readonly children: readonly SupervisedChild[];
  readonly links: readonly Link[];
  /** Only of devices: where their answers can be made wrong. */
  readonly answers?: readonly DeviceLink[];
  readonly stop: () => Promise<void>;
}

export interface NatsPart extends Part {
  /** Not over a link. */
  readonly url: string;
  readonly cluster: NatsCluster | undefined;
}

/** One server that waits for the disk, or a cluster of three; a link for each. */
export async function startNats(servers: number, folder: string, random: Random): Promise<NatsPart> {
  if (servers === 1) {
    const server = await startEmbeddedServer({ dataFolder: join(folder, 'nats'), port: 0, strict: true });
    const links = [await Link.open(Number(new URL(server.url).port), random)];
    return { url: server.url, children: [server.child], links, stop: () => server.stop(), cluster: undefined };
  }
  const cluster = await NatsCluster.start(folder);
  const links = await Promise.all(cluster.hosts.map((host) => Link.open(cluster.port, random, host)));
  return { url: cluster.url, children: cluster.children, links, stop: () => cluster.stop(), cluster };
}

export interface HistoryPart extends Part {
  readonly url: string;
}

export async function startHistory(folder: string, random: Random): Promise<HistoryPart> {
  const engine = await startEmbeddedEngine({ dataFolder: join(folder, 'history') });
  const links = [await Link.open(Number(new URL(engine.url).port), random)];
  return { url: engine.url, children: [engine.child], links, stop: () => engine.stop() };
}

export async function startRedis(port: number, folder: string, random: Random, env: NodeJS.ProcessEnv): Promise<Part> {
  const child = new SupervisedChild({
    name: 'redis-server',
    command: 'redis-server',
    args: ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder],
    env,
    ready: async (running) => {
      await running.line(/Ready to accept connections/);
    },
    ...NOTHING_GIVES_UP,
  });
  await child.start();
  return { children: [child], links: [await Link.open(port, random)], stop: () => child.stop() };
}

export async function startDevices(folder: string, random: Random, env: NodeJS.ProcessEnv): Promise<Part> {
  const ports = await Promise.all(Array.from({ length: DEVICE_PORTS }, () => freePort()));
  const file = join(folder, 'devices.json');
  await writeFile(file, deviceFile(ports));
  const child = new SupervisedChild({
    name: 'devices',
    command: process.execPath,
    args: [SIMULATOR, file],
    env,
    ready: async (running) => {
      await running.line(/^\{.*\}$/);
    },
    ...NOTHING_GIVES_UP,
  });
  await child.start();
  const answers = await Promise.all(ports.map((port) => DeviceLink.open(port, random)));
  const links = await Promise.all(answers.map(({ port }) => Link.open(port, random)));
  return { children: [child], links, answers, stop: () => child.stop() };
}

/** Where tokens are minted. */
export interface StackMinting {
  /** Not over a link that fails. */
  readonly chainUrl: string;
  /** Base58. */
  readonly mint: string;
}

/** The chain of a run, and what makes nodes mint on it. */
export async function startMinting(
  folder: string,
  random: Random,
): Promise<StackMinting & { part: Part; env: NodeJS.ProcessEnv }> {
  const { chain, mint, keyFile } = await startChaosChain(folder);
  const link = await Link.open(Number(new URL(chain.url).port), random);
  return {
    ...{ chainUrl: chain.url, mint },
    part: { children: [chain.child], links: [link], stop: () => chain.stop() },
    env: { SOLANA_RPC_URL: through(link, chain.url), SOLANA_KEY_FILE: keyFile, SOLANA_MINT: mint },
  };
}
