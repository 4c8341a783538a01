/** Of one turn of the event loop, for those who are called, with what they do at once. */
const TURN_MS = 3;
/** Calls before the clock is looked at. */
const AT_ONCE = 4;

/**
 * Calls back in order, for a few milliseconds in each turn of the event loop: whoever is called may have much to do, and
 * what else waits, a request over HTTP say, has its turns in between. Never at once: what one read of a socket brings is
 * to be known as a whole.
 */
export class Portions {
  #waiting: (() => void)[] = [];
  #running = false;

  /** `call` must not throw. */
  add(call: () => void): void {
    this.#waiting.push(call);
    if (this.#running) return;
    this.#running = true;
    process.nextTick(() => void this.#run());
  }

  async #run(): Promise<void> {
    let begun = performance.now();
    while (this.#waiting.length > 0) {
      const calls = this.#waiting;
      this.#waiting = [];
      for (const [index, call] of calls.entries()) {
        call();
        if ((index + 1) % AT_ONCE !== 0) continue;
        await new Promise<void>((done) => process.nextTick(done)); // They have done what they do at once.
        if (performance.now() - begun < TURN_MS) continue;
        await new Promise((next) => setImmediate(next));
        begun = performance.now();
      }
    }
    this.#running = false;
  }
}
