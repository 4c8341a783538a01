import type { Membership } from './membership.js';

/** A former owner that is there and does not let go for so long is not waited for any longer: the journal fences it. */
const PATIENCE_MS = 5_000;

interface Waiter {
  readonly from: string;
  readonly version: number;
  readonly resolve: () => void;
}

/**
 * Waits until former owners have ended what they did for the partitions that a table gives to others. The journal's fence
 * keeps a former owner from writing, but an effect of its last entry might still come behind those of its successor.
 */
export class Handover {
  readonly #membership: Pick<Membership, 'settled' | 'members'>;
  readonly #waiting = new Set<Waiter>();

  constructor(membership: Pick<Membership, 'settled' | 'members'>) {
    this.#membership = membership;
  }

  /** Resolves when the instance has released what it lost by this version of the table, or is gone. */
  async whenReleased(from: string, version: number): Promise<void> {
    if (this.#hasReleased(from, version)) return;
    await new Promise<void>((resolve) => {
      const patience = setTimeout(() => waiter.resolve(), PATIENCE_MS);
      const waiter: Waiter = {
        from,
        version,
        resolve: () => {
          clearTimeout(patience);
          this.#waiting.delete(waiter);
          resolve();
        },
      };
      this.#waiting.add(waiter);
    });
  }

  /** Somebody was heard, or some time has passed. */
  check(): void {
    for (const waiter of this.#waiting) if (this.#hasReleased(waiter.from, waiter.version)) waiter.resolve();
  }

  /** Nobody waits any longer. */
  close(): void {
    for (const waiter of this.#waiting) waiter.resolve();
  }

  #hasReleased(from: string, version: number): boolean {
    const member = this.#membership.members.find(({ instance }) => instance === from);
    // Who has not listened long enough does not know that it is gone.
    if (member === undefined) return this.#membership.settled;
    // A node that drains has ended everything. One of an older release does not say.
    return member.draining || member.released === undefined || member.released >= version;
  }
}
