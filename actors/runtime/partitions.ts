import type { ConsumerInfo } from '@nats-io/jetstream';
import type { Subscription } from '@nats-io/transport-node';
import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { partitionOf, subjects, type Ref } from '../../bus/subjects.js';
import { Answers } from '../../bus/answers.js';
import type { AnswerBody } from '../../bus/messages.js';
import { errorMessage } from '../../errors/error.js';
import { CommandQueue, queueNames } from './command-queue.js';
import type { Delivery } from './delivery.js';
import type { ActorHost } from './host.js';
import { outboxConsumers, type OutboxQueue } from './outbox/queue.js';
import type { Outbox } from './outbox/outbox.js';
import { Histogram } from '../../telemetry/histogram.js';
import type { Member } from './placement/membership.js';
import { nodeFacts, type NodeFacts } from './placement/nodes.js';
import { Ownership, type Owned, type OwnershipChange } from './placement/ownership.js';

const RETRY_MS = 250;
/** What a durable effect under way has to end by itself when the node stops. */
const EFFECTS_GRACE_MS = 2_000;
const FEEDS = [STREAM.commands, STREAM.timers] as const;

export interface PartitionsOptions {
  readonly bus: Bus;
  readonly host: ActorHost;
  readonly outbox: Outbox;
  readonly node: string;
  readonly watchNeighbours: boolean;
  /** Actors that live whenever their partition is owned, of any partition. */
  readonly alwaysOn: () => Promise<readonly Ref[]>;
  /** The spawned actors of a partition that live whenever it is owned, as its supervisor remembers them. */
  readonly kept?: (partition: number) => Promise<readonly Ref[]>;
  /** Answers a question to an actor of an owned partition. */
  readonly answer: (question: unknown) => Promise<AnswerBody>;
  /** After a change: what this node has now is at work. */
  readonly onOwned?: (partitions: ReadonlySet<number>) => void;
  readonly onTakeover?: (takeover: TakeoverFacts) => void;
  readonly onTrouble?: (error: string) => void;
}

/** What came to a node at once, and how long each part of it took, ms. */
export interface TakeoverFacts {
  readonly partitions: number;
  /** Always-on actors that live in them. */
  readonly actors: number;
  /** Until what went elsewhere by the same table had ended here, and what came had ended where it was. */
  readonly releasedMs: number;
  /** From then until it was known which actors there are. */
  readonly listedMs: number;
  /** Meanwhile: until the last of the queues was open. */
  readonly queuesMs: number;
  /** Meanwhile: until the last of the actors was alive. */
  readonly actorsMs: number;
}

/** What is there already when partitions are taken. */
interface Taking {
  /** Consumers of the streams that feed them. */
  readonly feeds: Promise<readonly (readonly string[])[]>;
  /** Consumers of the journal. */
  readonly consumers: readonly ConsumerInfo[];
  /** Always-on actors of all partitions. */
  readonly living: Promise<readonly Ref[]>;
  readonly progress: Progress;
}

/** How far a takeover is, monotonic ms. */
interface Progress {
  actors: number;
  listedAt: number;
  openedAt: number;
  activeAt: number;
}

interface Held {
  /** Of commands, then of timers. */
  readonly queues: readonly CommandQueue[];
  readonly effects: OutboxQueue | undefined;
  readonly questions: Subscription;
}

/** What this node does for the partitions that it owns: takes their commands, answers for their actors, keeps them alive. */
export class Partitions {
  readonly #options: PartitionsOptions;
  readonly #ownership: Ownership;
  readonly #held = new Map<number, Held>();
  readonly #answers: Answers;
  /** Of partitions that are held already: until their always-on actors are alive. */
  readonly #waking = new Map<number, Promise<void>>();
  /** From the table that gives partitions to this node until they are at work, their always-on actors alive. */
  readonly takeoverTimes = new Histogram();
  #stopped = false;

