import { InvalidArgumentError } from 'commander';
import { ALLOWED_ADDRESSES, parseAddress as parseAny, type AnyPoint } from '../actors/client/addresses.js';
import { POINT_KINDS, type PointKind } from '../site/points.js';
import type { WriteRequest } from '../actors/client/schemas.js';

/** Readers of arguments and options. What they throw becomes a usage error that says what is allowed. */

/** A point of a channel, or of a model. */
export function parseAddress(text: string): AnyPoint {
  const address = parseAny(text);
  if (address === undefined) throw new InvalidArgumentError(`Allowed is ${ALLOWED_ADDRESSES}.`);
  return address;
}

/** The id of a model. */
export function parseModel(text: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('Allowed are 1 to 64 of A-Z a-z 0-9 _ -.');
}

export function parseKind(text: string): PointKind {
  const kind = POINT_KINDS.find((known) => known === text.toUpperCase());
  if (kind === undefined) throw new InvalidArgumentError(`Allowed are ${POINT_KINDS.join(', ')}.`);
  return kind;
}

export function parseChannel(text: string): number {
  return parseInteger(text, 1, 4_294_967_295);
}

export function parseLimit(text: string): number {
  return parseInteger(text, 1, 10_000);
}

export function parseCount(text: string): number {
  return parseInteger(text, 1, Number.MAX_SAFE_INTEGER);
}

export function parseSequence(text: string): number {
  return parseInteger(text, 0, Number.MAX_SAFE_INTEGER);
}

function parseInteger(text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max))
    throw new InvalidArgumentError(`Allowed are whole numbers from ${min} to ${max}.`);
  return value;
}

/** Seconds in text to milliseconds. */
export function parseSeconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0.001 && value <= 60)) {
    throw new InvalidArgumentError('Allowed are seconds from 0.001 to 60.');
  }
  return Math.round(value * 1000);
}

export function parseRef(text: string): string {
  if (!/^[a-z][a-z0-9-]*\/[^\s/]+$/.test(text)) {
    throw new InvalidArgumentError('Allowed is <kind>/<id>, such as channel/1001.');
  }
  return text;
}

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/**
 * A moment in ms since the Unix epoch: `now`, a span back from now (`-90s`, `-15m`, `-1h`, `-7d`, `-2w`), or ISO 8601.
 * ISO 8601 without an offset is local time, a date alone too.
 */
export function parseTime(text: string, now = Date.now()): number {
  if (text === 'now') return now;
  const back = /^-(\d+)([smhdw])$/.exec(text);
  if (back !== null) return now - Number(back[1]) * (UNIT_MS[back[2] as string] as number);
  const iso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text);
  const value = iso ? Date.parse(text.includes('T') ? text : `${text}T00:00`) : NaN;
  if (Number.isNaN(value)) {
    throw new InvalidArgumentError(
      'Allowed are ISO 8601 (2026-05-01, 2026-05-01T12:00, 2026-05-01T12:00:00Z), a span back from now (-90s, -15m, -1h, -7d, -2w), and now.',
    );
  }
  return value;
}

/** A span of time such as `90s`, `30m`, `8h` or `7d`, in ms: from 1 s to a week. */
export function parseSpan(text: string): number {
  const [, number = '', unit = ''] = /^(\d+)([smhdw])$/.exec(text) ?? [];
  const ms = Number(number) * (UNIT_MS[unit] ?? NaN);
  if (ms >= 1_000 && ms <= 604_800_000) return ms;
  throw new InvalidArgumentError('Allowed are spans from 1s to 7d, such as 90s, 30m, 8h or 7d.');
}

const STATES: Record<string, boolean> = { '0': false, off: false, false: false, '1': true, on: true, true: true };

/** The value of a write to a point of a model, which knows itself what it takes. */
export function parseModelValue(text: string, asText: boolean): WriteRequest['value'] {
  if (asText) return text;
  if (/^(on|true)$/i.test(text)) return 1;
  if (/^(off|false)$/i.test(text)) return 0;
  const number = Number(text);
  return text.trim() === '' || Number.isNaN(number) ? text : number;
}

/** The value of a write, by the kind of its point; `asText` takes it as it is, for string points. */
export function parseWriteValue(kind: WriteRequest['kind'], text: string, asText: boolean): WriteRequest['value'] {
  if (asText) return text;
  if (kind === 'C') {
    const state = STATES[text.toLowerCase()];
    if (state !== undefined) return state;
    throw new InvalidArgumentError('Allowed for a control (C) point are 0, 1, off, on, false, true.');
  }
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))) return Number(text);
  throw new InvalidArgumentError('Allowed for an adjustment (A) point are decimal numbers, or with --text any text.');
}
