import { PublicKey, type Connection } from '@solana/web3.js';
import { ask } from './rpc.js';

/** Millionths of a lamport for each compute unit. */
const DEFAULT_PRICE = 10_000;
const LEAST = 1_000;
const MOST = 1_000_000;
const CACHE_MS = 10_000;

/**
 * What a compute unit should be paid, from what transactions that write the same account paid lately: the 75th percentile of
 * those that paid anything, and a fifth more; 1,000 to 1,000,000, and 10,000 when nobody paid. Asked every 10 s at most.
 */
export class PriorityFee {
  readonly #connection: Connection;
  readonly #account: string;
  #price = DEFAULT_PRICE;
  #until = 0;

  constructor(connection: Connection, account: string) {
    this.#connection = connection;
    this.#account = account;
  }

  async price(now = Date.now()): Promise<number> {
    if (now < this.#until) return this.#price;
    const account = new PublicKey(this.#account);
    const recent = await ask(
      'recent fees cannot be asked for',
      this.#connection.getRecentPrioritizationFees({ lockedWritableAccounts: [account] }),
    );
    this.#price = priceFrom(recent.map(({ prioritizationFee }) => Number(prioritizationFee)));
    this.#until = now + CACHE_MS;
    return this.#price;
  }
}

/** Exported for its test. */
export function priceFrom(fees: readonly number[]): number {
  const paid = fees.filter((fee) => fee > 0).sort((one, other) => one - other);
  const usual = paid[Math.ceil(paid.length * 0.75) - 1];
  if (usual === undefined) return DEFAULT_PRICE;
  return Math.min(MOST, Math.max(LEAST, Math.ceil(usual * 1.2)));
}
