// The case TC-PERF-001 with 1,000 devices: `node dist/load/devices/main.js [--devices N] [--interval MS,MS,…]
// [--seconds N]`. Each device is a Modbus TCP server of its own port whose register 1 is read by a channel of its own; the
// values are looked up in Redis, as the case does. Then a process of its own changes the register of each device, and a watcher
// of live values says when it was told.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'hdr-histogram-js';
import { Redis } from 'ioredis';
import type { ChannelView } from '../../actors/client/schemas.js';
import { startRedis } from '../../tests/support/redis.js';
import { changeRegisters } from '../rules/hand.js';
import { figure } from '../support/figures.js';
import { usageOf } from '../support/processes.js';
import { startSimulator } from '../support/simulator.js';
import { startSiteNode, type SiteNode } from '../support/site-node.js';
import { watchLive } from './live.js';

const { values: options } = parseArgs({
  options: {
    devices: { type: 'string', default: '1000' },
    interval: { type: 'string', default: '1000,100' },
    seconds: { type: 'string', default: '10' },
    'per-second': { type: 'string', default: '50' },
  },
});
const count = Number(options.devices);
const seconds = Number(options.seconds);
/** Of the first channel, as in the case. */
const FIRST = 1000;
const REGISTER = 1;
/** The case waits so long before it looks. */
const GRACE_MS = 5_000;
/** What a changed register holds; no device begins with it. */
const CHANGED = 65_535;
const PATIENCE_MS = 20_000;

const valueOf = (device: number): number => (device * 100) % CHANGED;
const folder = await mkdtemp(join(tmpdir(), 'statewatt-devices-'));
const redis = await startRedis();
const reader = new Redis(redis.url);
try {
  for (const interval of options.interval.split(',').map(Number)) await measure(interval);
} finally {
  reader.disconnect();
  await redis.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function measure(intervalMs: number): Promise<void> {
  const simulator = await startSimulator({
    devices: Array.from({ length: count }, (_, device) => ({
      port: 0,
      units: { '1': [{ area: 'holding' as const, address: REGISTER, value: valueOf(device) }] },
    })),
  });
  const site = join(folder, 'site.yaml');
  await writeFile(site, siteOf(simulator.ports, intervalMs));
  await reader.flushall();
  const node = await startSiteNode(site, join(folder, `data-${intervalMs}`), { REDIS_URL: redis.url });
  try {
    const collecting = await collectingAfter(node);
    const rates = await watchRates(node);
    const stations = simulator.ports.map((port, index) => ({ channel: FIRST + index, port, unit: 1 }));
    const latency = await measureLatency(node, stations);
    report(intervalMs, node, collecting, rates, latency);
  } finally {
    await node.stop();
    await simulator.stop();
  }
}

function siteOf(ports: readonly number[], intervalMs: number): string {
  const points = `[{ id: 1, name: Register, function_code: 3, register_address: ${REGISTER}, data_type: uint16 }]`;
  const channels = ports.map(
    (port, index) =>
      `  - { id: ${FIRST + index}, protocol: modbus, address: '127.0.0.1:${port}', ` +
      `polling: { interval_ms: ${intervalMs} }, points: ${points} }`,
  );
  const defaults = 'defaults: { max_concurrent_connections: 100 }';
  return ['site: TC-PERF-001', 'watch_files: false', defaults, 'channels:', ...channels, ''].join('\n');
}

interface Collecting {
  /** Part of the devices whose value stood in Redis when the case looks, and how many of those were wrong. */
  readonly part: number;
  readonly wrong: number;
}

async function collectingAfter(node: SiteNode): Promise<Collecting> {
  await pause(GRACE_MS);
  const values = await Promise.all(Array.from({ length: count }, (_, n) => reader.hget(`comsrv:${FIRST + n}:T`, '1')));
  let [there, wrong] = [0, 0];
  for (const [device, text] of values.entries()) {
    if (text === null) continue;
    there += 1;
    if (Number(text) !== valueOf(device)) wrong += 1;
  }
  print(
    `${count} devices: up after ${(node.upAfterMs / 1_000).toFixed(1)} s; 5 s later ${there} in Redis, ${wrong} wrong`,
  );
  return { part: there / count, wrong };
}

interface Rates {
  readonly reads: number;
  readonly cycles: number;
  readonly missed: number;
  readonly errors: number;
  readonly cores: number;
  readonly residentMb: number;
}

async function watchRates(node: SiteNode): Promise<Rates> {
  const before = { ...(await totals(node)), cpu: (await usageOf(node.pid)).cpuSeconds, at: performance.now() };
  await pause(seconds * 1_000);
  const after = await totals(node);
  const { cpuSeconds, residentMb } = await usageOf(node.pid);
  const took = (performance.now() - before.at) / 1_000;
  return {
    reads: (after.reads - before.reads) / took,
    cycles: after.reads - before.reads,
    missed: after.missed - before.missed,
    errors: after.errors - before.errors,
    cores: (cpuSeconds - before.cpu) / took,
    residentMb,
  };
}

async function totals(node: SiteNode): Promise<{ reads: number; missed: number; errors: number }> {
  const sum = { reads: 0, missed: 0, errors: 0 };
  for (const { stats } of (await (await fetch(`${node.url}/api/v1/channels`)).json()) as ChannelView[]) {
    sum.reads += stats.totalReads;
    sum.missed += stats.missedCycles;
    sum.errors += stats.connectionErrors;
  }
  return sum;
}

interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly missing: number;
}

