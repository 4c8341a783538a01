import type { Bus } from '../../bus/connection.js';
import { encodeFrame, frameName } from '../../bus/frame-codec.js';
import { StatewattError, errorMessage } from '../../errors/error.js';
import type { Frame } from '../../site/points.js';
import type { FrameLine } from '../channel/worker.js';
import { FrameStream, isNeverTaken } from './frame-stream.js';
import type { Spool } from './spool.js';

/** Frames of one channel that may wait for the bus before they go to the spool. */
const MAX_QUEUED = 32;
/** Channels that are replayed from the spool at once. */
const REPLAY_WIDTH = 64;
const RETRY_MS = 1_000;

export interface PublisherCounters {
  /** Frames acknowledged by the stream. */
  published: number;
  /** Frames that went to the spool. */
  spooled: number;
  /** Frames from the spool that reached the stream. */
  replayed: number;
  /** Frames lost because the spool was full or the disk refused: the only way to lose one. */
  refused: number;
}

/**
 * The way of all frames of a node to the stream: directly while the bus answers, over the spool while it does not, in
 * order in either case.
 */
export class FramePublisher {
  readonly counters: PublisherCounters = { published: 0, spooled: 0, replayed: 0, refused: 0 };
  readonly #bus: Bus;
  readonly #stream: FrameStream;
  readonly #spool: Spool;
  readonly #lines = new Set<Line>();
  readonly #endStatus: () => void;
  #replaying: Promise<void> | undefined;
  #closed = false;
  #wake: (() => void) | undefined;
  #lastError: string | null = null;

  constructor(bus: Bus, spool: Spool) {
    this.#bus = bus;
    this.#spool = spool;
    this.#stream = new FrameStream(bus);
    this.#endStatus = bus.onStatus((status) => {
      if (status === 'connected') this.#wake?.();
      else for (const line of this.#lines) line.toSpool();
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

  openLine(onFenced: (error: StatewattError) => void): FrameLine {
    const line = new Line({
      stream: this.#stream,
      spool: (bytes) => this.#keep(bytes),
      count: () => this.counters.published++,
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

  #startReplay(): void {
    if (this.#replaying !== undefined || this.#closed) return;
    this.#replaying = this.#replay().finally(() => {
      this.#replaying = undefined;
    });
  }

  async #replay(): Promise<void> {
    while (!this.#closed) {
      await this.#connected();
      try {
        const segment = await this.#spool.oldest();
        if (this.#closed) return;
        if (segment === undefined) {
          // Nothing was awaited since the spool was seen empty, so no line has gone past it.
          if (!this.#spool.empty) continue;
          this.#lastError = null;
          for (const line of this.#lines) line.toStream();
          return;
        }
        await this.#replaySegment(segment.records);
        await this.#spool.drop(segment);
      } catch (error) {
        this.#lastError = errorMessage(error);
        await this.#pause(RETRY_MS);
      }
    }
  }

  /** Each channel in order, many channels at once. */
  async #replaySegment(records: readonly Uint8Array[]): Promise<void> {
    const byChannel = new Map<number, Uint8Array[]>();
    for (const record of records) {
      const { channel } = frameName(record);
      const list = byChannel.get(channel);
      if (list === undefined) byChannel.set(channel, [record]);
      else list.push(record);
    }
    const queues = byChannel.values();
    const worker = async (): Promise<void> => {
      for (const queue of queues) {
        for (const record of queue) {
          if (this.#closed) throw new StatewattError('frames.closed', 'unavailable', 'the node is stopping');
          await this.#replayOne(record);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(REPLAY_WIDTH, byChannel.size) }, worker));
  }

  async #replayOne(record: Uint8Array): Promise<void> {
    try {
      if ((await this.#stream.send(record)) === 'superseded') await this.#stream.sendLate(record);
      this.counters.replayed += 1;
    } catch (error) {
      if (!isNeverTaken(error)) throw error;
      this.counters.refused += 1;
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
  count(): void;
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

  constructor(options: LineOptions) {
    this.#options = options;
    this.#direct = options.direct;
  }

  publish(frame: Frame): void {
    if (this.#fenced) return;
    const bytes = encodeFrame(frame);
    if (!this.#direct) {
      this.#options.spool(bytes);
      return;
    }
    this.#queue.push(bytes);
    if (this.#queue.length > MAX_QUEUED) {
      this.#options.onTrouble(new Error('the bus does not keep up'));
      this.toSpool();
    } else if (this.#pumping === undefined) {
      this.#pumping = this.#pump().finally(() => {
        this.#pumping = undefined;
      });
    }
  }

  /** What is queued goes to the spool, and so does all that follows. One under way may land twice; its name tells. */
  toSpool(): void {
    this.#direct = false;
    for (const bytes of this.#queue.splice(0)) this.#options.spool(bytes);
  }

  toStream(): void {
    this.#direct = true;
  }

  async close(): Promise<void> {
    await this.#pumping;
    this.#options.onClose();
  }

  async #pump(): Promise<void> {
    while (this.#direct) {
      const bytes = this.#queue[0];
      if (bytes === undefined) return;
      try {
        const landed = await this.#options.stream.send(bytes);
        if (landed === 'superseded') {
          this.#fenced = true;
          this.#queue = [];
          this.#options.onFenced(fenced(bytes));
          return;
        }
        if (this.#queue[0] === bytes) {
          this.#queue.shift();
          this.#options.count();
        }
      } catch (error) {
        if (this.#queue[0] !== bytes) continue; // It went to the spool meanwhile.
        this.#options.onTrouble(error);
        if (isNeverTaken(error)) this.#queue.shift();
        else this.toSpool();
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
