import type { SubmittedReading } from '../../site/metering/readings.js';

/**
 * The readings that a meter remembers, to answer one that comes again with its first verdict: ascending by sequence, one
 * short text for each, because a node holds those of many meters.
 *
 *     sequence start end energy tokens state
 */
export type Window = readonly string[];

/** A quarter hour's readings of more than the week for which readings are taken by default. */
export const REMEMBERED = 1_000;

export type RememberedState = 'a' | 'h' | 'r';

export interface Remembered {
  readonly start: number;
  readonly end: number;
  readonly energy: string;
  readonly tokens: string;
  /** Accepted, held, refused by a person. */
  readonly state: RememberedState;
}

export function remember(window: Window, added: readonly string[]): Window {
  return [...window, ...added].slice(-REMEMBERED);
}

export function row(
  { sequence, start, end, energy }: SubmittedReading,
  tokens: string,
  state: RememberedState,
): string {
  // Not a template: that is kept as a tree of its pieces, five times as large, for as long as the meter remembers it.
  return [sequence, start, end, energy, tokens, state].join(' ');
}

export function find(window: Window, sequence: number): Remembered | undefined {
  const index = indexOf(window, sequence);
  if (index < 0) return undefined;
  const [, start, end, energy = '', tokens = '', state] = (window[index] as string).split(' ');
  return { start: Number(start), end: Number(end), energy, tokens, state: state as RememberedState };
}

/** With another state of one reading; the same window where it is not remembered any more. */
export function mark(window: Window, sequence: number, state: RememberedState): Window {
  const index = indexOf(window, sequence);
  if (index < 0) return window;
  return window.with(index, [...(window[index] as string).split(' ').slice(0, -1), state].join(' '));
}

function indexOf(window: Window, sequence: number): number {
  let low = 0;
  let high = window.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = Number.parseInt(window[middle] as string, 10);
    if (found === sequence) return middle;
    if (found < sequence) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
