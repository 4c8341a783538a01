import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectClient } from '../actors/client/remote.js';
import type { StatewattClient } from '../actors/client/client.js';
import { errorMessage } from '../errors/error.js';
import { createRandom, streamSeed } from '../protocols/virtual/random.js';
import { checkCommands, checkOwnership, readJournals } from './checks/commands.js';
import { verdict, type Verdict } from './checks/finding.js';
import { checkFrames } from './checks/frames.js';
import { checkOrphans } from './checks/orphans.js';
import { checkRealtime } from './checks/realtime.js';
import { checkRollups } from './checks/rollups.js';
import { checkSamples, refusedIn, type DoneFault } from './checks/samples.js';
import { Injector } from './injector.js';
import { MintingRun, type MintingOutcome } from './minting/minting-run.js';
import { Load, type Acknowledged } from './load.js';
import { Observer } from './observer.js';
import { Sampler, type Sample } from './sampler.js';
import type { Scenario } from './scenario.js';
import { planFaults } from './schedule.js';
import { Stack } from './stack.js';

const CLIENT_TIMEOUT_MS = 5_000;
const WELL_MS = 60_000;
/** Nothing is broken meanwhile, so that there is something to compare with. */
const CALM_MS = 2_000;

/** What a run came to. */
export interface RunResult {
  readonly scenario: Scenario;
  readonly seed: number;
  /** Ms since the Unix epoch. */
  readonly startedAt: number;
  /** Of the load, ms. */
  readonly tookMs: number;
  readonly passed: boolean;
  readonly verdicts: readonly Verdict[];
  readonly faults: readonly DoneFault[];
  readonly samples: readonly Sample[];
  readonly commands: readonly Acknowledged[];
  /** Commands that were sent again. */
  readonly repeated: number;
  readonly framesSeen: number;
  /** Undefined: nothing is minted. */
  readonly minting?: MintingOutcome | undefined;
}

export interface RunOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  /** Everything of the run lies there, also afterwards. */
  readonly folder: string;
  readonly onProgress?: (text: string) => void;
  /** Aborted: faults end, and what there is is checked. */
  readonly signal?: AbortSignal;
}

/**
 * Starts a site of its own, drives load, breaks it by the plan of the seed, mends it, and holds what is left against what
 * was acknowledged.
 *
 * @throws `process.start_failed`, `bus.server_missing`: what is broken on purpose is no error
 */
export async function runScenario(options: RunOptions): Promise<RunResult> {
  const { scenario, seed, folder, onProgress = () => undefined } = options;
  const startedAt = Date.now();
  onProgress(`starting ${scenario.nodes} nodes, ${scenario.channels} channels, ${scenario.actors} models`);
  const stack = await Stack.start(scenario, join(folder, 'site'), createRandom(streamSeed(seed, 'links')));
  let outcome: Omit<RunResult, 'verdicts' | 'passed'>;
  let verdicts: Verdict[];
  try {
    const client = await connectClient({ natsUrl: stack.natsUrl, name: 'chaos', timeoutMs: CLIENT_TIMEOUT_MS });
    const observer = await Observer.start(stack.natsUrl);
    try {
      const broken = await breakIt(options, stack, client, observer);
      outcome = { scenario, seed, startedAt, framesSeen: observer.seen.size, minting: undefined, ...broken.outcome };
      onProgress('checking journals and history');
      verdicts = [...broken.verdicts, ...(await check(stack, observer, broken))];
      const minted = await broken.minting?.check(broken.outcome.faults);
      verdicts.push(...(minted?.verdicts ?? []));
      outcome = { ...outcome, minting: minted?.outcome };
      await stack.stopNodes();
    } finally {
      await client.close();
      await observer.close();
    }
  } finally {
    await stack.stop();
  }
  verdicts.push(await checkOrphans(stack.run));
  return { ...outcome, verdicts, passed: verdicts.every(({ passed }) => passed) };
}

