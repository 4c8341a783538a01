import type { Bus } from '../../bus/connection.js';
import type { JournalEntry } from '../../bus/messages.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { refOfEntry, subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { errorMessage } from '../../errors/error.js';
import type { LedgerProgress, VersionedRow } from '../../protocols/clickhouse/ledger/store.js';
import type { MintItem } from '../../site/minting/item.js';
import { meterIdOf } from '../meter/meter-id.js';
import { MINT_BATCH } from '../mint/steps.js';
import { BatchItems } from './batch-items.js';
import { changeOfBatch, itemsOfBatch, rowsOfBatch, rowsOfMeter } from './ledger-rows.js';

/** Where the projection writes; `LedgerStore`. */
export interface LedgerTarget {
  progress(): Promise<LedgerProgress | undefined>;
  append(rows: readonly VersionedRow[], progress: LedgerProgress): Promise<void>;
}

export interface LedgerProjectionOptions {
  readonly bus: Bus;
  readonly target: LedgerTarget;
  /** How often the journal is looked at; default 500 ms. */
  readonly lookEveryMs?: number;
  /** Told when it does not get on, and (null) when it does again. */
  readonly onTrouble?: (error: string | null) => void;
}

const METERS = subjects.journalOfKind('meter');
const BATCHES = subjects.journalOfKind(MINT_BATCH);
/** Entries read at once: one may hold hundreds of readings. */
const READ_AT_ONCE = 100;
/** Rows written at once, but for those of the last entries. */
const ROWS_AT_ONCE = 20_000;
const LOOK_MS = 500;
const RETRY_MS = 1_000;

/**
 * Writes what the journal says of readings into the ledger. Each row is named by its reading and the sequence of its
 * entry, so writing it again changes nothing: how far it has come is saved behind the rows, and what may have been written
 * is written again. Two that write at once do no harm.
 */
export class LedgerProjection {
  readonly #bus: Bus;
  readonly #target: LedgerTarget;
  readonly #lookEveryMs: number;
  readonly #onTrouble: (error: string | null) => void;
  readonly #closing = new AbortController();
  readonly #items = new BatchItems();
  #progress: LedgerProgress | undefined;
  #following: Promise<void> = Promise.resolve();
  #lastError: string | null = null;
  #rows = 0;
  /** When the journal's end was seen last, or the work begun. */
  #caughtUpAt = Date.now();

  constructor({ bus, target, lookEveryMs = LOOK_MS, onTrouble = () => undefined }: LedgerProjectionOptions) {
    this.#bus = bus;
    this.#target = target;
    this.#lookEveryMs = lookEveryMs;
    this.#onTrouble = onTrouble;
  }

  /** Why it does not get on; null when it does. */
  get lastError(): string | null {
    return this.#lastError;
  }

  /** Written since the start. */
  get rows(): number {
    return this.#rows;
  }

  /** Ms since all of the journal was in the ledger, or since the start. */
  get behindMs(): number {
    return Math.max(0, Date.now() - this.#caughtUpAt);
  }

  start(): void {
    this.#caughtUpAt = Date.now();
    this.#following = this.#follow();
  }

  /** Finishes what is being written. */
  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      let pauseMs = this.#lookEveryMs;
      try {
        if (await this.#step()) pauseMs = 0;
        else this.#caughtUpAt = Date.now();
        this.#report(null);
      } catch (error) {
        // What was written meanwhile is not known: it is asked for again.
        this.#progress = undefined;
        this.#report(errorMessage(error));
        pauseMs = RETRY_MS;
      }
      if (pauseMs > 0 && !signal.aborted) await pause(pauseMs, signal);
    }
  }

  #report(error: string | null): void {
    if (error !== this.#lastError) this.#onTrouble(error);
    this.#lastError = error;
  }

  /** @returns whether there may be more to write */
  async #step(): Promise<boolean> {
    const before = (this.#progress ??= await this.#resume());
    const rows: VersionedRow[] = [];
    const meters = await this.#read(METERS, before.meters, rows, (entry, seq, id) =>
      Promise.resolve(rowsOfMeter(entry, meterIdOf(id)).map((row) => ({ ...row, version: before.base + seq }))),
    );
    const batches = await this.#read(BATCHES, before.batches, rows, (entry, seq, id) =>
      this.#rowsOfBatch(entry, id, before.base + seq),
    );
    if (meters.to === before.meters && batches.to === before.batches) return false;
    const progress = { ...before, meters: meters.to, batches: batches.to, written: before.written + 1 };
    await this.#target.append(rows, progress);
    this.#rows += rows.length;
    this.#progress = progress;
    return !meters.isAll || !batches.isAll;
  }

  /** Where to go on. A journal that was made anew, or lost its end, names other entries: their versions go on rising. */
  async #resume(): Promise<LedgerProgress> {
    const { created, state } = await this.#bus.manager.streams.info(STREAM.journal);
    const known = await this.#target.progress();
    if (known === undefined) return { stream: created, base: 0, meters: 0, batches: 0, written: 0 };
    const { base, meters, batches, written } = known;
    const end = Math.max(meters, batches);
    if (known.stream !== created) return { stream: created, base: base + end, meters: 0, batches: 0, written };
    if (state.last_seq >= end) return known;
    const last = state.last_seq;
    return {
      ...{ stream: created, base: base + end - last, written },
      ...{ meters: Math.min(meters, last), batches: Math.min(batches, last) },
    };
  }

  /** Reads entries until there are many rows, or no more entries. */
  async #read(
    subject: string,
    after: number,
    rows: VersionedRow[],
    rowsOf: (entry: JournalEntry, seq: number, id: string) => Promise<VersionedRow[]>,
  ): Promise<{ to: number; isAll: boolean }> {
    let to = after;
    while (rows.length < ROWS_AT_ONCE && !this.#closing.signal.aborted) {
      const range = { seq: to + 1, next_by_subj: subject, batch: READ_AT_ONCE };
      const messages = await readBatch(this.#bus, STREAM.journal, range);
      for (const { subject, data, seq } of messages) {
        rows.push(...(await rowsOf(codecs.journal.decode(data), seq, refOfEntry(subject).id)));
        to = seq;
      }
      if (messages.length < READ_AT_ONCE) return { to, isAll: true };
    }
    return { to, isAll: false };
  }

  async #rowsOfBatch(entry: JournalEntry, id: string, version: number): Promise<VersionedRow[]> {
    const first = itemsOfBatch(entry);
    if (first !== undefined) this.#items.remember(id, first);
    const change = changeOfBatch(entry);
    if (change === undefined) return [];
    const items = this.#items.get(id) ?? (await this.#itemsOf(id));
    if (change.state === 'settled') this.#items.forget(id);
    return rowsOfBatch(items, change).map((row) => ({ ...row, version }));
  }

  /** The readings of a batch whose first entry has been read by another, or long ago. */
  async #itemsOf(id: string): Promise<readonly MintItem[]> {
    const subject = subjects.journal({ kind: MINT_BATCH, id });
    const [first] = await readBatch(this.#bus, STREAM.journal, { seq: 1, next_by_subj: subject, batch: 1 });
    const items = first === undefined ? undefined : itemsOfBatch(codecs.journal.decode(first.data));
    if (items === undefined) return []; // More than a year old and gone from the journal; its rows stay as they are.
    this.#items.remember(id, items);
    return items;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end);
      resolve();
    }, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
