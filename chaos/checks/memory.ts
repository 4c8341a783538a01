import type { Sample } from '../sampler.js';
import { verdict, type Verdict } from './finding.js';

/** What comes first is no measure: caches and compiled code are still growing. */
const SETTLES = 1 / 4;
/** The least of each window is what is left after a collection of garbage. */
const WINDOWS = 12;
const HOUR_MS = 3_600_000;
/** The heap of V8 is collected as a whole about once in a minute or two: what rises for less than this says nothing. */
const SHORTEST_MS = 600_000;

/**
 * By how much the largest node grows, MB per hour: a line of least squares through the least size in each of twelve windows
 * of the time, the first quarter left out. Undefined where what is left is less than ten minutes, or has too few samples.
 */
export function memorySlope(samples: readonly Sample[]): number | undefined {
  const settled = settledSizes(samples);
  const width = Math.floor(settled.length / WINDOWS);
  if (width < 2 || spanOf(settled) < SHORTEST_MS) return undefined;
  const least = Array.from({ length: WINDOWS }, (_, window) =>
    settled.slice(window * width, (window + 1) * width).reduce((a, b) => (b.memoryMb < a.memoryMb ? b : a)),
  );
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [time, size] = [mean(least.map(({ atMs }) => atMs)), mean(least.map(({ memoryMb }) => memoryMb))];
  const spread = least.reduce((sum, { atMs }) => sum + (atMs - time) ** 2, 0);
  if (spread === 0) return undefined;
  const together = least.reduce((sum, { atMs, memoryMb }) => sum + (atMs - time) * (memoryMb - size), 0);
  return (together / spread) * HOUR_MS;
}

/** @param mbPerH at most so much growth; undefined: it is only told */
export function checkMemory(
  samples: readonly Sample[],
  { memoryMb, mbPerH }: { readonly memoryMb: number; readonly mbPerH: number | undefined },
): Verdict[] {
  const sizes = samples.flatMap((sample) => (sample.memoryMb === undefined ? [] : [sample.memoryMb]));
  const largest = Math.max(0, ...sizes);
  const slope = memorySlope(samples);
  const seconds = (spanOf(settledSizes(samples)) / 1_000).toFixed(0);
  const grows =
    slope === undefined
      ? `growth is not judged: it takes ${SHORTEST_MS / 1_000} s after the first quarter, there were ${seconds} s`
      : `growing by ${slope.toFixed(0)} MB an hour`;
  const bounded = verdict(
    'memory-bounded',
    `no node takes more than ${memoryMb} MB`,
    `${sizes.length} samples, from ${(sizes[0] ?? 0).toFixed(0)} MB to ${(sizes.at(-1) ?? 0).toFixed(0)} MB, the largest ${largest.toFixed(0)} MB, ${grows}`,
    largest > memoryMb ? [`${largest.toFixed(0)} MB`] : [],
  );
  if (mbPerH === undefined) return [bounded];
  const claim = `no node grows by more than ${mbPerH} MB an hour`;
  return [
    bounded,
    verdict(
      'memory-slope',
      claim,
      grows,
      slope !== undefined && slope > mbPerH ? [`${slope.toFixed(0)} MB an hour`] : [],
    ),
  ];
}

interface Size {
  readonly atMs: number;
  readonly memoryMb: number;
}

function settledSizes(samples: readonly Sample[]): Size[] {
  const sizes = samples.flatMap(({ atMs, memoryMb }) => (memoryMb === undefined ? [] : [{ atMs, memoryMb }]));
  return sizes.slice(Math.floor(sizes.length * SETTLES));
}

function spanOf(sizes: readonly Size[]): number {
  return (sizes.at(-1)?.atMs ?? 0) - (sizes[0]?.atMs ?? 0);
}