async function breakIt(
  { scenario, seed, onProgress = () => undefined, signal }: RunOptions,
  stack: Stack,
  client: StatewattClient,
  observer: Observer,
) {
  const sampler = new Sampler(stack.nodes);
  sampler.start();
  if (!(await sampler.healthyWithin(WELL_MS))) onProgress('the site was not well before anything was broken');
  const load = new Load(client, scenario);
  const minting =
    scenario.minting &&
    stack.minting &&
    (await MintingRun.start(observer.bus, stack, stack.minting, {
      ...{ ...scenario.minting, durationS: scenario.durationS, seed },
    }));
  const begun = performance.now();
  const offset = sampler.elapsedMs;
  load.start();
  const injector = new Injector(stack, client, minting?.batches, ({ number, text, failed }) =>
    onProgress(`fault ${number}: ${text}${failed === undefined ? '' : `: not done, ${failed}`}`),
  );
  const plan = planFaults(scenario, seed).map((each) => ({ ...each, atMs: each.atMs + CALM_MS }));
  const interrupted = signal ?? new AbortController().signal;
  await injector.run(plan, begun, interrupted);
  const rest = scenario.durationS * 1_000 + CALM_MS - (performance.now() - begun);
  // An interruption ends it; nothing else can.
  if (rest > 0) await sleep(rest, undefined, { signal: interrupted }).catch(() => undefined);
  await stack.heal();
  const well = await sampler.healthyWithin(scenario.recoveryS * 1_000);
  onProgress(well ? 'all is well again' : `not well ${scenario.recoveryS} s after the last fault`);
  await load.stop();
  const unminted = await minting?.settle(client, scenario.recoveryS * 1_000 + WELL_MS);
  const rested = await quiesce(client, scenario.recoveryS * 1_000 + WELL_MS);
  await sampler.stop();
  await observer.leave();
  const samples = sampler.samples.map((sample) => ({ ...sample, atMs: sample.atMs - offset }));
  return {
    acknowledged: load.acknowledged,
    minting,
    verdicts: [
      ...checkSamples(injector.done, samples, scenario),
      verdict(
        'comes-to-rest',
        minting === undefined ? 'history catches up when no more comes' : 'history and minting catch up',
        minting === undefined ? 'the position of history' : 'the position of history, and all batches',
        [rested, unminted].filter((why) => why !== undefined),
      ),
    ],
    outcome: {
      tookMs: performance.now() - begun,
      faults: injector.done,
      samples,
      commands: load.done,
      repeated: load.repeated,
    },
  };
}

async function check(
  stack: Stack,
  observer: Observer,
  { acknowledged, outcome }: Awaited<ReturnType<typeof breakIt>>,
): Promise<Verdict[]> {
  const { bus, seen } = observer;
  const journal = await readJournals(bus, 'model');
  const idle = [
    ...(acknowledged.size === 0 ? ['no command was acknowledged'] : []),
    ...(seen.size === 0 ? ['no frame was seen'] : []),
  ];
  return [
    verdict('load-ran', 'there was something to lose', `${acknowledged.size} actors, ${seen.size} frames`, idle),
    ...checkCommands(journal, acknowledged),
    checkOwnership(journal),
    ...(await checkFrames(bus, stack.historyUrl, seen, refusedIn(outcome.samples))),
    await checkRollups(stack.historyUrl),
    ...(stack.redisUrl === undefined ? [] : [await checkRealtime(bus, stack.redisUrl)]),
  ];
}

/** Pauses every channel and waits until history has all there is. Otherwise: why it did not come to that. */
async function quiesce(client: StatewattClient, ms: number): Promise<string | undefined> {
  let why = 'history is behind';
  const paused = new Set<number>();
  for (const end = performance.now() + ms; performance.now() < end; await sleep(250)) {
    try {
      for (const { id } of await client.channels()) {
        if (paused.has(id)) continue;
        await client.commandChannel(id, 'pause');
        paused.add(id);
      }
      const { parts } = await client.health();
      if (parts.history?.facts?.behind === 0) return undefined;
      why = `history is ${parts.history?.facts?.behind} frames behind`;
    } catch (error) {
      why = errorMessage(error);
    }
  }
  return why;
}
