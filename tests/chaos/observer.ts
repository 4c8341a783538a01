import type { Position } from '../../actors/projections/position.js';
import { Observer as ChaosObserver } from '../../chaos/observer.js';

/** Where history keeps its position; see PositionStore. */
const HISTORY_POSITION = '$KV.POSITIONS.history';

/** Sees frames as they are acknowledged, over several runs of a site: what it has seen in any must be there for ever. */
export class Observer {
  /** Name (`channel/epoch/seq`) of each frame and its sequence in the stream. */
  readonly seen = new Map<string, number>();
  #now: ChaosObserver | undefined;

  /** From the first frame on, at the server of a new run. */
  async watch(natsUrl: string): Promise<void> {
    this.#now = await ChaosObserver.start({ natsUrl, seen: this.seen });
  }

  /** Resolves when history announces a batch: its insert begins now. */
  async nextAnnouncement(): Promise<void> {
    if (this.#now === undefined) throw new Error('it watches nothing');
    const announcements = this.#now.bus.nats.subscribe(HISTORY_POSITION);
    for await (const message of announcements) {
      if (message.json<Position>().pending !== null) break;
    }
    announcements.unsubscribe();
  }

  /** Also when the server is away. */
  async leave(): Promise<void> {
    await this.#now?.abandon();
    this.#now = undefined;
  }
}
