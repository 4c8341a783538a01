import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorMessage, StatewattError } from '../errors/error.js';
import { SupervisedChild } from '../processes/child.js';
import { freePort } from '../processes/free-port.js';
import type { Random } from '../protocols/virtual/random.js';
import { Disk } from './disk.js';
import type { Target } from './fault.js';
import { through } from './link.js';
import type { NatsCluster } from './nats-cluster.js';
import {
  NOTHING_GIVES_UP,
  startDevices,
  startHistory,
  startMinting,
  startNats,
  startRedis,
  type Part,
  type StackMinting,
} from './parts.js';
import { healthOver, memoryBelow, type Watched } from './sampler.js';
import type { Scenario } from './scenario.js';
import { writeChaosSite } from './site.js';

const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url));
const CLOCK_HOOK = new URL('clock-hook.js', import.meta.url).href;
/** Of a node's spool, where a scenario fills it. */
const DISK_MB = 8;
/** Marks every process of a run, so that those that are left over can be found. */
export const RUN_MARK = 'CHAOS_RUN';
/** Would name real servers, or change what the product does. */
const NOT_INHERITED = /^(?:NATS_|REDIS_|CLICKHOUSE_|SOLANA_|TOKENIZATION_|STATEWATT_|OTEL_)/;

export interface ChaosNode extends Watched {
  readonly child: SupervisedChild;
  /** Of its HTTP interface. */
  readonly url: string;
  /** Where its clock is told how far it is off, where the scenario does that. */
  readonly clock: string | undefined;
  /** Its spool's, where the scenario fills it; or why there is none. */
  readonly disk: Disk | string | undefined;
}

interface StackUrls {
  readonly nats: string;
  readonly history: string;
  readonly redis: string | undefined;
  readonly minting: StackMinting | undefined;
}

/**
 * A site as it runs in earnest, every part a process of its own, with a link between the nodes and each part that can be
 * made to fail. All of it ends with this process, however that ends.
 */
export class Stack {
  /** Names this run in the environment of each of its processes. */
  readonly run: string;
  readonly nodes: readonly ChaosNode[];
  readonly channels: number;
  /** Not over a link that fails: for those who look on. */
  readonly natsUrl: string;
  readonly historyUrl: string;
  readonly redisUrl: string | undefined;
  readonly minting: StackMinting | undefined;
  /** Where the scenario has one. */
  readonly cluster: NatsCluster | undefined;
  readonly #parts: ReadonlyMap<Target, Part>;

  private constructor(
    run: string,
    parts: ReadonlyMap<Target, Part>,
    nodes: readonly ChaosNode[],
    urls: StackUrls,
    { channels }: Scenario,
    cluster: NatsCluster | undefined,
  ) {
    this.run = run;
    this.channels = channels;
    this.#parts = parts;
    this.nodes = nodes;
    this.natsUrl = urls.nats;
    this.historyUrl = urls.history;
    this.redisUrl = urls.redis;
    this.minting = urls.minting;
    this.cluster = cluster;
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
      const nats = await startNats(scenario.natsServers, folder, random);
      parts.set('nats-server', nats);
      const history = await startHistory(folder, random);
      parts.set('history', history);
      const redisPort = scenario.redis ? await freePort() : undefined;
      const redis = redisPort === undefined ? undefined : await startRedis(redisPort, folder, random, env);
      if (redis !== undefined) parts.set('redis', redis);
      const minting = scenario.minting && (await startMinting(folder, random));
      if (minting !== undefined) parts.set('chain', minting.part);
      const devices = await startDevices(folder, random, env);
      parts.set('devices', devices);
      const site = await writeChaosSite(folder, { ...scenario, devicePorts: devices.links.map(({ port }) => port) });
      for (let number = 0; number < scenario.nodes; number++) {
        nodes.push(
          await prepareNode(scenario, number, folder, site, {
            ...env,
            NATS_URL: `nats://${nats.links[number % nats.links.length]?.address}`,
            CLICKHOUSE_URL: through(history.links[0], history.url),
            ...minting?.env,
            ...(redis === undefined ? {} : { REDIS_URL: `redis://${redis.links[0]?.address}` }),
          }),
        );
      }
      await nodes[0]?.child.start();
      await Promise.all(nodes.slice(1).map(({ child }) => child.start()));
      const redisUrl = redisPort === undefined ? undefined : `redis://127.0.0.1:${redisPort}`;
      const urls = { nats: nats.url, history: history.url, redis: redisUrl, minting };
      return new Stack(run, parts, nodes, urls, scenario, nats.cluster);
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
  async heal(): Promise<void> {
    for (const { children, links, answers = [] } of this.#parts.values()) {
      for (const child of children) signal(child, 'SIGCONT');
      for (const link of [...links, ...answers]) link.heal();
    }
    await this.cluster?.heal();
    for (const { child, clock, disk } of this.nodes) {
      signal(child, 'SIGCONT');
      if (clock !== undefined) await setClock(clock, 0);
      if (disk instanceof Disk) await disk.empty();
    }
  }

  /** The nodes end in order, all at once. */
  async stopNodes(): Promise<void> {
    await Promise.all(this.nodes.map(({ child }) => child.stop()));
  }

  /** Ends what still runs. */
  async stop(): Promise<void> {
    await this.heal();
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

/** How many ms the clock of a node is off from now on; it looks many times a second. */
export async function setClock(file: string, offsetMs: number): Promise<void> {
  await writeFile(file, String(offsetMs));
}

async function stopAll(parts: ReadonlyMap<Target, Part>, nodes: readonly ChaosNode[]): Promise<void> {
  await Promise.all(nodes.map(({ child }) => child.stop()));
  for (const { disk } of nodes) if (disk instanceof Disk) await disk.unmount();
  await Promise.all([...parts.values()].map(({ stop }) => stop()));
  const links = [...parts.values()].flatMap((part) => [...part.links, ...(part.answers ?? [])]);
  await Promise.all(links.map((link) => link.close()));
}

async function prepareNode(
  { faults }: Scenario,
  number: number,
  folder: string,
  site: string,
  env: NodeJS.ProcessEnv,
): Promise<ChaosNode> {
  const name = `node-${number + 1}`;
  const [port, data] = [await freePort(), join(folder, name)];
  const has = (action: string): boolean => faults.some((fault) => fault.do === action);
  const clock = has('clock') ? join(folder, `${name}.clock`) : undefined;
  if (clock !== undefined) await setClock(clock, 0);
  const disk = has('fill') ? await Disk.mount(join(data, 'spool'), DISK_MB).catch(errorMessage) : undefined;
  const child = new SupervisedChild({
    name,
    command: process.execPath,
    args: [
      ...(clock === undefined ? [] : ['--import', CLOCK_HOOK]),
      ...[MAIN, 'node', site, '--data', data, '--http-port', String(port), '--json'],
    ],
    env: { ...env, STATEWATT_NODE_NAME: name, STATEWATT_LOG_LEVEL: 'silent', CHAOS_CLOCK: clock },
    ready: async (running) => {
      await running.line(/"pid":\d+/);
    },
    ...NOTHING_GIVES_UP,
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    ...{ name, url, clock, disk, child },
    health: () => healthOver(url),
    memoryMb: async () => (child.pid === undefined ? undefined : memoryBelow(child.pid)),
  };
}

function environment(run: string): NodeJS.ProcessEnv {
  const cleared = Object.keys(process.env).filter((name) => NOT_INHERITED.test(name));
  return { ...Object.fromEntries(cleared.map((name) => [name, undefined])), [RUN_MARK]: run };
}
