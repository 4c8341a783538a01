import type { PointView } from '../../../actors/client/schemas.js';
import type { PointKind } from '../../../site/points.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** An age or a duration in words, in the largest unit that still says something: `0 s`, `42 s`, `5 min`, `3 h`, `12 d`. */
export function formatAge(ms: number): string {
  const age = Math.max(0, ms);
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min`;
  if (age < 2 * DAY) return `${Math.floor(age / HOUR)} h`;
  return `${Math.floor(age / DAY)} d`;
}

/** An interval as configured: `250 ms`, `1 s`, `1.5 s`, `5 min`. */
export function formatInterval(ms: number): string {
  if (ms < SECOND) return `${ms} ms`;
  if (ms < MINUTE) return `${trim(ms / SECOND)} s`;
  return `${trim(ms / MINUTE)} min`;
}

/** A round trip in ms, with a decimal where it matters. */
export function formatRoundTrip(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : ms.toFixed(0);
}

function trim(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/**
 * A point's value for reading. The decimals depend on the magnitude only, so that a live number does not jump in width
 * at each change; states of signals and controls read as on and off.
 */
export function formatValue(value: number | string | null, kind: PointKind): string {
  if (value === null) return '–';
  if (typeof value === 'string') return value;
  if (kind === 'S' || kind === 'C') {
    if (value === 0) return 'off';
    if (value === 1) return 'on';
  }
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 0.001 || magnitude >= 1e9)) return value.toExponential(3);
  return group(value.toFixed(magnitude >= 10_000 ? 1 : magnitude >= 100 ? 2 : 3));
}

/** An amount that is decimal text, whole as it is. */
export function formatAmount(text: string): string {
  return group(text);
}

/** Thin spaces between thousands: 1234567.8 → 1 234 567.8 */
function group(fixed: string): string {
  const point = fixed.indexOf('.');
  const whole = point === -1 ? fixed : fixed.slice(0, point);
  return whole.replace(/\B(?=(\d{3})+$)/g, '\u2009') + (point === -1 ? '' : fixed.slice(point));
}

/** Local clock time, with the date when it is not of the day of `now`. */
export function formatTime(time: number, now: number): string {
  const date = new Date(time);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return date.toDateString() === new Date(now).toDateString() ? clock : `${formatDate(date)} ${clock}`;
}

function formatDate(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/**
 * Labels of a time axis (local time, 24 hours), one for each tick. The first tick and each new day also name the date
 * on a second line.
 *
 * @param ticks seconds since the Unix epoch
 * @param step seconds between two ticks
 */
export function timeAxisLabels(ticks: readonly number[], step: number): string[] {
  let day = '';
  return ticks.map((tick) => {
    const date = new Date(tick * 1_000);
    const today = formatDate(date);
    if (step >= DAY / SECOND) return today;
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}${step < 60 ? `:${two(date.getSeconds())}` : ''}`;
    const label = today === day ? clock : `${clock}\n${today}`;
    day = today;
    return label;
  });
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** What numbers a point takes, in words; undefined when it takes any. */
export function formatLimits({ min, max, unit }: Pick<PointView, 'min' | 'max' | 'unit'>): string | undefined {
  if (min === undefined && max === undefined) return undefined;
  const numbers = max === undefined ? `at least ${min}` : min === undefined ? `at most ${max}` : `${min} to ${max}`;
  return `${numbers} ${unit}`.trim();
}
