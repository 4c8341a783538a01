import { createRandom, streamSeed } from '../protocols/virtual/random.js';
import type { FaultFile } from './fault.js';
import type { Scenario } from './scenario.js';

/** One fault of a run. */
export interface PlannedFault {
  readonly number: number;
  /** Ms after the load has begun. */
  readonly atMs: number;
  /** Ms; 0 for one that is over at once. */
  readonly forMs: number;
  readonly fault: FaultFile;
  /** In [0, 1): which of several nodes or actors it hits. */
  readonly pick: number;
  /** Ms by which a clock jumps. */
  readonly byMs: number;
}

/** Every fault of a run, in the order of their times: the same for the same seed, whatever happens meanwhile. */
export function planFaults({ faults, durationS }: Scenario, seed: number): PlannedFault[] {
  const planned = faults.flatMap((fault, index) => {
    // A stream for each, so that one fault more does not move the others.
    const random = createRandom(streamSeed(seed, `fault ${index}`));
    const between = ([from = 0, to = 0]: readonly number[]): number => (from + random() * (to - from)) * 1_000;
    const times: number[] = [];
    if (fault.at_s !== undefined) times.push(fault.at_s * 1_000);
    else if (fault.every_s !== undefined) {
      for (let at = between(fault.every_s); at < durationS * 1_000; at += Math.max(1, between(fault.every_s)))
        times.push(at);
    }
    return times.map((atMs) => ({
      ...{ atMs, forMs: between(fault.for_s ?? []), fault, pick: random() },
      byMs: fault.by_s === undefined ? 0 : Math.round(between(fault.by_s)),
    }));
  });
  return planned
    .filter(({ atMs }) => atMs <= durationS * 1_000)
    .sort((a, b) => a.atMs - b.atMs)
    .map((each, index) => ({ number: index + 1, ...each }));
}

/** In words: `pause nats-server for 2.1 s`. */
export function describeFault({ fault, forMs, byMs }: PlannedFault): string {
  const { do: action, what, kind, in: state, mode, delay_ms, jitter_ms, bytes_per_s, share } = fault;
  const target = kind === undefined ? what : `${what} of kind ${kind}`;
  const details = [
    ...(delay_ms === undefined ? [] : [`${delay_ms} ms`]),
    ...(jitter_ms === undefined ? [] : [`± ${jitter_ms} ms`]),
    ...(bytes_per_s === undefined ? [] : [`${bytes_per_s} B/s`]),
    ...(share === undefined ? [] : [`${Math.round(share * 100)} % of them`]),
    ...(action === 'clock' ? [`by ${(byMs / 1_000).toFixed(1)} s`] : []),
  ];
  const when = state === undefined || state === 'any' ? [] : [`while a batch is ${state}`];
  const lasts = forMs === 0 ? [] : [`for ${(forMs / 1_000).toFixed(1)} s`];
  return [HOW[action](target, mode ?? ''), ...when, ...details, ...lasts].join(' ');
}

const HOW: Record<FaultFile['do'], (target: string, mode: string) => string> = {
  kill: (target) => `kill ${target}`,
  pause: (target) => `pause ${target}`,
  link: (target, mode) => `${mode} the link to ${target}`,
  answers: (target, mode) => `${mode} answers of ${target}`,
  clock: (target) => `move the clock of ${target}`,
  fill: (target) => `fill the disk of ${target}`,
  split: (target) => `split ${target}`,
};
