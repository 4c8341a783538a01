/** Of one turn of the event loop, for beginning polls. What the devices answer costs about as much again. */
const SLICE_MS = 1;

/**
 * Polls give way. All channels of a node begin their polls here, and together they take no more than a slice of each
 * turn of the event loop; what does not fit waits, in order, for the next turns. So a node that cannot keep up with its
 * intervals misses cycles, and counts them, but what its polls bring to light (rules, alarms, control, queries) does not
 * wait behind them. While the slice is not used up a poll begins at once.
 */
export class PollTurns {
  readonly #sliceMs: number;
  readonly #now: () => number;
  #waiting: (() => void)[] = [];
  #usedMs = 0;
  #ending: NodeJS.Immediate | undefined;

  /** `now` is a monotonic clock, ms. */
  constructor(sliceMs = SLICE_MS, now = () => performance.now()) {
    this.#sliceMs = sliceMs;
    this.#now = now;
  }

  /** Polls that wait for a turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Calls `poll`, now or in one of the next turns, and answers as it does. Its part up to its first pause is what counts. */
  begin<T>(poll: () => Promise<T>): Promise<T> {
    if (this.#waiting.length === 0 && this.#usedMs < this.#sliceMs) return this.#counted(poll);
    return new Promise<T>((resolve) => {
      this.#waiting.push(() => resolve(this.#counted(poll)));
    });
  }

  #counted<T>(poll: () => Promise<T>): Promise<T> {
    this.#ending ??= setImmediate(this.#nextTurn);
    const begun = this.#now();
    try {
      return poll();
    } finally {
      this.#usedMs += this.#now() - begun;
    }
  }

  readonly #nextTurn = (): void => {
    this.#ending = undefined;
    this.#usedMs = 0;
    let begun = 0;
    while (begun < this.#waiting.length && this.#usedMs < this.#sliceMs) (this.#waiting[begun++] as () => void)();
    if (begun > 0) this.#waiting = this.#waiting.slice(begun);
  };
}
