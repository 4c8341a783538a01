import { Kvm } from '@nats-io/kv';
import { assertCommands, assertEffects, assertOwnership, readJournal } from '../tests/chaos/actors-checker.js';
import { ActorsCluster } from '../tests/chaos/actors-cluster.js';

/**
 * How long the actors of a node that dies are away, and whether a stopped node does anything after others took over:
 * three nodes of always-on actors, one killed again and again, while another process sends commands; then nodes that are
 * stopped (SIGSTOP) and go on. Ends with an error when a command was lost, done twice or out of order, an answer was
 * wrong, or an effect came late.
 *
 *     node dist/load/takeover.js [kills] [actors] [stops] [seconds stopped]
 */
const [kills = 20, actors = 1_000, stops = 20, stoppedSeconds = 5] = process.argv.slice(2).map(Number);
const CALLED = 40;
const NODES = 3;

function show(what: string, values: readonly number[]): void {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): string => ((sorted[Math.ceil(sorted.length * part) - 1] ?? NaN) / 1_000).toFixed(2);
  console.log(`${what}: p50 ${at(0.5)} s, p99 ${at(0.99)} s, longest ${at(1)} s of ${sorted.length}`);
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

const cluster = await ActorsCluster.start(actors);
try {
  await Promise.all(Array.from({ length: NODES }, () => cluster.join()));
  await cluster.settled();
  await cluster.call(CALLED);

  const table = await followTable();
  const [noticed, first, half, all]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let kill = 0; kill < kills; kill++) {
    await cluster.commandsGoOn();
    const [victim = ''] = cluster.nodes;
    const lost = cluster.ownedBy(victim);
    const killed = performance.now();
    await cluster.kill(victim);
    await cluster.takenOver(lost, [victim], 60_000);
    noticed.push(table.writtenAt() - killed);
    const times = lost.map((id) => cluster.activeSince(id) - killed).sort((a, b) => a - b);
    first.push(times[0] as number);
    half.push(times[times.length >> 1] as number);
    all.push(times.at(-1) as number);
    const [gone, done] = [noticed.at(-1), all.at(-1)].map((ms) => Math.round(ms as number));
    console.log(`kill ${kill + 1}: ${lost.length} actors, new owners after ${gone} ms, all active after ${done} ms`);
    await cluster.join();
    await cluster.settled();
  }
  table.leave();
  if (kills > 0) {
    show('its partitions have new owners', noticed);
    show('first actor active', first);
    show('half of them active', half);
    show('all active', all);
  }

  for (let done = 0; done < stops;) {
    await cluster.commandsGoOn();
    const stopped = cluster.nodes.slice(0, Math.min(NODES - 1, stops - done));
    const theirs = stopped.flatMap((node) => cluster.ownedBy(node));
    for (const node of stopped) cluster.signal(node, 'SIGSTOP');
    const away = new Promise((resolve) => setTimeout(resolve, stoppedSeconds * 1_000));
    await cluster.takenOver(theirs, stopped, 60_000);
    await away;
    for (const node of stopped) cluster.signal(node, 'SIGCONT');
    await cluster.settled();
    done += stopped.length;
    console.log(`stopped and gone on: ${done}`);
  }

  await cluster.commandsGoOn();
  const report = await cluster.endCalls();
  const journal = await readJournal(cluster.bus);
  assertCommands(journal, report);
  assertOwnership(journal);
  const without = await assertEffects(journal, cluster.effects);
  const commands = Object.values(report.acknowledged).reduce((sum, count) => sum + count, 0);
  console.log(
    `${commands} commands: none lost, none twice, all in order; ${report.repeated} were sent again, the longest took ${report.longestMs} ms`,
  );
  console.log(`${journal.length} entries: no effect late or twice; ${without} have none, their node went before it`);
} finally {
  await cluster.close();
}
