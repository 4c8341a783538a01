import { AckPolicy, DeliverPolicy, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { codecs } from '../../bus/topics.js';
import { errorMessage, StatewattError } from '../../errors/error.js';
import type { Frame } from '../../site/points.js';
import { PositionStore, type Position } from './position.js';

const CONSUMER = 'history';
const RETRY_MS = 500;

/** Where the projection writes. */
export interface HistoryTarget {
  /** Inserts all points of the frames; the same token again changes nothing. */
  insert(batch: {
    token: string;
    frames: readonly { streamSequence: number; frame: Frame }[];
  }): Promise<{ rows: number }>;
}

export interface HistoryProjectionOptions {
  readonly bus: Bus;
  readonly target: HistoryTarget;
  /** Points after which a batch is written at once. */
  readonly batchPoints?: number;
  /** Ms after which a batch is written, however small. */
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
  frames: number;
  points: number;
  batches: number;
  /** Ms spent in inserts. */
  insertMs: number;
  lost: number;
}

interface Batch {
  frames: { streamSequence: number; frame: Frame }[];
  points: number;
  from: number;
  last: JsMsg;
}

/**
 * Writes every frame of the stream into history exactly once. Each batch is announced (position, with its range of
 * sequences) before it is inserted and acknowledged after; a batch that was announced when the node died is repeated
 * with the same range and so the same token, which the target recognises.
 */
export class HistoryProjection {
  readonly counters: HistoryCounters = { frames: 0, points: 0, batches: 0, insertMs: 0, lost: 0 };
  readonly #bus: Bus;
  readonly #target: HistoryTarget;
  readonly #batchPoints: number;
  readonly #batchMs: number;
  readonly #onEvent: (event: HistoryEvent) => void;
  #positions: PositionStore | undefined;
  #stream = '';
  #committed = 0;
  /** The last sequence of the batch that must be repeated as it was. */
  #repeatTo: number | undefined;
  #lastSeen = 0;
  #batch: Batch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #inserting: Promise<void> = Promise.resolve();
  #messages: ConsumerMessages | undefined;
  #reading: Promise<void> = Promise.resolve();
  #stopped = false;
  #lastError: string | null = null;

  constructor(options: HistoryProjectionOptions) {
    this.#bus = options.bus;
    this.#target = options.target;
    this.#batchPoints = options.batchPoints ?? 100_000;
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
    clearTimeout(this.#timer);
    await this.#messages?.close();
    await this.#reading;
    await this.#inserting;
  }

  /** Finds out where to begin. */
  async #resume(): Promise<void> {
    const info = await this.#bus.manager.streams.info(STREAM.frames);
    const found = await (this.#positions as PositionStore).load();
    const known = found?.stream === info.created ? found : undefined;
    this.#stream = info.created;
    this.#committed = known?.committed ?? 0;
    const first = info.state.first_seq;
    const pending = known?.pending ?? null;
    // A pending batch that the stream no longer has cannot be repeated.
    const repeat = pending !== null && pending.to >= first ? pending : null;
    this.#repeatTo = repeat?.to;
    const next = repeat?.from ?? this.#committed + 1;
    if (first > next) this.#lose(first - next, 'the stream’s limits discarded them before they were written');
    this.#lastSeen = next - 1;
  }

  async #read(): Promise<void> {
    while (!this.#stopped) {
      try {
        this.#messages = await this.#consume(this.#lastSeen + 1);
        if (this.#stopped) await this.#messages.close();
        let delivered = 0;
        for await (const message of this.#messages) {
          // Every delivery counts one; a gap means that some were lost on the way and would come late.
          if (message.info.deliverySequence !== ++delivered) break;
          await this.#take(message);
        }
        await this.#messages.close();
      } catch (error) {
        if (error instanceof StatewattError && error.code === 'projection.fenced') return;
        this.#trouble(error);
        await pause(RETRY_MS);
      }
    }
  }

  /** A new consumer each time, so that the frames come in order and without a gap, beginning with `next`. */
  async #consume(next: number): Promise<ConsumerMessages> {
    const { manager, jetstream } = this.#bus;
    await manager.consumers.delete(STREAM.frames, CONSUMER).catch(ignoreMissing);
    await manager.consumers.add(STREAM.frames, {
      durable_name: CONSUMER,
      description: 'Frames into history',
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: next,
      ack_policy: AckPolicy.All,
      ack_wait: nanos(60_000),
      max_ack_pending: 100_000,
    });
    const consumer = await jetstream.consumers.get(STREAM.frames, CONSUMER);
    return consumer.consume({ max_messages: 4_000 });
  }

  async #take(message: JsMsg): Promise<void> {
    if (message.seq <= this.#lastSeen) return; // Delivered again; its batch is on its way.
    if (this.#batch !== undefined && this.#repeatTo !== undefined && message.seq > this.#repeatTo) await this.#flush();
    this.#lastSeen = message.seq;
    const frame = this.#decode(message);
    if (this.#batch === undefined) {
      this.#batch = { frames: [], points: 0, from: message.seq, last: message };
      // The batch that is repeated ends where it ended, not by the clock.
      if (this.#repeatTo === undefined) this.#timer = setTimeout(() => void this.#flush(), this.#batchMs);
    }
    const batch = this.#batch;
    batch.last = message;
    if (frame !== undefined) {
      batch.frames.push({ streamSequence: message.seq, frame });
      batch.points += frame.keys.length;
    }
    const full = this.#repeatTo === undefined ? batch.points >= this.#batchPoints : message.seq === this.#repeatTo;
    if (full) await this.#flush();
  }

  /** Hands the batch over; resolves when the one before is written, so one fills while one is being written. */
  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    const batch = this.#batch;
    const before = this.#inserting;
    if (batch === undefined) return before;
    this.#batch = undefined;
    this.#repeatTo = undefined;
    this.#inserting = before.then(() => this.#insert(batch));
    this.#inserting.catch(() => undefined); // The reader sees it at its next flush.
    return before;
  }

  async #insert(batch: Batch): Promise<void> {
    const { from, last, frames } = batch;
    const to = last.seq;
    const announced: Position = { stream: this.#stream, committed: this.#committed, pending: { from, to } };
    if (!(await this.#insist(() => (this.#positions as PositionStore).save(announced)))) return;
    const begun = performance.now();
    const token = `${this.#stream}:${from}-${to}`;
    if (!(await this.#insist(() => this.#target.insert({ token, frames })))) return;
    last.ack();
    this.#committed = to;
    this.counters.insertMs += performance.now() - begun;
    this.counters.frames += frames.length;
    this.counters.points += batch.points;
    this.counters.batches += 1;
  }

  /** Until it succeeds: the frames are safe in the stream, and nothing may be left out. False when we are stopping. */
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
          throw error;
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
