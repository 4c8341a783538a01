import type { ModelChange } from '../actors/client/model-data.js';
import { WaitingModel } from '../actors/client/model-watch.js';
import type { LiveFeed } from '../actors/projections/live-feed.js';
import type { ModelValues } from '../actors/models/values.js';
import type { Bus } from '../bus/connection.js';
import { subjects } from '../bus/subjects.js';
import { toStatewattError } from '../errors/error.js';
import type { Site } from '../site/model.js';
import type { Frame } from '../site/points.js';

/** Pause before a model that could not be read is read again. */
const RETRY_MS = 1_000;

export interface ModelWatchParts {
  readonly feed: LiveFeed;
  readonly bus: Pick<Bus, 'nats' | 'onStatus'>;
  /** The configuration in force. */
  readonly site: () => Site;
  /** The model as it is now, with its values; undefined while it cannot be made. @throws `models.not_found` */
  readonly load: (id: string) => Promise<ModelValues | undefined>;
}

/**
 * Live changes of one model until the signal aborts, wherever the model lives: its values are made here, of the frames
 * that every node reads. That it is another one, or holds another value, is told by the node where it lives.
 *
 * @throws `models.not_found`, also later, when it is removed
 */
export async function* watchModel(
  parts: ModelWatchParts,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<ModelChange> {
  const watcher = new ModelWatcher(parts, id);
  const endFrames = parts.feed.watch((frame) => watcher.frame(frame));
  const endStatus = parts.bus.onStatus((status) => {
    if (status === 'connected') watcher.reload(); // What was told meanwhile was not heard.
  });
  const hints = parts.bus.nats.subscribe(subjects.modelChanged(id), { callback: () => watcher.reload() });
  try {
    await watcher.begin();
    yield* watcher.waiting.updates(signal);
  } finally {
    watcher.stop();
    endFrames();
    endStatus();
    if (!parts.bus.nats.isClosed()) hints.unsubscribe();
  }
}

class ModelWatcher {
  readonly waiting: WaitingModel;
  readonly #parts: ModelWatchParts;
  readonly #id: string;
  #values: ModelValues | undefined;
  /** The configuration that the values were made of. */
  #site: Site | undefined;
  /** Frames that came while the model was read; undefined: it is not being read. */
  #during: Frame[] | undefined;
  #again = false;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: ModelWatchParts, id: string) {
    this.#parts = parts;
    this.#id = id;
    this.waiting = new WaitingModel(id);
  }

  /** @throws `models.not_found` */
  begin(): Promise<void> {
    return this.#load();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }

  frame(frame: Frame): void {
    if (this.#during !== undefined) this.#during.push(frame);
    else if (this.#site !== this.#parts.site()) this.reload();
    else this.#tell(this.#values?.applyFrame(frame) ?? []);
  }

  /** Never rejects. */
  reload(): void {
    if (this.#stopped) return;
    if (this.#during !== undefined) {
      this.#again = true;
      return;
    }
    this.#load().then(
      () => this.waiting.add({ points: [], remade: true }),
      (thrown: unknown) => {
        const error = toStatewattError(thrown);
        if (!error.retryable) this.waiting.fail(error);
        else if (!this.#stopped) this.#retry = setTimeout(() => this.reload(), RETRY_MS);
      },
    );
  }

  async #load(): Promise<void> {
    do {
      this.#again = false;
      this.#during = [];
      try {
        this.#site = this.#parts.site();
        this.#values = await this.#parts.load(this.#id);
        for (const frame of this.#during) this.#values?.applyFrame(frame);
      } finally {
        this.#during = undefined;
      }
    } while (this.#again);
  }

  #tell(slots: readonly number[]): void {
    const values = this.#values;
    if (values === undefined || slots.length === 0) return;
    const points: ModelChange['points'] = [];
    for (const slot of slots) {
      const point = values.model.points[slot];
      if (point !== undefined) points.push({ name: point.name, kind: point.kind, ...values.at(slot) });
    }
    this.waiting.add({ points, remade: false });
  }
}
