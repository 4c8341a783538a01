/** Does things at their times, in the order in which they came: none overtakes another. */
export class DelayLine {
  readonly #waiting: { readonly at: number; readonly act: () => void }[] = [];

  /** Nothing waits. */
  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  /** When the last one that waits is done, of `performance.now()`; now, if none does. */
  get free(): number {
    return Math.max(performance.now(), this.#waiting.at(-1)?.at ?? 0);
  }

  /** `act` at the time `at` of `performance.now()`, or when the one before is done, if that is later. */
  push(at: number, act: () => void): void {
    this.#waiting.push({ at: Math.max(at, this.#waiting.at(-1)?.at ?? 0), act });
    if (this.#waiting.length === 1) setTimeout(() => this.#release(), at - performance.now());
  }

  #release(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const ms = first.at - performance.now();
      if (ms > 0) {
        setTimeout(() => this.#release(), ms);
        return;
      }
      first.act();
      this.#waiting.shift();
    }
  }
}
