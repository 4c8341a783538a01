import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { partitionOf, refOfSnapshot, subjects, type Ref } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { errorMessage } from '../../errors/error.js';
import type { Kind } from './kind.js';
import { outboxConsumers, settledUpTo } from './outbox/queue.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export interface CompactorOptions {
  readonly bus: Bus;
  readonly kinds: readonly Kind[];
  /** The partitions that this node owns now; it compacts their actors' journals and no others. */
  readonly owned: () => ReadonlySet<number>;
  /** Between two runs; default one hour. */
  readonly everyMs?: number;
  readonly now?: () => number;
}

/**
 * Removes journal entries that are older than their kind keeps them for audit, that the actor's newest snapshot includes,
 * and whose durable effects have happened. The entry that the snapshot stands on stays: it is what the next append is fenced by. Actor by actor, one at
 * a time; a run that was broken off is taken up by the next, which passes over what is done.
 */
export class Compactor {
  readonly #options: CompactorOptions;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: CompactorOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  start(): void {
    const wait = (this.#options.everyMs ?? HOUR_MS) * (0.5 + Math.random()); // Not all nodes at once.
    this.#timer = setTimeout(() => {
      this.#running = this.#runOnce().finally(() => {
        if (!this.#stopped) this.start();
      });
    }, wait).unref();
  }

  /** Breaks off a run under way, between two actors. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #runOnce(): Promise<void> {
    try {
      await this.run();
    } catch (error) {
      if (!this.#stopped) process.emitWarning(`the journal could not be compacted: ${errorMessage(error)}`);
    }
  }

  /** One run over all actors of the owned partitions; resolves with the number of entries that were removed. */
  async run(): Promise<number> {
    let removed = 0;
    const consumers = await outboxConsumers(this.#bus); // Positions only rise: those of now are safe later on.
    for (const kind of this.#options.kinds) {
      const { journalDays } = kind.policy;
      if (journalDays === undefined) continue;
      const before = await this.#firstSince(this.#now() - journalDays * DAY_MS);
      if (before === undefined) continue;
      for (const ref of await this.#withSnapshot(kind)) {
        if (this.#stopped) return removed;
        const partition = partitionOf(ref);
        if (!this.#options.owned().has(partition)) continue;
        const settled = settledUpTo(partition, consumers, kind.kind) ?? (hasDurableEffects(kind) ? 0 : Infinity);
        removed += await this.#compact(ref, Math.min(before, settled + 1));
      }
    }
    return removed;
  }

  /**
   * The sequence of the stream's first message from `time` on (ms since the Unix epoch), or the one after its last;
   * undefined when nothing is older. Sequences rise with time, so halving finds it.
   */
  async #firstSince(time: number): Promise<number | undefined> {
    const { manager } = this.#bus;
    const { state } = await manager.streams.info(STREAM.journal);
    if (state.messages === 0 || Date.parse(state.first_ts) >= time) return undefined;
    let low = state.first_seq + 1;
    let high = state.last_seq + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = await manager.direct.getMessage(STREAM.journal, { seq: middle, next_by_subj: '>' });
      if (found === null || found.time.getTime() >= time) high = middle;
      else low = found.seq + 1;
    }
    return low;
  }

  async #withSnapshot(kind: Kind): Promise<Ref[]> {
    const { state } = await this.#bus.manager.streams.info(STREAM.snapshots, {
      subjects_filter: subjects.snapshotsOf(kind.kind),
    });
    return Object.keys(state.subjects ?? {}).map(refOfSnapshot);
  }

  /** Removes the actor's entries before `before` that its snapshot includes. */
  async #compact(ref: Ref, before: number): Promise<number> {
    const { manager } = this.#bus;
    const subject = subjects.journal(ref);
    const first = await manager.direct.getMessage(STREAM.journal, { seq: 1, next_by_subj: subject });
    if (first === null || first.seq >= before) return 0;
    const stored = await manager.direct.getMessage(STREAM.snapshots, { last_by_subj: subjects.snapshot(ref) });
    if (stored === null) return 0;
    const seq = Math.min(before, codecs.snapshot.decode(stored.data).seq);
    if (first.seq >= seq) return 0;
    const { purged } = await manager.streams.purge(STREAM.journal, { filter: subject, seq });
    return purged;
  }

  get #bus(): Bus {
    return this.#options.bus;
  }
}

function hasDurableEffects(kind: Kind): boolean {
  return Object.keys(kind.durable).length > 0;
}
