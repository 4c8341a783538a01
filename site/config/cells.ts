import { choices, nearest, show, type Origin } from './problems.js';

/** A row of named texts, from a table or from a list in the site file. Empty text = not given. */
export interface Row extends Origin {
  has(column: string): boolean;
  cell(column: string): string;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A finite number; `fallback` when not given. Undefined: a problem was noted, or nothing was given. */
export function readNumber(row: Row, column: string): number | undefined;
export function readNumber(row: Row, column: string, fallback: number): number;
export function readNumber(row: Row, column: string, fallback?: number): number | undefined {
  const text = row.cell(column);
  if (text === '') return fallback;
  const value = Number(text);
  if (NUMBER.test(text) && Number.isFinite(value)) return value;
  row.report(column, show(text), 'a number');
  return fallback;
}

/** A whole number within limits; `fallback` when not given, and a problem when there is none. */
export function readInteger(row: Row, column: string, min: number, max: number, fallback?: number): number | undefined {
  const text = row.cell(column);
  if (text === '' && fallback !== undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  row.report(column, text === '' ? 'nothing' : show(text), `a whole number from ${min} to ${max}`);
  return undefined;
}

const BOOLEANS = new Map([
  ['0', false],
  ['1', true],
  ['false', false],
  ['true', true],
]);

export function readBoolean(row: Row, column: string): boolean {
  const text = row.cell(column);
  const value = text === '' ? false : BOOLEANS.get(text.toLowerCase());
  if (value === undefined) row.report(column, show(text), choices([...BOOLEANS.keys()]));
  return value ?? false;
}

/** One of the words of a map, in any case. Undefined: not given, or a problem was noted. */
export function readWord<T>(row: Row, column: string, words: ReadonlyMap<string, T>): T | undefined {
  const text = row.cell(column);
  if (text === '') return undefined;
  const value = words.get(text.toLowerCase());
  if (value !== undefined) return value;
  const names = [...words.keys()];
  const near = nearest(text, names);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  row.report(column, show(text), choices(names), `found ${show(text)}, allowed ${choices(names)}${hint}`);
  return undefined;
}
