const MINUTE = 60_000;
/** What the figures look back on. */
export const WINDOW_MS = 60 * MINUTE;
/** Raises that are remembered; in a flood of more than this an hour the oldest are not counted. */
const KEPT = 100_000;
/** EEMUA 191 (and ISA-18.2, 16.4): three raises or more within a minute. */
const CHATTERING = 3;
/** ISA-18.2, 16.5: a flood begins with more than ten alarms in ten minutes for one operator. */
const FLOOD = 10;
const BIN_MS = 10 * MINUTE;

export interface RaiseRates {
  /** In the last ten minutes. */
  readonly now: number;
  /** The most of any ten minutes of the last hour. */
  readonly peak: number;
  readonly flood: boolean;
}

/** When which alarm was raised, in the last hour: a ring of bounded size. */
export class Raises {
  readonly #at = new Float64Array(KEPT);
  readonly #ids = new Array<string>(KEPT);
  #count = 0;

  add(id: string, at: number): void {
    const slot = this.#count % KEPT;
    this.#at[slot] = at;
    this.#ids[slot] = id;
    this.#count += 1;
  }

  clear(): void {
    this.#count = 0;
    this.#ids.fill('');
  }

  /** Times of each alarm's raises within the last hour, oldest first. */
  byAlarm(now: number): Map<string, number[]> {
    const found = new Map<string, number[]>();
    for (const [id, at] of this.#recent(now)) {
      const times = found.get(id);
      if (times === undefined) found.set(id, [at]);
      else times.push(at);
    }
    return found;
  }

  /** Alarms raised in ten minutes, for each of so many operators. */
  rates(now: number, operators: number): RaiseRates {
    const times = this.#recent(now)
      .map(([, at]) => at)
      .sort((a, b) => a - b);
    let peak = 0;
    for (let first = 0, last = 0; last < times.length; last++) {
      while ((times[last] as number) - (times[first] as number) >= BIN_MS) first += 1;
      peak = Math.max(peak, last - first + 1);
    }
    const recent = times.filter((at) => at > now - BIN_MS).length / operators;
    return { now: recent, peak: peak / operators, flood: recent > FLOOD };
  }

  #recent(now: number): [string, number][] {
    const found: [string, number][] = [];
    for (let index = Math.max(0, this.#count - KEPT); index < this.#count; index++) {
      const slot = index % KEPT;
      const at = this.#at[slot] as number;
      if (at > now - WINDOW_MS) found.push([this.#ids[slot] as string, at]);
    }
    return found;
  }
}

/** Whether an alarm came so often within one minute that it means nothing any more. `times` ascending. */
export function isChattering(times: readonly number[]): boolean {
  return times.some((at, index) => {
    const third = times[index + CHATTERING - 1];
    return third !== undefined && third - at <= MINUTE;
  });
}
