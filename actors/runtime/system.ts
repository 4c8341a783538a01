import type { Bus } from '../../bus/connection.js';
import type { EventBody } from '../../bus/messages.js';
import { makeRef, parseRef, type Ref } from '../../bus/subjects.js';
import { Caller, type AskOptions, type CallerCounters } from './caller.js';
import { Compactor } from './compaction.js';
import { DeadLetters, type LetterDecision } from './dead-letters.js';
import {
  ActorHost,
  type ActorFacts,
  type ActorInside,
  type ActorState,
  type HostCounters,
  type HostEvent,
} from './host.js';
import { JetStreamJournal } from './journal.js';
import type { CommandOf, Kind, ReplyOf } from './kind.js';
import { Outbox } from './outbox/outbox.js';
import type { OutboxCounters } from './outbox/runner.js';
import { Partitions, type TakeoverFacts } from './partitions.js';
import { Passivator } from './passivation.js';
import { Peers } from './peers.js';
import { keptRefs, partitionSupervisor } from './supervision/partition-supervisor.js';
import { supervisorRef } from './supervision/supervisor-ref.js';
import type { SupervisorView } from './supervision/view.js';
import type { Member } from './placement/membership.js';
import type { NodeFacts } from './placement/nodes.js';
import type { SystemTimes } from './runtime-times.js';
import { JetStreamTimers } from './timers/scheduler.js';

/** The address of an actor of a known kind: what may be asked of it is known to the compiler. */
export interface ActorRef<K extends Kind> extends Ref {
  /** Only a type lives here. */
  readonly of?: K;
}

/** A typed reference. @throws `actors.invalid_ref` */
export function ref<K extends Kind>(kind: K, id: string): ActorRef<K> {
  return makeRef(kind.kind, id);
}

/** Of `createSystem`. */
export interface SystemOptions {
  readonly bus: Bus;
  readonly kinds: readonly Kind[];
  /** Name of this node, unique among the nodes. */
  readonly node: string;
  /** Told what an operator should hear of. */
  readonly onEvent?: (event: HostEvent) => void;
  /** Actors that are to live whenever some node owns their partition; asked when partitions come to this node. */
  readonly alwaysOn?: () => Promise<readonly Ref[]> | readonly Ref[];
  /** Ms between two runs of the journal's compaction (see Policy.journalDays); default one hour. */
  readonly compactEveryMs?: number;
  /** The partitions that this node has now, after each change and with their always-on actors alive. */
  readonly onOwned?: (partitions: ReadonlySet<number>) => void;
  /**
   * Notice by its process, not only by its silence, that a node on the same machine has ended. Default true; it does
   * nothing where the system does not show processes (it needs Linux's /proc).
   */
  readonly watchNeighbours?: boolean;
  /** Partitions came to this node and are at work. */
  readonly onTakeover?: (takeover: TakeoverFacts) => void;
  /** Placement does not get on, and tries again; or another node's answer could not be read. */
  readonly onTrouble?: (error: string) => void;
  /** A dead letter was replayed or discarded through this node. */
  readonly onDecision?: (decision: LetterDecision) => void;
}

/** The actors of one node, and the way to every actor. */
export class ActorSystem {
  readonly node: string;
  /** What actors could not process, and effects that could not be carried out, of all nodes. */
  readonly deadLetters: DeadLetters;
  readonly #host: ActorHost;
  readonly #journal: JetStreamJournal;
  readonly #outbox: Outbox;
  readonly #timers: JetStreamTimers;
  readonly #partitions: Partitions;
  readonly #peers: Peers;
  readonly #passivator: Passivator;
  readonly #compactor: Compactor;
  readonly #caller: Caller;
  readonly #alwaysOn: ReadonlySet<string>;