/** From the change of a register until a watcher of live values has it, ms. */
async function measureLatency(
  node: SiteNode,
  stations: readonly { channel: number; port: number; unit: number }[],
): Promise<Latency> {
  const live = await watchLive(node.url, CHANGED);
  const perSecond = Number(options['per-second']);
  const changed = await changeRegisters({ stations, address: REGISTER, value: CHANGED, perSecond });
  for (const end = performance.now() + PATIENCE_MS; live.seen.size < changed.size && performance.now() < end;)
    await pause(50);
  live.stop();
  const times = build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000 });
  let missing = 0;
  for (const [channel, at] of changed) {
    const then = live.seen.get(channel);
    if (then === undefined) missing += 1;
    else times.recordValue(Math.max(1, Math.round((then - at) * 1_000)));
  }
  return { p50: times.getValueAtPercentile(50) / 1_000, p99: times.getValueAtPercentile(99) / 1_000, missing };
}

function report(intervalMs: number, node: SiteNode, collecting: Collecting, rates: Rates, latency: Latency): void {
  const { reads, cycles, missed, errors, cores, residentMb } = rates;
  const share = missed / (cycles + missed);
  print(
    `  every ${intervalMs} ms: ${reads.toFixed(0)} reads/s, ${missed} of ${cycles + missed} cycles missed, ${errors} errors`,
  );
  print(`  ${(cores * 100).toFixed(0)} % of one core, ${residentMb.toFixed(0)} MB`);
  print(
    `  change to live value: p50 ${latency.p50.toFixed(0)} ms, p99 ${latency.p99.toFixed(0)} ms, ${latency.missing} missing`,
  );
  const every = `every ${intervalMs} ms`;
  figure({ what: `up with ${count} devices, ${every}`, value: node.upAfterMs / 1_000, unit: 's', aim: { most: 10 } });
  figure({ what: 'part in Redis 5 s later', value: collecting.part, unit: '', aim: { least: 1 } });
  figure({ what: 'wrong values', value: collecting.wrong, unit: '', aim: { most: 0 } });
  const due = { what: 'due', value: (count * 1_000) / intervalMs };
  figure({ what: `reads, ${every}`, value: reads, unit: '/s', beside: due, aim: { least: 0.99, of: 'ratio' } });
  figure({ what: `part of the cycles missed, ${every}`, value: share, unit: '', aim: { most: 0.01 } });
  figure({ what: 'connection errors', value: errors, unit: '', aim: { most: 0 } });
  figure({ what: `p50 from the register to a live value, ${every}`, value: latency.p50, unit: 'ms' });
  figure({
    what: `p99 from the register to a live value, ${every}`,
    value: latency.p99,
    unit: 'ms',
    aim: { most: intervalMs + 250 },
  });
  figure({ what: 'changes that were not told', value: latency.missing, unit: '', aim: { most: 0 } });
  figure({ what: `CPU of the node, ${every}`, value: cores * 100, unit: '% of a core' });
  figure({ what: `memory of the node, ${every}`, value: residentMb, unit: 'MB' });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