  constructor(options: PartitionsOptions) {
    this.#options = options;
    const { bus, node, watchNeighbours, onTrouble } = options;
    this.#answers = new Answers(bus.nats);
    this.#ownership = new Ownership({
      bus,
      node,
      watchNeighbours,
      onChange: (change) => this.#change(change),
      ...(onTrouble === undefined ? {} : { onTrouble }),
    });
  }

  get members(): readonly Member[] {
    return this.#ownership.members;
  }

  /** Everybody who is there, with what they own. */
  get nodes(): NodeFacts[] {
    return nodeFacts(this.#ownership.members, this.#ownership.table);
  }

  get owned(): ReadonlySet<number> {
    return new Set(this.#held.keys());
  }

  /** Whether this node may let an actor act: it owns the partition and its lease holds. */
  owns(ref: Ref, epoch: number): boolean {
    return this.#ownership.owns(partitionOf(ref), epoch);
  }

  /** As `owns`, but waits through a gap in the lease until it is known. */
  whenOwned(ref: Ref, epoch: number): Promise<boolean> {
    return this.#ownership.whenOwned(partitionOf(ref), epoch);
  }

  /** Resolves when the always-on actors of a partition that this node holds are alive. */
  async whenAwake(partition: number): Promise<void> {
    await this.#waking.get(partition);
  }

  /** The number of this node's ownership of the actor's partition; undefined when it has none. */
  claim(ref: Ref): Promise<number | undefined> {
    return this.#ownership.claim(partitionOf(ref));
  }

  /** Nobody waits any longer for what is not known. */
  abandon(): void {
    this.#ownership.abandon();
  }

  /** As `owns`, of a partition. */
  ownsPartition({ partition, epoch }: Owned): boolean {
    return this.#ownership.owns(partition, epoch);
  }

  nodeOf(ref: Ref): string | undefined {
    return this.#ownership.nodeOf(partitionOf(ref));
  }

  /**
   * Hands a command straight to its actor if that lives here and all that is queued for its partition up to `behind` was
   * taken. False: it has to be queued.
   */
  deliver(ref: Ref, delivery: Delivery, behind: number): boolean {
    const partition = partitionOf(ref);
    const commands = this.#held.get(partition)?.queues[0];
    if (this.#stopped || commands === undefined || commands.taken < behind) return false;
    if (!this.#ownership.owns(partition, commands.owned.epoch)) return false;
    this.#options.host.deliver(ref, delivery);
    return true;
  }

  start(): Promise<void> {
    return this.#ownership.start();
  }

  /** Takes no more commands; what was taken goes on. */
  async close(): Promise<void> {
    this.#stopped = true;
    const held = [...this.#held.values()];
    await Promise.all([...held.map(closeQueues), ...held.map(({ effects }) => effects?.close(EFFECTS_GRACE_MS))]);
  }

  /** Gives the partitions to the others, once their actors have ended here. */
  async leave(): Promise<void> {
    await this.#ownership.stop();
    for (const { questions } of this.#held.values()) questions.unsubscribe();
    this.#held.clear();
  }

  async #change({ lost, released, handedOver }: OwnershipChange): Promise<void> {
    const startedAt = performance.now();
    await Promise.all(lost.map((owned) => this.#release(owned)));
    released();
    const taken = await handedOver();
    if (taken.length > 0 && !this.#stopped) {
      const releasedAt = performance.now();
      const { actors, listedAt, openedAt, activeAt } = await this.#take(taken);
      this.takeoverTimes.since(startedAt);
      // None when all of them have gone elsewhere meanwhile.
      if (!Number.isNaN(activeAt))
        this.#options.onTakeover?.({
          partitions: taken.length,
          actors,
          releasedMs: releasedAt - startedAt,
          listedMs: listedAt - releasedAt,
          queuesMs: openedAt - releasedAt,
          actorsMs: activeAt - releasedAt,
        });
    }
    if (!this.#stopped) this.#options.onOwned?.(this.owned);
  }

  async #release({ partition }: Owned): Promise<void> {
    const held = this.#held.get(partition);
    this.#held.delete(partition);
    held?.questions.unsubscribe();
    if (held !== undefined) await Promise.all([closeQueues(held), held.effects?.close()]);
    await this.#options.host.retireAll((ref) => partitionOf(ref) === partition);
  }

  /** Until it succeeds, or the partitions have gone elsewhere: nobody else will do it. */
  async #take(gained: readonly Owned[]): Promise<Progress> {
    const { bus, outbox, onTrouble } = this.#options;
    const progress: Progress = { actors: 0, listedAt: NaN, openedAt: NaN, activeAt: NaN };
    // Nothing that is opened here waits for it: to tell, it may ask an actor that lives here.
    const living = this.#living(progress);
    for (;;) {
      try {
        const feeds = Promise.all(FEEDS.map((feed) => queueNames(bus, feed)));
        feeds.catch(() => undefined); // Awaited for each partition.
        const consumers = outbox.needed ? await outboxConsumers(bus) : [];
        const taking: Taking = { feeds, consumers, living, progress };
        // All of them have ended before any is tried again: two queues on one consumer would share its messages.
        const still = gained.filter((owned) => this.#ownership.holds(owned));
        const opened = await Promise.allSettled(still.map((owned) => this.#open(owned, taking)));
        const failed = opened.find((each) => each.status === 'rejected');
        if (failed === undefined) return progress;
        throw failed.reason;
      } catch (error) {
        if (bus.status === 'connected') onTrouble?.(`${STREAM.commands}: ${errorMessage(error)}`);
        await this.#pause();
        if (this.#stopped) return progress;
      }
    }
  }

  /** Before the next try; one without a connection would be in vain. */
  async #pause(): Promise<void> {
    do await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    while (this.#options.bus.status === 'disconnected' && !this.#stopped);
  }

  /** The actors that live whenever their partition is owned; none when the node stops before it is known. */
  async #living(progress: Progress): Promise<readonly Ref[]> {
    for (;;) {
      try {
        const living = await this.#options.alwaysOn();
        progress.listedAt = performance.now();
        return living;
      } catch (error) {
        const { bus, onTrouble } = this.#options;
        if (bus.status === 'connected') onTrouble?.(`which actors are to live is not known: ${errorMessage(error)}`);
        await this.#pause();
        if (this.#stopped) return [];
      }
    }
  }

  async #open(owned: Owned, { feeds, consumers, living, progress }: Taking): Promise<void> {
    if (this.#held.has(owned.partition)) return;
    const { bus, host, outbox } = this.#options;
    // Before any actor acts: from here on no durable effect can be overlooked.
    const effects = outbox.needed ? outbox.queue(owned) : undefined;
    const queues = FEEDS.map((feed) => new CommandQueue(bus, host, owned, feed));
    let opened = false;
    let active: Promise<void> | undefined;
    try {
      if ((await effects?.open(consumers)) === false) return;
      // Always-on actors do not wait for the queues: they are away long enough without.
      active = this.#activateAll(owned, living, progress).finally(() => {
        if (this.#waking.get(owned.partition) === active) this.#waking.delete(owned.partition);
      });
      this.#waking.set(owned.partition, active);
      opened = await openAll(queues, await feeds);
    } finally {
      if (!opened) await Promise.all([effects?.close(), ...queues.map((queue) => queue.close())]);
    }
    if (!opened) return;
    const questions = bus.nats.subscribe(subjects.query(owned.partition), {
      callback: (error, message) => {
        if (error === null) this.#answers.take(message, this.#options.answer);
      },
    });
    this.#held.set(owned.partition, { queues, effects, questions });
    progress.openedAt = performance.now();
    await active;
  }

  /** Brings to life what is to live in a partition. What does not come to life is told, and holds nothing up. */
  async #activateAll({ partition }: Owned, living: Promise<readonly Ref[]>, progress: Progress): Promise<void> {
    const { host, onTrouble } = this.#options;
    const activate = (ref: Ref) => host.activate(ref).catch((error: unknown) => onTrouble?.(errorMessage(error)));
    const listed = async (): Promise<void> => {
      const here = (await living).filter((ref) => partitionOf(ref) === partition);
      await Promise.all(here.map(activate));
      progress.actors += here.length;
    };
    const kept = async (): Promise<void> => {
      const refs = await this.#kept(partition);
      await Promise.all(refs.map(activate));
      progress.actors += refs.length;
    };
    await Promise.all([kept(), listed()]);
    progress.activeAt = performance.now();
  }

  async #kept(partition: number): Promise<readonly Ref[]> {
    const { kept, onTrouble } = this.#options;
    if (kept === undefined) return [];
    return kept(partition).catch((error: unknown) => {
      onTrouble?.(errorMessage(error));
      return [];
    });
  }
}

async function openAll(queues: readonly CommandQueue[], feeds: readonly (readonly string[])[]): Promise<boolean> {
  const opened = await Promise.all(queues.map((queue, index) => queue.open(feeds[index] ?? [])));
  return !opened.includes(false);
}

async function closeQueues({ queues }: Held): Promise<void> {
  await Promise.all(queues.map((queue) => queue.close()));
}
