import { FencedError, type Appended, type Journal, type Loaded } from '../../../actors/runtime/journal.js';
import type { DeadLetter, JournalEntry, SnapshotRecord } from '../../../bus/messages.js';
import { formatRef, type Ref } from '../../../bus/subjects.js';
import { StatewattError } from '../../../errors/error.js';
import type { MemoryJournal } from '../memory-journal.js';
import type { Network, Process } from './network.js';

/** Faults built into the model on purpose, each one a promise broken: the checker must find every one of them. */
export type Mutant =
  | 'no fence' // the journal takes an append whatever it was made behind
  | 'answer before commit' // an append is acknowledged when it is sent
  | 'forgets commands' // what is loaded names no command ids, and the journal does not compare them
  | 'effects before commit' // effects run when the append is sent
  | 'keeps a failed append' // a fenced append is taken for a success
  | 'loses the last entry' // a load gives all but the newest entry
  | 'keeps no timer' // the server says that it keeps a timer, and does not
  | 'effects again'; // effects of loaded entries are run once more

export interface LinkOptions {
  readonly process: Process;
  readonly network: Network;
  readonly store: MemoryJournal;
  readonly mutant: Mutant | undefined;
  /** An entry landed. */
  readonly onLanded: (ref: Ref, seq: number, entry: JournalEntry, expected: number) => void;
  /** For the mutants that run effects where they should not. */
  readonly runEffects: (ref: Ref, entry: JournalEntry, seq: number) => void;
}

/**
 * A process's way to the journal: each call is a request and a response on the network. An append whose fate is not
 * known is made again until it is, as the real one does; the other calls fail when one of the two is lost.
 */
export class Link implements Journal {
  readonly #options: LinkOptions;
  /** Appends whose fate is not known fail from now on instead of being made again. */
  closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  load(ref: Ref): Promise<Loaded> {
    const { store, mutant, runEffects } = this.#options;
    return this.#call(`load ${formatRef(ref)}`, async () => {
      const loaded = await store.load(ref);
      if (mutant === 'loses the last entry') loaded.entries.pop();
      if (mutant === 'effects again') for (const { seq, entry } of loaded.entries) runEffects(ref, entry, seq);
      if (mutant !== 'forgets commands') return loaded;
      const entries = loaded.entries.map(({ seq, entry: { commandId: _, ...entry } }) => ({ seq, entry }));
      return { ...loaded, snapshot: loaded.snapshot && { ...loaded.snapshot, recentCommands: [] }, entries };
    });
  }

  append(ref: Ref, entry: JournalEntry, expected: number, entryId: string): Promise<Appended> {
    const { mutant, runEffects } = this.#options;
    const appended = new Promise<Appended>((resolve, reject) => {
      this.#attempt({ ref, entry, expected, entryId, resolve, reject });
    });
    if (mutant === 'effects before commit') runEffects(ref, entry, expected + 1);
    if (mutant !== 'answer before commit') return appended;
    appended.catch(() => undefined); // That is what is wrong with it.
    return Promise.resolve({ seq: expected + 1, duplicate: false });
  }

  saveSnapshot(ref: Ref, snapshot: SnapshotRecord): Promise<void> {
    return this.#call(`snapshot ${formatRef(ref)} @${snapshot.seq}`, () =>
      this.#options.store.saveSnapshot(ref, snapshot),
    );
  }

  park(ref: Ref, letter: DeadLetter): Promise<void> {
    return this.#call(`park ${formatRef(ref)} ${letter.commandId ?? letter.event.type}`, () =>
      this.#options.store.park(ref, letter),
    );
  }

  #call<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { network, process } = this.#options;
    return new Promise<T>((resolve, reject) => {
      const fail = (): void => reject(new StatewattError('bus.unavailable', 'unavailable', `${what}: no answer`));
      network.send({
        what: `${process.name} ${what}`,
        from: process,
        lose: fail,
        arrive: () => {
          const done = work();
          const arrive = (): void => void done.then(resolve, reject);
          network.send({ what: `${process.name} ${what}: done`, to: process, arrive, lose: fail });
        },
      });
    });
  }

  #attempt(append: PendingAppend): void {
    const { network, process } = this.#options;
    const { ref, entry, expected, reject } = append;
    const what = `${process.name} append ${formatRef(ref)} ${entry.commandId ?? entry.event.type} behind ${expected}`;
    const again = (): void => {
      if (this.closed) reject(new StatewattError('journal.closed', 'unavailable', 'the node is stopping'));
      else this.#attempt(append);
    };
    const respond = (answer: string, arrive: () => void): void =>
      network.send({ what: `${what}: ${answer}`, to: process, arrive, lose: again });
    network.send({
      what,
      from: process,
      lose: again,
      arrive: () => {
        this.#land(append).then(
          (appended) => respond(appended.duplicate ? 'known' : `at ${appended.seq}`, () => append.resolve(appended)),
          (error: unknown) => respond('no', () => reject(error)),
        );
      },
      refuse: () => {
        const ours = this.#ours(append);
        if (ours !== undefined) respond(`at ${ours}`, () => append.resolve({ seq: ours, duplicate: false }));
        else respond('no room', () => reject(new StatewattError('journal.refused', 'unavailable', 'no room')));
      },
    });
  }

  /** Where an earlier attempt landed: each entry has a span of its own. */
  #ours({ ref, entry }: PendingAppend): number | undefined {
    return this.#options.store.entries(ref).find((stored) => stored.entry.traceparent === entry.traceparent)?.seq;
  }

  async #land(append: PendingAppend): Promise<Appended> {
    const { ref, entry, expected, entryId } = append;
    const { store, mutant, onLanded } = this.#options;
    const ours = this.#ours(append);
    if (ours !== undefined) return { seq: ours, duplicate: false };
    const last = store.entries(ref).at(-1)?.seq ?? 0;
    try {
      const appended = await store.append(
        ref,
        entry,
        mutant === 'no fence' ? last : expected,
        mutant === 'forgets commands' ? entry.traceparent : entryId,
      );
      if (!appended.duplicate) onLanded(ref, appended.seq, entry, expected);
      return appended;
    } catch (error) {
      if (mutant === 'keeps a failed append' && error instanceof FencedError) return { seq: last, duplicate: false };
      throw error;
    }
  }
}

interface PendingAppend {
  readonly ref: Ref;
  readonly entry: JournalEntry;
  readonly expected: number;
  readonly entryId: string;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}
