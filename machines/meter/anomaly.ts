import type { ReadingLimits } from '../../site/metering/readings.js';

/**
 * What is usual for a meter: mean and variance of the mean power of its accepted readings, in µW (floating point: they judge
 * a reading, no amount comes from them).
 */
export interface Usage {
  readonly readings: number;
  readonly mean: number;
  readonly variance: number;
}

export const NO_USAGE: Usage = { readings: 0, mean: 0, variance: 0 };

/** Readings that the mean reaches back: a week of quarter hours. */
const MEMORY = 672;
/** A meter that runs evenly would be held for a trifle: its deviation counts as this part of its mean at least. */
const LEAST_DEVIATION = 0.05;

const HOUR_MS = 3_600_000;

/** Mean power over a reading, µW. */
function powerOf(energy: bigint, durationMs: number): number {
  return (Number(energy) * HOUR_MS) / durationMs;
}

/**
 * Usage with one more reading: mean and variance weighted exponentially, by 1/n at first (Finch, "Incremental calculation of
 * weighted mean and variance", 2009, section 9).
 */
export function withReading({ readings, mean, variance }: Usage, energy: bigint, durationMs: number): Usage {
  const weight = 1 / Math.min(readings + 1, MEMORY);
  const difference = powerOf(energy, durationMs) - mean;
  const step = weight * difference;
  return { readings: readings + 1, mean: mean + step, variance: (1 - weight) * (variance + difference * step) };
}

/** Why a reading lies so far above what is usual that a person has to look at it; undefined: it does not. */
export function anomalyOf(
  { readings, mean, variance }: Usage,
  energy: bigint,
  durationMs: number,
  { deviations, minReadings }: ReadingLimits['anomaly'],
): string | undefined {
  if (deviations === 0 || readings < minReadings) return undefined;
  const power = powerOf(energy, durationMs);
  const limit = mean + deviations * Math.max(Math.sqrt(variance), LEAST_DEVIATION * mean);
  if (power <= limit) return undefined;
  return `${watts(power)} on average; of this meter at most ${watts(limit)} is usual (${deviations} deviations above its mean of ${watts(mean)})`;
}

function watts(microwatts: number): string {
  return `${(microwatts / 1e6).toPrecision(4)} W`;
}
