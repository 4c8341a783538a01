import { signal } from '@preact/signals';
import type { LedgerAccount, LedgerTotals } from '../../../../actors/client/ledger.js';
import type { AccountKind } from '../../../../site/minting/ledger.js';
import type { LedgerApi } from '../ledger-api.js';
import { Poll } from './poll.js';
import { readPages } from './read-pages.js';

/** Events tell of most changes at once; this is for those that nobody tells. */
const EVERY_MS = 10_000;
const TEXT_AFTER_MS = 250;
const FIRST = 200;
const MOST = 5_000;

/** Users, wallets or meters with what became of their readings, and the sums of all. */
export class AccountsStore {
  readonly by = signal<AccountKind>('meter');
  readonly text = signal('');
  readonly totals = signal<LedgerTotals | undefined>(undefined);
  readonly accounts = signal<readonly LedgerAccount[]>([]);
  /** There are more than were loaded. */
  readonly hasMore = signal(false);
  /** Whether the site has a meter; undefined while it has readings, and where one may not know. */
  readonly hasMeters = signal<boolean | undefined>(undefined);
  readonly poll: Poll;
  readonly #api: LedgerApi;
  readonly #mayRead: () => boolean;
  #wanted = FIRST;

  /** @param mayRead everybody's; otherwise only what is one's own may be asked for */
  constructor(api: LedgerApi, mayRead: () => boolean) {
    this.#api = api;
    this.#mayRead = mayRead;
    this.poll = new Poll(EVERY_MS, (isCurrent) => this.#load(isCurrent));
  }

  show(by: AccountKind): void {
    if (by === this.by.value) return;
    this.by.value = by;
    this.accounts.value = [];
    this.#wanted = FIRST;
    this.poll.restart();
  }

  find(text: string): void {
    this.text.value = text;
    this.poll.soon(TEXT_AFTER_MS);
  }

  more(): void {
    this.#wanted = Math.min(MOST, this.#wanted * 5);
    this.poll.now();
  }

  async #load(isCurrent: () => boolean): Promise<void> {
    const by = this.by.value;
    const text = this.text.value.trim();
    const [totals, { items, nextCursor }] = await Promise.all([
      this.#api.totals({}),
      readPages(this.#wanted, async (page) => {
        const found = await this.#api.accounts({ by, ...(text === '' ? {} : { text }), ...page });
        return { items: found.accounts, nextCursor: found.nextCursor };
      }),
    ]);
    const isBare = items.length === 0 && text === '' && this.#mayRead();
    const hasMeters = isBare ? await this.#api.hasMeters() : undefined;
    if (!isCurrent()) return;
    this.totals.value = totals;
    this.accounts.value = items;
    this.hasMore.value = nextCursor !== null;
    this.hasMeters.value = hasMeters;
  }
}
