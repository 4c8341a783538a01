/** Called back in one turn of the event loop. */
const AT_ONCE = 16;

/**
 * Calls back in order, a few in each turn of the event loop: whoever is called may have much to do, and what else waits, a
 * request over HTTP say, has its turns in between. What is alone is called at once.
 */
export class Portions {
  readonly #waiting: (() => void)[] = [];
  #called = 0;
  #scheduled = false;

  add(call: () => void): void {
    if (this.#waiting.length > 0 || this.#called === AT_ONCE) {
      this.#waiting.push(call);
      return;
    }
    this.#called += 1;
    this.#schedule();
    call();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    this.#called = 0;
    if (this.#waiting.length === 0) return;
    this.#schedule();
    for (let call = this.#waiting.shift(); call !== undefined; call = this.#waiting.shift()) {
      this.#called += 1;
      call();
      if (this.#called === AT_ONCE) return;
    }
  }
}
