// Points from the same Modbus TCP devices at the same interval, by a whole node of Statewatt and by Node-RED with its Modbus
// nodes: `node dist/load/node-red/main.js [--devices N] [--interval MS] [--seconds N]`. Statewatt makes them durable on
// the way, Node-RED's end in a function that counts. One after the other, so neither takes the other's time.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeSite } from '../pipeline/site.js';
import { figure } from '../support/figures.js';
import { peersInstalled, runPeer } from '../support/peers.js';
import { usageOf } from '../support/processes.js';
import { movingDevices, startSimulator } from '../support/simulator.js';
import { startSiteNode } from '../support/site-node.js';

const { values: options } = parseArgs({
  options: {
    devices: { type: 'string', default: '100' },
    interval: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '10' },
  },
});
const REGISTERS = 100;
const count = Number(options.devices);
const intervalMs = Number(options.interval);
const seconds = Number(options.seconds);

interface Reading {
  /** Points a second. */
  readonly rate: number;
  readonly cores: number;
  readonly residentMb: number;
}

if (!peersInstalled) throw new Error('Node-RED is not installed: npm install --prefix load/peers');

const folder = await mkdtemp(join(tmpdir(), 'statewatt-node-red-'));
const simulator = await startSimulator(movingDevices(count, REGISTERS));
try {
  const due = (count * REGISTERS * 1_000) / intervalMs;
  print(
    `${count} devices of ${REGISTERS} registers every ${intervalMs} ms: ${due.toLocaleString('en')} points/s are due`,
  );
  const ours = await measureOurs();
  row('Statewatt', ours);
  const theirs = await runPeer<Reading>('node-red', [intervalMs, seconds, simulator.ports.join(',')]);
  row('Node-RED', theirs);
  const what = `${count} devices every ${intervalMs} ms`;
  const beside = (value: number) => ({ what: 'Node-RED', value });
  figure({
    what: `points read, ${what}`,
    value: ours.rate,
    unit: '/s',
    beside: beside(theirs.rate),
    aim: { least: 1, of: 'ratio' },
  });
  figure({ what: 'CPU of a point', value: cpu(ours), unit: 'µs', beside: beside(cpu(theirs)) });
  figure({ what: 'memory', value: ours.residentMb, unit: 'MB', beside: beside(theirs.residentMb) });
} finally {
  await simulator.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function measureOurs(): Promise<Reading> {
  const node = await startSiteNode(await writeSite(folder, simulator.ports, intervalMs), join(folder, 'data'));
  try {
    await pause(3_000); // As the other: until every link is up.
    const before = { reads: await reads(node.url), cpu: (await usageOf(node.pid)).cpuSeconds, at: performance.now() };
    await pause(seconds * 1_000);
    const found = await reads(node.url);
    const took = (performance.now() - before.at) / 1_000;
    const { cpuSeconds, residentMb } = await usageOf(node.pid);
    return { rate: ((found - before.reads) * REGISTERS) / took, cores: (cpuSeconds - before.cpu) / took, residentMb };
  } finally {
    await node.stop();
  }
}

/** Answered reads of all channels: each brings all registers of its device. */
async function reads(url: string): Promise<number> {
  const channels = (await (await fetch(`${url}/api/v1/channels`)).json()) as { stats: { totalReads: number } }[];
  return channels.reduce((sum, { stats }) => sum + stats.totalReads, 0);
}

function cpu({ cores, rate }: Reading): number {
  return (cores * 1e6) / rate;
}

function row(name: string, reading: Reading): void {
  const { rate, cores, residentMb } = reading;
  print(
    `  ${name.padEnd(10)}${Math.round(rate).toLocaleString('en').padStart(10)} points/s, ${(cores * 100).toFixed(0)} % of one core ` +
      `(${cpu(reading).toFixed(2)} µs a point), ${residentMb.toFixed(0)} MB`,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
