import { StatewattError } from '../../errors/error.js';

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const DAY = 86_400_000;
const HOUR = 3_600_000;
const CALENDAR = ['1d', '1w', '1mo'] as const;
type CalendarStep = (typeof CALENDAR)[number];

/** Equal steps from the Unix epoch on, or days, weeks (from Monday) and months of a time zone. */
export interface Buckets {
  /** Length in ms; undefined for calendar steps, whose lengths differ. */
  readonly stepMs: number | undefined;
  /** About how long one is. */
  readonly usualMs: number;
  /** Start of the bucket that holds `time`. */
  floor(time: number): number;
  /** Start of the bucket behind the one that starts at `start`. */
  next(start: number): number;
  /** ClickHouse: start of the bucket, in ms, of an expression of a time in ms. */
  expression(millis: string): string;
}

/**
 * @param every as `10s`, `15m`, `6h`, or `1d`, `1w`, `1mo`
 * @param timeZone IANA name; of days, weeks and months
 * @throws `history.invalid_query`
 */
export function bucketsOf(every: string, timeZone: string): Buckets {
  const step = CALENDAR.find((name) => name === every);
  if (step !== undefined) return new CalendarBuckets(step, checkedZone(timeZone));
  const [, count, unit] = /^([1-9]\d{0,6})([smh])$/.exec(every) ?? [];
  const ms = Number(count) * (UNITS[unit ?? ''] ?? NaN);
  if (!(ms > 0)) {
    throw invalid(
      `every is ${JSON.stringify(every)}; allowed: a number and s, m or h, as 15m, or ${CALENDAR.join(', ')}`,
    );
  }
  return {
    stepMs: ms,
    usualMs: ms,
    floor: (time) => Math.floor(time / ms) * ms,
    next: (start) => start + ms,
    expression: (millis) => `intDiv(${millis}, ${ms}) * ${ms}`,
  };
}

/** A span of time as text, in ms: `90s`, `5m`, `1h`, `7d`. @throws `history.invalid_query` */
export function spanOf(text: string, name: string): number {
  const [, count, unit] = /^(\d{1,9})(ms|s|m|h|d|w)$/.exec(text) ?? [];
  const ms = Number(count) * ({ ...UNITS, ms: 1, d: DAY, w: 7 * DAY }[unit ?? ''] ?? NaN);
  if (ms > 0) return ms;
  throw invalid(`${name} is ${JSON.stringify(text)}; allowed: a number and ms, s, m, h, d or w, as 90s or 5m`);
}

class CalendarBuckets implements Buckets {
  readonly stepMs: number | undefined;
  readonly usualMs: number;
  readonly #step: CalendarStep;
  readonly #zone: string;
  readonly #format: Intl.DateTimeFormat;

  constructor(step: CalendarStep, zone: string) {
    this.#step = step;
    this.#zone = zone;
    this.#format = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    this.stepMs = zone === 'UTC' && step === '1d' ? DAY : undefined;
    this.usualMs = { '1d': DAY, '1w': 7 * DAY, '1mo': 30 * DAY }[step];
  }

  floor(time: number): number {
    const local = new Date(this.#local(time));
    const day = Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate());
    if (this.#step === '1mo') return this.#midnight(Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), 1));
    if (this.#step === '1d') return this.#midnight(day);
    return this.#midnight(day - ((local.getUTCDay() + 6) % 7) * DAY);
  }

  next(start: number): number {
    // Noon of the first day is within it, whatever its hours; a step from there is within the next bucket's first day.
    const noon = new Date(Math.floor((this.#local(start) + 12 * HOUR) / DAY) * DAY);
    const days = { '1d': 1, '1w': 7, '1mo': 0 }[this.#step];
    if (days > 0) return this.#midnight(noon.getTime() + days * DAY);
    return this.#midnight(Date.UTC(noon.getUTCFullYear(), noon.getUTCMonth() + 1, 1));
  }

  expression(millis: string): string {
    const time = `fromUnixTimestamp64Milli(${millis}, '${this.#zone}')`;
    const start = { '1d': `toStartOfDay(${time})`, '1w': `toMonday(${time})`, '1mo': `toStartOfMonth(${time})` };
    return `toInt64(toUnixTimestamp(toDateTime(${start[this.#step]}, '${this.#zone}'))) * 1000`;
  }

  /** Wall-clock time as if it were UTC. */
  #local(time: number): number {
    const part: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(time)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  }

  /** The first moment of a local day, given as its midnight read as UTC. */
  #midnight(local: number): number {
    // Both offsets of a day with a change are tried; of a midnight that does not exist, the first moment after it counts.
    let time = local - (this.#local(local) - local);
    time = local - (this.#local(time) - time);
    return this.#local(time) < local ? time + HOUR : time;
  }
}

function checkedZone(zone: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch (cause) {
    throw invalid(`${JSON.stringify(zone)} is no time zone; allowed: names as Europe/Berlin or UTC`, cause);
  }
  if (/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(zone)) return zone;
  throw invalid(`${JSON.stringify(zone)} is no time zone; allowed: names as Europe/Berlin or UTC`);
}

function invalid(message: string, cause?: unknown): StatewattError {
  return new StatewattError('history.invalid_query', 'invalid', message, cause === undefined ? {} : { cause });
}
