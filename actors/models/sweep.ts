import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { makeRef, subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { whileConnected } from '../../bus/while-connected.js';
import type { RealtimeStore } from '../../protocols/realtime/store.js';

const RETRY_MS = 1_000;
/** Effects of the kind `model` by which its live part has a model. */
const TAKEN: ReadonlySet<string> = new Set(['use', 'note']);

export interface ModelSweepParts {
  readonly bus: Bus;
  readonly store: Pick<RealtimeStore, 'sweepModels'>;
  readonly onSwept?: (models: number) => void;
}

/**
 * Takes from the realtime store what is left of models that were removed while it, or the node that would have said so,
 * was away. One node of a site does it: when it is told to, and each time that the store is back.
 */
export class ModelSweep {
  readonly #parts: ModelSweepParts;
  #on = false;
  #wanted = false;
  #working: Promise<void> | undefined;
  #wake: () => void = () => undefined;

  constructor(parts: ModelSweepParts) {
    this.#parts = parts;
  }

  /** Whether this node sweeps. */
  run(on: boolean): void {
    if (on === this.#on) return;
    this.#on = on;
    if (on) this.storeBack();
    else this.#wake();
  }

  /** The store has come back. */
  storeBack(): void {
    this.#wanted = this.#on;
    if (this.#wanted) this.#working ??= this.#work();
  }

  async close(): Promise<void> {
    this.run(false);
    await this.#working;
  }

  /** Until a sweep has succeeded. Never rejects. */
  async #work(): Promise<void> {
    try {
      while (this.#wanted && this.#on) await this.#sweep();
    } finally {
      this.#working = undefined; // Without a gap: who wants the next one begins anew.
    }
  }

  async #sweep(): Promise<void> {
    this.#wanted = false;
    try {
      const swept = await this.#parts.store.sweepModels((id) => this.#isGone(id));
      if (swept > 0) this.#parts.onSwept?.(swept);
    } catch {
      this.#wanted = true; // The store, or the bus, is away; their health says so.
      await this.#pause();
    }
  }

  /** By what the journal says last of it: a model that is on its way to another node is there all the same. */
  async #isGone(id: string): Promise<boolean> {
    const { bus } = this.#parts;
    const ref = makeRef('model', id);
    const newest = (stream: string, subject: string) =>
      whileConnected(bus, () => bus.manager.direct.getMessage(stream, { last_by_subj: subject }));
    const last = await newest(STREAM.journal, subjects.journal(ref));
    // What leaves a model there has the live part take it, or a value of it.
    if (last !== null) return codecs.journal.decode(last.data).effects.every(({ type }) => !TAKEN.has(type));
    return (await newest(STREAM.snapshots, subjects.snapshot(ref))) === null;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
