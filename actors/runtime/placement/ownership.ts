import { randomUUID } from 'node:crypto';
import { Kvm, type KV, type KvWatchEntry } from '@nats-io/kv';
import type { Bus } from '../../../bus/connection.js';
import { PARTITIONS } from '../../../bus/subjects.js';
import { acrossGaps, whileConnected } from '../../../bus/while-connected.js';
import { errorMessage } from '../../../errors/error.js';
import { assign, emptyTable, type PartitionTable } from './assignment.js';
import { Handover } from './handover.js';
import { Membership, type Member } from './membership.js';
import { whereabouts } from './neighbour.js';
import { Tenure } from './tenure.js';

const BUCKET = 'PLACEMENT';
const KEY = 'partitions';
const RETRY_MS = 250;

/** A partition that this node has, under the number of this ownership. */
export interface Owned {
  readonly partition: number;
  readonly epoch: number;
}

/** What a table changed for this node. */
export interface OwnershipChange {
  readonly lost: readonly Owned[];
  /** Tells the others that all that was lost by this table, and by those before it, has ended here. */
  readonly released: () => void;
  /** Resolves when what was gained has ended where it was before, with those that have not gone elsewhere meanwhile. */
  readonly handedOver: () => Promise<readonly Owned[]>;
}

export interface OwnershipOptions {
  readonly bus: Bus;
  readonly node: string;
  readonly watchNeighbours: boolean;
  /** Called one at a time with what came and what went. */
  readonly onChange: (change: OwnershipChange) => Promise<void>;
  readonly onTrouble?: (error: string) => void;
}

/**
 * Which partitions this node has. One table in a key-value bucket says it for all nodes; whoever notices that the table
 * does not fit who is there writes the next one, and the bucket's compare-and-set lets one of them win.
 */
