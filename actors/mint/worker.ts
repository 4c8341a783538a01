import type { Bus } from '../../bus/connection.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { refOfEntry, subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { errorMessage } from '../../errors/error.js';
import type { RetryPolicy } from '../../machines/mint-batch/events.js';
import type { CollectedEvent, MinterEvent, Steering } from '../../machines/minter.js';
import type { MintItem } from '../../site/minting/item.js';
import { packBatches } from '../../site/minting/packing.js';
import type { Host, Resource, WithoutTime } from '../runtime/kind.js';
import { acceptedBy } from './accepted.js';
import type { MintChain } from './chain.js';

/** How readings become batches. */
export interface MintSettings {
  /** Mint without being told to. */
  readonly autoMint: boolean;
  /** Readings in a batch. */
  readonly batchSize: number;
  /** The longest that a reading waits for others, ms. */
  readonly pollingIntervalMs: number;
  readonly policy: RetryPolicy;
}

/** What the minter needs of its node. */
export interface MinterParts {
  readonly bus: Bus;
  readonly chain: Pick<MintChain, 'maxWallets' | 'ready'>;
  /** As they are configured now. */
  settings(): MintSettings;
  /** The meter that the id of a meter's actor means. */
  meterIdOf(actor: string): string;
  readonly now?: () => number;
  /** How often the journal is looked at; default a second. */
  readonly lookEveryMs?: number;
}

const METERS = subjects.journalOfKind('meter');
/** Entries read at once: one may hold hundreds of readings. */
const READ_AT_ONCE = 50;
/**
 * Readings collected at once, but for those of the last entry, unless one batch is to be larger: both they and their batches
 * stand in one journal entry.
 */
const COLLECT_AT_ONCE = 500;
/**
 * Bytes of the readings that are collected at once, but for those of one entry of a meter: they stand in the minter's entry
 * twice, in its event and in what begins their batches, and a NATS server takes a message of 1 MiB unless it is told otherwise.
 */
const COLLECT_BYTES = 450 * 1024;
/** What a batch of its own adds for a reading, in each of the two places. */
const BATCH_BYTES = 100;
/** Batches on their way to the chain at once; what is more waits in the journal of the meters. */
export const MAX_MOVING = 100;
/** Entries of which nothing is minted, after which it is noted all the same how far it has come. */
const NOTE_AFTER = 10_000;
const LOOK_MS = 1_000;
const RETRY_MS = 1_000;

interface Waiting {
  readonly seq: number;
  readonly items: readonly MintItem[];
  readonly bytes: number;
}

/** `done`: nothing is to be done now. `failed`: something is away. */
type Outcome = 'more' | 'done' | 'failed';

/** The live part of the minter: reads the journal of the meters, and tells the chart what is to be minted. */
export class MinterWorker implements Resource {
  readonly #host: Host<WithoutTime<MinterEvent>>;
  readonly #parts: MinterParts;
  readonly #now: () => number;
  readonly #closing = new AbortController();
  #following: Promise<void> | undefined;
  #steering: Steering = { position: 0, auto: null, wanted: false, moving: 0 };
  #wake: () => void = () => undefined;
  #isSteered = false;
  /** The chart knows of all up to here; the journal has been read up to there, and then to its end or not. */
  #position = 0;
  #read = 0;
  #isAtEnd = false;
  #waiting: Waiting[] = [];
  #readings = 0;
  /** When the first of those that wait was read. */
  #since = 0;
  #problem: string | null = null;

