/** What came for a watcher and was not yet taken. Subclasses keep the newest state, never a queue that grows with time. */
export abstract class Waiting<Update> {
  #wake: (() => void) | undefined;
  #failure: Error | undefined;

  /** Removes and answers the next update; undefined when nothing waits. */
  protected abstract next(): Update | undefined;

  /** Until the signal aborts. @throws what `fail` was given */
  async *updates(signal: AbortSignal): AsyncGenerator<Update> {
    const wake = (): void => this.wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        if (this.#failure !== undefined) throw this.#failure;
        const update = this.next();
        if (update !== undefined) yield update;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  /** Ends the watch with an error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.wake();
  }

  /** To be called when something has come. */
  wake(): void {
    this.#wake?.();
  }
}
