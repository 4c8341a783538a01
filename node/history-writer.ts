import {
  HistoryProjection,
  type HistoryCounters,
  type HistoryProjectionOptions,
} from '../actors/projections/history.js';

/**
 * Writes history while this node is the one to do it. The position's fence lets only one writer go on, whoever else may
 * believe to be it.
 */
export class HistoryWriter {
  readonly #options: HistoryProjectionOptions;
  readonly #before: HistoryCounters = { frames: 0, points: 0, leftOut: 0, batches: 0, insertMs: 0, lost: 0 };
  #projection: HistoryProjection | undefined;
  #turns: Promise<void> = Promise.resolve();

  constructor(options: HistoryProjectionOptions) {
    this.#options = options;
  }

  /** Begins or ends to write. Rejects when the projection does not come up. */
  write(wanted: boolean): Promise<void> {
    const turn = this.#turns.then(() => this.#write(wanted));
    this.#turns = turn.catch(() => undefined); // Its caller hears of it.
    return turn;
  }

  /** Whether this node writes. */
  get writing(): boolean {
    return this.#projection !== undefined;
  }

  get committed(): number {
    return this.#projection?.committed ?? 0;
  }

  get lastError(): string | null {
    return this.#projection?.lastError ?? null;
  }

  /** Of all the times that this node wrote. */
  get counters(): HistoryCounters {
    const now = this.#projection?.counters;
    if (now === undefined) return this.#before;
    const sum = { ...this.#before };
    for (const key of Object.keys(sum) as (keyof HistoryCounters)[]) sum[key] += now[key];
    return sum;
  }

  async #write(wanted: boolean): Promise<void> {
    if (wanted === this.writing) return;
    if (wanted) {
      const projection = new HistoryProjection(this.#options);
      await projection.start();
      this.#projection = projection;
      return;
    }
    const projection = this.#projection as HistoryProjection;
    await projection.stop();
    Object.assign(this.#before, this.counters);
    this.#projection = undefined;
  }
}
