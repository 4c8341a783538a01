import type { Bus } from '../../bus/connection.js';
import type { AnswerBody } from '../../bus/messages.js';
import { formatRef, parseRef, partitionOf, subjects, PARTITIONS, type Ref } from '../../bus/subjects.js';
import { Requests } from '../../bus/requests.js';
import { StatewattError, toStatewattError } from '../../errors/error.js';
import { isNotOwner, notOwner } from './actor-tenure.js';
import type { ActorHost, ActorInside, ActorState } from './host.js';
import type { SupervisorView } from './supervision/view.js';

const ANSWER_MS = 5_000;
const ASK_AGAIN_MS = 50;

/** What one node may ask of the owner of a partition; answered from memory, never journaled. */
type Question =
  /** The actor as it is; brought to life first when it is not and `wake` is set. `brief`: without timers and transitions. */
  | { readonly ask: 'inspect'; readonly ref: string; readonly wake: boolean; readonly brief: boolean }
  | { readonly ask: 'kill'; readonly ref: string }
  | { readonly ask: 'restart'; readonly ref: string }
  /** How those of the partition do. */
  | { readonly ask: 'supervisor'; readonly partition: number }
  /** Every active actor of the partition, without its transitions and timers. */
  | { readonly ask: 'list'; readonly partition: number; readonly kind?: string };

/** What is held here, as `Partitions` says. */
export interface HeldPartitions {
  readonly owned: ReadonlySet<number>;
  /** Resolves when the always-on actors of one of them are alive. */
  whenAwake(partition: number): Promise<void>;
}

/** Reaches actors wherever they live: here directly, elsewhere through the node that owns their partition. */
export class Peers {
  readonly #requests: Requests;
  readonly #host: ActorHost;
  readonly #held: HeldPartitions;

  constructor(bus: Bus, host: ActorHost, held: HeldPartitions, onTrouble: (error: string) => void = () => undefined) {
    this.#requests = new Requests(bus.nats, ANSWER_MS, ({ message }) => onTrouble(message));
    this.#host = host;
    this.#held = held;
  }

  /** It is brought to life first when it is not active. @throws `actors.failed`, `bus.unavailable` … */
  query(ref: Ref): Promise<ActorState> {
    const question: Question = { ask: 'inspect', ref: formatRef(ref), wake: true, brief: true };
    return this.#put<ActorState>(partitionOf(ref), question);
  }

  /**
   * undefined when it is not active anywhere. Of one that has crashed or was given up, what it was at last; of one that
   * could never be read from its journal there is no context.
   *
   * @throws `bus.unavailable`
   */
  inspect(ref: Ref): Promise<ActorInside | undefined> {
    const question: Question = { ask: 'inspect', ref: formatRef(ref), wake: false, brief: false };
    return this.#put<ActorInside | undefined>(partitionOf(ref), question);
  }

  /** @throws `actors.not_found`, `bus.unavailable` */
  async kill(ref: Ref): Promise<void> {
    await this.#put(partitionOf(ref), { ask: 'kill', ref: formatRef(ref) });
  }

  /** @throws `actors.not_found`, `bus.unavailable` */
  restart(ref: Ref): Promise<ActorState> {
    return this.#put<ActorState>(partitionOf(ref), { ask: 'restart', ref: formatRef(ref) });
  }

  /** The active actors of all nodes. Those of a partition that is changing hands now are left out. */
  async list(kind?: string): Promise<ActorState[]> {
    const { owned } = this.#held;
    const here = this.#host.list((ref) => owned.has(partitionOf(ref)) && (kind === undefined || ref.kind === kind));
    const elsewhere: Promise<ActorState[]>[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      if (owned.has(partition)) continue;
      const question: Question = { ask: 'list', partition, ...(kind === undefined ? {} : { kind }) };
      elsewhere.push(this.#put<ActorState[]>(partition, question).catch(() => []));
    }
    return [...here, ...(await Promise.all(elsewhere)).flat()];
  }

  /** @throws `bus.unavailable` */
  supervisor(partition: number): Promise<SupervisorView> {
    return this.#put<SupervisorView>(partition, { ask: 'supervisor', partition });
  }

  /** Of a partition that is changing hands now there is none. */
  async supervisors(): Promise<SupervisorView[]> {
    const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    return (await Promise.all(all.map((each) => this.supervisor(each).catch(() => [])))).flat();
  }

  close(): void {
    this.#requests.close();
  }

  /** Answers what another node asks of a partition that is owned here. Never rejects. */
  async answer(question: unknown): Promise<AnswerBody> {
    try {
      return { ok: true, reply: await this.#answer(question as Question) };
    } catch (error) {
      return { ok: false, error: toStatewattError(error).toJSON() };
    }
  }

  /** Goes on to the next owner when the one that was asked has just lost the actor. */
  async #put<T>(partition: number, question: Question): Promise<T> {
    for (const end = performance.now() + ANSWER_MS; ;) {
      try {
        if (this.#held.owned.has(partition)) return (await this.#answer(question)) as T;
        const body = await this.#request(partition, question, end);
        if (!body.ok) throw StatewattError.fromJSON(body.error);
        return (body.reply ?? undefined) as T;
      } catch (error) {
        const hasMoved = error instanceof StatewattError && isNotOwner(error);
        if (!hasMoved || performance.now() > end) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }

  /** Waits for an owner while the partition changes hands; a list or a view is taken as it is now. */
  async #request(partition: number, question: Question, end: number): Promise<AnswerBody> {
    for (;;) {
      const answer = await this.#requests.request(subjects.query(partition), question);
      if (answer !== undefined) return answer;
      if (question.ask === 'list' || question.ask === 'supervisor' || performance.now() > end) {
        const why = `no node answers for partition ${partition}`;
        throw new StatewattError('bus.unavailable', 'unavailable', why, { retryAfterMs: 500 });
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }

  /** An always-on actor of a partition that has just come here is not yet what it will be in a moment. */
  async #whenKnown(ref: Ref): Promise<void> {
    const partition = partitionOf(ref);
    const known = async (): Promise<void> => {
      if (this.#host.query(ref) === undefined) await this.#held.whenAwake(partition);
      await this.#host.whenKnown(ref);
    };
    if (!(await endsWithin(known(), ANSWER_MS))) {
      const why = `${formatRef(ref)} has not yet come to life on its new node`;
      throw new StatewattError('bus.unavailable', 'unavailable', why, { retryAfterMs: 500 });
    }
    if (!this.#held.owned.has(partition)) throw notOwner(ref); // It went on to another node meanwhile.
  }

  async #answer(question: Question): Promise<unknown> {
    switch (question.ask) {
      case 'inspect': {
        const ref = parseRef(question.ref);
        if (question.wake) await this.#host.wake(ref);
        else await this.#whenKnown(ref);
        return question.brief ? this.#host.query(ref) : this.#host.inspect(ref);
      }
      case 'kill':
        this.#host.kill(parseRef(question.ref));
        return null;
      case 'restart': {
        const ref = parseRef(question.ref);
        await this.#host.restart(ref);
        return this.#host.query(ref);
      }
      case 'supervisor':
        return this.#host.supervisor(question.partition);
      case 'list': {
        const { partition, kind } = question;
        return this.#host.list((ref) => partitionOf(ref) === partition && (kind === undefined || ref.kind === kind));
      }
      default:
        throw new StatewattError(
          'actors.invalid_query',
          'invalid',
          'a question is {"ask": "inspect" | "kill" | "restart", "ref": "kind/id"} or {"ask": "list" | "supervisor", "partition": n}',
        );
    }
  }
}

async function endsWithin(work: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
