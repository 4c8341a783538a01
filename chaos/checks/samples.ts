import type { FaultFile, Target } from '../fault.js';
import type { Sample } from '../sampler.js';
import { verdict, type Verdict } from './finding.js';
import { checkMemory } from './memory.js';

/** What a fault brings about may be seen so much later, or earlier by another clock. */
const MARGIN_MS = 3_000;

/** A fault as it was done. Ms since the run began. */
export interface DoneFault {
  readonly number: number;
  readonly what: Target;
  readonly action: FaultFile['do'];
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

/** What was amiss within a time, and for how long, the longest first. */
function troubles(samples: readonly Sample[], fromMs: number, toMs: number): string {
  const spans = new Map<string, number>();
  samples.forEach(({ atMs, trouble }, index) => {
    if (atMs < fromMs || atMs >= toMs || trouble === undefined) return;
    spans.set(trouble, (spans.get(trouble) ?? 0) + (samples[index + 1]?.atMs ?? atMs) - atMs);
  });
  return [...spans]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([trouble, ms]) => `${trouble} for ${(ms / 1_000).toFixed(1)} s`)
    .join(', ')
    .concat(lastSaid(samples, fromMs, toMs));
}

function lastSaid(samples: readonly Sample[], fromMs: number, toMs: number): string {
  const last = samples.findLast(({ atMs, said }) => said !== undefined && atMs >= fromMs && atMs < toMs);
  return last?.said === undefined ? '' : `; last: ${last.said}`;
}

/** Whether a fault of these was under way at a moment, or ended less than `forMs` before. */
export function disturbed(faults: readonly DoneFault[], atMs: number, forMs: number): boolean {
  return faults.some(({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs + forMs);
}

/**
 * Whether nothing was broken, and every look found all well, from some time before `fromMs` until some time after `toMs`:
 * then nothing excuses what went amiss in it.
 */
export function undisturbed(
  faults: readonly DoneFault[],
  samples: readonly Sample[],
  [fromMs, toMs]: readonly [number, number],
): boolean {
  const [from, to] = [fromMs - MARGIN_MS, toMs + MARGIN_MS];
  const within = samples.filter(({ atMs }) => atMs >= from && atMs <= to);
  const broken = faults.some((fault) => fault.fromMs <= to && fault.toMs >= from);
  return !broken && within.length > 0 && within.every(({ healthy }) => healthy) && (samples[0]?.atMs ?? to) <= from;
}

/** Frames that nodes gave up, in all. */
export function refusedIn(samples: readonly Sample[]): number {
  return samples.findLast(({ refused }) => refused !== undefined)?.refused ?? 0;
}

/** A node tells again for half a second how it was, and takes some time to find out. */
const TOLD_LATE_MS = 1_000;

/** Those that were given up though no disk was full then. */
function refusedWithRoom(faults: readonly DoneFault[], samples: readonly Sample[]): string[] {
  const full = faults.filter(({ action }) => action === 'fill');
  let [before, since] = [0, -Infinity];
  return samples.flatMap(({ atMs, refused: total }) => {
    if (total === undefined) return [];
    const [refused, from] = [total - before, since];
    [before, since] = [total, atMs];
    if (refused === 0 || full.some(({ fromMs, toMs }) => fromMs < atMs && from - TOLD_LATE_MS < toMs)) return [];
    return [`${refused} frames at ${(atMs / 1_000).toFixed(1)} s`];
  });
}

export function checkSamples(
  faults: readonly DoneFault[],
  samples: readonly Sample[],
  bounds: { readonly recoveryS: number; readonly memoryMb: number; readonly memoryMbPerH?: number | undefined },
): Verdict[] {
  const times = recoveries(faults, samples);
  const slow = faults.flatMap(({ number, text, toMs }, index) => {
    const ms = times[index];
    if (ms === undefined || ms <= bounds.recoveryS * 1_000) return [];
    const after = ms === Infinity ? 'never' : `after ${(ms / 1_000).toFixed(1)} s`;
    return [`fault ${number} (${text}): ${after}; ${troubles(samples, toMs, toMs + ms)}`];
  });
  const measured = times.filter((ms) => ms !== undefined).length;
  return [
    verdict(
      'recovery',
      `all is well ${bounds.recoveryS} s after a fault`,
      `${measured} of ${faults.length} faults, the others were followed by one`,
      slow,
    ),
    ...checkMemory(samples, { memoryMb: bounds.memoryMb, mbPerH: bounds.memoryMbPerH }),
    verdict(
      'nothing-refused',
      faults.some(({ action }) => action === 'fill')
        ? 'no reading was given up but while a disk was full'
        : 'no reading was given up for want of room',
      `${samples.length} samples, ${refusedIn(samples)} frames`,
      refusedWithRoom(faults, samples),
    ),
  ];
}
