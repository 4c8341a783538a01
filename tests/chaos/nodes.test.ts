import assert from 'node:assert/strict';
import { assertCommands, assertEffects, assertOwnership, becomeCurrent, readJournal } from './actors-checker.js';
import { ActorsCluster } from './actors-cluster.js';
import { openLink, type Link } from '../support/link.js';

const ACTORS = 300;
const CALLED = 40;
/** Longer than a lease, and than it takes the others to take over. */
const AWAY_MS = 5_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('chaos: nodes of actors', function () {
  this.timeout(120_000);
  let cluster: ActorsCluster;
  const links: Link[] = [];

  beforeEach(async () => {
    cluster = await ActorsCluster.start(ACTORS);
  });
  afterEach(async () => {
    await cluster?.close();
    for (const link of links.splice(0)) await link.close();
  });

  async function start(nodes: number): Promise<void> {
    await Promise.all(Array.from({ length: nodes }, () => cluster.join()));
    await cluster.settled();
  }

  /** No command lost, none twice, each actor's order kept, no wrong answer; no effect late or twice. */
  async function check(): Promise<void> {
    const report = await cluster.endCalls();
    const journal = await readJournal(cluster.bus);
    assert.ok(Object.values(report.acknowledged).every((count) => count > 0));
    assertCommands(journal, report);
    assertOwnership(journal);
    await becomeCurrent(cluster.bus, () => cluster.living());
    await assertEffects(journal, cluster.effects, cluster.stops);
  }

  it('SIGKILL of a node: its actors are active elsewhere, no command is lost, done twice or out of order', async () => {
    await start(3);
    await cluster.call(CALLED);
    for (let time = 0; time < 3; time++) {
      await cluster.commandsGoOn();
      const [victim] = cluster.nodes as [string];
      const actors = cluster.ownedBy(victim);
      assert.ok(actors.length > 0);
      await cluster.kill(victim);
      await cluster.takenOver(actors, [victim]);
      if (time === 0) await cluster.join(); // Its partitions move in order, under the calls.
      await cluster.settled();
    }
    await cluster.commandsGoOn();
    await check();
  });

  it('SIGSTOP for longer than the lease: nothing of the stopped nodes lands after the takeover', async () => {
    await start(4);
    await cluster.call(CALLED);
    await cluster.commandsGoOn();
    const stopped = cluster.nodes.slice(0, 3);
    const actors = stopped.flatMap((node) => cluster.ownedBy(node));
    for (const node of stopped) cluster.signal(node, 'SIGSTOP');
    const away = pause(AWAY_MS);
    await cluster.takenOver(actors, stopped);
    await cluster.commandsGoOn();
    await away;
    for (const node of stopped) cluster.signal(node, 'SIGCONT');
    await cluster.settled();
    await cluster.commandsGoOn();
    await check();
  });

  it('SIGKILL of nats-server: what was acknowledged is there, and everything goes on', async () => {
    await start(3);
    await cluster.call(CALLED);
    for (let time = 0; time < 3; time++) {
      await cluster.commandsGoOn();
      cluster.nats.server.child.kill();
      await cluster.commandsGoOn();
    }
    await cluster.settled();
    await check();
  });

  it('nodes cut off from NATS, silently and with a reset: nothing of them lands after the takeover', async () => {
    await cluster.join();
    const port = Number(new URL(cluster.nats.url).port);
    for (let node = 0; node < 2; node++) {
      const link = await openLink(port);
      links.push(link);
      await cluster.join(`nats://${link.address}`);
    }
    await cluster.settled();
    await cluster.call(CALLED);
    await cluster.commandsGoOn();
    const cutOff = cluster.nodes.slice(1);
    const actors = cutOff.flatMap((node) => cluster.ownedBy(node));
    const [silent, refusing] = links as [Link, Link];
    silent.hold();
    refusing.shut();
    const away = pause(AWAY_MS);
    await cluster.takenOver(actors, cutOff);
    await cluster.commandsGoOn();
    await away;
    silent.open();
    refusing.open();
    await cluster.settled();
    await cluster.commandsGoOn();
    await check();
  });
});
