// A flood of alarms: `node dist/load/alarms/main.js [--alarms N] [--callers N] [--standing N] [--strict]`. Callers raise
// alarms on a whole node, as rules do, and acknowledge each; meanwhile a console in another process asks for the list, over
// HTTP. Then the journal is read: each alarm was raised once and acknowledged once. Beside it, on the same server: entries of
// the same size written in fenced atomic batches, by nothing but the NATS client.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'hdr-histogram-js';
import { startNode, type NodeLog, type RunningNode } from '../../node/node.js';
import { loadEnvironment } from '../../site/config/index.js';
import { figure } from '../support/figures.js';
import { descendants, usageOf } from '../support/processes.js';
import { checkJournal } from './check.js';
import { startConsole } from './console.js';
import { writeRaw } from './raw.js';

const { values: options } = parseArgs({
  options: {
    alarms: { type: 'string', default: '10000' },
    callers: { type: 'string', default: '200' },
    standing: { type: 'string', default: '0' },
    strict: { type: 'boolean', default: false },
  },
});
const count = Number(options.alarms);
const callers = Number(options.callers);

const folder = await mkdtemp(join(tmpdir(), 'statewatt-alarms-'));
const node = await start();
try {
  await raiseAll(Number(options.standing), 'standing', false);
  const warmUp = Math.min(500, count);
  await raiseAll(warmUp, 'warm up', true);
  const lists = await startConsole(node.url);
  const before = await cpu();
  const flood = await raiseAll(count, 'flood', true);
  const after = await cpu();
  const { p50Ms, p99Ms, requests, failed } = await lists.stop();
  print(`load average ${loadavg()[0]?.toFixed(1)}, ${options.strict ? 'strict' : 'relaxed'}, ${callers} callers`);
  print(`flood    ${Math.round(flood.rate)} alarms/s raised and acknowledged (${count})`);
  print(
    `         raise p50 ${flood.raise.p50} ms, p99 ${flood.raise.p99} ms; acknowledge p50 ${flood.acknowledge.p50} ms, p99 ${flood.acknowledge.p99} ms`,
  );
  print(`list     p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, ${requests} requests, ${failed} failed`);
  const each = (of: 'node' | 'server'): string => (((after[of] - before[of]) * 1_000) / count).toFixed(2);
  print(`CPU      ${each('node')} ms of the node, ${each('server')} ms of nats-server for each alarm`);
  const { alarms, entries, wrong, bytes } = await checkJournal(node.natsUrl, flood.ids);
  print(`journal  ${alarms} of ${count} alarms, ${entries} entries; ${wrong} lost or doubled`);
  const raw = await writeRaw(node.natsUrl, { entries: 2 * count, bytes });
  print(`raw      ${Math.round(raw / 2)} alarms/s: two entries of ${bytes} bytes each, fenced, in batches of 200`);
  print(`ratio    ${(flood.rate / (raw / 2)).toFixed(3)} of raw`);
  const mode = options.strict ? 'strict' : 'relaxed';
  const limit = { what: 'raw fenced entries', value: raw / 2 };
  figure({
    what: `alarms raised and acknowledged, ${mode}`,
    value: flood.rate,
    unit: '/s',
    beside: limit,
    aim: { least: 1_000 },
  });
  figure({ what: 'p99 of the list meanwhile', value: p99Ms, unit: 'ms', aim: { most: 100 } });
  figure({ what: 'alarms lost or doubled', value: wrong, unit: '', aim: { most: 0 } });
  process.exitCode = wrong === 0 && alarms === count && failed === 0 ? 0 : 1;
} finally {
  await node.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function start(): Promise<RunningNode> {
  const site = join(folder, 'site.yaml');
  await writeFile(site, 'site: Flood\nchannels: []\n');
  const environment = loadEnvironment({
    STATEWATT_DATA: join(folder, 'data'),
    STATEWATT_HTTP_PORT: '0',
    STATEWATT_DURABILITY: options.strict ? 'strict' : 'relaxed',
    STATEWATT_NODE_NAME: 'load',
  });
  const quiet = (): void => undefined;
  const loud = (facts: Record<string, unknown>, text: string): void => print(`${text} ${JSON.stringify(facts)}`);
  const log: NodeLog = { debug: quiet, info: quiet, warn: loud, error: loud };
  return startNode({ site, demo: false, environment, log });
}

/** CPU seconds used so far, which the load of the machine does not change much. */
async function cpu(): Promise<{ node: number; server: number }> {
  const children = await descendants(process.pid);
  const server = children.findLast(
    ({ command }) => /nats-server\S* -c/.test(command) && !command.startsWith('/bin/sh'),
  );
  const { user, system } = process.cpuUsage();
  return { node: (user + system) / 1e6, server: server === undefined ? 0 : (await usageOf(server.pid)).cpuSeconds };
}

/** Each caller raises one alarm after the other and, if so wanted, acknowledges it. */
async function raiseAll(alarms: number, name: string, acknowledges: boolean) {
  const raise = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000 });
  const acknowledge = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000 });
  const ids: string[] = [];
  let next = 0;
  const from = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (next < alarms) {
        const index = next++;
        let at = performance.now();
        const { id } = await node.client.alarms.raise({
          source: `comsrv:${1 + (index % 1_000)}:T:1`,
          ruleId: `${name}-${index}`,
          level: index % 10 === 0 ? 'Critical' : 'Warning',
          title: `Voltage too high on feeder ${index}`,
          description: 'The voltage is above its limit; the breaker may trip.',
          value: 253.4,
        });
        raise.recordValue(Math.round(performance.now() - at));
        ids.push(id);
        if (!acknowledges) continue;
        at = performance.now();
        await node.client.alarms.command(id, { type: 'acknowledge', by: 'ann' });
        acknowledge.recordValue(Math.round(performance.now() - at));
      }
    }),
  );
  const percentiles = (of: typeof raise) => ({ p50: of.getValueAtPercentile(50), p99: of.getValueAtPercentile(99) });
  const rate = (alarms / (performance.now() - from)) * 1_000;
  return { ids, rate, raise: percentiles(raise), acknowledge: percentiles(acknowledge) };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
