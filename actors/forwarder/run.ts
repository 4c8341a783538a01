import type { StoredMsg } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { codecs } from '../../bus/topics.js';
import { StatewattError, type ErrorBody } from '../../errors/error.js';
import type { Forwarder } from '../../site/forwarding/forwarder.js';
import type { Selection } from '../../site/forwarding/selection.js';
import type { Batch, Item } from './batch.js';
import { DISCARDED, Progress } from './progress.js';
import { Sampler } from './sampler.js';
import type { ForwarderStatistics } from './statistics.js';
import type { Target } from './targets/target.js';

/** What the live part tells its state chart of the target. */
export type TargetReport =
  | { readonly type: 'link.up' }
  | { readonly type: 'link.down'; readonly error: ErrorBody }
  | { readonly type: 'link.failed'; readonly error: ErrorBody; readonly refused: string | null };

export interface RunParts {
  readonly bus: Bus;
  readonly forwarder: Forwarder;
  readonly selection: Selection;
  /** Name of its position. */
  readonly position: string;
  readonly stats: ForwarderStatistics;
  /** Token of a batch that is not to be sent. */
  readonly leaveOut: string | null;
  readonly createTarget: (forwarder: Forwarder, selection: Selection) => Target;
  readonly report: (report: TargetReport) => void;
  /** It cannot go on, and another try from the beginning is due. */
  readonly fail: (error: unknown) => void;
  readonly onLost: (frames: number, why: string) => void;
}

/** Frames that are read at once. */
const READ = 1_000;
const BACKOFF_MS = { initial: 200, max: 10_000 } as const;
const BUS_RETRY_MS = 500;
/** A stream with nothing new is looked at this often, whether it is still the same. */
const LOOK_EVERY_MS = 5_000;

/**
 * Sends what follows in the stream of frames, in order, batch after batch, from its start to its end. Each batch is
 * announced before it is sent; one that was not acknowledged is sent again as it was, before anything else. While the
 * target is away everything waits in the stream.
 */
