import { setTimeout as sleep } from 'node:timers/promises';
import type { DoneFault } from './checks/samples.js';
import { Injector, type Breakable } from './injector.js';
import type { Load } from './load.js';
import type { Sampler } from './sampler.js';
import type { Scenario } from './scenario.js';
import { planFaults } from './schedule.js';

/** Nothing is broken meanwhile, so that there is something to compare with. */
const CALM_MS = 2_000;
/** What is not acknowledged for so long after the last fault never will be. */
const LOAD_ENDS_MS = 60_000;
/** The same, when somebody has ended the run. */
const INTERRUPTED_MS = 5_000;

export interface DriveOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly sampler: Sampler;
  readonly load: Load;
  readonly target: Breakable;
  /** Ends every fault. */
  readonly heal: () => Promise<void>;
  readonly onProgress: (text: string) => void;
  /** Aborted: no more faults come. */
  readonly signal?: AbortSignal | undefined;
}

/** What was done. */
export interface Driven {
  /** Of `performance.now()`, and ms since the Unix epoch: times of faults count from here. */
  readonly begun: number;
  readonly begunAt: number;
  readonly tookMs: number;
  readonly faults: readonly DoneFault[];
}

/** Drives load, breaks the target by the plan of the seed, mends it, and waits until all is well or the time for it is over. */
export async function drive(options: DriveOptions): Promise<Driven> {
  const { scenario, seed, sampler, load, target, onProgress } = options;
  const [begun, begunAt] = [performance.now(), Date.now()];
  load.start();
  const injector = new Injector(target, ({ number, text, failed }) =>
    onProgress(`fault ${number}: ${text}${failed === undefined ? '' : `: not done, ${failed}`}`),
  );
  const plan = planFaults(scenario, seed).map((each) => ({ ...each, atMs: each.atMs + CALM_MS }));
  const interrupted = options.signal ?? new AbortController().signal;
  await injector.run(plan, begun, interrupted);
  const rest = scenario.durationS * 1_000 + CALM_MS - (performance.now() - begun);
  // An interruption ends it; nothing else can.
  if (rest > 0) await sleep(rest, undefined, { signal: interrupted }).catch(() => undefined);
  await options.heal();
  const well = await sampler.healthyWithin(scenario.recoveryS * 1_000);
  onProgress(well ? 'all is well again' : `not well ${scenario.recoveryS} s after the last fault`);
  await load.stop(interrupted.aborted ? INTERRUPTED_MS : LOAD_ENDS_MS);
  return { begun, begunAt, tookMs: performance.now() - begun, faults: injector.done };
}
