import type { RestartPolicy } from './kind.js';

/** What to do about a crash. */
export type Verdict = { readonly restart: true; readonly delayMs: number } | { readonly restart: false };

/**
 * Restart intensity and backoff of one actor, after Erlang/OTP's supervisors: so many crashes within a window are
 * answered by a restart, each later than the one before; one more, and the actor is given up.
 */
export class RestartBudget {
  readonly #policy: RestartPolicy;
  readonly #random: () => number;
  #crashes: number[] = [];

  constructor(policy: RestartPolicy, random: () => number = Math.random) {
    this.#policy = policy;
    this.#random = random;
  }

  /** `now` in ms. The delay is between half and the whole of the exponential step, so that many do not come at once. */
  crashed(now: number): Verdict {
    const { intensity, windowMs, backoffMs } = this.#policy;
    this.#crashes = this.#crashes.filter((at) => now - at < windowMs);
    this.#crashes.push(now);
    const crashes = this.#crashes.length;
    if (crashes > intensity) return { restart: false };
    const step = Math.min(backoffMs.max, backoffMs.initial * 2 ** (crashes - 1));
    return { restart: true, delayMs: step * (0.5 + this.#random() / 2) };
  }

  reset(): void {
    this.#crashes = [];
  }
}
