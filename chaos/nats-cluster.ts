import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import { openConnection } from '../bus/connection.js';
import { findServer } from '../bus/server.js';
import { errorMessage, StatewattError } from '../errors/error.js';
import { SupervisedChild } from '../processes/child.js';
import { hold } from './held.js';

const execute = promisify(execFile);
const SERVERS = ['a', 'b', 'c'] as const;
type Server = (typeof SERVERS)[number];
const CLIENT_PORT = 4222;
const ROUTE_PORT = 6222;
const FORMS_MS = 30_000;

/**
 * Three namespaces, each with a veth to here (198.18.$2.x) and one to each of the others (198.19.$2.x). The networks are those
 * that RFC 2544 keeps for tests.
 */
const SET_UP = `
for s in a b c; do ip netns add "sw$1$s"; ip -n "sw$1$s" link set lo up; done
client() { # server, its number
  ip link add "sw$1$2" type veth peer name client netns "sw$1$2"
  ip addr add "198.18.$4.$(($3 * 4 + 1))/30" dev "sw$1$2"; ip link set "sw$1$2" up
  ip -n "sw$1$2" addr add "198.18.$4.$(($3 * 4 + 2))/30" dev client; ip -n "sw$1$2" link set client up
}
route() { # from, to, the number of their network
  ip -n "sw$1$2" link add "to-$3" type veth peer name "to-$2" netns "sw$1$3"
  ip -n "sw$1$2" addr add "198.19.$5.$(($4 * 4 + 1))/30" dev "to-$3"; ip -n "sw$1$2" link set "to-$3" up
  ip -n "sw$1$3" addr add "198.19.$5.$(($4 * 4 + 2))/30" dev "to-$2"; ip -n "sw$1$3" link set "to-$2" up
}
client "$1" a 0 "$2"; client "$1" b 1 "$2"; client "$1" c 2 "$2"
route "$1" a b 0 "$2"; route "$1" a c 1 "$2"; route "$1" b c 2 "$2"`;
const TAKE_AWAY = `for s in a b c; do ip netns del "sw$1$s"; done 2>/dev/null`;

/** For each server: the last number of the address at which it reaches each other one. */
const ROUTES: Record<Server, Partial<Record<Server, number>>> = {
  a: { b: 2, c: 6 },
  b: { a: 1, c: 10 },
  c: { a: 5, b: 9 },
};

/** Three nats-servers that keep three copies of everything, each in a network namespace, so that one can be cut off. */
export class NatsCluster {
  readonly children: readonly SupervisedChild[];
  /** Of each server, for clients on this machine. */
  readonly hosts: readonly string[];
  readonly #id: string;
  readonly #release: () => Promise<void>;

  private constructor(
    id: string,
    children: readonly SupervisedChild[],
    hosts: readonly string[],
    release: () => Promise<void>,
  ) {
    this.#id = id;
    this.children = children;
    this.hosts = hosts;
    this.#release = release;
  }

  /**
   * Resolves when they are one.
   *
   * @throws `chaos.not_permitted` where network namespaces cannot be made; `process.start_failed`, `bus.server_missing`
   */
  static async start(folder: string): Promise<NatsCluster> {
    const id = process.pid.toString(36);
    const network = process.pid % 256;
    const { release } = await hold('network namespaces', SET_UP, TAKE_AWAY, [id, String(network)]).catch(
      (error: unknown) => {
        const why = `a cluster of NATS servers needs the right to make network namespaces (root, and ip of iproute2): ${errorMessage(error)}`;
        throw new StatewattError('chaos.not_permitted', 'unavailable', why, { cause: error });
      },
    );
    const hosts = SERVERS.map((_, number) => `198.18.${network}.${number * 4 + 2}`);
    const children: SupervisedChild[] = [];
    const cluster = new NatsCluster(id, children, hosts, release);
    try {
      for (const [index, server] of SERVERS.entries()) {
        const data = join(folder, `nats-${server}`);
        const file = join(data, 'nats-server.conf');
        await mkdir(data, { recursive: true });
        await writeFile(file, configuration(server, data, hosts[index] ?? '', network));
        children.push(
          new SupervisedChild({
            name: `nats-server ${server}`,
            command: 'ip',
            args: ['netns', 'exec', `sw${id}${server}`, findServer(), '-c', file],
            ready: async (running) => {
              await running.line(/Server is ready/);
            },
            intensity: { restarts: Infinity, windowMs: 60_000 },
          }),
        );
      }
      await Promise.all(children.map((child) => child.start()));
      await formed(cluster.url);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Of its first server. */
  get url(): string {
    return `nats://${this.hosts[0] ?? ''}:${CLIENT_PORT}`;
  }

  /** Of each server, for clients. */
  get port(): number {
    return CLIENT_PORT;
  }

  /** Cuts a server off from the two others, not from its clients. Answers which. */
  async split(number: number): Promise<string> {
    const server = SERVERS[number % SERVERS.length] ?? 'a';
    await this.#set(server, 'down');
    return server;
  }

  async heal(): Promise<void> {
    for (const server of SERVERS) await this.#set(server, 'up');
  }

  async stop(): Promise<void> {
    await Promise.all(this.children.map((child) => child.stop()));
    await this.#release();
  }

  async #set(server: Server, state: 'up' | 'down'): Promise<void> {
    for (const other of SERVERS) {
      if (other === server) continue;
      await execute('ip', ['-n', `sw${this.#id}${server}`, 'link', 'set', `to-${other}`, state]);
    }
  }
}

function configuration(server: Server, data: string, host: string, network: number): string {
  const routes = Object.values(ROUTES[server]).map((last) => `nats-route://198.19.${network}.${last}:${ROUTE_PORT}`);
  return `server_name: chaos-${server}
listen: "${host}:${CLIENT_PORT}"
client_advertise: "${host}:${CLIENT_PORT}"
max_payload: 8MB
jetstream { store_dir: ${JSON.stringify(data)}, max_mem: 256MB, max_file: 128GB, sync_interval: always }
cluster { name: chaos, listen: "0.0.0.0:${ROUTE_PORT}", routes: [${routes.map((route) => JSON.stringify(route)).join(', ')}] }
`;
}

/** Resolves when clients are told of all three and JetStream answers. */
async function formed(url: string): Promise<void> {
  let why = '';
  for (const end = performance.now() + FORMS_MS; performance.now() < end; await sleep(200)) {
    try {
      const nats = await openConnection({ servers: [url], name: 'chaos' });
      try {
        const known = nats.info?.connect_urls?.length ?? 0;
        await jetstreamManager(nats, { timeout: 2_000 });
        if (known >= SERVERS.length) return;
        why = `clients are told of ${known} servers`;
      } finally {
        await nats.close();
      }
    } catch (error) {
      why = errorMessage(error);
    }
  }
  throw new StatewattError('process.start_failed', 'timeout', `the NATS servers did not become a cluster: ${why}`);
}
