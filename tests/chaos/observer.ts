import { connectBus, type Bus } from '../../bus/connection.js';
import { frameName } from '../../bus/frame-codec.js';
import type { Position } from '../../actors/projections/position.js';
import { STREAM } from '../../bus/streams.js';

/** Where history keeps its position; see PositionStore. */
const HISTORY_POSITION = '$KV.POSITIONS.history';

/**
 * Sees, from outside, which frames the server has acknowledged: a consumer is given a message only after it is in the
 * stream. What it has seen in any run must be there for ever.
 */
export class Observer {
  /** Name (`channel/epoch/seq`) of each frame and its sequence in the stream. */
  readonly seen = new Map<string, number>();
  #bus: Bus | undefined;
  #reading: Promise<void> = Promise.resolve();

  /** From the first frame on, at the server of a new run. */
  async watch(natsUrl: string): Promise<void> {
    const bus = await connectBus({ servers: [natsUrl], name: 'observer', ensureStreams: false });
    this.#bus = bus;
    const consumer = await bus.jetstream.consumers.get(STREAM.frames);
    const messages = await consumer.consume({ idle_heartbeat: 500 });
    this.#reading = (async () => {
      for await (const message of messages) {
        const { channel, epoch, seq } = frameName(message.data);
        this.seen.set(`${channel}/${epoch}/${seq}`, message.seq);
      }
    })();
  }

  /** Resolves when history announces a batch: its insert begins now. */
  async nextAnnouncement(): Promise<void> {
    if (this.#bus === undefined) throw new Error('it watches nothing');
    const announcements = this.#bus.nats.subscribe(HISTORY_POSITION);
    for await (const message of announcements) {
      if (message.json<Position>().pending !== null) break;
    }
    announcements.unsubscribe();
  }

  async leave(): Promise<void> {
    await this.#bus?.nats.close();
    await this.#reading;
    this.#bus = undefined;
  }
}
