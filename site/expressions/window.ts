/** Parts that a window is made of: it moves on by one of them at a time. */
const SLOTS = 60;

/**
 * The values of the last `lengthMs` of something that holds each value until the next. Its memory is fixed: the window
 * is made of 60 slots, and reaches back between 59/60 of its length and its whole length.
 */
export class Window {
  readonly #lengthMs: number;
  readonly #slotMs: number;
  /** Of each slot: value · ms, and ms, of the time for which the value was known. */
  readonly #integral = new Float64Array(SLOTS);
  readonly #known = new Float64Array(SLOTS);
  readonly #lowest = new Float64Array(SLOTS).fill(NaN);
  readonly #highest = new Float64Array(SLOTS).fill(NaN);
  /** Of each slot: the first known value in it, and since when. */
  readonly #first = new Float64Array(SLOTS).fill(NaN);
  readonly #firstAt = new Float64Array(SLOTS).fill(NaN);
  /** Number of the newest slot, counted from the epoch; NaN before the first value. */
  #slot = NaN;
  #now = NaN;
  #value = NaN;

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
    this.#slotMs = lengthMs / SLOTS;
  }

  /** The value is `value` from `now` on; NaN: unknown. `now` (ms since the Unix epoch) never falls. */
  put(now: number, value: number): void {
    if (Number.isNaN(this.#now)) {
      this.#slot = Math.floor(now / this.#slotMs);
      this.#now = now;
    }
    this.#hold(now);
    this.#value = value;
    this.#touch(this.#slot % SLOTS, now);
  }

  /** When the window moves on next, though nothing new is put. */
  get movesAt(): number {
    return (this.#slot + 1) * this.#slotMs;
  }

  /** Time-weighted mean; NaN while less than half of the window is known. */
  mean(): number {
    let integral = 0;
    let known = 0;
    for (let index = 0; index < SLOTS; index++) {
      integral += this.#integral[index] as number;
      known += this.#known[index] as number;
    }
    return known >= this.#lengthMs / 2 ? integral / known : NaN;
  }

  /** Smallest value; NaN while less than half of the window is known. */
  lowest(): number {
    return this.#extreme(this.#lowest, Math.min);
  }

  /** Largest value; NaN while less than half of the window is known. */
  highest(): number {
    return this.#extreme(this.#highest, Math.max);
  }

  /** Change per second, from the first known value in the window to the present one; NaN while less than half of the window lies between. */
  slope(): number {
    for (let age = Math.min(SLOTS - 1, this.#slot); age >= 0; age--) {
      const index = (this.#slot - age) % SLOTS;
      const since = this.#firstAt[index] as number;
      if (Number.isNaN(since)) continue;
      const elapsed = this.#now - since;
      return elapsed >= this.#lengthMs / 2 ? ((this.#value - (this.#first[index] as number)) / elapsed) * 1_000 : NaN;
    }
    return NaN;
  }

  /** Accounts the present value up to `now`, slot by slot. */
  #hold(now: number): void {
    const last = Math.floor(now / this.#slotMs);
    if (last - this.#slot >= SLOTS) {
      this.#slot = last - SLOTS; // All slots are made anew below; what lies before them is out of the window.
      this.#now = (last - SLOTS + 1) * this.#slotMs;
    }
    while (this.#slot < last) {
      const end = (this.#slot + 1) * this.#slotMs;
      this.#account(Math.max(0, end - this.#now));
      this.#slot += 1;
      this.#now = Math.max(this.#now, end);
      this.#clear(this.#slot % SLOTS, this.#now);
    }
    this.#account(now - this.#now);
    this.#now = now;
  }

  #account(ms: number): void {
    if (ms <= 0 || Number.isNaN(this.#value)) return;
    const index = this.#slot % SLOTS;
    this.#integral[index] = (this.#integral[index] as number) + this.#value * ms;
    this.#known[index] = (this.#known[index] as number) + ms;
  }

  #clear(index: number, at: number): void {
    this.#integral[index] = 0;
    this.#known[index] = 0;
    this.#lowest[index] = NaN;
    this.#highest[index] = NaN;
    this.#first[index] = NaN;
    this.#firstAt[index] = NaN;
    this.#touch(index, at);
  }

  /** The present value is one of those of a slot. */
  #touch(index: number, at: number): void {
    if (Number.isNaN(this.#value)) return;
    if (Number.isNaN(this.#firstAt[index])) {
      this.#first[index] = this.#value;
      this.#firstAt[index] = at;
    }
    const lowest = this.#lowest[index] as number;
    const highest = this.#highest[index] as number;
    if (!(lowest <= this.#value)) this.#lowest[index] = this.#value;
    if (!(highest >= this.#value)) this.#highest[index] = this.#value;
  }

  #extreme(of: Float64Array, choose: (a: number, b: number) => number): number {
    let extreme = NaN;
    let known = 0;
    for (let index = 0; index < SLOTS; index++) {
      const value = of[index] as number;
      known += this.#known[index] as number;
      if (!Number.isNaN(value)) extreme = Number.isNaN(extreme) ? value : choose(extreme, value);
    }
    return known >= this.#lengthMs / 2 ? extreme : NaN;
  }
}
