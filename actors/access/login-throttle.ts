import { StatewattError } from '../../errors/error.js';

/** Failures that cost nothing. */
const FREE = 5;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** Without a failure for so long, all is forgotten. */
const FORGET_MS = 15 * 60_000;
/** Names and addresses that are remembered; the one that failed longest ago goes first. */
const MAX_KNOWN = 10_000;

interface Failures {
  readonly count: number;
  readonly at: number;
}

/**
 * Slows down who guesses passwords: after five failures the next try has to wait, twice as long after each. Counted by
 * name and by address apart, so that neither many names nor many addresses help.
 */
export class LoginThrottle {
  readonly #failures = new Map<string, Failures>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** @throws `access.throttled` */
  admit(keys: readonly string[]): void {
    const now = this.#now();
    const wait = Math.max(0, ...keys.map((key) => this.#wait(key, now)));
    if (wait === 0) return;
    throw new StatewattError(
      'access.throttled',
      'busy',
      `too many failed sign-ins; try again in ${Math.ceil(wait / 1_000)} s`,
      {
        retryAfterMs: wait,
      },
    );
  }

  failed(keys: readonly string[]): void {
    const at = this.#now();
    for (const key of keys) {
      const count = (this.#recent(key, at)?.count ?? 0) + 1;
      this.#failures.delete(key);
      this.#failures.set(key, { count, at });
    }
    for (const key of this.#failures.keys()) {
      if (this.#failures.size <= MAX_KNOWN) break;
      this.#failures.delete(key);
    }
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  #wait(key: string, now: number): number {
    const known = this.#recent(key, now);
    if (known === undefined || known.count < FREE) return 0;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (known.count - FREE), LONGEST_WAIT_MS);
    return Math.max(0, known.at + wait - now);
  }

  #recent(key: string, now: number): Failures | undefined {
    const known = this.#failures.get(key);
    return known !== undefined && now - known.at < FORGET_MS ? known : undefined;
  }
}
