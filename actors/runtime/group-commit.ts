import { InvalidArgumentError, nuid, type MsgHdrs } from '@nats-io/transport-node';
import type { Bus } from '../../bus/connection.js';
import { whileConnected } from '../../bus/while-connected.js';
import { StatewattError } from '../../errors/error.js';

/** One message for a stream that allows atomic batches. Its headers carry its own fence and message id, if it has any. */
export interface Write {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs;
}

export interface Written {
  /** Sequence in the stream. */
  readonly seq: number;
  /** The stream had a message with this id; nothing was added. */
  readonly duplicate: boolean;
}

/** A batch has one sync of the disk; more entries than these hold the first of them up for little gain. */
const MAX_ENTRIES = 200;
const MAX_BYTES = 1024 ** 2;
/** Of one turn of the event loop, for writers that are told, with what they do at once. */
const TELLING_MS = 3;
/** Writers that are told before the clock is looked at. */
const TOLD_AT_ONCE = 4;
const TIMEOUT_MS = 5_000;

export interface GroupCommitOptions {
  /** Each message expects the one before it on its subject, so no two of a subject can go together. */
  readonly fenced: boolean;
  /** A batch under way fails when the connection is lost, instead of at its timeout: its caller must not try again at once. */
  readonly giveUpWhenLost?: boolean;
}

interface Waiting extends Write {
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
}

/** The server's answer to the last message of a batch (NATS ADR-50). */
type BatchAnswer =
  { readonly seq: number; readonly error?: undefined } | { readonly error: { readonly err_code?: number } };

/** The stream takes no batches (nats-server: JSAtomicPublishDisabledErr). */
const BATCHES_DISABLED = 10174;

/**
 * Writes what waits at the same time as one atomic batch: while one is under way the next gathers, and nothing waits for
 * others to come. What waits alone is published plainly.
 */
export class GroupCommit {
  readonly #bus: Bus;
  #waiting: Waiting[] = [];
  readonly #options: GroupCommitOptions;
  #writing = false;
  /** Until the stream says that it takes none. */
  #batches = true;

  constructor(bus: Bus, options: GroupCommitOptions) {
    this.#bus = bus;
    this.#options = options;
  }

  /**
   * Resolves when it is durable.
   *
   * @throws JetStreamApiError and InvalidArgumentError: it was refused; any other error: whether it landed is not known
   */
  write(write: Write): Promise<Written> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...write, resolve, reject });
      if (this.#writing) return;
      this.#writing = true;
      // What else this turn of the event loop brings, many commands from one read of the socket say, goes along.
      setImmediate(() => void this.#writeAll());
    });
  }

  /** What has not been sent is not sent any more. */
  close(): void {
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new StatewattError('journal.closed', 'unavailable', 'the node is stopping'));
    }
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#take();
      // Refused as a whole for the sake of one, or not even sent: alone, only that one is refused.
      if (group.length === 1 || !this.#batches || !(await this.#asBatch(group)))
        await Promise.all(group.map((each) => this.#alone(each)));
    }
    this.#writing = false;
  }

  #take(): Waiting[] {
    const subjects = new Set<string>();
    let bytes = 0;
    let count = 0;
    for (const { subject, payload } of this.#waiting) {
      bytes += payload.length;
      if (count > 0 && (count >= MAX_ENTRIES || bytes > MAX_BYTES || subjects.has(subject))) break;
      if (this.#options.fenced) subjects.add(subject);
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #alone({ subject, payload, headers, resolve, reject }: Waiting): Promise<void> {
    try {
      resolve(await this.#bus.jetstream.publish(subject, payload, { headers }));
    } catch (error) {
      reject(error);
    }
  }

  /** False when nothing of it was written. */
  async #asBatch(group: readonly Waiting[]): Promise<boolean> {
    let answer: BatchAnswer;
    try {
      answer = await this.#send(group);
    } catch (error) {
      // Too big for the server, and so never committed: the server forgets the rest.
      if (error instanceof InvalidArgumentError) return this.#unbatched(group);
      for (const { reject } of group) reject(error);
      return true;
    }
    if (answer.error !== undefined) {
      if (answer.error.err_code === BATCHES_DISABLED) this.#batches = false;
      return this.#unbatched(group);
    }
    await this.#tell(group, answer.seq - group.length + 1);
    return true;
  }

  /**
   * A writer that is told goes on with much to do: others, a request over HTTP say, have their turns in between. Where
   * turns are long because much else is to be done, the writers do not lose by it: what counts is their own time.
   */
  async #tell(group: readonly Waiting[], first: number): Promise<void> {
    let begun = performance.now();
    for (const [index, { resolve }] of group.entries()) {
      if (index > 0 && index % TOLD_AT_ONCE === 0) {
        await new Promise<void>((done) => process.nextTick(done)); // They have done what they do at once.
        if (performance.now() - begun >= TELLING_MS) {
          await new Promise((next) => setImmediate(next));
          begun = performance.now();
        }
      }
      resolve({ seq: first + index, duplicate: false });
    }
  }

  #unbatched(group: readonly Waiting[]): false {
    for (const { headers } of group) for (const name of Object.values(BATCH_HEADER)) headers.delete(name);
    return false;
  }

  /**
   * Only the last message asks for an answer. (The client library's own batch waits for one after the first message
   * too, and tells nothing of why a batch was refused.)
   */
  async #send(group: readonly Waiting[]): Promise<BatchAnswer> {
    const { nats } = this.#bus;
    const id = nuid.next();
    group.forEach(({ headers }, index) => {
      headers.set(BATCH_HEADER.id, id);
      headers.set(BATCH_HEADER.sequence, String(index + 1));
    });
    const last = group[group.length - 1] as Waiting;
    last.headers.set(BATCH_HEADER.commit, '1');
    for (const each of group) {
      if (each !== last) nats.publish(each.subject, each.payload, { headers: each.headers });
    }
    const ask = () => nats.request(last.subject, last.payload, { headers: last.headers, timeout: TIMEOUT_MS });
    const answer = await (this.#options.giveUpWhenLost ? whileConnected(this.#bus, ask) : ask());
    return answer.json<BatchAnswer>();
  }
}

const BATCH_HEADER = { id: 'Nats-Batch-Id', sequence: 'Nats-Batch-Sequence', commit: 'Nats-Batch-Commit' } as const;
