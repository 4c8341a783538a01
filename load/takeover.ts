// How long the actors of a node that dies are away, and whether a stopped node does anything after others took over:
//
//     node dist/load/takeover.js [--kills N] [--zombies N] [--actors N] [--stopped SECONDS] [--apart]
//
// Three nodes of always-on actors. One is killed (SIGKILL) again and again while another process sends commands; then
// nodes are stopped (SIGSTOP) for longer than their lease, and go on (SIGCONT). Ends with an error when a command was lost,
// done twice or out of order, an answer was wrong, or an effect came late. `--apart`: the nodes do not know that they share
// a machine, so that each death is noticed by a lease that runs out, as that of a whole machine is.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Kvm } from '@nats-io/kv';
import type { TakeoverFacts } from '../actors/runtime/partitions.js';
import { assertCommands, assertEffects, assertOwnership, readJournal } from '../tests/chaos/actors-checker.js';
import { ActorsCluster } from '../tests/chaos/actors-cluster.js';
import { figure } from './support/figures.js';

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    zombies: { type: 'string', default: '20' },
    actors: { type: 'string', default: '1000' },
    stopped: { type: 'string', default: '5' },
    apart: { type: 'boolean', default: false },
  },
});
const [kills, zombies, actors, stopped] = [options.kills, options.zombies, options.actors, options.stopped].map(
  Number,
) as [number, number, number, number];
const CALLED = 40;
const NODES = 3;

const cluster = await ActorsCluster.start(actors, { apart: options.apart });
try {
  await Promise.all(Array.from({ length: NODES }, () => cluster.join()));
  await cluster.settled();
  await cluster.call(CALLED);
  print(`${actors} always-on actors on ${NODES} nodes; ${load()}`);
  if (kills > 0) await killThem();
  if (zombies > 0) await stopThem();
  await check();
} finally {
  await cluster.close();
}

async function killThem(): Promise<void> {
  const table = await followTable();
  const told = followTakeovers();
  const stages = new Map<string, number[]>();
  const note = (stage: string, ms: number): void =>
    void (stages.get(stage) ?? stages.set(stage, []).get(stage))?.push(ms);
  for (let kill = 1; kill <= kills; kill++) {
    await cluster.commandsGoOn();
    const [victim = ''] = cluster.nodes;
    const lost = cluster.ownedBy(victim);
    told.splice(0);
    const killed = performance.now();
    await cluster.kill(victim);
    await cluster.takenOver(lost, [victim], 60_000);
    const noticed = table.writtenAt() - killed;
    const times = lost.map((id) => cluster.activeSince(id) - killed).sort((a, b) => a - b);
    const all = times.at(-1) as number;
    await cluster.until(() => told.length >= NODES - 1);
    note('its partitions have new owners', noticed);
    for (const facts of told) {
      note('  then, side by side: actors listed', facts.releasedMs + facts.listedMs);
      note('                      queues open', facts.releasedMs + facts.queuesMs);
      note('                      actors alive', facts.releasedMs + facts.actorsMs);
    }
    note('first actor active', times[0] as number);
    note('half of them active', times[times.length >> 1] as number);
    note('all active', all);
    print(
      `kill ${kill}: ${lost.length} actors, noticed after ${Math.round(noticed)} ms, all active after ${Math.round(all)} ms`,
    );
    await cluster.join();
    await cluster.settled(cluster.nodes, 60_000);
  }
  table.leave();
  print(`after the kill (${load()}):`);
  for (const [stage, values] of stages) show(stage, values);
  const longest = Math.max(...(stages.get('all active') ?? []));
  figure({ what: `longest of ${kills} takeovers, all active`, value: longest, unit: 'ms', aim: { most: 2_000 } });
}

async function stopThem(): Promise<void> {
  for (let done = 0; done < zombies;) {
    await cluster.commandsGoOn();
    const nodes = cluster.nodes.slice(0, Math.min(NODES - 1, zombies - done));
    const theirs = nodes.flatMap((node) => cluster.ownedBy(node));
    for (const node of nodes) cluster.signal(node, 'SIGSTOP');
    const away = new Promise((resolve) => setTimeout(resolve, stopped * 1_000));
    await cluster.takenOver(theirs, nodes, 60_000);
    await away;
    for (const node of nodes) cluster.signal(node, 'SIGCONT');
    await cluster.settled(cluster.nodes, 60_000);
    done += nodes.length;
    print(`stopped for ${stopped} s and gone on: ${done}`);
  }
}

async function check(): Promise<void> {
  await cluster.commandsGoOn();
  const report = await cluster.endCalls();
  const journal = await readJournal(cluster.bus);
  assertCommands(journal, report);
  assertOwnership(journal);
  const { without, underWay } = await assertEffects(journal, cluster.effects, cluster.stops);
  const commands = Object.values(report.acknowledged).reduce((sum, count) => sum + count, 0);
  print(
    `${commands} commands: none lost, none twice, all in order; ${report.repeated} were sent again, the longest took ${report.longestMs} ms`,
  );
  print(`${journal.length} entries: 0 effects late or twice; ${without} have none, their node went before it`);
  if (underWay > 0) print(`${underWay} effects had begun when their process was stopped, and ended when it went on`);
}

/** When the nodes last wrote who owns what, monotonic ms. */
async function followTable(): Promise<{ writtenAt: () => number; leave: () => void }> {
  const table = await new Kvm(cluster.bus.nats).open('PLACEMENT');
  const watch = await table.watch({ key: 'partitions' });
  let writtenAt = 0;
  void (async () => {
    for await (const _ of watch) writtenAt = performance.now();
  })();
  return { writtenAt: () => writtenAt, leave: () => watch.stop() };
}

/** What the nodes tell of each takeover, as it comes. */
function followTakeovers(): TakeoverFacts[] {
  const told: TakeoverFacts[] = [];
  cluster.bus.nats.subscribe('chaos.takeover.*', {
    callback: (_error, message) => void told.push(message.json<TakeoverFacts>()),
  });
  return told;
}

function show(what: string, values: readonly number[]): void {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): string =>
    `${Math.round(sorted[Math.ceil(sorted.length * part) - 1] ?? NaN)} ms`.padStart(8);
  print(`${what.padEnd(38)} p50 ${at(0.5)}  p99 ${at(0.99)}  longest ${at(1)}  of ${sorted.length}`);
}

function load(): string {
  return `load average ${(loadavg()[0] as number).toFixed(1)}`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
