// From the change of a register to the alarm: `node --expose-gc dist/load/rules/main.js [--channels N] [--rules N]
// [--interval MS] [--deadband N] [--per-second N] [--shared N]`; shared: the channels of a port share a connection, so many
// requests under way at once. Modbus devices in a process of their own, a whole node that reads them, rules over
// all channels; another process writes one register of each device, and what is measured is the time until a watcher of
// alarms is told. Beside it, on the same devices: bare sockets that publish what is above the limit.
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'hdr-histogram-js';
import { startNode, type NodeLog, type RunningNode } from '../../node/node.js';
import { loadEnvironment } from '../../site/config/index.js';
import { figure, type Aim } from '../support/figures.js';
import { startSimulator } from '../support/simulator.js';
import { changeRegisters, preciseNow } from './hand.js';
import { startRaw } from './raw.js';
import { devices, LIMIT, stationsOf, writeSite } from './site.js';

const { values: options } = parseArgs({
  options: {
    channels: { type: 'string', default: '1000' },
    rules: { type: 'string', default: '10000' },
    interval: { type: 'string', default: '100' },
    deadband: { type: 'string', default: '1' },
    'per-second': { type: 'string', default: '50' },
    shared: { type: 'string' },
  },
});
const count = Number(options.channels);
const rules = Math.max(count, Number(options.rules));
const intervalMs = Number(options.interval);
const perSecond = Number(options['per-second']);
const deadband = Number(options.deadband);
const pipeline = options.shared === undefined ? undefined : Number(options.shared);
/** What has not come by then is lost. */
const PATIENCE_MS = 60_000;
/** All channels and rules have just been asked for, and garbage was collected: that held everything up. */
const SETTLE_MS = 2_000;

const folder = await mkdtemp(join(tmpdir(), 'statewatt-rules-'));
const simulator = await startSimulator(devices(count));
const stations = stationsOf(count, simulator.ports);
try {
  const site = await writeSite(folder, stations, { intervalMs, deadband, pipeline, rules: 0 });
  const node = await start(site);
  let ours: Latencies;
  try {
    await until(async () => (await node.client.channels()).every(({ state }) => state === 'online'), 'channels online');
    ours = await measureNode(node);
  } finally {
    await node.stop();
  }
  const raw = await measureRaw();
  print(`ratio    p50 ${(ours.p50 / raw.p50).toFixed(2)}, p99 ${(ours.p99 / raw.p99).toFixed(2)} times raw`);
  const late: Aim = { most: intervalMs + 250 };
  figure({ what: 'p50 from the register to the alarm', value: ours.p50, unit: 'ms', beside: beside(raw.p50) });
  figure({
    what: 'p99 from the register to the alarm',
    value: ours.p99,
    unit: 'ms',
    beside: beside(raw.p99),
    aim: late,
  });
  figure({ what: 'alarms that did not come', value: ours.missing, unit: '', aim: { most: 0 } });
  process.exitCode = ours.missing === 0 ? 0 : 1;
} finally {
  await simulator.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

function beside(value: number): { what: string; value: number } {
  return { what: 'bare sockets and publish', value };
}

interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly missing: number;
}

async function start(site: string): Promise<RunningNode> {
  const environment = loadEnvironment({
    STATEWATT_DATA: join(folder, 'data'),
    STATEWATT_HTTP_PORT: '0',
    STATEWATT_DURABILITY: 'relaxed',
    STATEWATT_NODE_NAME: 'load',
  });
  const quiet = (): void => undefined;
  const loud = (facts: Record<string, unknown>, text: string): void => print(`${text} ${JSON.stringify(facts)}`);
  const log: NodeLog = { debug: quiet, info: quiet, warn: loud, error: loud };
  return startNode({ site, demo: false, environment, log });
}

