import type { RestartPolicy } from '../kind.js';
import { weigh, type Verdict } from './policy.js';

/** Restart intensity and backoff of one actor that nobody has spawned: its partition's supervisor restarts it. */
export class RestartBudget {
  readonly #policy: RestartPolicy;
  readonly #random: () => number;
  #crashes: number[] = [];

  constructor(policy: RestartPolicy, random: () => number = Math.random) {
    this.#policy = policy;
    this.#random = random;
  }

  /** `now` in ms. */
  crashed(now: number): Verdict {
    const { windowMs } = this.#policy;
    this.#crashes = this.#crashes.filter((at) => now - at < windowMs);
    const verdict = weigh(this.#policy, this.#crashes, now, this.#random());
    this.#crashes.push(now);
    return verdict;
  }

  /** Crashes within the window. */
  used(now: number): number {
    return this.#crashes.filter((at) => now - at < this.#policy.windowMs).length;
  }

  reset(): void {
    this.#crashes = [];
  }
}
