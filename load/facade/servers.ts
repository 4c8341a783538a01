import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runPeer } from '../support/peers.js';
import { usageOf } from '../support/processes.js';

export interface Server {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  stop(): Promise<void>;
}

/** What autocannon.mjs prints. */
interface Load {
  readonly rate: number;
  readonly requests: number;
  readonly p50Ms: number;
  readonly p97Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

/** Medians over the rounds; `failed` is the sum. */
export interface Row extends Omit<Load, 'requests'> {
  /** CPU time of the server's process for each request. */
  readonly cpuMicroseconds: number;
  /** Median of the rounds' ratios to the rate of the bare servers. */
  readonly of: { readonly fastify: number; readonly http: number };
}

/** A server that does nothing but answer `view`, a JSON text. */
export async function startBare(kind: 'fastify' | 'http', view: string, path: string): Promise<Server> {
  const program = fileURLToPath(new URL('bare.js', import.meta.url));
  const child = spawn(process.execPath, [program, kind, view], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    name: kind === 'fastify' ? 'bare Fastify' : 'node:http',
    pid: child.pid as number,
    url: line.toString().trim() + path,
    stop: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

/** Each server in turn, `rounds` times; in the order of `servers`, which are ours, bare Fastify, node:http. */
export async function measureServers(
  servers: readonly Server[],
  shape: { readonly connections: number; readonly rounds: number; readonly seconds: number },
): Promise<[Row, Row, Row]> {
  const loads = servers.map((): (Load & { cpu: number })[] => []);
  for (let round = 0; round < shape.rounds; round++) {
    for (const [index, { pid, url }] of servers.entries()) {
      const before = await usageOf(pid);
      const load = await runPeer<Load>('autocannon', [url, shape.connections, shape.seconds]);
      // The second of warming up is work too: its requests are counted in proportion.
      const requests = load.requests * (1 + 1 / shape.seconds);
      loads[index]?.push({ ...load, cpu: ((await usageOf(pid)).cpuSeconds - before.cpuSeconds) / requests });
    }
  }
  const rates = loads.map((rounds) => rounds.map(({ rate }) => rate));
  const rows = loads.map((rounds): Row => {
    const of = (what: (load: Load & { cpu: number }) => number): number => median(rounds.map(what));
    const beside = (baseline: readonly number[] = []): number =>
      median(rounds.map(({ rate }, round) => rate / (baseline[round] ?? NaN)));
    return {
      rate: of(({ rate }) => rate),
      p50Ms: of(({ p50Ms }) => p50Ms),
      p97Ms: of(({ p97Ms }) => p97Ms),
      p99Ms: of(({ p99Ms }) => p99Ms),
      failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
      cpuMicroseconds: of(({ cpu }) => cpu * 1e6),
      of: { fastify: beside(rates[1]), http: beside(rates[2]) },
    };
  });
  return rows as [Row, Row, Row];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
