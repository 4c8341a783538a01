import type { VirtualPattern } from '../../site/model.js';
import { createRandom, streamSeed } from './random.js';

/** A simulated value as a function of the ms since the channel was first connected. */
export type Signal = (elapsedMs: number) => number;

type PatternOf<T extends VirtualPattern['type']> = Extract<VirtualPattern, { type: T }>;

/** A random walk takes one step in this many ms, however often it is looked at. */
export const WALK_TICK_MS = 100;

/**
 * The signal of a pattern. Its values depend on the pattern, the seed and the elapsed time only: not on the other
 * patterns, nor on when and how often it was asked before.
 */
export function createSignal(pattern: VirtualPattern, seed: number): Signal {
  switch (pattern.type) {
    case 'sine':
      return sine(pattern);
    case 'random-walk':
      return randomWalk(pattern, streamSeed(seed, `${pattern.kind}:${pattern.pointId}`));
    case 'step':
      return step(pattern);
    case 'ramp':
      return ramp(pattern);
    case 'constant':
      return () => pattern.value;
    case 'replay':
      return replay(pattern);
  }
}

/** offset + amplitude · sin(2π · frequency · t + phase); the phase is in radians. */
function sine({ amplitude, frequencyHz, phase, offset }: PatternOf<'sine'>): Signal {
  const omega = (2 * Math.PI * frequencyHz) / 1000;
  return (elapsedMs) => offset + amplitude * Math.sin(omega * elapsedMs + phase);
}

/**
 * Each tick adds a uniform step in [−stepSize, stepSize]; what would leave [min, max] is reflected at the bound.
 * The walk up to the last asked tick is kept, so going on costs one draw per tick and going back starts it anew.
 */
function randomWalk({ initialValue, stepSize, min, max }: PatternOf<'random-walk'>, seed: number): Signal {
  let random = createRandom(seed);
  let tick = 0;
  let value = reflect(initialValue, min, max);
  return (elapsedMs) => {
    const wanted = Math.floor(elapsedMs / WALK_TICK_MS);
    if (wanted < tick) {
      random = createRandom(seed);
      tick = 0;
      value = reflect(initialValue, min, max);
    }
    for (; tick < wanted; tick++) value = reflect(value + (2 * random() - 1) * stepSize, min, max);
    return value;
  };
}

/** Folds a value into [min, max] as if the bounds were mirrors. */
function reflect(value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  const width = max - min;
  if (width <= 0) return min;
  const folded = modulo(value - min, 2 * width);
  return min + (folded <= width ? folded : 2 * width - folded);
}

/** Each value for `durationMs`, in order, for ever. */
function step({ values, durationMs }: PatternOf<'step'>): Signal {
  return (elapsedMs) => values[modulo(Math.floor(elapsedMs / durationMs), values.length)] as number;
}

/** Straight from `from` to `to` within `durationMs`; then again from the start, or it stays at `to`. */
function ramp({ from, to, durationMs, repeat }: PatternOf<'ramp'>): Signal {
  return (elapsedMs) => {
    const part = repeat ? modulo(elapsedMs, durationMs) / durationMs : Math.min(1, Math.max(0, elapsedMs / durationMs));
    return from + (to - from) * part;
  };
}

/**
 * The value of the last row whose time has come; before the first row, the first row's. When repeated, the last row
 * holds as long as the row before it did, then the first row's time begins again.
 */
function replay({ rows, repeat }: PatternOf<'replay'>): Signal {
  const times = Float64Array.from(rows, ([ms]) => ms);
  const values = Float64Array.from(rows, ([, value]) => value);
  const first = times[0] as number;
  const last = times[times.length - 1] as number;
  const period = times.length < 2 ? 0 : last - first + (last - (times[times.length - 2] as number));
  return (elapsedMs) => {
    const ms = repeat && period > 0 && elapsedMs > last ? first + modulo(elapsedMs - first, period) : elapsedMs;
    let low = 0;
    let high = times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((times[middle] as number) <= ms) low = middle;
      else high = middle - 1;
    }
    return values[low] as number;
  };
}

/** Remainder with the sign of the divisor, so that times before the start wrap too. */
function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
