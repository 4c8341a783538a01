import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { refOfEntry, subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import type { JournalEntry } from '../../bus/messages.js';
import type { MintBatchState } from '../../site/minting/batch.js';

/** States in which a batch can be found: it passes through the others at once, or stays for good. */
export const FAULT_STATES = ['collecting', 'building', 'signing', 'submitting', 'confirming', 'retrying'] as const;
export type FaultState = (typeof FAULT_STATES)[number];

/** A batch has come into a state. */
export interface StateChange {
  /** When it was in the journal, ms since the Unix epoch. */
  readonly at: number;
  readonly batch: string;
  readonly state: MintBatchState;
}

/** What an entry of the minter or of a batch says of states. */
export function stateChanges(kind: string, entry: JournalEntry, at: number): StateChange[] {
  if (kind === 'minter') {
    const begun = entry.effects.filter(({ type }) => type === 'begin');
    return begun.map(({ params }) => ({ at, batch: (params as { id: string }).id, state: 'collecting' }));
  }
  const announced = entry.effects.findLast(({ type }) => type === 'announce');
  if (announced === undefined) return [];
  const { id, state } = (announced.params as { batch: { id: string; state: MintBatchState } }).batch;
  return [{ at, batch: id, state }];
}

/** How many batches were in each state at a moment; `changes` in their order. */
export function statesAt(changes: readonly StateChange[], at: number): Map<MintBatchState, number> {
  const states = new Map<string, MintBatchState>();
  for (const change of changes) if (change.at <= at) states.set(change.batch, change.state);
  const counts = new Map<MintBatchState, number>();
  for (const state of states.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

/** Follows, from outside, through which states mint batches go. */
export class BatchStates {
  readonly changes: StateChange[] = [];
  readonly #now = new Map<string, MintBatchState>();
  readonly #waiting = new Set<{ readonly state: MintBatchState; readonly found: () => void }>();
  readonly #end: () => Promise<unknown>;
  readonly #reading: Promise<void>;

  private constructor(end: () => Promise<unknown>, read: (states: BatchStates) => Promise<void>) {
    this.#end = end;
    this.#reading = read(this);
  }

  static async follow(bus: Bus): Promise<BatchStates> {
    const consumer = await bus.jetstream.consumers.get(STREAM.journal, {
      filter_subjects: ['minter', 'mint-batch'].map((kind) => subjects.journalOfKind(kind)),
    });
    const messages = await consumer.consume({ idle_heartbeat: 500 });
    return new BatchStates(
      () => messages.close(),
      async (states) => {
        for await (const { subject, data, time } of messages) {
          states.#take(stateChanges(refOfEntry(subject).kind, codecs.journal.decode(data), time.getTime()));
        }
      },
    );
  }

  /** Resolves as soon as some batch is in the state, or `ms` have passed. */
  async reached(state: MintBatchState, ms: number): Promise<void> {
    if ([...this.#now.values()].includes(state)) return;
    await new Promise<void>((resolve) => {
      const found = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
        resolve();
      };
      const timer = setTimeout(found, ms);
      const waiter = { state, found };
      this.#waiting.add(waiter);
    });
  }

  async leave(): Promise<void> {
    await this.#end();
    await this.#reading;
  }

  #take(changes: readonly StateChange[]): void {
    for (const change of changes) {
      this.changes.push(change);
      this.#now.set(change.batch, change.state);
      for (const { state, found } of this.#waiting) if (state === change.state) found();
    }
  }
}