  constructor(options: SystemOptions) {
    this.node = options.node;
    const supervising = options.kinds.some((kind) => kind.supervise !== undefined);
    const kinds: readonly Kind[] = supervising ? [...options.kinds, partitionSupervisor] : options.kinds;
    this.#alwaysOn = new Set(kinds.filter(({ policy }) => policy.alwaysOn).map(({ kind }) => kind));
    this.#journal = new JetStreamJournal(options.bus);
    this.#timers = new JetStreamTimers(options.bus);
    this.#host = new ActorHost({
      journal: this.#journal,
      timers: this.#timers,
      kinds,
      node: options.node,
      tell: (to, event, commandId) => this.#caller.tell(to, event, { commandId }),
      tenure: {
        has: (ref, ownership) => this.#partitions.owns(ref, ownership),
        whenKnown: (ref, ownership) => this.#partitions.whenOwned(ref, ownership),
        claim: (ref) => this.#partitions.claim(ref),
      },
      ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    });
    this.#caller = new Caller(options.bus, (to, delivery, behind) => this.#partitions.deliver(to, delivery, behind));
    this.#outbox = new Outbox({
      bus: options.bus,
      kinds: options.kinds,
      node: options.node,
      owns: (owned) => this.#partitions.ownsPartition(owned),
      park: (to, letter) => this.#journal.park(to, letter),
      tell: (to, command, commandId, traceparent) => this.#caller.tell(to, command, { commandId, traceparent }),
    });
    this.deadLetters = new DeadLetters({
      bus: options.bus,
      ask: (to, command, asked) => this.#caller.ask(to, command, asked),
      rerun: (to, letter, effect) => this.#outbox.rerun(to, letter, effect),
      ...(options.onDecision === undefined ? {} : { onDecision: options.onDecision }),
    });
    this.#partitions = new Partitions({
      bus: options.bus,
      host: this.#host,
      outbox: this.#outbox,
      node: options.node,
      watchNeighbours: options.watchNeighbours ?? true,
      alwaysOn: async () => (options.alwaysOn === undefined ? [] : options.alwaysOn()),
      ...(supervising ? { kept: (partition) => this.#kept(partition) } : {}),
      answer: (question) => this.#peers.answer(question),
      ...(options.onOwned === undefined ? {} : { onOwned: options.onOwned }),
      ...(options.onTakeover === undefined ? {} : { onTakeover: options.onTakeover }),
      ...(options.onTrouble === undefined ? {} : { onTrouble: options.onTrouble }),
    });
    this.#peers = new Peers(options.bus, this.#host, this.#partitions, options.onTrouble);
    this.#passivator = new Passivator(this.#host, options.kinds);
    this.#compactor = new Compactor({
      bus: options.bus,
      kinds: options.kinds,
      owned: () => this.#partitions.owned,
      ...(options.compactEveryMs === undefined ? {} : { everyMs: options.compactEveryMs }),
    });
  }

  /** Joins the other nodes; its share of the partitions comes to it within moments. */
  start(): Promise<void> {
    this.#passivator.start();
    this.#compactor.start();
    return this.#partitions.start();
  }

  /**
   * Sends a command and resolves with the actor's answer, after the command is durable.
   *
   * @throws the actor's refusal; `actors.timeout`; `actors.busy`; `bus.unavailable`
   */
  async ask<K extends Kind, const C extends CommandOf<K>>(
    to: ActorRef<K>,
    command: C,
    options?: AskOptions,
  ): Promise<ReplyOf<K, C>> {
    return (await this.#caller.ask(to, command as EventBody, options)) as ReplyOf<K, C>;
  }

  /** Queues a command durably and does not wait for the actor. */
  async tell<K extends Kind>(to: ActorRef<K>, command: CommandOf<K>, options?: AskOptions): Promise<void> {
    await this.#caller.tell(to, command as EventBody, options);
  }

  /**
   * The present state of an actor, wherever it lives; it is brought to life if it is not. Not journaled.
   *
   * @throws `actors.unknown_kind`, `actors.failed`, `bus.unavailable`
   */
  query(to: Ref): Promise<ActorState> {
    return this.#peers.query(to);
  }

  /**
   * As `query`, with its timers and last transitions; but an actor that is not active stays so: undefined. Of one that has
   * crashed or was given up, what it was at last; no context when it could never be read from its journal.
   *
   * @throws `bus.unavailable`
   */
  look(to: Ref): Promise<ActorInside | undefined> {
    return this.#peers.inspect(to);
  }

  /** Brings an actor to life on this node and keeps it there. */
  activate(to: Ref): Promise<void> {
    return this.#host.activate(to);
  }

  /** Ends an actor's activation in order and forgets it; its journal stays. */
  retire(to: Ref): Promise<void> {
    return this.#host.retire(to);
  }

  /** Crashes an activation, as a fault would, wherever it lives. @throws `actors.not_found`, `bus.unavailable` */
  kill(to: Ref): Promise<void> {
    return this.#peers.kill(to);
  }

  /**
   * Stops an activation in order and starts it from its journal, wherever it lives; clears `failed`.
   *
   * @throws `actors.not_found`, `bus.unavailable`
   */
  restart(to: Ref): Promise<ActorState> {
    return this.#peers.restart(to);
  }

  /** The active actors of all nodes, of one kind or all. */
  list(kind?: string): Promise<ActorState[]> {
    return this.#peers.list(kind);
  }

  /** What the supervisor of a partition says, wherever it lives. @throws `bus.unavailable` */
  supervisor(partition: number): Promise<SupervisorView> {
    return this.#peers.supervisor(partition);
  }

  /** The supervisors of all partitions; of a partition that is changing hands now there is none. */
  supervisors(): Promise<SupervisorView[]> {
    return this.#peers.supervisors();
  }

  /** Those of this node. */
  actors(): ActorFacts[] {
    return this.#host.actors();
  }

  /** An actor of this node; undefined when it does not live here. */
  inspect(to: Ref): ActorInside | undefined {
    return this.#host.inspect(to);
  }

  /** The spawned actors of a partition that are always on. */
  async #kept(partition: number): Promise<Ref[]> {
    const to = supervisorRef(partition);
    await this.#host.activate(to);
    return keptRefs(this.#host.snapshot(to)?.context)
      .map(parseRef)
      .filter(({ kind }) => this.#alwaysOn.has(kind));
  }

  /** What the actors of this node have done, and what was refused. */
  get counters(): Readonly<HostCounters> {
    return this.#host.counters;
  }

  /** What became of durable effects here. */
  get outboxCounters(): Readonly<OutboxCounters> {
    return this.#outbox.counters;
  }

  /** What this node's callers asked for. */
  get callerCounters(): Readonly<CallerCounters> {
    return this.#caller.counters;
  }

  /** How long the parts of the way of a command take on this node. */
  get times(): SystemTimes {
    return {
      ...this.#host.times,
      asks: this.#caller.askTimes,
      durableEffects: this.#outbox.times,
      takeovers: this.#partitions.takeoverTimes,
    };
  }

  /** Who is there, this node among them. */
  get nodes(): readonly Member[] {
    return this.#partitions.members;
  }

  /** Who is there, and which partitions are whose. */
  placement(): NodeFacts[] {
    return this.#partitions.nodes;
  }

  /** Partitions that this node owns. */
  get owned(): ReadonlySet<number> {
    return this.#partitions.owned;
  }

  /**
   * Takes no more commands, ends every activation in order, gives its partitions to the other nodes. What was not begun
   * is delivered to the next owner.
   */
  async stop(): Promise<void> {
    this.#passivator.stop();
    const compacted = this.#compactor.stop();
    await this.#partitions.close();
    const stopped = this.#host.stop();
    // While the bus is away an append would wait for ever; the journal is closed when it does not come back soon.
    const patience = setTimeout(() => {
      this.#journal.close();
      this.#partitions.abandon();
    }, 5_000);
    await stopped;
    clearTimeout(patience);
    this.#timers.close();
    await compacted;
    await this.#partitions.leave();
    this.#caller.close();
    this.#peers.close();
    this.#journal.close();
  }
}

/** Makes a node's actor system; call `start` to take commands. */
export function createSystem(options: SystemOptions): ActorSystem {
  return new ActorSystem(options);
}
