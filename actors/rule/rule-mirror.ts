import { DeliverPolicy } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { refOfEntry, subjects } from '../../bus/subjects.js';
import { whileConnected } from '../../bus/while-connected.js';
import type { RealtimeStore, StoredRule } from '../../protocols/realtime/store.js';

const RETRY_MS = 1_000;
/** Rules that are asked at once, and written at once. */
const WIDTH = 64;
/** What changes within so long is written once. */
const GATHER_MS = 50;
const CONSUME = { max_messages: 2_000, idle_heartbeat: 1_000 } as const;

export interface RuleMirrorParts {
  readonly bus: Bus;
  readonly store: Pick<RealtimeStore, 'setRules' | 'retainRules' | 'health'>;
  /** The rule as it is now; undefined when nothing can be said of it. */
  readonly read: (id: string) => Promise<StoredRule | undefined>;
  /** Ids of the rules that ever were. */
  readonly known: () => Promise<readonly string[]>;
}

/**
 * Keeps the rules that readers of the realtime store see up to date. Each node shows what it has just answered; the one
 * that is told to shows all, as the journal tells of them. The store keeps the newer of two.
 */
export class RuleMirror {
  readonly #parts: RuleMirrorParts;
  #following: AbortController | undefined;
  #follower: Promise<void> = Promise.resolve();
  #waiting = new Set<string>();
  /** Every rule is to be shown anew. */
  #all = false;
  #working: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  #closed = false;

  constructor(parts: RuleMirrorParts) {
    this.#parts = parts;
  }

  /** Resolves when readers see the rule as it is now; at once while they cannot. Never rejects. */
  async show(id: string): Promise<void> {
    const { store, read } = this.#parts;
    if (!store.health().up) return;
    try {
      const rule = await read(id);
      if (rule !== undefined) await store.setRules([rule]);
    } catch {
      this.#changed(id); // Whoever shows all shows it too.
    }
  }

  /** Whether this node shows all rules. */
  showAll(on: boolean): void {
    if (on === (this.#following !== undefined) || this.#closed) return;
    this.#following?.abort();
    this.#following = on ? new AbortController() : undefined;
    const { signal } = this.#following ?? {};
    if (signal !== undefined) this.#follower = this.#follower.then(() => this.#follow(signal));
  }

  /** The store has come back, perhaps empty. */
  storeBack(): void {
    if (this.#following === undefined) return;
    this.#all = true;
    this.#work();
  }

  async close(): Promise<void> {
    this.showAll(false);
    this.#closed = true;
    this.#wake();
    await Promise.all([this.#follower, this.#working]);
  }

  /** Marks what the journal tells of; after each loss of the connection all. Never rejects. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { bus } = this.#parts;
    while (!signal.aborted) {
      const lost = new AbortController();
      const endStatus = bus.onStatus((status) => {
        if (status !== 'connected') lost.abort();
      });
      try {
        const consumer = await whileConnected(bus, () =>
          bus.jetstream.consumers.get(STREAM.journal, {
            deliver_policy: DeliverPolicy.New,
            filter_subjects: subjects.journalOfKind('rule'),
            headers_only: true,
          }),
        );
        const messages = await whileConnected(bus, () =>
          consumer.consume({ ...CONSUME, callback: ({ subject }) => this.#changed(refOfEntry(subject).id) }),
        );
        this.#all = true;
        this.#work();
        await aborted(signal, lost.signal);
        void messages.close();
      } catch {
        await pause(RETRY_MS, signal); // The bus says itself that it is away.
      } finally {
        endStatus();
      }
    }
  }

  #changed(id: string): void {
    this.#waiting.add(id);
    this.#work();
  }

  #work(): void {
    if (this.#closed) return;
    this.#working ??= this.#write().finally(() => {
      this.#working = undefined;
    });
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    while (!this.#closed && (this.#all || this.#waiting.size > 0)) {
      await this.#pause(GATHER_MS);
      const { all, ids } = { all: this.#all, ids: this.#waiting };
      this.#all = false;
      this.#waiting = new Set();
      try {
        await (all ? this.#showEvery() : this.#showThese([...ids]));
      } catch {
        // The store, or the bus, is away; their health says so.
        this.#all ||= all;
        for (const id of ids) this.#waiting.add(id);
        await this.#pause(RETRY_MS);
      }
    }
  }

  async #showEvery(): Promise<void> {
    const { known, store } = this.#parts;
    await this.#showThese(await known());
    await store.retainRules(known);
  }

  async #showThese(ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += WIDTH) {
      const rules = await Promise.all(ids.slice(at, at + WIDTH).map((id) => this.#parts.read(id)));
      await this.#parts.store.setRules(rules.filter((rule) => rule !== undefined));
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Resolves when one of them is. */
async function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  if (any.aborted) return;
  await new Promise((resolve) => any.addEventListener('abort', resolve, { once: true }));
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
  });
}