  constructor(host: Host<WithoutTime<MinterEvent>>, parts: MinterParts) {
    this.#host = host;
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  inspect() {
    const { auto, wanted, moving } = this.#steering;
    return {
      auto: auto ?? this.#parts.settings().autoMint,
      ...{ wanted, moving, read: this.#read, waiting: this.#readings, problem: this.#problem },
    };
  }

  /** Goes by this from now on; the first time, it begins behind the position. */
  steer(steering: Steering): void {
    this.#steering = steering;
    this.#isSteered = true;
    this.#wake();
    if (this.#following !== undefined || this.#closing.signal.aborted) return;
    this.#position = this.#read = steering.position;
    this.#following = this.#follow();
    this.#following.catch((error: unknown) => this.#host.fail(error));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake();
    await this.#following?.catch(() => undefined); // The host has heard of it.
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      this.#isSteered = false;
      const outcome = await this.#step();
      if (signal.aborted || outcome === 'more') continue;
      // Whatever happens, there is a pause after a failure.
      await this.#pause(outcome === 'failed' ? RETRY_MS : (this.#parts.lookEveryMs ?? LOOK_MS), outcome === 'done');
    }
  }

  #pause(ms: number, isToEndEarly: boolean): Promise<void> {
    if (isToEndEarly && this.#isSteered) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        if (!isToEndEarly && !this.#closing.signal.aborted) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** @throws what the actor's own events throw */
  async #step(): Promise<Outcome> {
    const settings = this.#parts.settings();
    try {
      await this.#fill(settings);
      if (!this.#isDue(settings)) {
        this.#problem = null;
        return 'done';
      }
      if (this.#steering.moving >= MAX_MOVING) return 'done'; // It is steered again when one has got through.
      if (this.#readings > 0) await this.#parts.chain.ready();
      this.#problem = null;
    } catch (error) {
      this.#problem = errorMessage(error);
      return 'failed';
    }
    await this.#host.send(this.#collect(settings));
    return 'more';
  }

  /** Reads until enough wait, or all has been read. @throws `bus.unavailable` */
  async #fill({ batchSize }: MintSettings): Promise<void> {
    this.#isAtEnd = false;
    const enough = Math.max(COLLECT_AT_ONCE, batchSize);
    while (this.#readings < enough && !this.#closing.signal.aborted) {
      const range = { seq: this.#read + 1, next_by_subj: METERS, batch: READ_AT_ONCE };
      const messages = await readBatch(this.#parts.bus, STREAM.journal, range);
      for (const { subject, data, seq } of messages) {
        this.#read = seq;
        const items = acceptedBy(codecs.journal.decode(data), this.#parts.meterIdOf(refOfEntry(subject).id));
        if (items.length === 0) continue;
        if (this.#readings === 0) this.#since = this.#now();
        this.#waiting.push({
          seq,
          items,
          bytes: Buffer.byteLength(JSON.stringify(items)) + BATCH_BYTES * items.length,
        });
        this.#readings += items.length;
      }
      this.#isAtEnd = messages.length < READ_AT_ONCE;
      if (this.#isAtEnd) return;
    }
  }

  #isDue({ autoMint, batchSize, pollingIntervalMs }: MintSettings): boolean {
    const { auto, wanted } = this.#steering;
    if (wanted) return true;
    if (this.#readings === 0) return this.#read - this.#position >= NOTE_AFTER;
    if (!(auto ?? autoMint)) return false;
    return this.#readings >= batchSize || this.#now() - this.#since >= pollingIntervalMs;
  }

  /** Takes of what waits as much as one entry holds. */
  #collect({ batchSize, policy }: MintSettings): WithoutTime<CollectedEvent> {
    const items: MintItem[] = [];
    const enough = Math.max(COLLECT_AT_ONCE, batchSize);
    let bytes = 0;
    for (let next = this.#waiting[0]; next !== undefined && items.length < enough; next = this.#waiting[0]) {
      if (items.length > 0 && bytes + next.bytes > COLLECT_BYTES) break;
      bytes += next.bytes;
      items.push(...next.items);
      this.#waiting.shift();
    }
    // Entries between two that wait have nothing to mint.
    const left = this.#waiting[0];
    const upTo = left === undefined ? this.#read : left.seq - 1;
    this.#readings -= items.length;
    const { maxWallets } = this.#parts.chain;
    const batches = packBatches(items, { batchSize, maxWallets }).map((batch, index) => ({
      id: `${upTo}-${index + 1}`,
      items: batch,
    }));
    const after = this.#position;
    this.#position = upTo;
    const isAll = this.#isAtEnd && this.#waiting.length === 0;
    return { type: 'collected', after, upTo, batches, policy, isAll };
  }
}
