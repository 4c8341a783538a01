import type { StreamInfo } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { whileConnected } from '../../bus/while-connected.js';
import { PositionStore, type PendingBatch, type Position } from '../projections/position.js';

/** A position that nothing was sent for is saved no more often than this. */
const SAVE_EVERY_MS = 10_000;
export const DISCARDED = 'the stream’s limits discarded them before they were sent';

export interface ProgressOptions {
  readonly bus: Bus;
  /** Of the position, unique among the projections. */
  readonly name: string;
  /** Where one begins that has no position. */
  readonly begin: 'now' | 'oldest';
  /** Frames that were never sent and that the stream has no longer; 0: it is not known how many. */
  readonly onLost: (frames: number, why: string) => void;
}

/**
 * How far a forwarder has come in the stream of frames, kept in the bucket of positions. A batch is announced before it
 * is sent, so that after a crash the same batch is sent again under the same token. The position is fenced: the one that
 * opened it last may go on, an other hears `projection.fenced`.
 */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #store: PositionStore;
  #stream = '';
  #tokens = '';
  #committed = 0;
  #pending: PendingBatch | null = null;
  #saved = -1;
  #savedAt = 0;

  private constructor(options: ProgressOptions, store: PositionStore) {
    this.#options = options;
    this.#store = store;
  }

  /** Takes the position over from whoever had it. @throws what the bus throws while it is away */
  static async open(options: ProgressOptions): Promise<Progress> {
    const { bus, name } = options;
    return whileConnected(bus, async () => {
      const progress = new Progress(options, await PositionStore.open(bus, name));
      const info = await bus.manager.streams.info(STREAM.frames);
      const known = await progress.#store.load();
      progress.#resume(info, known);
      await progress.#save(); // From here on the former owner is fenced.
      return progress;
    });
  }

  /** Everything up to this sequence has been sent, or was not to be sent. */
  get committed(): number {
    return this.#committed;
  }

  /** A batch that was announced and perhaps sent. */
  get pending(): PendingBatch | null {
    return this.#pending;
  }

  /** A batch is about to be sent; answers its token. @throws `projection.fenced` */
  async announce(to: number): Promise<string> {
    const from = this.#committed + 1;
    const pending = { from, to, token: `${this.#options.name}:${this.#tokens}:${from}-${to}` };
    await this.#save(pending);
    this.#pending = pending;
    return pending.token;
  }

  /** The batch that was announced has been sent. */
  done(): void {
    this.#committed = this.#pending?.to ?? this.#committed;
    this.#pending = null;
  }

  /** Nothing of the frames up to this sequence was to be sent. @throws `projection.fenced` */
  async passed(to: number): Promise<void> {
    this.#committed = Math.max(this.#committed, to);
    if (performance.now() - this.#savedAt >= SAVE_EVERY_MS) await this.flush();
  }

  /** Throws when another has taken the position over since. @throws `projection.fenced` */
  confirm(): Promise<void> {
    return this.#save();
  }

  /** Saves what is not saved yet. @throws `projection.fenced` */
  async flush(): Promise<void> {
    if (this.#saved !== this.#committed) await this.#save();
  }

  /**
   * Whether the stream is still the one that is being read. When it was made anew, or cut by a restore, it goes on from
   * what the stream has; a batch that was announced is no longer known then.
   */
  async follow(): Promise<boolean> {
    const info = await whileConnected(this.#options.bus, () => this.#options.bus.manager.streams.info(STREAM.frames));
    if (info.created === this.#stream && info.state.last_seq >= this.#committed) return true;
    this.#resume(info, this.#position());
    await this.#save();
    return false;
  }

  /** Frames in the stream that were not sent yet. */
  async behind(): Promise<number> {
    const { bus } = this.#options;
    const { state } = await whileConnected(bus, () => bus.manager.streams.info(STREAM.frames));
    return Math.max(0, state.last_seq - Math.max(this.#committed, state.first_seq - 1));
  }

  #resume({ created, state }: StreamInfo, known: Position | undefined): void {
    this.#stream = created;
    this.#tokens = created;
    this.#pending = null;
    if (known === undefined) {
      this.#committed = this.#options.begin === 'oldest' ? Math.max(0, state.first_seq - 1) : state.last_seq;
      return;
    }
    if (known.stream !== created) {
      this.#options.onLost(0, 'the stream was made anew; what was not yet sent of the former is gone');
      this.#committed = 0;
    } else if (state.last_seq < Math.max(known.committed, known.pending?.to ?? 0)) {
      // A server without its last seconds (power cut, restored backup): these sequences name other frames from now on.
      this.#options.onLost(0, `the stream ends at ${state.last_seq}, it was read up to ${known.committed}`);
      this.#tokens = `${created}~${Date.now()}`;
      this.#committed = Math.min(known.committed, state.last_seq);
    } else {
      this.#tokens = known.tokens;
      this.#committed = known.committed;
      this.#pending = known.pending;
    }
    this.#discard(state.first_seq);
  }

  /** What the stream's limits have taken is gone. */
  #discard(first: number): void {
    if (this.#committed >= first - 1) return;
    this.#options.onLost(first - 1 - this.#committed, DISCARDED);
    this.#committed = first - 1;
    if (this.#pending !== null && this.#pending.to < first) this.#pending = null;
  }

  #position(pending: PendingBatch | null = this.#pending): Position {
    return { stream: this.#stream, tokens: this.#tokens, committed: this.#committed, pending };
  }

  async #save(pending: PendingBatch | null = this.#pending): Promise<void> {
    await whileConnected(this.#options.bus, () => this.#store.save(this.#position(pending)));
    this.#saved = this.#committed;
    this.#savedAt = performance.now();
  }
}
