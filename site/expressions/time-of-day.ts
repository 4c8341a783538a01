const QUARTER_MS = 15 * 60_000;
export const DAY_MINUTES = 24 * 60;

/** Whether it is the IANA name of a time zone that this machine knows. */
export function isTimeZone(name: string): boolean {
  try {
    new WallClock(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Wall-clock time in a time zone. Offsets change on quarter hours only, so each is looked up once a quarter hour. */
export class WallClock {
  readonly #format: Intl.DateTimeFormat;
  #from = NaN;
  #offsetMs = 0;

  /** @param timeZone IANA name, e.g. `Europe/Berlin`; default: that of the machine. Throws RangeError when unknown. */
  constructor(timeZone?: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
  }

  /** Minutes since midnight, 0 … below 1440, with their fraction. */
  minuteOfDay(now: number): number {
    return (this.#local(now) / 60_000) % DAY_MINUTES;
  }

  /** 1 Monday … 7 Sunday (ISO 8601). */
  weekday(now: number): number {
    const days = Math.floor(this.#local(now) / (DAY_MINUTES * 60_000));
    return ((days + 3) % 7) + 1; // 1970-01-01 was a Thursday.
  }

  /** Ms since 1970-01-01 00:00 of the wall clock. */
  #local(now: number): number {
    const from = Math.floor(now / QUARTER_MS) * QUARTER_MS;
    if (from !== this.#from) {
      this.#from = from;
      this.#offsetMs = this.#offset(from);
    }
    return now + this.#offsetMs;
  }

  #offset(at: number): number {
    const part: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(at)) part[type] = Number(value);
    const { year = 1970, month = 1, day = 1, hour = 0, minute = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute) - at;
  }
}
