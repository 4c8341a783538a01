// The live value of one point over HTTP, from a whole node, beside the same JSON from bare Fastify and from node:http:
// `node dist/load/facade/main.js [--connections N,N,…] [--rounds N] [--seconds N]`. The load comes from autocannon in a
// process of its own (`npm install --prefix load/peers`). The three take turns, so that what else the machine does hits all
// alike; ratios are the medians of the rounds' own.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { figure, type Aim } from '../support/figures.js';
import { peersInstalled } from '../support/peers.js';
import { startSiteNode } from '../support/site-node.js';
import { measureServers, startBare, type Row, type Server } from './servers.js';

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '10,50,100,200,500' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
  },
});
const steps = options.connections.split(',').map(Number);
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);

const PATH = '/api/v1/points/comsrv:1001:T:1';
const SITE = `
site: Facade
channels:
  - id: 1001
    name: Feeder
    protocol: virtual
    polling: { interval_ms: 1000 }
    simulation: { patterns: [{ type: sine, point_id: 1, amplitude: 5, frequency: 0.01, phase: 0, offset: 230 }] }
    points: [{ id: 1, name: Voltage, unit: V }]
`;

if (!peersInstalled) throw new Error('autocannon is not installed: npm install --prefix load/peers');

const folder = await mkdtemp(join(tmpdir(), 'statewatt-facade-'));
const site = join(folder, 'site.yaml');
await writeFile(site, SITE);
const node = await startSiteNode(site, join(folder, 'data'));
const running: Server[] = [];
try {
  const view = await firstGoodValue();
  running.push({ name: 'statewatt', pid: node.pid, url: node.url + PATH, stop: () => node.stop() });
  for (const kind of ['fastify', 'http'] as const) running.push(await startBare(kind, view, PATH));
  line(
    'connections',
    'server',
    'requests/s',
    'p50',
    'p97.5',
    'p99',
    'failed',
    'CPU each',
    'of Fastify',
    'of node:http',
  );
  for (const connections of steps) {
    report(connections, await measureServers(running, { connections, rounds, seconds }));
  }
} finally {
  if (running.length === 0) await node.stop();
  for (const server of running) await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** The answer once the channel has been read; what the bare servers answer too. */
async function firstGoodValue(): Promise<string> {
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    const text = await (await fetch(node.url + PATH)).text();
    if (text.includes('"good"')) return text;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the point has no value after 30 s');
}

function report(connections: number, [ours, fastify, http]: readonly [Row, Row, Row]): void {
  for (const [index, row] of [ours, fastify, http].entries()) {
    line(
      String(connections),
      running[index]?.name ?? '',
      String(Math.round(row.rate)),
      `${row.p50Ms.toFixed(0)} ms`,
      `${row.p97Ms.toFixed(0)} ms`,
      `${row.p99Ms.toFixed(0)} ms`,
      String(row.failed),
      `${row.cpuMicroseconds.toFixed(0)} µs`,
      index === 0 ? percent(ours.of.fastify) : '',
      index === 0 ? percent(ours.of.http) : '',
    );
  }
  const at = `${connections} connections`;
  const beside = { what: 'bare Fastify', value: ours.rate / ours.of.fastify };
  const ratio: { aim?: Aim } = connections === 100 ? { aim: { least: 0.9, of: 'ratio' } } : {};
  const floor: { aim?: Aim } = connections === 500 ? { aim: { least: 1_000 } } : {};
  figure({ what: `live point read, ${at}`, value: ours.rate, unit: '/s', beside, ...ratio });
  figure({ what: `the same, ${at}`, value: ours.rate, unit: '/s', beside: bare(ours), ...floor });
  const late: { aim?: Aim } = connections === 100 ? { aim: { most: 50 } } : {};
  figure({ what: `p97.5 of it, ${at}`, value: ours.p97Ms, unit: 'ms', ...late });
  figure({ what: `failed of it, ${at}`, value: ours.failed, unit: '', aim: { most: 0 } });
  figure({
    what: `CPU of a request, ${at}`,
    value: ours.cpuMicroseconds,
    unit: 'µs',
    beside: { what: 'bare Fastify', value: fastify.cpuMicroseconds },
  });
}

function bare(ours: Row): { what: string; value: number } {
  return { what: 'node:http', value: ours.rate / ours.of.http };
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(0)} %`;
}

function line(...cells: string[]): void {
  process.stdout.write(`${cells.map((cell) => cell.padStart(13)).join('')}\n`);
}
