import {
  DeliverPolicy,
  type Consumer,
  type ConsumerMessages,
  type JsMsg,
  type OrderedConsumerOptions,
  type StreamInfo,
} from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { isLateFrame } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { whenReset } from '../../bus/when-reset.js';
import { whileConnected } from '../../bus/while-connected.js';
import { errorMessage, StatewattError } from '../../errors/error.js';
import type { RealtimeStore } from '../../protocols/realtime/store.js';
import { isModelChannel } from '../../site/models/address.js';
import type { Frame } from '../../site/points.js';
import type { LiveFeed } from './live-feed.js';

const RETRY_MS = 500;
/** A consumer that says nothing for two heartbeats is made anew. */
const CONSUME = { max_messages: 2_000, idle_heartbeat: 1_000 } as const;
/** Frames that wait for the store before no more are taken from the stream. */
const MAX_WAITING = 1_024;
/** Frames behind the stream beyond which only the last one of each channel is wanted. */
const MAX_BEHIND = 50_000;

export interface RealtimeCounters {
  frames: number;
  points: number;
  /** Messages that were no frames. */
  unreadable: number;
}

/**
 * Keeps the realtime store at the newest frame of every channel, and tells the live feed. At the start it reads the
 * last frame of each channel, so a store that is empty or behind is right again at once; and again when the store was
 * away, because it may have come back empty. The store skips what it has.
 */
export class RealtimeProjection {
  readonly counters: RealtimeCounters = { frames: 0, points: 0, unreadable: 0 };
  readonly #bus: Bus;
  readonly #store: RealtimeStore;
  readonly #feed: LiveFeed;
  #messages: ConsumerMessages | undefined;
  #endStatus: () => void = () => undefined;
  #waiting: Frame[] = [];
  #applying: Promise<void> | undefined;
  /** When the stream was made. */
  #stream = '';
  /** Sequences in the stream of the frames that were taken last, and applied last. */
  #taken = 0;
  #applied = 0;
  /** The store was away since it was filled. */
  #wasAway = false;
  #reading: Promise<void> = Promise.resolve();
  #stopped = false;
  #lastError: string | null = null;

  constructor(bus: Bus, store: RealtimeStore, feed: LiveFeed) {
    this.#bus = bus;
    this.#store = store;
    this.#feed = feed;
  }

  /** Why it does not get on; null when it does. */
  get lastError(): string | null {
    return this.#lastError;
  }

  start(): void {
    // The server may have lost the consumer with the connection.
    this.#endStatus = this.#bus.onStatus((status) => {
      if (status === 'connected') void this.#messages?.close();
    });
    this.#reading = this.#read();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#endStatus();
    await this.#messages?.close();
    await this.#reading;
    await this.#applying;
  }

  async #read(): Promise<void> {
    while (!this.#stopped) {
      try {
        const messages = await (await this.#nextFrames()).consume(CONSUME);
        if (this.#stopped) {
          // Nobody may wait for it, also later: it is closed when it has been read to its end, and nobody reads it.
          void messages.close();
          break;
        }
        this.#messages = messages;
        void whenReset(messages, () => void messages.close());
        for await (const message of messages) {
          this.#take(message);
          if (this.#waiting.length >= MAX_WAITING) await this.#applying;
        }
      } catch (error) {
        this.#lastError = errorMessage(error);
        await pause(RETRY_MS);
      }
    }
  }

  #take(message: JsMsg): void {
    if (isLateFrame(message.subject)) return; // For history; readers of now have had newer ones.
    try {
      this.#waiting.push(codecs.frame.decode(message.data));
    } catch (error) {
      this.counters.unreadable += 1;
      this.#lastError = `message ${message.seq} of ${STREAM.frames}: ${errorMessage(error)}`;
      return;
    }
    this.#taken = message.seq;
    this.#applying ??= this.#apply();
  }

  /** What follows the frame that was taken last; at the start, and when that was long ago, as `#lastFrames`. */
  async #nextFrames(): Promise<Consumer> {
    for (;;) {
      const { created, state } = await this.#streamInfo();
      const behind = state.last_seq - this.#taken;
      const goesOn = created === this.#stream && behind >= 0 && behind <= MAX_BEHIND;
      const consumer = goesOn
        ? await this.#consumer({ deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.#taken + 1 })
        : await this.#lastFrames();
      // In a stream that was made anew in between, that sequence may never come.
      if ((await this.#streamInfo()).created !== created) continue;
      this.#stream = created; // Only now: what was taken before is of the former.
      return consumer;
    }
  }

  /** The last frame of each channel, then all that follow. */
  #lastFrames(): Promise<Consumer> {
    return this.#consumer({ deliver_policy: DeliverPolicy.LastPerSubject });
  }

  #consumer(options: Partial<OrderedConsumerOptions>): Promise<Consumer> {
    return whileConnected(this.#bus, () => this.#bus.jetstream.consumers.get(STREAM.frames, options));
  }

  #streamInfo(): Promise<StreamInfo> {
    return whileConnected(this.#bus, () => this.#bus.manager.streams.info(STREAM.frames));
  }

  /** Takes all that waits at once: one round trip to the store for many frames. */
  async #apply(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        await immediate(); // Lets what has already arrived join.
        const frames = this.#waiting;
        const upTo = this.#taken;
        this.#waiting = [];
        if (!(await this.#insist(frames))) return;
        this.#applied = upTo;
        for (const frame of frames) {
          this.counters.frames += 1;
          this.counters.points += frame.keys.length;
          this.#feed.publish(frame);
        }
        if (this.#wasAway) await this.#refill();
      }
    } finally {
      this.#applying = undefined; // Without a gap: the next frame begins anew.
    }
  }

  /** Gives the store once more the last frame of every channel that it has had; later ones are on their way. */
  async #refill(): Promise<void> {
    try {
      const consumer = await this.#lastFrames();
      const last: Frame[] = [];
      if ((await consumer.info()).num_pending > 0) {
        for await (const message of await consumer.consume(CONSUME)) {
          if (message.seq <= this.#applied && !isLateFrame(message.subject))
            last.push(codecs.frame.decode(message.data));
          if (this.#stopped || message.info.pending === 0 || message.seq > this.#applied) break;
        }
      }
      for (let at = 0; at < last.length; at += MAX_WAITING) {
        await this.#store.apply(ofChannels(last.slice(at, at + MAX_WAITING)));
      }
      this.#wasAway = false;
    } catch (error) {
      this.#lastError = errorMessage(error); // The next frames bring the next try.
    }
  }

  /** False when we are stopping before it succeeded. */
  async #insist(frames: readonly Frame[]): Promise<boolean> {
    for (;;) {
      try {
        await this.#store.apply(ofChannels(frames));
        this.#lastError = null;
        return true;
      } catch (error) {
        this.#lastError = errorMessage(error);
        if (this.#stopped) return false;
        if (error instanceof StatewattError && error.code === 'realtime.refused') return true;
        this.#wasAway = true;
        await pause(RETRY_MS);
      }
    }
  }
}

/** Values of models are in the store by their models' names. */
function ofChannels(frames: readonly Frame[]): readonly Frame[] {
  return frames.some(({ channel }) => isModelChannel(channel))
    ? frames.filter(({ channel }) => !isModelChannel(channel))
    : frames;
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
