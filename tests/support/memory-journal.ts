import { FencedError, type Appended, type Journal, type Loaded } from '../../actors/runtime/journal.js';
import type { DeadLetter, JournalEntry, SnapshotRecord } from '../../bus/messages.js';
import { formatRef, type Ref } from '../../bus/subjects.js';

type Failure = 'load' | 'append' | 'acknowledge' | 'snapshot' | 'park';

interface Stored {
  readonly ref: string;
  readonly seq: number;
  readonly entryId: string;
  /** As it would lie on the server: JSON. */
  readonly json: string;
}

/**
 * A journal in memory with the rules of the one on JetStream (one sequence for all actors, fence, deduplication by
 * entry id), which a test can hold up, make fail, or rob of its acknowledgements.
 */
export class MemoryJournal implements Journal {
  readonly dead: DeadLetter[] = [];
  #entries: Stored[] = [];
  readonly #snapshots = new Map<string, string>();
  readonly #failures: Record<Failure, Error[]> = {
    load: [],
    append: [],
    acknowledge: [],
    snapshot: [],
    park: [],
  };
  #gate: Promise<void> = Promise.resolve();
  #nextSeq = 1;
  /** Entries from the first on whose ids are not compared any more. */
  #forgotten = 0;
  loads = 0;

  /** The next call of this sort throws; `acknowledge`: the entry lands, and its acknowledgement is lost. */
  fail(what: Failure, error: Error = new Error(`${what} failed`)): void {
    this.#failures[what].push(error);
  }

  /** Loads and appends wait until the answered function is called. */
  hold(): () => void {
    let open = (): void => undefined;
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    return () => open();
  }

  /** What another activation of the actor writes. */
  intrude(
    ref: Ref,
    event: JournalEntry['event'],
    entryId = `intruder-${this.#nextSeq}`,
    names: Pick<JournalEntry, 'commandId' | 'ownership'> = {},
  ): number {
    const entry: JournalEntry = {
      event,
      effects: [],
      at: 1,
      machine: 1,
      traceparent: '',
      node: 'intruder',
      ...names,
    };
    return this.#store(ref, entry, entryId);
  }

  /** The time in which entries with the same id are recognised is over for all that are there. */
  forgetIds(): void {
    this.#forgotten = this.#entries.length;
  }

  entries(ref: Ref): { seq: number; entry: JournalEntry }[] {
    return this.#of(ref).map(({ seq, json }) => ({ seq, entry: JSON.parse(json) as JournalEntry }));
  }

  snapshot(ref: Ref): SnapshotRecord | undefined {
    const json = this.#snapshots.get(formatRef(ref));
    return json === undefined ? undefined : (JSON.parse(json) as SnapshotRecord);
  }

  /** Removes the actor's entries below `seq`. */
  compact(ref: Ref, seq: number): void {
    const name = formatRef(ref);
    this.#entries = this.#entries.filter((stored) => stored.ref !== name || stored.seq >= seq);
  }

  async load(ref: Ref, usable: (snapshot: SnapshotRecord) => boolean = () => true): Promise<Loaded> {
    this.loads += 1;
    await this.#gate;
    this.#maybeFail('load');
    const newest = this.snapshot(ref);
    const snapshot = newest !== undefined && usable(newest) ? newest : undefined;
    const after = snapshot?.seq ?? 0;
    const entries = this.entries(ref);
    const ownership = entries.at(-1)?.entry.ownership ?? 0;
    return { snapshot, entries: entries.filter(({ seq }) => seq > after), ownership };
  }

  async append(ref: Ref, entry: JournalEntry, expected: number, entryId: string): Promise<Appended> {
    await this.#gate;
    this.#maybeFail('append');
    const twin = this.#entries.find((stored, index) => index >= this.#forgotten && stored.entryId === entryId);
    if (twin !== undefined && twin.seq <= expected) return { seq: twin.seq, duplicate: true };
    if ((this.#of(ref).at(-1)?.seq ?? 0) !== expected) throw new FencedError(ref, expected);
    const seq = this.#store(ref, entry, entryId);
    this.#maybeFail('acknowledge');
    return { seq, duplicate: false };
  }

  async saveSnapshot(ref: Ref, snapshot: SnapshotRecord): Promise<void> {
    this.#maybeFail('snapshot');
    if ((this.snapshot(ref)?.seq ?? 0) > snapshot.seq) return;
    this.#snapshots.set(formatRef(ref), JSON.stringify(snapshot));
  }

  async park(_ref: Ref, letter: DeadLetter): Promise<void> {
    this.#maybeFail('park');
    this.dead.push(JSON.parse(JSON.stringify(letter)) as DeadLetter);
  }

  #of(ref: Ref): Stored[] {
    const name = formatRef(ref);
    return this.#entries.filter((stored) => stored.ref === name);
  }

  #store(ref: Ref, entry: JournalEntry, entryId: string): number {
    const seq = this.#nextSeq++;
    this.#entries.push({ ref: formatRef(ref), seq, entryId, json: JSON.stringify(entry) });
    return seq;
  }

  #maybeFail(what: Failure): void {
    const error = this.#failures[what].shift();
    if (error !== undefined) throw error;
  }
}
