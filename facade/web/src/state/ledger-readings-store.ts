import { signal } from '@preact/signals';
import type { LedgerQueryFilter, LedgerReading, LedgerTotals } from '../../../../actors/client/ledger.js';
import type { LedgerStatus } from '../../../../site/minting/ledger.js';
import type { LedgerApi } from '../ledger-api.js';
import { Poll } from './poll.js';
import { readPages } from './read-pages.js';

/** Whose readings; nobody named: all that one may see. */
export type LedgerScope = Pick<LedgerQueryFilter, 'user' | 'wallet' | 'meter'>;

const EVERY_MS = 10_000;
const FIRST = 100;
const MOST = 5_000;
/** Failed batches whose reasons are asked for at once. */
const MOST_REASONS = 20;

/** The readings of one ledger, the newest first, with why they failed. */
export class LedgerReadingsStore {
  readonly scope = signal<LedgerScope>({});
  readonly status = signal<LedgerStatus | undefined>(undefined);
  readonly readings = signal<readonly LedgerReading[]>([]);
  /** There are more than were loaded. */
  readonly hasMore = signal(false);
  /** Of the one that is chosen. */
  readonly totals = signal<LedgerTotals | undefined>(undefined);
  /** Why a batch failed, by its id. */
  readonly reasons = signal<ReadonlyMap<string, string>>(new Map());
  readonly poll: Poll;
  readonly #api: LedgerApi;
  readonly #mayRead: () => boolean;
  #wanted = FIRST;

  /** @param mayRead everybody's, and so batches too */
  constructor(api: LedgerApi, mayRead: () => boolean) {
    this.#api = api;
    this.#mayRead = mayRead;
    this.poll = new Poll(EVERY_MS, (isCurrent) => this.#load(isCurrent));
  }

  /** Where the file of all of them is. */
  get exportUrl(): string {
    return this.#api.exportUrl(this.#filter());
  }

  select(scope: LedgerScope): void {
    if (JSON.stringify(scope) === JSON.stringify(this.scope.value)) return;
    this.scope.value = scope;
    this.totals.value = undefined;
    this.#anew();
  }

  show(status: LedgerStatus | undefined): void {
    this.status.value = status;
    this.#anew();
  }

  more(): void {
    this.#wanted = Math.min(MOST, this.#wanted * 5);
    this.poll.now();
  }

  #anew(): void {
    this.readings.value = [];
    this.hasMore.value = false;
    this.#wanted = FIRST;
    this.poll.restart();
  }

  #filter(): LedgerQueryFilter {
    const status = this.status.value;
    return { ...this.scope.value, ...(status === undefined ? {} : { status }) };
  }

  async #load(isCurrent: () => boolean): Promise<void> {
    const filter = this.#filter();
    const scope = this.scope.value;
    const [{ items, nextCursor }, totals] = await Promise.all([
      readPages(this.#wanted, async (page) => {
        const found = await this.#api.readings({ ...filter, ...page });
        return { items: found.readings, nextCursor: found.nextCursor };
      }),
      Object.keys(scope).length === 0 ? undefined : this.#api.totals(scope),
    ]);
    if (!isCurrent()) return;
    this.readings.value = items;
    this.hasMore.value = nextCursor !== null;
    this.totals.value = totals;
    if (this.#mayRead()) await this.#askReasons(items);
  }

  async #askReasons(readings: readonly LedgerReading[]): Promise<void> {
    const failed = readings.flatMap(({ status, batch }) => (status === 'failed' && batch !== null ? [batch] : []));
    const unknown = [...new Set(failed)].filter((id) => !this.reasons.value.has(id)).slice(0, MOST_REASONS);
    if (unknown.length === 0) return;
    const batches = await Promise.all(unknown.map((id) => this.#api.batch(id)));
    const told = batches.flatMap(({ id, error }): [string, string][] => (error === null ? [] : [[id, error.message]]));
    this.reasons.value = new Map([...this.reasons.value, ...told]);
  }
}