async function measureNode(node: RunningNode): Promise<Latencies> {
  const empty = memory();
  const begun = performance.now();
  await writeSite(folder, stations, { intervalMs, deadband, pipeline, rules });
  await until(async () => (await watching(node)) === rules, `${rules} rules watch`);
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  const full = memory();
  const kilobytes = ((full.heapMb - empty.heapMb) * 1024) / rules;
  print(`load average ${loadavg()[0]?.toFixed(1)}; ${count} channels every ${intervalMs} ms, deadband ${deadband}`);
  print(
    `rules    ${rules} loaded in ${seconds} s; heap ${full.heapMb.toFixed(0)} MB, ${kilobytes.toFixed(1)} KB a rule`,
  );

  const seen = new Map<number, number>();
  const abort = new AbortController();
  const watch = (async () => {
    for await (const { alarms } of node.client.alarms.watch({}, abort.signal)) {
      const now = preciseNow();
      for (const { ruleId } of alarms) if (ruleId?.startsWith('r') === true) seen.set(Number(ruleId.slice(1)), now);
    }
  })();
  const before = { ...(await totals(node)), at: performance.now(), cpu: process.cpuUsage() };
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const changed = await changeRegisters({ stations, address: 0, value: LIMIT + 1, perSecond });
  await until(() => seen.size === changed.size, 'every alarm', true);
  const took = (performance.now() - before.at) / 1_000;
  const { user, system } = process.cpuUsage(before.cpu);
  const after = await totals(node);
  abort.abort();
  await watch;
  const frames = after.frames - before.frames;
  const found = latencies(changed, seen);
  print(
    `polls    ${((after.reads - before.reads) / took).toFixed(0)}/s, ${after.missed - before.missed} missed; ` +
      `${(frames / took).toFixed(0)} frames/s, ${((frames * rules) / count / took).toFixed(0)} evaluations/s`,
  );
  print(
    `node     ${(((user + system) / 1e6 / took) * 100).toFixed(0)} % of one core, ${memory().residentMb.toFixed(0)} MB`,
  );
  report('alarm', found);
  return found;
}

async function measureRaw(): Promise<Latencies> {
  const poller = await startRaw(join(folder, 'raw'), stations, { intervalMs, address: 1 });
  try {
    const from = { polls: poller.polls(), at: performance.now(), cpu: process.cpuUsage() };
    const changed = await changeRegisters({ stations, address: 1, value: LIMIT + 1, perSecond });
    await until(() => poller.seen.size === changed.size, 'every message', true);
    const took = (performance.now() - from.at) / 1_000;
    const { user, system } = process.cpuUsage(from.cpu);
    const found = latencies(changed, poller.seen);
    print(
      `raw      ${((poller.polls() - from.polls) / took).toFixed(0)} polls/s, ` +
        `${(((user + system) / 1e6 / took) * 100).toFixed(0)} % of one core`,
    );
    report('raw', found);
    return found;
  } finally {
    await poller.stop();
  }
}

/** From the write of a register on; beyond the poll interval is what the interval does not explain. */
function latencies(changed: ReadonlyMap<number, number>, seen: ReadonlyMap<number, number>): Latencies {
  const times = build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000 });
  let missing = 0;
  for (const [channel, at] of changed) {
    const then = seen.get(channel);
    if (then === undefined) missing += 1;
    else times.recordValue(Math.max(1, Math.round((then - at) * 1_000)));
  }
  const at = (percentile: number): number => times.getValueAtPercentile(percentile) / 1_000;
  return { p50: at(50), p99: at(99), missing };
}

function report(name: string, { p50, p99, missing }: Latencies): void {
  const beyond = p99 - intervalMs;
  print(
    `${name.padEnd(9)}p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms after the register changed ` +
      `(${beyond.toFixed(1)} ms beyond the interval), ${missing} missing`,
  );
}

async function watching({ client }: RunningNode): Promise<number> {
  const { rules: found } = await client.rules.list({ state: 'waiting', limit: 10_000 });
  return found.filter(({ value }) => value === false).length;
}

async function totals({ client }: RunningNode): Promise<{ frames: number; reads: number; missed: number }> {
  const sum = { frames: 0, reads: 0, missed: 0 };
  for (const { stats } of await client.channels()) {
    sum.frames += stats.totalFrames;
    sum.reads += stats.totalReads;
    sum.missed += stats.missedCycles;
  }
  return sum;
}

async function until(is: () => boolean | Promise<boolean>, what: string, givesUp = false): Promise<void> {
  const end = performance.now() + PATIENCE_MS * 5;
  const last = performance.now() + PATIENCE_MS;
  while (!(await is())) {
    if (givesUp && performance.now() > last) return;
    if (performance.now() > end) throw new Error(`waited too long: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, givesUp ? 50 : 2_000));
  }
}

function memory(): { heapMb: number; residentMb: number } {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heapMb: (heapUsed + arrayBuffers) / 1024 ** 2, residentMb: rss / 1024 ** 2 };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
