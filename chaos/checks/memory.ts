import type { Sample } from '../sampler.js';
import { verdict, type Verdict } from './finding.js';

/** What comes first is no measure: caches and compiled code are still growing. */
const SETTLES = 1 / 4;
/** The least of each window is what is left after a collection of garbage. */
const WINDOWS = 12;
const HOUR_MS = 3_600_000;

/**
 * By how much the largest node grows, MB per hour: a line of least squares through the least size in each of twelve windows
 * of the time, the first quarter left out. Undefined with too few samples.
 */
export function memorySlope(samples: readonly Sample[]): number | undefined {
  const sizes = samples.flatMap(({ atMs, memoryMb }) => (memoryMb === undefined ? [] : [{ atMs, memoryMb }]));
  const settled = sizes.slice(Math.floor(sizes.length * SETTLES));
  const width = Math.floor(settled.length / WINDOWS);
  if (width < 2) return undefined;
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
  const grows = slope === undefined ? 'too few to tell a growth' : `growing by ${slope.toFixed(0)} MB an hour`;
  const bounded = verdict(
    'memory-bounded',
    `no node takes more than ${memoryMb} MB`,
    `${sizes.length} samples, the largest ${largest.toFixed(0)} MB, ${grows}`,
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
