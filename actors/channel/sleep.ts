/** Waits of one owner, one after the other, until it ends them all. A wait costs a timer, nothing else. */
export class Sleep {
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #ended = false;

  /** Waits have ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves `ms` later, or at once when waits have ended. Only one at a time. */
  async for(ms: number): Promise<void> {
    if (ms <= 0 || this.#ended) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(resolve, ms);
    });
  }

  /** Ends the wait under way and every later one. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#wake?.();
  }
}
