import type { ConsumerMessages } from '@nats-io/jetstream';
import { connectBus, type Bus } from '../bus/connection.js';
import { frameName } from '../bus/frame-codec.js';
import { STREAM } from '../bus/streams.js';

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

  private constructor(bus: Bus, seen: Map<string, number>, messages: ConsumerMessages) {
    this.bus = bus;
    this.seen = seen;
    this.#end = () => messages.close();
    this.#reading = this.#read(messages);
  }

  /** @param seen what was seen before, at the server of a former run: it is added to */
  static async start(natsUrl: string, seen = new Map<string, number>()): Promise<Observer> {
    const bus = await connectBus({ servers: [natsUrl], name: 'chaos', ensureStreams: false });
    const consumer = await bus.jetstream.consumers.get(STREAM.frames);
    return new Observer(bus, seen, await consumer.consume({ idle_heartbeat: 500 }));
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
    }
  }
}
