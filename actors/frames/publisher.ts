import type { Bus } from '../../bus/connection.js';
import { encodeFrame, frameName } from '../../bus/frame-codec.js';
import { StatewattError, errorMessage } from '../../errors/error.js';
import type { Frame } from '../../site/points.js';
import type { FrameLine } from '../channel/worker.js';
import { FrameStream, isNeverTaken, type Commits } from './frame-stream.js';
import type { Segment, Spool } from './spool.js';

/** Frames of one channel that may wait for the bus before they go to the spool. */
const MAX_QUEUED = 32;
/** Who has many frames at once gives further ones when fewer wait. */
const ROOM = 8;
/** Channels that are replayed from the spool at once: while one batch of them is under way the next one fills. */
const REPLAY_WIDTH = 400;
const RETRY_MS = 1_000;

export interface PublisherCounters {
  /** Frames acknowledged by the stream. */
  published: number;
  /** Frames that went to the spool. */
  spooled: number;
  /** Frames from the spool that reached the stream. */
  replayed: number;
  /** Frames lost because the spool was full, the disk refused, or the stream never takes a frame so large. */
  refused: number;
  /** Frames that an activation read after it had learned that a newer one reads the same device. */
  superseded: number;
  /** Bytes of the spool that made no record: a crash cut a write short, or the disk is bad. */
  damagedBytes: number;
}

/**
 * The way of all frames of a node to the stream: directly while the bus answers, over the spool while it does not, in
 * order in either case.
 */
export class FramePublisher {
  readonly counters: PublisherCounters = {
    published: 0,
    spooled: 0,
    replayed: 0,
    refused: 0,
    superseded: 0,
    damagedBytes: 0,
  };
  readonly #bus: Bus;
  readonly #stream: FrameStream;
  readonly #spool: Spool;
  readonly #lines = new Set<Line>();
  readonly #endStatus: () => void;
  #replaying: Promise<void> | undefined;
  #closed = false;
  #wake: (() => void) | undefined;
  #lastError: string | null = null;

  constructor(bus: Bus, spool: Spool, commits?: Commits) {
    this.#bus = bus;
    this.#spool = spool;
    this.#stream = new FrameStream(bus, commits);
    this.#endStatus = bus.onStatus((status) => {
      if (status !== 'connected') for (const line of this.#lines) line.toSpool();
      else if (this.spooling) this.#wake?.();
      else this.#toStream();
    });
    if (!spool.empty) this.#startReplay();
  }

  /** Why frames go to the spool; null when all is well. */
  get lastError(): string | null {
    return this.#lastError;
  }

  get spoolBytes(): number {
    return this.#spool.bytes;
  }

  /** Whether frames go over the spool now. */
  get spooling(): boolean {
    return this.#replaying !== undefined;
  }

  /** Frames in memory that the stream has not acknowledged. */
  get waiting(): number {
    let waiting = 0;
    for (const line of this.#lines) waiting += line.waiting;
    return waiting;
  }

  openLine(onFenced: (error: StatewattError) => void): FrameLine {
    const line = new Line({
      stream: this.#stream,
      spool: (bytes) => this.#keep(bytes),
      onPublished: () => this.counters.published++,
      onRefused: (error) => this.#refuse(error),
      onSuperseded: () => this.counters.superseded++,
      onFenced,
      onTrouble: (error) => {
        this.#lastError = errorMessage(error);
      },
      onClose: () => this.#lines.delete(line),
      direct: !this.spooling && this.#bus.status === 'connected',
    });
    this.#lines.add(line);
    return line;
  }

  /** Resolves when what is under way has settled; what is left stays in the spool for the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    this.#endStatus();
    await Promise.all([...this.#lines].map((line) => line.close()));
    await this.#replaying;
    this.#spool.close();
  }

  #keep(bytes: Uint8Array): void {
    if (this.#spool.append(bytes)) {
      this.counters.spooled += 1;
    } else {
      this.counters.refused += 1;
      this.#lastError = this.#spool.fault ?? 'the spool is full';
    }
    this.#startReplay();
  }

  #refuse(error: unknown): void {
    this.counters.refused += 1;
    this.#lastError = errorMessage(error);
  }

  #toStream(): void {
    for (const line of this.#lines) line.toStream();
  }

  #startReplay(): void {
    if (this.#replaying === undefined && !this.#closed) this.#replaying = this.#replay();
  }

  async #replay(): Promise<void> {
    let segment: Segment | undefined;
    let queues: Uint8Array[][] = [];
    try {
      for (;;) {
        await this.#connected();
        try {
          segment ??= await this.#spool.oldest();
          if (this.#closed) return;
          if (segment === undefined) {
            // Nothing was awaited since the spool was seen empty, so no line has gone past it.
            if (!this.#spool.empty) continue;
            this.#lastError = null;
            this.#toStream();
            return;
          }
          if (queues.length === 0) queues = this.#byChannel(segment);
          await this.#replayQueues(queues);
          await this.#spool.drop(segment);
          this.counters.damagedBytes += segment.damagedBytes;
          segment = undefined;
          queues = [];
        } catch (error) {
          this.#lastError = errorMessage(error);
          await this.#pause(RETRY_MS);
        }
      }
    } finally {
      this.#replaying = undefined;
    }
  }

  #byChannel(segment: Segment): Uint8Array[][] {
    const byChannel = new Map<number, Uint8Array[]>();
    for (const record of segment.records) {
      const { channel } = frameName(record);
      const list = byChannel.get(channel);
      if (list === undefined) byChannel.set(channel, [record]);
      else list.push(record);
    }
    return [...byChannel.values()];
  }

  /** Each channel in order, many channels at once. What has landed is taken off its queue. */
  async #replayQueues(queues: readonly Uint8Array[][]): Promise<void> {
    const left = queues.values();
    const worker = async (): Promise<void> => {
      for (const queue of left) {
        for (let record = queue[0]; record !== undefined; record = queue[0]) {
          if (this.#closed) throw new StatewattError('frames.closed', 'unavailable', 'the node is stopping');
          await this.#replayOne(record);
          queue.shift();
        }
      }
    };
    // All have ended before anybody tries again: one send at a time per channel.
    const ends = await Promise.allSettled(Array.from({ length: Math.min(REPLAY_WIDTH, queues.length) }, worker));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #replayOne(record: Uint8Array): Promise<void> {
    try {
      if ((await this.#stream.send(record)) === 'superseded') await this.#stream.sendLate(record);
      this.counters.replayed += 1;
    } catch (error) {
      if (!isNeverTaken(error)) throw error;
      this.#refuse(error);
    }
  }

  async #connected(): Promise<void> {
    while (this.#bus.status === 'disconnected' && !this.#closed) await this.#pause(60_000);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#wake = end;
    });
  }
}

