import {
  HistoryProjection,
  type HistoryCounters,
  type HistoryProjectionOptions,
} from '../actors/projections/history.js';
import { errorMessage } from '../errors/error.js';

/** Until one that does not come up, or that another writer has fenced, is begun again. */
const AGAIN_MS = 1_000;

export interface HistoryWriterOptions extends HistoryProjectionOptions {
  readonly againMs?: number;
}

/**
 * Writes history while this node is the one to do it. The position's fence lets only one writer go on, whoever else may
 * believe to be it. One that was fenced although it is this node's turn begins again from the position: the turn went to
 * another node and came back before this one had heard of either.
 */
export class HistoryWriter {
  readonly #options: HistoryWriterOptions;
  readonly #before: HistoryCounters = { frames: 0, points: 0, leftOut: 0, batches: 0, insertMs: 0, lost: 0 };
  #wanted = false;
  #projection: HistoryProjection | undefined;
  /** Why it did not come up; null once it has. */
  #failure: string | null = null;
  #again: NodeJS.Timeout | undefined;
  #turns: Promise<void> = Promise.resolve();

  constructor(options: HistoryWriterOptions) {
    this.#options = options;
  }

  /** Begins or ends to write; resolves when that is done, or was tried and will be tried again. */
  write(wanted: boolean): Promise<void> {
    this.#wanted = wanted;
    return this.#turn();
  }

  /** Whether this node writes, or is to and cannot. */
  get writing(): boolean {
    return this.#projection !== undefined || this.#failure !== null;
  }

  get committed(): number {
    return this.#projection?.committed ?? 0;
  }

  get lastError(): string | null {
    return this.#failure ?? this.#projection?.lastError ?? null;
  }

  /** Of all the times that this node wrote. */
  get counters(): HistoryCounters {
    const now = this.#projection?.counters;
    if (now === undefined) return this.#before;
    const sum = { ...this.#before };
    for (const key of Object.keys(sum) as (keyof HistoryCounters)[]) sum[key] += now[key];
    return sum;
  }

  #turn(): Promise<void> {
    this.#turns = this.#turns.then(() => this.#become());
    return this.#turns;
  }

  /** What is wanted now. */
  async #become(): Promise<void> {
    // One that was fenced is renewed at its time, however often it is said meanwhile that it is this node's turn.
    if (this.#wanted && this.#projection !== undefined) return;
    clearTimeout(this.#again);
    if (this.#wanted) {
      await this.#begin();
    } else {
      this.#failure = null;
      await this.#end();
    }
  }

  async #begin(): Promise<void> {
    const { onEvent } = this.#options;
    const projection = new HistoryProjection({
      ...this.#options,
      onEvent: (event) => {
        onEvent?.(event);
        if (event.type === 'fenced') this.#later(() => this.#renew(projection));
      },
    });
    try {
      await projection.start();
      this.#failure = null;
      this.#projection = projection;
    } catch (error) {
      const text = errorMessage(error);
      if (text !== this.#failure) onEvent?.({ type: 'retrying', error: text });
      this.#failure = text;
      this.#later(() => this.#turn());
    }
  }

  #later(work: () => Promise<void>): void {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => void work(), this.#options.againMs ?? AGAIN_MS);
  }

  #renew(fenced: HistoryProjection): Promise<void> {
    this.#turns = this.#turns.then(async () => {
      if (this.#projection === fenced) await this.#end();
      await this.#become();
    });
    return this.#turns;
  }

  async #end(): Promise<void> {
    await this.#projection?.stop();
    Object.assign(this.#before, this.counters);
    this.#projection = undefined;
  }
}
