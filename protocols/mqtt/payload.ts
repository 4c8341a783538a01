import type { MqttMapping, TimeUnit } from '../../site/channels/mqtt.js';
import { atPath } from '../../site/json-path.js';
import { BAD, GOOD, isState, STALE, type PointDefinition } from '../../site/points.js';
import type { SourceQuality } from '../arrivals.js';
import { ProtocolError } from '../driver.js';

/** What a message says of one point. */
export interface Reading {
  readonly raw: number | string;
  /** ms since the Unix epoch; undefined: the message says none. */
  readonly time: number | undefined;
  readonly quality: SourceQuality;
}

/** One message, parsed as JSON at most once. */
export class Payload {
  readonly #bytes: Buffer;
  #text: string | undefined;
  #document: { readonly value: unknown } | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get text(): string {
    return (this.#text ??= this.#bytes.toString('utf8'));
  }

  /** @throws SyntaxError */
  get document(): unknown {
    this.#document ??= { value: JSON.parse(this.text) as unknown };
    return this.#document.value;
  }
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const ON = new Set(['1', 'true', 'on']);
const OFF = new Set(['0', 'false', 'off']);

/** What a message says of a point. @throws ProtocolError `protocol.payload_invalid` */
export function readPayload(payload: Payload, mapping: MqttMapping, point: PointDefinition): Reading {
  const { value, time, quality, timeUnit } = mapping;
  let document: unknown;
  if (value !== undefined || time !== undefined || quality !== undefined) document = documentOf(payload);
  return {
    raw: rawOf(value === undefined ? payload.text : atPath(document, value), mapping, point),
    time: time === undefined ? undefined : timeOf(atPath(document, time), timeUnit),
    quality: quality === undefined ? GOOD : qualityOf(atPath(document, quality)),
  };
}

function documentOf(payload: Payload): unknown {
  try {
    return payload.document;
  } catch (cause) {
    throw new ProtocolError('protocol.payload_invalid', `found ${shown(payload.text)}, allowed JSON`, { cause });
  }
}

function rawOf(found: unknown, { on, off }: MqttMapping, point: PointDefinition): number | string {
  if (point.dataType === 'string') {
    if (typeof found === 'string') return found;
    if (typeof found === 'number' || typeof found === 'boolean') return String(found);
    throw invalid(found, 'a text');
  }
  if (typeof found === 'boolean') return found ? 1 : 0;
  if (typeof found === 'number' && Number.isFinite(found)) return found;
  const text = typeof found === 'string' ? found.trim() : undefined;
  if (text === undefined) throw invalid(found, 'a number');
  if (text === on) return 1;
  if (text === off) return 0;
  if (isState(point.kind) || point.dataType === 'bool') {
    if (ON.has(text.toLowerCase())) return 1;
    if (OFF.has(text.toLowerCase())) return 0;
  }
  if (NUMBER.test(text)) return Number(text);
  throw invalid(found, 'a number');
}

const PER_MS: Readonly<Record<TimeUnit, number>> = { s: 1e-3, ms: 1, us: 1e3, ns: 1e6 };
/** The last ms that a Date can hold (ECMA-262, section 21.4.1.1). */
const LAST_MS = 8.64e15;

function timeOf(found: unknown, unit: TimeUnit): number {
  const number = typeof found === 'string' && NUMBER.test(found) ? Number(found) : found;
  const time =
    typeof number === 'number' ? number / PER_MS[unit] : typeof number === 'string' ? Date.parse(number) : NaN;
  if (time > 0 && time <= LAST_MS) return Math.floor(time);
  throw invalid(found, 'a time');
}

const GOOD_WORDS = new Set(['good', 'ok', 'valid']);
const STALE_WORDS = new Set(['stale', 'uncertain', 'questionable']);

/** Numbers as OPC has them: 192 and more good, 64 to 191 uncertain, below bad; and 1 for good. */
function qualityOf(found: unknown): SourceQuality {
  if (found === true || found === 1) return GOOD;
  if (typeof found === 'number') return found >= 192 && found <= 255 ? GOOD : found >= 64 && found < 192 ? STALE : BAD;
  const word = typeof found === 'string' ? found.toLowerCase() : '';
  return GOOD_WORDS.has(word) ? GOOD : STALE_WORDS.has(word) ? STALE : BAD;
}

function invalid(found: unknown, allowed: string): ProtocolError {
  const what = found === undefined ? 'nothing' : shown(typeof found === 'string' ? found : JSON.stringify(found));
  return new ProtocolError('protocol.payload_invalid', `found ${what}, allowed ${allowed}`);
}

function shown(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 59)}…` : text;
  return JSON.stringify(cut);
}

/** The payload of a write: `{value}` alone as plain text, among other things as JSON has it. */
export function commandPayload(mapping: MqttMapping, raw: number | string, state: boolean, now: number): string {
  const word = state ? (raw === 0 ? (mapping.off ?? '0') : (mapping.on ?? '1')) : String(raw);
  const bare = mapping.command === '{value}';
  const isText = typeof raw === 'string' || (state && !/^(true|false|null|-?\d+(\.\d+)?)$/.test(word));
  const value = !bare && isText ? JSON.stringify(word) : word;
  return mapping.command.replaceAll(/\{(value|time)\}/g, (_, field) => (field === 'value' ? value : String(now)));
}
