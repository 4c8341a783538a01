import { DeliverPolicy, type ConsumerMessages } from '@nats-io/jetstream';
import { connectBus, type Bus, type BusOptions } from '../bus/connection.js';
import { frameName } from '../bus/frame-codec.js';
import { STREAM } from '../bus/streams.js';
import { isLateFrame } from '../bus/subjects.js';

/** A frame that is in the stream. */
export interface SeenFrame {
  readonly channel: number;
  /** In the stream. */
  readonly sequence: number;
  /** A newer activation had read the same device meanwhile. */
  readonly late: boolean;
}

export interface ObserverOptions extends Pick<BusOptions, 'credentials' | 'tls'> {
  /** Not over a link that fails; of several servers, comma separated. */
  readonly natsUrl: string;
  /** What was seen before, at the server of a former run: it is added to. */
  readonly seen?: Map<string, number>;
  /** Only frames that come from now on. */
  readonly onlyNew?: boolean;
  readonly onFrame?: (frame: SeenFrame) => void;
}

/**
 * Sees, from outside, which frames the server has acknowledged: a consumer is given a message only after it is in the
 * stream. What it has seen must be there for ever, in its place.
 */
export class Observer {
  /** Sequence in the stream by the frame's name (`channel/epoch/seq`). */
  readonly seen: Map<string, number>;
  readonly bus: Bus;
  readonly #end: () => Promise<unknown>;
  readonly #reading: Promise<void>;

  readonly #onFrame: (frame: SeenFrame) => void;

  private constructor(bus: Bus, messages: ConsumerMessages, { seen, onFrame }: ObserverOptions) {
    this.bus = bus;
    this.seen = seen ?? new Map<string, number>();
    this.#onFrame = onFrame ?? (() => undefined);
    this.#end = () => messages.close();
    this.#reading = this.#read(messages);
  }

  /** @throws what `connectBus` throws, and the server when there are no frames */
  static async start(options: ObserverOptions): Promise<Observer> {
    const { natsUrl, onlyNew = false, credentials, tls } = options;
    const bus = await connectBus({
      servers: natsUrl.split(',').map((server) => server.trim()),
      name: 'chaos',
      ensureStreams: false,
      ...(credentials === undefined ? {} : { credentials }),
      ...(tls === undefined ? {} : { tls }),
    });
    try {
      const start = onlyNew ? { deliver_policy: DeliverPolicy.New } : {};
      const consumer = await bus.jetstream.consumers.get(STREAM.frames, start);
      return new Observer(bus, await consumer.consume({ idle_heartbeat: 500 }), options);
    } catch (error) {
      await bus.close();
      throw error;
    }
  }

  /** Looks no longer; the connection stays until `close`. */
  async leave(): Promise<void> {
    await this.#end();
    await this.#reading;
  }

  /** As `close`, but waits for no server. */
  async abandon(): Promise<void> {
    await this.bus.nats.close();
    await this.#reading;
  }

  async close(): Promise<void> {
    await this.leave();
    await this.bus.close();
  }

  async #read(messages: ConsumerMessages): Promise<void> {
    for await (const message of messages) {
      const { channel, epoch, seq } = frameName(message.data);
      this.seen.set(`${channel}/${epoch}/${seq}`, message.seq);
      this.#onFrame({ channel, sequence: message.seq, late: isLateFrame(message.subject) });
    }
  }
}
