import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedServer } from '../bus/server.js';
import { StatewattError } from '../errors/error.js';
import { SupervisedChild } from '../processes/child.js';
import { freePort } from '../processes/free-port.js';
import { startEmbeddedEngine } from '../protocols/clickhouse/engine/start.js';
import type { Random } from '../protocols/virtual/random.js';
import { startChaosChain } from './minting/chain.js';
import { Link } from './link.js';
import type { Scenario, Target } from './scenario.js';
import { DEVICE_PORTS, deviceFile, writeChaosSite } from './site.js';

const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url));
const SIMULATOR = fileURLToPath(new URL('../protocols/modbus/simulator/main.js', import.meta.url));
/** Marks every process of a run, so that those that are left over can be found. */
export const RUN_MARK = 'CHAOS_RUN';
/** Would name real servers, or change what the product does. */
const NOT_INHERITED = /^(?:NATS_|REDIS_|CLICKHOUSE_|SOLANA_|TOKENIZATION_|STATEWATT_|OTEL_)/;
const NOTHING_GIVES_UP = { intensity: { restarts: Infinity, windowMs: 60_000 } };

export interface ChaosNode {
  readonly name: string;
  readonly child: SupervisedChild;
  /** Of its HTTP interface. */
  readonly url: string;
}

interface StackUrls {
  readonly nats: string;
  readonly history: string;
  readonly redis: string | undefined;
  readonly minting: StackMinting | undefined;
}

/** Where tokens are minted. */
export interface StackMinting {
  /** Not over a link that fails. */
  readonly chainUrl: string;
  /** Base58. */
  readonly mint: string;
}

/** A part that nodes connect to, over links that can fail. */
interface Part {
  readonly child: SupervisedChild;
  readonly links: readonly Link[];
  readonly stop: () => Promise<void>;
}

/**
 * A site as it runs in earnest, every part a process of its own, with a link between the nodes and each part that can be
 * made to fail. All of it ends with this process, however that ends.
 */
export class Stack {
  /** Names this run in the environment of each of its processes. */
  readonly run: string;
  readonly nodes: readonly ChaosNode[];
  /** Not over a link that fails: for those who look on. */
  readonly natsUrl: string;
  readonly historyUrl: string;
  readonly redisUrl: string | undefined;
  readonly minting: StackMinting | undefined;
  readonly #parts: ReadonlyMap<Target, Part>;

  private constructor(run: string, parts: ReadonlyMap<Target, Part>, nodes: readonly ChaosNode[], urls: StackUrls) {
    this.run = run;
    this.#parts = parts;
    this.nodes = nodes;
    this.natsUrl = urls.nats;
    this.historyUrl = urls.history;
    this.redisUrl = urls.redis;
    this.minting = urls.minting;
  }