interface LineOptions {
  readonly stream: FrameStream;
  spool(bytes: Uint8Array): void;
  onPublished(): void;
  onRefused(error: unknown): void;
  onSuperseded(): void;
  onFenced(error: StatewattError): void;
  onTrouble(error: unknown): void;
  onClose(): void;
  readonly direct: boolean;
}

/** One channel's way: one frame under way at a time, a short queue behind it, then the spool. */
class Line implements FrameLine {
  readonly #options: LineOptions;
  #direct: boolean;
  #queue: Uint8Array[] = [];
  #pumping: Promise<void> | undefined;
  #fenced = false;
  /** They wait for room. */
  #waiting: (() => void)[] = [];

  constructor(options: LineOptions) {
    this.#options = options;
    this.#direct = options.direct;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  publish(frame: Frame): void {
    if (this.#fenced) {
      this.#options.onSuperseded();
      return;
    }
    const bytes = encodeFrame(frame);
    if (!this.#direct) {
      this.#options.spool(bytes);
      return;
    }
    this.#queue.push(bytes);
    if (this.#queue.length > MAX_QUEUED) {
      this.#options.onTrouble(new Error('the bus does not keep up'));
      this.toSpool();
    } else {
      this.#pumping ??= this.#pump();
    }
  }

  room(): Promise<void> | undefined {
    if (this.#hasRoom) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** What is queued goes to the spool, and so does all that follows. One under way may land twice; its name tells. */
  toSpool(): void {
    this.#direct = false;
    for (const bytes of this.#queue.splice(0)) this.#options.spool(bytes);
    this.#tellRoom();
  }

  toStream(): void {
    this.#direct = true;
  }

  async close(): Promise<void> {
    await this.#pumping;
    this.#options.onClose();
  }

  #tellRoom(): void {
    if (this.#hasRoom) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  get #hasRoom(): boolean {
    return !this.#direct || this.#queue.length < ROOM;
  }

  /** Awaits at least once, and lets go without a gap: whoever queues a frame starts it again. */
  async #pump(): Promise<void> {
    try {
      for (let bytes = this.#queue[0]; this.#direct && bytes !== undefined; bytes = this.#queue[0]) {
        await this.#send(bytes);
        this.#tellRoom();
      }
    } finally {
      this.#pumping = undefined;
    }
  }

  async #send(bytes: Uint8Array): Promise<void> {
    const on = this.#options;
    try {
      if ((await on.stream.send(bytes)) === 'superseded') {
        this.#fenced = true;
        this.toSpool(); // What was read until now is kept, late.
        on.onFenced(fenced(bytes));
      } else if (this.#queue[0] === bytes) {
        this.#queue.shift();
        on.onPublished();
      }
    } catch (error) {
      if (this.#queue[0] !== bytes) return; // It went to the spool meanwhile.
      if (isNeverTaken(error)) {
        this.#queue.shift();
        on.onRefused(error);
      } else {
        on.onTrouble(error);
        this.toSpool();
      }
    }
  }
}

function fenced(bytes: Uint8Array): StatewattError {
  const { channel, epoch } = frameName(bytes);
  return new StatewattError(
    'frames.fenced',
    'conflict',
    `channel ${channel}: a newer activation publishes its frames; this one (epoch ${epoch}) is stale`,
  );
}