export class Run {
  connected = false;
  readonly #parts: RunParts;
  readonly #sampler: Sampler;
  readonly #closing = new AbortController();
  #done: Promise<void> = Promise.resolve();
  /** Sequence that is read next. */
  #next = 0;
  /** Chosen of the frames from the committed position up to the one before `#next`. */
  #items: Item[] = [];
  /** Announced, and not acknowledged. */
  #unsent: Batch | undefined;
  #leaveOut: string | null;
  #lost: Error | undefined;
  #wake: () => void = () => undefined;
  #lookedAt = 0;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.#sampler = new Sampler(parts.selection, parts.forwarder.send);
    this.#leaveOut = parts.leaveOut;
  }

  start(): void {
    this.#done = this.#work().catch((error: unknown) => {
      if (!this.#closing.signal.aborted) this.#parts.fail(error);
    });
  }

  /** Ends it; resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#closing.abort();
    this.#wake();
    await this.#done;
  }

  async #work(): Promise<void> {
    const { bus, forwarder, position, stats, onLost } = this.#parts;
    const progress = await this.#insist(() =>
      Progress.open({
        bus,
        name: position,
        begin: forwarder.begin,
        onLost: (frames, why) => {
          stats.lost += frames;
          onLost(frames, why);
        },
      }),
    );
    this.#next = progress.committed + 1;
    try {
      await this.#keepLink(progress);
    } finally {
      // Only spares the next run a repetition.
      await progress.flush().catch((error: unknown) => stats.trouble(error, Date.now()));
    }
  }

  /** Ends when the run is closing or trying again cannot help. */
  async #keepLink(progress: Progress): Promise<void> {
    const { forwarder, selection, report } = this.#parts;
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; failures++) {
      const target = this.#parts.createTarget(forwarder, selection);
      const end = (): void => void target.close();
      signal.addEventListener('abort', end);
      let waitMs = 0;
      try {
        await this.#insist(() => progress.confirm());
        this.#lost = undefined;
        await target.connect((error) => this.#linkLost(error), signal);
        await this.#sendAgain(target, progress);
        this.connected = true;
        failures = 0;
        report({ type: 'link.up' });
        await this.#forward(target, progress);
      } catch (error) {
        this.connected = false;
        if (signal.aborted || !this.#canTryAgain(error, progress)) return;
        waitMs = Math.max(backoffMs(failures), askedToWait(error));
      } finally {
        signal.removeEventListener('abort', end);
        await target.close();
      }
      await this.#lookBehind(progress);
      await this.#pause(waitMs);
    }
  }

  #linkLost(error: Error): void {
    this.#lost = error;
    this.#wake();
  }

  /** Reads and sends until the link is lost. */
  async #forward(target: Target, progress: Progress): Promise<void> {
    const { bus, forwarder, stats } = this.#parts;
    for (;;) {
      this.#check();
      const messages = await this.#insist(() => readBatch(bus, STREAM.frames, { seq: this.#next, batch: READ }));
      for (const message of messages) {
        this.#take(message);
        if (this.#items.length >= forwarder.batch.points) await this.#ship(target, progress);
      }
      if (messages.length === READ) continue;
      await this.#ship(target, progress);
      stats.behind = 0;
      if (messages.length === 0) await this.#look(progress);
      this.#check(); // It may have been lost while the stream was read.
      await this.#pause(forwarder.batch.waitMs);
    }
  }

  #take(message: StoredMsg): void {
    const { stats } = this.#parts;
    const { seq, subject } = message;
    if (seq > this.#next) {
      stats.lost += seq - this.#next;
      this.#parts.onLost(seq - this.#next, DISCARDED);
    }
    this.#next = seq + 1;
    stats.behind = message.pending ?? stats.behind;
    if (!this.#sampler.wants(channelOf(subject))) return;
    try {
      this.#sampler.take(codecs.frame.decode(message.data), this.#items);
    } catch (error) {
      stats.unreadable += 1;
      stats.trouble(error, Date.now());
    }
  }

  /** Sends what was chosen so far. */
  async #ship(target: Target, progress: Progress): Promise<void> {
    const to = this.#next - 1;
    if (to <= progress.committed) return;
    if (this.#items.length === 0) {
      await this.#insist(() => progress.passed(to));
      return;
    }
    const from = progress.committed + 1;
    const token = await this.#insist(() => progress.announce(to));
    this.#unsent = { token, from, to, items: this.#items };
    this.#items = [];
    await this.#deliver(target, progress, this.#unsent);
    this.#check();
  }

  async #deliver(target: Target, progress: Progress, batch: Batch): Promise<void> {
    const { stats, forwarder } = this.#parts;
    const begun = performance.now();
    await target.send(batch, this.#closing.signal);
    stats.acknowledged(batch, Date.now());
    progress.done();
    this.#unsent = undefined;
    await this.#pause((batch.items.length / forwarder.maxPointsPerSecond) * 1_000 - (performance.now() - begun));
  }

  /** The batch that was announced and not acknowledged, by this run or by one before. */
  async #sendAgain(target: Target, progress: Progress): Promise<void> {
    const batch = this.#unsent ?? (await this.#readAnnounced(progress));
    if (batch === undefined) return;
    this.#unsent = batch;
    if (batch.token !== this.#leaveOut) {
      await this.#deliver(target, progress, batch);
      return;
    }
    this.#leaveOut = null;
    this.#parts.stats.skipped += batch.items.length;
    progress.done();
    this.#unsent = undefined;
    await this.#insist(() => progress.flush());
  }

  /** The same frames as before; a sampler that knows nothing chooses no less of them. */
  async #readAnnounced(progress: Progress): Promise<Batch | undefined> {
    const { pending } = progress;
    if (pending === null) return undefined;
    const { bus } = this.#parts;
    while (this.#next <= pending.to) {
      const batch = Math.min(READ, pending.to - this.#next + 1);
      const messages = await this.#insist(() => readBatch(bus, STREAM.frames, { seq: this.#next, batch }));
      if (messages.length === 0) break;
      for (const message of messages) this.#take(message);
    }
    const { token, from, to } = pending;
    const items = this.#items;
    this.#items = [];
    return { token, from, to, items };
  }

  async #look(progress: Progress): Promise<void> {
    if (performance.now() - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = performance.now();
    if (!(await this.#insist(() => progress.follow()))) this.#next = progress.committed + 1;
  }

  /** While the target is away: how much waits for it. */
  async #lookBehind(progress: Progress): Promise<void> {
    const { stats } = this.#parts;
    try {
      stats.behind = await progress.behind();
    } catch (error) {
      stats.trouble(error, Date.now());
    }
  }

  /** Notes what went wrong and tells the state chart. False when trying again cannot help. @throws what is a defect */
  #canTryAgain(error: unknown, progress: Progress): boolean {
    const { stats, report } = this.#parts;
    stats.failed += 1;
    stats.trouble(error, Date.now());
    if (!(error instanceof StatewattError) || error.code === FENCED) throw error;
    if (error.retryable) {
      report({ type: 'link.down', error: error.toJSON() });
      return true;
    }
    const refused = error.code === 'forward.refused' ? (progress.pending?.token ?? null) : null;
    report({ type: 'link.failed', error: error.toJSON(), refused });
    return false;
  }

  /** Until it succeeds: what is to be sent is safe in the stream. @throws `projection.fenced`; when the run is closing */
  async #insist<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof StatewattError && error.code === FENCED) throw error;
        if (this.#closing.signal.aborted) throw error;
        this.#parts.stats.trouble(error, Date.now());
        await this.#pause(BUS_RETRY_MS);
      }
    }
  }

  /** @throws when the link is lost or the run is closing */
  #check(): void {
    this.#closing.signal.throwIfAborted();
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Shorter when the link is lost or the run is closing. */
  #pause(ms: number): Promise<void> {
    if (ms <= 0 || this.#closing.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const FENCED = 'projection.fenced';

function backoffMs(failures: number): number {
  const full = Math.min(BACKOFF_MS.max, BACKOFF_MS.initial * 2 ** Math.min(failures, 10));
  return full * (0.5 + 0.5 * Math.random());
}

/** What the target asked for, within reason. */
function askedToWait(error: unknown): number {
  return error instanceof StatewattError ? Math.min(error.retryAfterMs ?? 0, 60_000) : 0;
}

/** Of `frame.<partition>.<channel>` and `frame.late.<channel>-<epoch>`. */
function channelOf(subject: string): number {
  return Number.parseInt(subject.slice(subject.lastIndexOf('.') + 1), 10);
}
