// How many points a second go from devices into history, durably: devices → Modbus TCP → JetStream → Redis and
// ClickHouse, the whole product as it runs at a site. `node dist/load/pipeline/main.js [--devices N] [--interval MS]
// [--seconds N] [--no-redis]`. First the raw stages alone, by the plainest means, then the product; ratios say how much
// of the slowest stage is reached. Devices, nats-server, Redis and the history engine share the machine with the node.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { freePort } from '../../processes/free-port.js';
import { figure } from '../support/figures.js';
import { startSiteNode } from '../support/site-node.js';
import { descendants, usageOf, type Usage } from '../support/processes.js';
import { movingDevices, startSimulator } from '../support/simulator.js';
import { measureRawStages } from './raw-stages.js';
import { writeSite } from './site.js';

const { values: options } = parseArgs({
  options: {
    devices: { type: 'string', default: '1000' },
    interval: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    'raw-seconds': { type: 'string', default: '5' },
    redis: { type: 'boolean', default: true },
  },
  allowNegative: true,
});

interface Watched {
  readonly name: string;
  readonly pid: number;
}

const folder = await mkdtemp(join(tmpdir(), 'statewatt-pipeline-'));
try {
  await run();
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function run(): Promise<void> {
  const seconds = Number(options.seconds);
  print('Raw stages, each alone:');
  const raw = await measureRawStages(join(folder, 'raw'), Number(options['raw-seconds']));
  for (const [stage, rate] of Object.entries(raw)) print(`  ${stage.padEnd(12)} ${points(rate as number)}`);
  const slowest = Math.min(raw.modbus, raw.jetstream, raw.insert);

  const simulator = await startSimulator(movingDevices(Number(options.devices)));
  const redis = options.redis ? await startRedis() : undefined;
  const site = await writeSite(folder, simulator.ports, Number(options.interval));
  const env = redis === undefined ? {} : { REDIS_URL: redis.url };
  const node = await startSiteNode(site, join(folder, 'data'), env);
  const { url } = node;
  print(
    `\n${options.devices} devices of 100 points, every ${options.interval} ms; up after ${(node.upAfterMs / 1_000).toFixed(1)} s`,
  );

  const watched: Watched[] = [
    { name: 'node', pid: node.pid },
    { name: 'devices', pid: simulator.pid },
    ...(redis === undefined ? [] : [{ name: 'redis', pid: redis.pid }]),
    ...(await descendants(node.pid)).flatMap(({ pid, command }) => {
      if (/^\/bin\/sh|^cat/.test(command)) return [];
      return [{ name: command.includes('nats-server') ? 'nats-server' : 'history engine', pid }];
    }),
  ];
  await pause(5_000); // Until every link is up and the batches have their size.
  const before = await sample(url, watched);
  await pause(seconds * 1_000);
  const after = await sample(url, watched);
  report(before, after, slowest, watched);
  const beside = { what: 'the slowest raw stage', value: slowest };
  const value = durableRate(before, after);
  figure({ what: 'points from Modbus into history, durable', value, unit: '/s', aim: { least: 100_000 } });
  figure({ what: 'the same', value, unit: '/s', beside, aim: { least: 0.4, of: 'ratio' } });
  figure({ what: 'the same', value, unit: '/s', beside: { what: 'the insert with roll-ups', value: raw.history } });
  figure({ what: 'missed cycles', value: after.missed - before.missed, unit: '', aim: { most: 0 } });
  print(`  of history’s own insert with rollups: ${((durableRate(before, after) / raw.history) * 100).toFixed(0)} %`);

  await node.stop();
  await redis?.stop();
  await simulator.stop();
}

interface Sample {
  readonly at: number;
  readonly metrics: ReadonlyMap<string, number>;
  readonly missed: number;
  readonly usage: ReadonlyMap<number, Usage>;
}

async function sample(url: string, watched: readonly Watched[]): Promise<Sample> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const metrics = new Map<string, number>();
  let missed = 0;
  for (const line of text.split('\n')) {
    const match = /^(statewatt_\w+)(\{.*\})? ([\d.e+-]+)$/.exec(line);
    if (match === null) continue;
    if (match[1] === 'statewatt_channel_missed_cycles_total') missed += Number(match[3]);
    else if (match[2] === undefined) metrics.set(match[1] as string, Number(match[3]));
  }
  const usage = new Map<number, Usage>();
  for (const { pid } of watched) usage.set(pid, await usageOf(pid));
  return { at: performance.now(), metrics, missed, usage };
}

function durableRate(before: Sample, after: Sample): number {
  const name = 'statewatt_history_points_total';
  return ((after.metrics.get(name) ?? 0) - (before.metrics.get(name) ?? 0)) / ((after.at - before.at) / 1_000);
}

function report(before: Sample, after: Sample, slowest: number, watched: readonly Watched[]): void {
  const seconds = (after.at - before.at) / 1_000;
  const rate = (name: string): number => ((after.metrics.get(name) ?? 0) - (before.metrics.get(name) ?? 0)) / seconds;
  const durable = durableRate(before, after);
  print(`  published    ${points(rate('statewatt_frames_published_total') * 100)}`);
  print(`  realtime     ${points(rate('statewatt_realtime_points_total'))}`);
  print(`  history      ${points(durable)}   durable, end to end`);
  print(`  of the slowest raw stage: ${((durable / slowest) * 100).toFixed(0)} %`);
  print(
    `  missed cycles: ${after.missed - before.missed}, frames spooled: ${after.metrics.get('statewatt_frames_spooled_total') ?? 0}`,
  );
  print(
    `  time in inserts: ${(rate('statewatt_history_insert_seconds_total') * 100).toFixed(0)} % of the time, ${rate('statewatt_history_batches_total').toFixed(1)} batches/s`,
  );
  let busiest = { name: '', cores: 0 };
  let total = 0;
  for (const { name, pid } of watched) {
    const [from, to] = [before.usage.get(pid), after.usage.get(pid)];
    const cores = ((to?.cpuSeconds ?? 0) - (from?.cpuSeconds ?? 0)) / seconds;
    total += cores;
    if (cores > busiest.cores) busiest = { name, cores };
    print(`  ${name.padEnd(15)} ${cores.toFixed(2)} cores, ${(to?.residentMb ?? 0).toFixed(0)} MB`);
  }
  print(`  together ${total.toFixed(2)} cores; the busiest is ${busiest.name}`);
}

async function startRedis(): Promise<{ pid: number; url: string; stop: () => Promise<void> }> {
  const port = await freePort();
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) if (/Ready to accept/.test(line)) break;
  child.stdout.resume();
  return {
    pid: child.pid as number,
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      child.kill();
      await once(child, 'exit');
    },
  };
}

function points(rate: number): string {
  return `${Math.round(rate).toLocaleString('en').padStart(12)} points/s`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
