import { connectBus, type Bus } from '../bus/connection.js';
import { frameName } from '../bus/frame-codec.js';
import { STREAM } from '../bus/streams.js';

/**
 * Sees, from outside, which frames the server has acknowledged: a consumer is given a message only after it is in the
 * stream. What it has seen must be there for ever, in its place.
 */
export class Observer {
  /** Sequence in the stream by the frame's name (`channel/epoch/seq`). */
  readonly seen = new Map<string, number>();
  readonly bus: Bus;
  readonly #end: () => Promise<unknown>;
  readonly #reading: Promise<void>;

  private constructor(bus: Bus, end: () => Promise<unknown>, read: (observer: Observer) => Promise<void>) {
    this.bus = bus;
    this.#end = end;
    this.#reading = read(this);
  }

  static async start(natsUrl: string): Promise<Observer> {
    const bus = await connectBus({ servers: [natsUrl], name: 'chaos', ensureStreams: false });
    const consumer = await bus.jetstream.consumers.get(STREAM.frames);
    const messages = await consumer.consume({ idle_heartbeat: 500 });
    return new Observer(
      bus,
      () => messages.close(),
      async (observer) => {
        for await (const message of messages) {
          const { channel, epoch, seq } = frameName(message.data);
          observer.seen.set(`${channel}/${epoch}/${seq}`, message.seq);
        }
      },
    );
  }

  /** Looks no longer; the connection stays until `close`. */
  async leave(): Promise<void> {
    await this.#end();
    await this.#reading;
  }

  async close(): Promise<void> {
    await this.leave();
    await this.bus.close();
  }
}
