import type { Membership } from './membership.js';

interface Waiter {
  readonly partition: number;
  readonly epoch: number | undefined;
  readonly resolve: (owned: boolean) => void;
}

export interface TenureOptions {
  readonly membership: Pick<Membership, 'leased'>;
  /** Number of the ownership under which the table gives the partition to this node, as far as it has been read. */
  readonly epochOf: (partition: number) => number | undefined;
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
  /** Lost in order, under a lease that holds, with the numbers of the ownerships: what is under way there may end. */
  readonly #leaving = new Map<number, Set<number>>();
  #waiting: Waiter[] = [];

  constructor(options: TenureOptions) {
    this.#options = options;
  }

  /** Whether lease and table hold together, without a gap since the table was read. */
  get steady(): boolean {
    if (!this.#options.membership.leased) this.interrupt();
    return this.#confirmed;
  }

  /**
   * Whether what is done now for the partition is done by its owner, under the ownership of that number if one is given: a
   * partition that has gone and come again is another one to those who act under the number before.
   */
  has(partition: number, epoch?: number): boolean {
    return this.steady && (this.#holds(partition, epoch) || this.#leaves(partition, epoch));
  }

  /** As `has`, but waits through a gap in the lease for what the table says after it. False once it is closed. */
  async whenKnown(partition: number, epoch?: number): Promise<boolean> {
    if (this.has(partition, epoch)) return true;
    if (this.#closed || this.#confirmed || !this.#holds(partition, epoch)) return false;
    return new Promise((resolve) => this.#waiting.push({ partition, epoch, resolve }));
  }

  #holds(partition: number, epoch: number | undefined): boolean {
    const held = this.#options.epochOf(partition);
    return held !== undefined && (epoch === undefined || held === epoch);
  }

  #leaves(partition: number, epoch: number | undefined): boolean {
    const epochs = this.#leaving.get(partition);
    return epochs !== undefined && (epoch === undefined || epochs.has(epoch));
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
  leave(partition: number, epoch: number): () => void {
    if (!this.steady) return () => undefined;
    const epochs = this.#leaving.get(partition) ?? new Set<number>();
    this.#leaving.set(partition, epochs.add(epoch));
    return () => {
      if (epochs.delete(epoch) && epochs.size === 0 && this.#leaving.get(partition) === epochs) {
        this.#leaving.delete(partition);
      }
    };
  }

  /** Answers those for whom it is known now. */
  settle(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) {
      const { partition, epoch, resolve } = waiter;
      if (this.has(partition, epoch)) resolve(true);
      else if (this.#closed || this.#confirmed || !this.#holds(partition, epoch)) resolve(false);
      else this.#waiting.push(waiter);
    }
  }

  /** Nobody waits any longer. */
  close(): void {
    this.#closed = true;
    this.settle();
  }
}
