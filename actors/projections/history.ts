import {
  AckPolicy,
  DeliverPolicy,
  type Consumer,
  type ConsumerMessages,
  type JsMsg,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { isLateFrame } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { whileConnected } from '../../bus/while-connected.js';
import { errorMessage, StatewattError } from '../../errors/error.js';
import { STORES_ALL, type StoragePlan } from '../../site/history/mapping.js';
import type { Frame } from '../../site/points.js';
import { ChoiceReader, ChoiceRecord, keepChosen } from './choices.js';
import { PointSelector } from './point-selector.js';
import { PositionStore, type PendingBatch, type Position } from './position.js';

const CONSUMER = 'history';
/** A batch of so many points is a large one. */
const MANY_POINTS = 20_000;
/** What was chosen of a batch goes into its announcement, which is one message (1 MB). */
const MAX_CHOICES = 400_000;
const SLOWER = 4;
const RETRY_MS = 500;

/** Where the projection writes. */
export interface HistoryTarget {
  /** Inserts all points of the frames; the same token again changes nothing. */
  insert(batch: {
    token: string;
    /** When it began to be announced, ms of `performance.now()`. */
    announcedAt?: number;
    frames: readonly { streamSequence: number; frame: Frame }[];
  }): Promise<{ rows: number }>;
}

export interface HistoryProjectionOptions {
  readonly bus: Bus;
  readonly target: HistoryTarget;
  /** What is to be stored, as of now; default: everything. */
  readonly storage?: () => StoragePlan;
  /** Points after which a batch is written at once. */
  readonly batchPoints?: number;
  /** Ms after which a batch is written, however small; one that fills quickly waits SLOWER times as long. */
  readonly batchMs?: number;
  readonly onEvent?: (event: HistoryEvent) => void;
}

/** What an operator should hear of. */
export type HistoryEvent =
  | { readonly type: 'retrying'; readonly error: string }
  | { readonly type: 'recovered' }
  | { readonly type: 'fenced'; readonly error: StatewattError }
  /** Frames that the stream's limits discarded before they were written, or that were no frames. */
  | { readonly type: 'lost'; readonly frames: number; readonly why: string };

export interface HistoryCounters {
  /** Frames that were read, and points of them that were written. */
  frames: number;
  points: number;
  /** Points that were not to be stored. */
  leftOut: number;
  batches: number;
  /** Ms spent in inserts. */
  insertMs: number;
  lost: number;
}

interface Batch {
  readonly frames: { streamSequence: number; frame: Frame }[];
  points: number;
  read: number;
  leftOut: number;
  readonly from: number;
  last: JsMsg;
  readonly chosen: ChoiceRecord;
  /** It was announced by an earlier run; its range, its token, and what was chosen stay. */
  readonly repeats: PendingBatch | undefined;
  readonly wasChosen: ChoiceReader | undefined;
}

/**
 * Writes what is to be stored of every frame of the stream into history, exactly once. Each batch is announced (position,
 * with its range of sequences and what was chosen of it) before it is inserted and acknowledged after; a batch that was
 * announced when the node died is repeated with the same range, the same choice and so the same token, which the target
 * recognises.
 */
export class HistoryProjection {
  readonly counters: HistoryCounters = { frames: 0, points: 0, leftOut: 0, batches: 0, insertMs: 0, lost: 0 };
  readonly #bus: Bus;
  readonly #target: HistoryTarget;
  readonly #storage: () => StoragePlan;
  readonly #selector = new PointSelector();
  readonly #batchPoints: number;
  readonly #batchMs: number;
  readonly #onEvent: (event: HistoryEvent) => void;
  #positions: PositionStore | undefined;
  #stream = '';
  #tokens = '';
  #committed = 0;
  /** The last batch is in history, and the saved position does not say so yet. */
  #unsaved = false;
  /** The batch that must be repeated as it was; undefined once it has been read. */
  #repeat: PendingBatch | undefined;
  #lastSeen = 0;
  #batch: Batch | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The batch before; never rejects. */
  #writing: Promise<void> = Promise.resolve();
  #messages: ConsumerMessages | undefined;
  #reading: Promise<void> = Promise.resolve();
  #stopped = false;
  #lastError: string | null = null;

  constructor(options: HistoryProjectionOptions) {
    this.#bus = options.bus;
    this.#target = options.target;
    this.#storage = options.storage ?? (() => STORES_ALL);
    this.#batchPoints = options.batchPoints ?? 500_000;
    this.#batchMs = options.batchMs ?? 1_000;
    this.#onEvent = options.onEvent ?? (() => undefined);
  }

  /** Sequence up to which everything is in history. */
  get committed(): number {
    return this.#committed;
  }

  /** Why it does not get on; null when it does. */
  get lastError(): string | null {
    return this.#lastError;
  }

  async start(): Promise<void> {
    this.#positions = await PositionStore.open(this.#bus, CONSUMER);
    await this.#resume();
    this.#reading = this.#read();
  }

  /** Finishes the insert under way; what was not inserted is read again at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#messages?.close();
    await this.#reading;
    clearTimeout(this.#timer);
    await this.#writing;
    if (!this.#unsaved || this.#bus.status !== 'connected') return;
    // Only spares the next start a repetition.
    await this.#positions?.save(this.#position(null)).catch((error: unknown) => this.#trouble(error));
  }

  #position(pending: PendingBatch | null): Position {
    return { stream: this.#stream, tokens: this.#tokens, committed: this.#committed, pending };
  }

  /** Finds out where to begin. */
  async #resume(): Promise<void> {
    const positions = this.#positions as PositionStore;
    const info = await this.#streamInfo();
    const found = await positions.load();
    const known = found?.stream === info.created ? found : undefined;
    const end = Math.max(known?.committed ?? 0, known?.pending?.to ?? 0);
    if (known === undefined || info.state.last_seq >= end) {
      this.#begin(info, known);
      return;
    }
    // A server without its last seconds (power cut, restored backup): these sequences name other frames from now on.
    this.#lose(0, `the stream ends at ${info.state.last_seq}, history had read up to ${end}`);
    const cut: Position = {
      stream: info.created,
      tokens: `${info.created}~${Date.now()}`,
      committed: Math.min(known.committed, info.state.last_seq),
      pending: known.pending && { ...known.pending, to: Math.min(known.pending.to, info.state.last_seq) },
    };
    await positions.save(cut);
    this.#begin(info, cut);
  }

  #begin({ created, state }: StreamInfo, position: Position | undefined): void {
    this.#stream = created;
    this.#tokens = position?.tokens ?? created;
    this.#committed = position?.committed ?? 0;
    const pending = position?.pending ?? undefined;
    // A pending batch of which the stream has nothing left cannot be repeated.
    this.#repeat = pending !== undefined && pending.to >= Math.max(pending.from, state.first_seq) ? pending : undefined;
    const next = this.#repeat?.from ?? this.#committed + 1;
    this.#lastSeen = Math.max(next, state.first_seq) - 1;
    this.#discarded(this.#lastSeen - next + 1);
  }

  async #read(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#followStream();
        const consumer = await this.#consumer(this.#lastSeen + 1);
        if (await this.#isRemade()) continue;
        const messages = await consumer.consume({ max_messages: 4_000, abort_on_missing_resource: true });
        if (this.#stopped) {
          // Nobody may wait for it, also later: it is closed when it has been read to its end, and nobody reads it.
          void messages.close();
          break;
        }
        this.#messages = messages;
        let delivered = 0;
        for await (const message of messages) {
          // Every delivery counts one; a gap means that some were lost on the way and would come late.
          if (this.#stopped || message.info.deliverySequence !== ++delivered) break;
          await this.#take(message);
        }
        await messages.close();
      } catch (error) {
        this.#trouble(error);
        await pause(RETRY_MS);
      }
    }
  }

  /** A stream that was made anew under way is read from its beginning, after what was read of the former. */
  async #followStream(): Promise<void> {
    const info = await this.#streamInfo();
    if (info.created === this.#stream) return;
    await this.#flush();
    await this.#writing;
    if (this.#stopped) return;
    this.#lose(0, 'the stream was made anew; what was not yet read of the former is gone');
    this.#begin(info, undefined);
  }

  /** A consumer that was made just then may begin at a sequence that the new stream never reaches. */
  async #isRemade(): Promise<boolean> {
    return (await this.#streamInfo()).created !== this.#stream;
  }

  #streamInfo(): Promise<StreamInfo> {
    return whileConnected(this.#bus, () => this.#bus.manager.streams.info(STREAM.frames));
  }

  /** A new consumer each time, so that the frames come in order and without a gap, beginning with `next`. */
  async #consumer(next: number): Promise<Consumer> {
    const { manager, jetstream } = this.#bus;
    const bus = this.#bus;
    await whileConnected(bus, () => manager.consumers.delete(STREAM.frames, CONSUMER)).catch(ignoreMissing);
    const config = {
      durable_name: CONSUMER,
      description: 'Frames into history',
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: next,
      ack_policy: AckPolicy.All,
      ack_wait: nanos(60_000),
      max_ack_pending: 100_000,
    };
    await whileConnected(bus, () => manager.consumers.add(STREAM.frames, config));
    return whileConnected(bus, () => jetstream.consumers.get(STREAM.frames, CONSUMER));
  }

  async #take(message: JsMsg): Promise<void> {
    const { seq } = message;
    if (seq <= this.#lastSeen) return; // Delivered again; its batch is on its way.
    if (this.#repeat !== undefined && seq > this.#repeat.to) await this.#flush();
    this.#discarded(seq - this.#lastSeen - 1);
    this.#lastSeen = seq;
    const frame = this.#decode(message);
    const batch = (this.#batch ??= this.#newBatch(message));
    batch.last = message;
    if (frame !== undefined) this.#choose(batch, message, frame);
    const full =
      batch.repeats === undefined
        ? batch.points >= this.#batchPoints || batch.chosen.size >= MAX_CHOICES
        : seq === batch.repeats.to;
    if (full) await this.#flush();
  }

  #choose(batch: Batch, { seq, subject }: JsMsg, read: Frame): void {
    let choice = batch.wasChosen?.of(seq) ?? 'all';
    if (batch.repeats === undefined) {
      this.#selector.use(this.#storage());
      choice = this.#selector.choose(read, isLateFrame(subject));
      batch.chosen.add(seq, choice, read.keys.length);
    }
    const frame = keepChosen(read, choice);
    const points = frame?.keys.length ?? 0;
    if (frame !== undefined) batch.frames.push({ streamSequence: seq, frame });
    batch.read += 1;
    batch.points += points;
    batch.leftOut += read.keys.length - points;
    this.#waitLonger(batch, points);
  }

  #newBatch(first: JsMsg): Batch {
    const repeats = this.#repeat;
    // The batch that is repeated ends where it ended, not by the clock.
    if (repeats === undefined) this.#timer = setTimeout(() => void this.#flush(), this.#batchMs);
    const from = repeats?.from ?? first.seq;
    const wasChosen = repeats?.chosen === undefined ? undefined : new ChoiceReader(repeats.chosen, from);
    const counts = { points: 0, read: 0, leftOut: 0 };
    return { frames: [], ...counts, from, last: first, chosen: new ChoiceRecord(from), repeats, wasChosen };
  }

  /** Each batch costs a row per point in every rollup, so a site of many points writes fewer, larger ones. */
  #waitLonger(batch: Batch, added: number): void {
    if (batch.repeats !== undefined || batch.points < MANY_POINTS || batch.points - added >= MANY_POINTS) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#flush(), SLOWER * this.#batchMs);
  }

  /** Begins to write the batch when the one before is written, so one fills while one is being written. */
  async #flush(): Promise<void> {
    let before: Promise<void>;
    do {
      before = this.#writing;
      await before;
    } while (before !== this.#writing); // The timer or the reader was first.
    clearTimeout(this.#timer);
    const batch = this.#batch;
    this.#batch = undefined;
    this.#repeat = undefined;
    if (batch !== undefined) this.#writing = this.#write(batch).catch((error: unknown) => this.#trouble(error));
  }

  async #write({ from, last, frames, chosen, repeats, ...counts }: Batch): Promise<void> {
    // The batch before may have been given up: nothing may be written, or announced, past it.
    if (this.#stopped) return;
    const to = repeats?.to ?? last.seq;
    const token = repeats?.token ?? `${this.#tokens}:${from}-${to}`;
    const choices = repeats === undefined ? chosen.finish() : repeats.chosen;
    const pending = { from, to, token, ...(choices === undefined ? {} : { chosen: choices }) };
    // A batch of which nothing is stored is done when it is announced.
    const announced = counts.points === 0 ? { ...this.#position(null), committed: to } : this.#position(pending);
    let announcedAt = performance.now();
    const announce = (): Promise<void> => {
      announcedAt = performance.now();
      return (this.#positions as PositionStore).save(announced);
    };
    if (!(await this.#insist(announce))) return;
    this.#unsaved = false;
    const begun = performance.now();
    if (counts.points > 0 && !(await this.#insist(() => this.#target.insert({ token, announcedAt, frames })))) return;
    this.#committed = to;
    this.#unsaved = counts.points > 0;
    this.counters.insertMs += performance.now() - begun;
    this.counters.frames += counts.read;
    this.counters.points += counts.points;
    this.counters.leftOut += counts.leftOut;
    this.counters.batches += 1;
    last.ack();
  }

  /** Until it succeeds: the frames are safe in the stream, and nothing may be left out. False when we are stopping, or fenced. */
  async #insist(work: () => Promise<unknown>): Promise<boolean> {
    for (;;) {
      try {
        await work();
        if (this.#lastError !== null) this.#onEvent({ type: 'recovered' });
        this.#lastError = null;
        return true;
      } catch (error) {
        if (error instanceof StatewattError && error.code === 'projection.fenced') {
          this.#fenced(error);
          return false;
        }
        this.#trouble(error);
        if (this.#stopped) return false;
        await pause(RETRY_MS);
      }
    }
  }

  #decode(message: JsMsg): Frame | undefined {
    try {
      return codecs.frame.decode(message.data);
    } catch (error) {
      this.#lose(1, `message ${message.seq} of ${STREAM.frames}: ${errorMessage(error)}`);
      return undefined;
    }
  }

  #discarded(frames: number): void {
    if (frames > 0) this.#lose(frames, 'the stream’s limits discarded them before they were written');
  }

  #lose(frames: number, why: string): void {
    this.counters.lost += frames;
    this.#onEvent({ type: 'lost', frames, why });
  }

  #trouble(error: unknown): void {
    const text = errorMessage(error);
    if (text !== this.#lastError) this.#onEvent({ type: 'retrying', error: text });
    this.#lastError = text;
  }

  #fenced(error: StatewattError): void {
    this.#stopped = true;
    this.#unsaved = false;
    this.#lastError = error.message;
    this.#onEvent({ type: 'fenced', error });
    void this.#messages?.close();
  }
}

function ignoreMissing(error: unknown): void {
  if (!/not found/i.test(errorMessage(error))) throw error;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
