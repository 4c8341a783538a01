import type { Sample } from '../sampler.js';
import type { Target } from '../scenario.js';
import { verdict, type Verdict } from './finding.js';

/** A fault as it was done. Ms since the run began. */
export interface DoneFault {
  readonly number: number;
  readonly what: Target;
  readonly text: string;
  /** When it began, ms since the Unix epoch. */
  readonly at: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** What came of it, when it could not be done. */
  readonly failed: string | undefined;
}

/** How long after the end of a fault all was well again; undefined where another one began before that. */
export function recoveries(faults: readonly DoneFault[], samples: readonly Sample[]): (number | undefined)[] {
  return faults.map(({ toMs }) => {
    const well = samples.find(({ atMs, healthy }) => healthy && atMs >= toMs)?.atMs ?? Infinity;
    const interrupted = faults.some(({ fromMs, toMs: end }) => end > toMs && fromMs < well);
    return interrupted ? undefined : well - toMs;
  });
}

export function checkSamples(
  faults: readonly DoneFault[],
  samples: readonly Sample[],
  bounds: { readonly recoveryS: number; readonly memoryMb: number },
): Verdict[] {
  const times = recoveries(faults, samples);
  const slow = faults.flatMap(({ number, text }, index) => {
    const ms = times[index];
    if (ms === undefined || ms <= bounds.recoveryS * 1_000) return [];
    return [`fault ${number} (${text}): ${ms === Infinity ? 'never' : `after ${(ms / 1_000).toFixed(1)} s`}`];
  });
  const sizes = samples.flatMap(({ memoryMb }) => (memoryMb === undefined ? [] : [memoryMb]));
  const largest = Math.max(0, ...sizes);
  const refused = Math.max(0, ...samples.map((sample) => sample.refused));
  const measured = times.filter((ms) => ms !== undefined).length;
  return [
    verdict(
      'recovery',
      `all is well ${bounds.recoveryS} s after a fault`,
      `${measured} of ${faults.length} faults, the others were followed by one`,
      slow,
    ),
    verdict(
      'memory-bounded',
      `no node takes more than ${bounds.memoryMb} MB`,
      `${sizes.length} samples, the largest ${largest.toFixed(0)} MB`,
      largest > bounds.memoryMb ? [`${largest.toFixed(0)} MB`] : [],
    ),
    verdict(
      'nothing-refused',
      'no reading was given up for want of room',
      `${samples.length} samples`,
      refused > 0 ? [`${refused} frames`] : [],
    ),
  ];
}