  /** Resolves when every node runs. @throws `process.start_failed`, `bus.server_missing` */
  static async start(scenario: Scenario, folder: string, random: Random): Promise<Stack> {
    await mkdir(folder, { recursive: true });
    const run = randomUUID();
    process.env[RUN_MARK] = run; // Inherited by all that is started from here.
    const env = environment(run);
    const parts = new Map<Target, Part>();
    const nodes: ChaosNode[] = [];
    try {
      const server = await startEmbeddedServer({ dataFolder: join(folder, 'nats'), port: 0, strict: true });
      const nats = await Link.open(portOf(server.url), random);
      parts.set('nats-server', { child: server.child, links: [nats], stop: () => server.stop() });
      const engine = await startEmbeddedEngine({ dataFolder: join(folder, 'history') });
      const history = await Link.open(portOf(engine.url), random);
      parts.set('history', { child: engine.child, links: [history], stop: () => engine.stop() });
      const redisPort = scenario.redis ? await freePort() : undefined;
      const redis = redisPort === undefined ? undefined : await startRedis(redisPort, folder, random, env);
      if (redis !== undefined) parts.set('redis', redis);
      const minting = scenario.minting && (await startMinting(folder, random));
      if (minting !== undefined) parts.set('chain', minting.part);
      const devices = await startDevices(folder, random, env);
      parts.set('devices', devices);
      const site = await writeChaosSite(folder, { ...scenario, devicePorts: devices.links.map(({ port }) => port) });
      for (let number = 1; number <= scenario.nodes; number++) {
        const name = `node-${number}`;
        const port = await freePort();
        nodes.push({
          name,
          url: `http://127.0.0.1:${port}`,
          child: new SupervisedChild({
            name,
            command: process.execPath,
            args: [MAIN, 'node', site, '--data', join(folder, name), '--http-port', String(port), '--json'],
            env: {
              ...env,
              STATEWATT_NODE_NAME: name,
              STATEWATT_LOG_LEVEL: 'silent',
              NATS_URL: withPort(server.url, nats.port),
              CLICKHOUSE_URL: withPort(engine.url, history.port),
              ...minting?.env,
              ...(redis === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${redis.links[0]?.port}` }),
            },
            ready: async (child) => {
              await child.line(/"pid":\d+/);
            },
            ...NOTHING_GIVES_UP,
          }),
        });
      }
      await nodes[0]?.child.start();
      await Promise.all(nodes.slice(1).map(({ child }) => child.start()));
      const redisUrl = redisPort === undefined ? undefined : `redis://127.0.0.1:${redisPort}`;
      const urls = { nats: server.url, history: engine.url, redis: redisUrl, minting };
      return new Stack(run, parts, nodes, urls);
    } catch (error) {
      await stopAll(parts, nodes);
      throw error;
    }
  }

  /** @throws `chaos.no_target` when the run has no such part */
  part(target: Target): Part {
    const part = this.#parts.get(target);
    if (part === undefined) throw new StatewattError('chaos.no_target', 'invalid', `this run has no ${target}`);
    return part;
  }

  /** Every fault of every part is over. */
  heal(): void {
    for (const { child, links } of this.#parts.values()) {
      signal(child, 'SIGCONT');
      for (const link of links) link.heal();
    }
    for (const { child } of this.nodes) signal(child, 'SIGCONT');
  }

  /** The nodes end in order, all at once. */
  async stopNodes(): Promise<void> {
    await Promise.all(this.nodes.map(({ child }) => child.stop()));
  }

  /** Ends what still runs. */
  async stop(): Promise<void> {
    this.heal();
    await stopAll(this.#parts, this.nodes);
  }
}

/** A signal to all of a child's processes; nothing while it does not run. */
export function signal({ pid }: SupervisedChild, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function stopAll(parts: ReadonlyMap<Target, Part>, nodes: readonly ChaosNode[]): Promise<void> {
  await Promise.all(nodes.map(({ child }) => child.stop()));
  await Promise.all([...parts.values()].map(({ stop }) => stop()));
  await Promise.all([...parts.values()].flatMap(({ links }) => links.map((link) => link.close())));
}

async function startRedis(port: number, folder: string, random: Random, env: NodeJS.ProcessEnv): Promise<Part> {
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
  return { child, links: [await Link.open(port, random)], stop: () => child.stop() };
}

/** The chain of a run, and what makes nodes mint on it. */
async function startMinting(
  folder: string,
  random: Random,
): Promise<StackMinting & { part: Part; env: NodeJS.ProcessEnv }> {
  const { chain, mint, keyFile } = await startChaosChain(folder);
  const link = await Link.open(portOf(chain.url), random);
  return {
    ...{ chainUrl: chain.url, mint },
    part: { child: chain.child, links: [link], stop: () => chain.stop() },
    env: { SOLANA_RPC_URL: withPort(chain.url, link.port), SOLANA_KEY_FILE: keyFile, SOLANA_MINT: mint },
  };
}

async function startDevices(folder: string, random: Random, env: NodeJS.ProcessEnv): Promise<Part> {
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
  return { child, links: await Promise.all(ports.map((port) => Link.open(port, random))), stop: () => child.stop() };
}

function environment(run: string): NodeJS.ProcessEnv {
  const cleared = Object.keys(process.env).filter((name) => NOT_INHERITED.test(name));
  return { ...Object.fromEntries(cleared.map((name) => [name, undefined])), [RUN_MARK]: run };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href.replace(/\/$/, '');
}
