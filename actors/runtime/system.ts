import type { Subscription } from '@nats-io/transport-node';
import { StatewattError, toStatewattError } from '../../errors/error.js';
import type { Bus } from '../../bus/connection.js';
import type { AnswerBody, EventBody } from '../../bus/messages.js';
import { makeRef, parseRef, partitionOf, subjects, PARTITIONS, type Ref } from '../../bus/subjects.js';
import { codecs, parseJson } from '../../bus/topics.js';
import { Caller, type AskOptions } from './caller.js';
import { ActorHost, type ActorFacts, type ActorInside, type HostCounters, type HostEvent } from './host.js';
import { JetStreamJournal } from './journal.js';
import type { CommandOf, Kind, ReplyOf } from './kind.js';
import { Partitions } from './partitions.js';

/** The address of an actor of a known kind: what may be asked of it is known to the compiler. */
export interface ActorRef<K extends Kind> extends Ref {
  /** Only a type lives here. */
  readonly of?: K;
}

/** A typed reference. @throws `actors.invalid_ref` */
export function ref<K extends Kind>(kind: K, id: string): ActorRef<K> {
  return makeRef(kind.kind, id);
}

export interface SystemOptions {
  readonly bus: Bus;
  readonly kinds: readonly Kind[];
  /** Name of this node, unique among the nodes. */
  readonly node: string;
  readonly onEvent?: (event: HostEvent) => void;
}

/** The actors of one node, and the way to every actor. */
export class ActorSystem {
  readonly node: string;
  readonly #bus: Bus;
  readonly #host: ActorHost;
  readonly #journal: JetStreamJournal;
  readonly #partitions: Partitions;
  readonly #caller: Caller;
  #queries: Subscription[] = [];

  constructor(options: SystemOptions) {
    this.#bus = options.bus;
    this.node = options.node;
    this.#journal = new JetStreamJournal(options.bus);
    this.#host = new ActorHost({
      journal: this.#journal,
      kinds: options.kinds,
      node: options.node,
      ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    });
    this.#partitions = new Partitions(options.bus, this.#host);
    this.#caller = new Caller(options.bus);
  }

  /** Takes the partitions' commands from now on. */
  async start(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      this.#queries.push(
        this.#bus.nats.subscribe(subjects.query(partition), {
          callback: (error, message) => {
            if (error) return;
            void this.#answerQuery(message.data).then((body) => message.respond(codecs.answer.encode(body)));
          },
        }),
      );
    }
    await this.#partitions.start();
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
  async query(to: Ref): Promise<ActorInside> {
    const local = this.#host.inspect(to);
    if (local !== undefined) return local;
    let data: Uint8Array;
    try {
      const reply = await this.#bus.nats.request(
        subjects.query(partitionOf(to)),
        Buffer.from(JSON.stringify({ ref: `${to.kind}/${to.id}` })),
        { timeout: 5_000 },
      );
      data = reply.data;
    } catch (cause) {
      throw new StatewattError('bus.unavailable', 'unavailable', `no node answers for ${to.kind}/${to.id}`, { cause });
    }
    const body = codecs.answer.decode(data);
    if (!body.ok) throw StatewattError.fromJSON(body.error);
    return body.reply as ActorInside;
  }

  /** Brings an actor to life on this node and keeps it there. */
  activate(to: Ref): Promise<void> {
    return this.#host.activate(to);
  }

  /** Ends an actor's activation in order and forgets it; its journal stays. */
  retire(to: Ref): Promise<void> {
    return this.#host.retire(to);
  }

  kill(to: Ref): void {
    this.#host.kill(to);
  }

  restart(to: Ref): Promise<void> {
    return this.#host.restart(to);
  }

  actors(): ActorFacts[] {
    return this.#host.actors();
  }

  inspect(to: Ref): ActorInside | undefined {
    return this.#host.inspect(to);
  }

  get counters(): Readonly<HostCounters> {
    return this.#host.counters;
  }

  /** Takes no more commands, ends every activation in order. What was not begun is delivered to the next owner. */
  async stop(): Promise<void> {
    await this.#partitions.stop();
    for (const subscription of this.#queries.splice(0)) subscription.unsubscribe();
    const stopped = this.#host.stop();
    // While the bus is away an append would wait for ever; the journal is closed when it does not come back soon.
    const patience = setTimeout(() => this.#journal.close(), 5_000);
    await stopped;
    clearTimeout(patience);
    this.#caller.close();
  }

  async #answerQuery(data: Uint8Array): Promise<AnswerBody> {
    try {
      const question = parseJson(data) as { ref?: unknown };
      if (typeof question.ref !== 'string') {
        throw new StatewattError('actors.invalid_query', 'invalid', 'a query is {"ref": "kind/id"}');
      }
      const to = parseRef(question.ref);
      await this.#host.activate(to);
      return { ok: true, reply: this.#host.inspect(to) };
    } catch (error) {
      return { ok: false, error: toStatewattError(error).toJSON() };
    }
  }
}

/** Makes a node's actor system; call `start` to take commands. */
export function createSystem(options: SystemOptions): ActorSystem {
  return new ActorSystem(options);
}
