import type { Membership } from './membership.js';

interface Waiter {
  readonly partition: number;
  readonly resolve: (owned: boolean) => void;
}

export interface TenureOptions {
  readonly membership: Pick<Membership, 'leased'>;
  /** Whether the table gives the partition to this node, as far as it has been read. */
  readonly holds: (partition: number) => boolean;
  /** Reads the table again. */
  readonly read: () => Promise<void>;
}

/**
 * Whether this node may act for a partition now. A lease alone does not say so: a process that was stopped, or cut off,
 * hears itself again before it has heard that others took over. So after every gap in the lease the table is read once
 * more before the lease counts.
 */
export class Tenure {
  readonly #options: TenureOptions;
  /** The table was read under the present lease. */
  #confirmed = false;
  #confirming: Promise<void> | undefined;
  #closed = false;
  #gaps = 0;
  /** Lost in order, under a lease that holds: what is under way there may end. */
  readonly #leaving = new Set<number>();
  #waiting: Waiter[] = [];

  constructor(options: TenureOptions) {
    this.#options = options;
  }

  /** Whether lease and table hold together, without a gap since the table was read. */
  get steady(): boolean {
    if (!this.#options.membership.leased) this.interrupt();
    return this.#confirmed;
  }

  /** Whether what is done now for the partition is done by its owner. */
  has(partition: number): boolean {
    return this.steady && (this.#options.holds(partition) || this.#leaving.has(partition));
  }

  /** As `has`, but waits through a gap in the lease for what the table says after it. False once it is closed. */
  async whenKnown(partition: number): Promise<boolean> {
    if (this.has(partition)) return true;
    if (this.#closed || this.#confirmed || !this.#options.holds(partition)) return false;
    return new Promise((resolve) => this.#waiting.push({ partition, resolve }));
  }

  /**
   * The connection or the lease had a gap: nothing is known until the table has been read. What was to end in order has
   * not: its new owner waits for nobody who is silent.
   */
  interrupt(): void {
    this.#confirmed = false;
    this.#gaps += 1;
    this.#leaving.clear();
  }

  /** Called while this node hears itself: reads the table if that was not done under this lease. */
  heard(): void {
    if (this.steady || this.#confirming !== undefined || !this.#options.membership.leased) return;
    const gaps = this.#gaps;
    this.#confirming = this.#options
      .read()
      .then(
        () => {
          this.#confirmed = gaps === this.#gaps && this.#options.membership.leased;
        },
        () => undefined, // The bus is away again; the next beat that is heard tries again.
      )
      .finally(() => {
        this.#confirming = undefined;
        this.settle();
      });
  }

  /** A partition went to another node; true when this node learned it in order. The answer ends its time of grace. */
  leave(partition: number): () => void {
    if (!this.steady) return () => undefined;
    this.#leaving.add(partition);
    return () => this.#leaving.delete(partition);
  }

  /** Answers those for whom it is known now. */
  settle(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) {
      if (this.has(waiter.partition)) waiter.resolve(true);
      else if (this.#closed || this.#confirmed || !this.#options.holds(waiter.partition)) waiter.resolve(false);
      else this.#waiting.push(waiter);
    }
  }

  /** Nobody waits any longer. */
  close(): void {
    this.#closed = true;
    this.settle();
  }
}
