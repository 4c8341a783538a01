import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Bus } from '../../bus/connection.js';
import { Requests } from '../../bus/requests.js';
import { formatRef, partitionOf, PARTITIONS, subjects, type Ref } from '../../bus/subjects.js';
import { startNats, type TestNats } from '../support/nats.js';
import { eventually, tempFolder } from '../support/temp.js';
import type { CallerReport } from './actor-caller.js';
import { followJournal, type Living, type Written } from './actors-checker.js';

const program = (name: string): string => fileURLToPath(new URL(`${name}.js`, import.meta.url));

/** A process of ours that says in one line that it is at work. */
export class Program {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];

  constructor(name: string, args: readonly string[]) {
    this.#child = spawn(process.execPath, [program(name), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdin?.on('error', () => undefined); // It was killed first.
    createInterface({ input: this.#child.stdout as NonNullable<ChildProcess['stdout']> }).on('line', (line) =>
      this.#lines.push(line),
    );
  }

  line(index: number, within = 30_000): Promise<string> {
    return eventually(
      () => {
        assert.equal(this.#child.exitCode, null, 'it ended');
        return this.#lines[index];
      },
      { within, what: `line ${index} of ${this.#child.spawnargs[1]}` },
    );
  }

  endInput(): void {
    this.#child.stdin?.end();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

interface Shown {
  readonly id: string;
  readonly node: string;
  readonly seq: number;
  readonly context?: { readonly total: number };
}

/** Node processes of nothing but counters, over one real nats-server, watched from outside through the journal. */
export class ActorsCluster {
  readonly nats: TestNats;
  readonly effects: string;
  /** How often each node was stopped. */
  readonly stops = new Map<string, number>();
  readonly actors: number;
  readonly #bus: Bus;
  /** What nodes ask each other. */
  readonly #requests: Requests;
  readonly #removeFolder: () => Promise<void>;
  readonly #apart: boolean;
  readonly #nodes = new Map<string, Program>();
  /** Each actor's newest entry: its node, and when that node's first entry of it was seen (monotonic ms). */
  readonly #newest = new Map<string, { node: string; since: number }>();
  #watching: { leave: () => Promise<void> } | undefined;
  #caller: Program | undefined;
  #named = 0;
  readonly #commands = new Map<string, number>();

  private constructor(
    nats: TestNats,
    bus: Bus,
    folder: { path: string; remove: () => Promise<void> },
    { actors, apart }: { actors: number; apart: boolean },
  ) {
    this.nats = nats;
    this.#bus = bus;
    this.#requests = new Requests(bus.nats, 2_000);
    this.effects = join(folder.path, 'effects');
    this.#removeFolder = folder.remove;
    this.actors = actors;
    this.#apart = apart;
  }

  /** `apart`: the nodes do not know that they share a machine. */
  static async start(actors: number, { apart = false } = {}): Promise<ActorsCluster> {
    const [folder, nats] = [await tempFolder(), await startNats()];
    const cluster = new ActorsCluster(nats, await nats.connect('checker'), folder, { actors, apart });
    cluster.#watching = await followJournal(await nats.connect('watcher'), 1, (written) => cluster.#saw(written));
    return cluster;
  }

  get bus(): Bus {
    return this.#bus;
  }

  get nodes(): string[] {
    return [...this.#nodes.keys()];
  }

  /** Starts a node, over another way to the server if one is given; resolves with its name when it runs. */
  async join(url = this.nats.url): Promise<string> {
    const name = `n${++this.#named}`;
    const args = [url, name, String(this.actors), this.effects, ...(this.#apart ? ['apart'] : [])];
    const node = new Program('actor-node', args);
    this.#nodes.set(name, node);
    await node.line(0, 60_000);
    return name;
  }

  /** Resolves when every actor lives on exactly one of these nodes and has begun there, and on each node its share. */
  async settled(nodes = this.nodes, within = 30_000): Promise<void> {
    await eventually(
      async () => {
        const living = await Promise.all(nodes.map((node) => this.livingOn(node)));
        const all = living.flat();
        const even = living.every((ids) => ids.length > this.actors / nodes.length / 2);
        const begun = living.every((ids, index) => ids.every((id) => this.#newest.get(id)?.node === nodes[index]));
        return even && begun && all.length === this.actors && new Set(all).size === all.length ? true : undefined;
      },
      { within, what: `${this.actors} actors on ${nodes.join(', ')}` },
    );
  }

  /** Ids of the actors that live on a node, as it says itself. */
  async livingOn(node: string): Promise<string[]> {
    const answer = await this.#bus.nats.request(`chaos.${node}`, '', { timeout: 2_000 }).catch(() => undefined);
    return answer?.json<string[]>() ?? []; // It is busy, or cut off.
  }

  /** Every actor that some node owns now, as that node shows it. */
  async living(): Promise<Living[]> {
    const partitions = Array.from({ length: PARTITIONS }, async (_, partition) => {
      const answer = await this.#requests.request(subjects.query(partition), { ask: 'list', partition });
      assert.ok(answer?.ok === true, `partition ${partition} answers`);
      return answer.reply as Shown[];
    });
    const shown = (await Promise.all(partitions)).flat();
    return shown.map(({ id, node, seq, context }) => ({ id, node, seq, total: context?.total ?? NaN }));
  }

  /** Crashes an actor where it lives. */
  async crash(to: Ref): Promise<void> {
    const question = { ask: 'kill', ref: formatRef(to) };
    // It is on its way to another node, or was lost with its own: then that is its crash.
    await this.#requests.request(subjects.query(partitionOf(to)), question).catch(() => undefined);
  }

  /** Actors whose newest entry is of this node. */
  ownedBy(node: string): string[] {
    return [...this.#newest].filter(([, newest]) => newest.node === node).map(([id]) => id);
  }

  /** When an actor became active where it is now: its first entry there was seen; monotonic ms. */
  activeSince(id: string): number {
    return this.#newest.get(id)?.since ?? NaN;
  }

  /** Resolves when each of the actors has an entry of a node other than these: it is active there. */
  async takenOver(ids: readonly string[], from: readonly string[], within = 20_000): Promise<void> {
    await eventually(() => (ids.every((id) => !from.includes(this.#newest.get(id)?.node ?? '')) ? true : undefined), {
      within,
      what: `${ids.length} actors of ${from.join(', ')} active elsewhere`,
    });
  }

  async kill(node: string): Promise<void> {
    await this.#program(node).kill();
    this.#nodes.delete(node);
  }

  signal(node: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (signal === 'SIGSTOP') this.stops.set(node, (this.stops.get(node) ?? 0) + 1);
    this.#program(node).signal(signal);
  }

  /** Sends commands to the first actors from a process of its own, until `endCalls`. */
  async call(count: number): Promise<void> {
    this.#caller = new Program('actor-caller', [this.nats.url, String(count)]);
    await this.#caller.line(0);
  }

  async endCalls(): Promise<CallerReport> {
    assert.ok(this.#caller !== undefined);
    this.#caller.endInput();
    return JSON.parse(await this.#caller.line(1)) as CallerReport;
  }

  /** Entries of commands that stand in the journal by now; to see that calls go on. */
  async commandsGoOn(more = 100): Promise<void> {
    const all = (): number => [...this.#commands.values()].reduce((sum, count) => sum + count, 0);
    const enough = all() + more;
    await eventually(() => (all() >= enough ? true : undefined), { within: 20_000, what: 'calls go on' });
  }

  /** Resolves when what is asked for has come. */
  async until(reached: () => boolean): Promise<void> {
    await eventually(() => (reached() ? true : undefined), { within: 20_000, what: 'what was waited for' });
  }

  /** How many commands of an actor stand in the journal by now. */
  commandsOf(id: string): number {
    return this.#commands.get(id) ?? 0;
  }

  async close(): Promise<void> {
    await Promise.all([this.#caller?.kill(), ...[...this.#nodes.values()].map((node) => node.kill())]);
    await this.#watching?.leave();
    this.#requests.close();
    await this.nats.stop();
    await this.#removeFolder();
  }

  #saw({ id, entry }: Written): void {
    if (entry.commandId !== undefined) this.#commands.set(id, this.commandsOf(id) + 1);
    if (this.#newest.get(id)?.node !== entry.node) {
      this.#newest.set(id, { node: entry.node, since: performance.now() });
    }
  }

  #program(node: string): Program {
    const found = this.#nodes.get(node);
    assert.ok(found !== undefined, `${node} is not there`);
    return found;
  }
}