export class Ownership {
  readonly instance = randomUUID();
  readonly #options: OwnershipOptions;
  readonly #membership: Membership;
  readonly #tenure: Tenure;
  readonly #handover: Handover;
  #kv: KV | undefined;
  #watch: { stop(): void } | undefined;
  #table: PartitionTable = emptyTable(PARTITIONS, Date.now());
  #revision = 0;
  /** What the table gives to this node: partitions with the numbers of their ownerships. */
  readonly #held = new Map<number, number>();
  /** Of these, what nobody acts for any longer who had it before. */
  readonly #arrived = new Map<number, number>();
  #applying: Promise<void> = Promise.resolve();
  #proposing: Promise<void> | undefined;
  #stopped = false;
  #endStatus: (() => void) | undefined;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    const place = options.watchNeighbours ? whereabouts() : undefined;
    const self = { instance: this.instance, node: options.node, ...(place === undefined ? {} : { process: place }) };
    this.#membership = new Membership(options.bus, self, {
      change: () => this.#reconsider(),
      gap: () => this.#tenure.interrupt(),
      heardSelf: () => this.#tenure.heard(),
      beat: () => this.#handover.check(),
    });
    this.#handover = new Handover(this.#membership);
    this.#tenure = new Tenure({
      membership: this.#membership,
      epochOf: (partition) => this.#held.get(partition),
      read: () => this.#read(),
    });
  }

  get members(): readonly Member[] {
    return this.#membership.members;
  }

  get table(): PartitionTable {
    return this.#table;
  }

  /** Whether this node has the partition now, by a table and a lease that still hold; under that number if one is given. */
  owns(partition: number, epoch?: number): boolean {
    return this.#tenure.has(partition, epoch);
  }

  /** As `owns`, but waits through a gap in the lease until the table has been read again. False after `abandon`. */
  whenOwned(partition: number, epoch?: number): Promise<boolean> {
    return this.#tenure.whenKnown(partition, epoch);
  }

  /**
   * Waits like `whenOwned`; the number of the ownership, undefined when there is none, when it is on its way out, or when
   * the owner before may still act.
   */
  async claim(partition: number): Promise<number | undefined> {
    if (!(await this.#tenure.whenKnown(partition))) return undefined;
    const epoch = this.#held.get(partition);
    return this.#arrived.get(partition) === epoch ? epoch : undefined;
  }

  /** Whether the newest table that was read gives the partition to this node under that number. */
  holds({ partition, epoch }: Owned): boolean {
    return this.#held.get(partition) === epoch;
  }

  /** Nobody waits any longer for what is not known. */
  abandon(): void {
    this.#tenure.close();
  }

  /** The node that has a partition, by name; undefined when nobody has. */
  nodeOf(partition: number): string | undefined {
    const owner = this.#table.owners[partition];
    return this.members.find((member) => member.instance === owner)?.node;
  }

  async start(): Promise<void> {
    const { bus } = this.#options;
    const create = () => new Kvm(bus.nats).create(BUCKET, { replicas: bus.replicas, history: 1 });
    this.#kv = await acrossGaps(bus, create);
    await acrossGaps(bus, () => this.#read());
    const watch = await acrossGaps(bus, () => this.#ask((kv) => kv.watch({ key: KEY })));
    this.#watch = watch;
    void this.#follow(watch);
    // What the watch has missed while the connection was away is read at once.
    this.#endStatus = bus.onStatus(() => this.#tenure.interrupt());
    this.#membership.start();
  }

  /** Gives every partition away; the others take them at once. Resolves when they are released here. */
  async stop(): Promise<void> {
    this.#membership.drain();
    this.#stopped = true;
    // Without the bus nobody can be told: the others notice that it is gone.
    await whileConnected(this.#options.bus, () => this.#leave()).catch((error: unknown) =>
      this.#options.onTrouble?.(errorMessage(error)),
    );
    this.#watch?.stop();
    this.#endStatus?.();
    this.#membership.stop();
    this.#tenure.close();
    this.#handover.close();
    this.#apply(emptyTable(PARTITIONS));
    await this.#applying;
  }

  async #leave(): Promise<void> {
    await this.#proposing;
    await this.#propose(true);
  }

  /** A lost connection is no reason to wait for an answer that cannot come: nobody acts here until the table is read. */
  #ask<T>(what: (kv: KV) => Promise<T>): Promise<T> {
    return whileConnected(this.#options.bus, () => what(this.#kv as KV));
  }

  async #read(): Promise<void> {
    const entry = await this.#ask((kv) => kv.get(KEY));
    if (entry !== null && entry.operation === 'PUT') this.#seen(entry.json<PartitionTable>(), entry.revision);
  }

  async #follow(watch: AsyncIterable<KvWatchEntry>): Promise<void> {
    for await (const entry of watch) {
      if (entry.operation === 'PUT') this.#seen(entry.json<PartitionTable>(), entry.revision);
    }
  }

  #seen(table: PartitionTable, revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    this.#table = table;
    if (!this.#stopped) {
      this.#apply(table);
      this.#tenure.settle();
      this.#reconsider();
    }
  }

  #apply(table: PartitionTable): void {
    const gained: Owned[] = [];
    const lost: Owned[] = [];
    table.owners.forEach((owner, partition) => {
      const epoch = table.epochs[partition] as number;
      const held = this.#held.get(partition);
      const mine = owner === this.instance;
      if (held !== undefined && (!mine || held !== epoch)) {
        this.#held.delete(partition);
        this.#arrived.delete(partition);
        lost.push({ partition, epoch: held });
      }
      if (mine && held !== epoch) {
        this.#held.set(partition, epoch);
        gained.push({ partition, epoch });
      }
    });
    const { version } = table;
    if (gained.length === 0 && lost.length === 0) {
      // Others may wait for it all the same: it had something by a table that it never saw.
      this.#applying = this.#applying
        .then(() => this.#membership.release(version))
        .catch((error: unknown) => this.#options.onTrouble?.(errorMessage(error)));
      return;
    }
    const left = lost.map(({ partition, epoch }) => this.#tenure.leave(partition, epoch));
    const change: OwnershipChange = {
      lost,
      released: () => this.#membership.release(version),
      handedOver: () => this.#handedOver(table, gained),
    };
    this.#applying = this.#applying
      .then(() => this.#options.onChange(change))
      .catch((error: unknown) => this.#options.onTrouble?.(errorMessage(error)))
      .finally(() => left.forEach((end) => end()));
  }

  /**
   * Waits until nobody acts any longer who had what was gained. What a later table has given to others meanwhile is not
   * taken, and what it has given back is another ownership: only the rest may be claimed, and is answered.
   */
  async #handedOver(table: PartitionTable, gained: readonly Owned[]): Promise<readonly Owned[]> {
    /** By instance: the version by which it lost the last of them. */
    const before = new Map<string, number>();
    for (const owned of gained) {
      if (!this.holds(owned)) continue;
      for (const { instance, lostBy } of table.before?.[owned.partition] ?? []) {
        if (instance !== this.instance) before.set(instance, Math.max(lostBy, before.get(instance) ?? 0));
      }
    }
    await Promise.all([...before].map(([from, lostBy]) => this.#handover.whenReleased(from, lostBy)));
    const still = gained.filter((owned) => this.holds(owned));
    for (const { partition, epoch } of still) this.#arrived.set(partition, epoch);
    return still;
  }

  /** Writes the next table when the present one does not fit who is there. */
  #reconsider(): void {
    if (this.#stopped || this.#proposing !== undefined) return;
    this.#proposing = this.#propose(false)
      .catch(async (error: unknown) => {
        this.#options.onTrouble?.(errorMessage(error));
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      })
      .finally(() => {
        this.#proposing = undefined;
        if (!this.#stopped && this.#wanted(false) !== this.#table) this.#reconsider();
      });
  }

  async #propose(leaving: boolean): Promise<void> {
    for (;;) {
      const next = this.#wanted(leaving);
      if (next === this.#table) return;
      const value = JSON.stringify(next);
      const known = this.#revision; // The watch may raise it while we write.
      try {
        const revision = await this.#ask((kv) => (known === 0 ? kv.create(KEY, value) : kv.update(KEY, value, known)));
        this.#seen(next, revision);
        return;
      } catch (error) {
        const entry = await this.#ask((kv) => kv.get(KEY));
        if (entry === null || entry.revision <= known) throw error;
        this.#seen(entry.json<PartitionTable>(), entry.revision); // Another node was first.
      }
    }
  }

  /** Owners who are not known yet keep what they have until we have listened long enough to say that they are gone. */
  #wanted(leaving: boolean): PartitionTable {
    const there = this.members.filter((member) => !member.draining && !(leaving && member.instance === this.instance));
    const staying = new Set(there.map((member) => member.instance));
    if (!this.#membership.settled && !leaving) {
      const nobodyElse = this.#table.owners.every((owner) => owner === null || staying.has(owner));
      if (!nobodyElse || !this.#membership.leased) return this.#table;
    }
    // Who has not listened long enough does not know who is gone.
    const present = this.#membership.settled ? new Set(this.members.map(({ instance }) => instance)) : undefined;
    return assign(this.#table, [...staying], present);
  }
}
