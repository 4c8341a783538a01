import { join } from 'node:path';
import { connectClient } from '../actors/client/remote.js';
import type { StatewattClient } from '../actors/client/client.js';
import { createRandom, streamSeed } from '../protocols/virtual/random.js';
import { checkAlarms, findEpisodes, findRaises, readLevel } from './checks/alarms.js';
import { answered, checkCommands, checkOwnership, readJournals } from './checks/commands.js';
import { verdict, type Verdict } from './checks/finding.js';
import { checkFrames } from './checks/frames.js';
import { checkOrphans } from './checks/orphans.js';
import { checkRealtime } from './checks/realtime.js';
import { checkRollups } from './checks/rollups.js';
import { checkSamples, disturbed, refusedIn, undisturbed, type DoneFault } from './checks/samples.js';
import { settled } from './checks/settles.js';
import { drive, type Driven } from './drive.js';
import { LEVEL } from './level.js';
import { Load, type Acknowledged } from './load.js';
import { MintingRun, type MintingOutcome } from './minting/minting-run.js';
import { Observer, type SeenFrame } from './observer.js';
import { RealtimeWatch } from './realtime-watch.js';
import { comeToRest } from './rest.js';
import { Sampler, type Sample } from './sampler.js';
import type { Scenario } from './scenario.js';
import { COUNTER_POINT, counterModel } from './site.js';
import { BreakableStack } from './stack-faults.js';
import { Stack } from './stack.js';

const CLIENT_TIMEOUT_MS = 5_000;
const WELL_MS = 60_000;

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
  /** Invariants that were not held against anything, and why. */
  readonly notChecked?: readonly string[];
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
    const watches: ((frame: SeenFrame) => void)[] = [];
    const observer = await Observer.start({
      natsUrl: stack.natsUrl,
      onFrame: (frame) => watches.forEach((saw) => saw(frame)),
    });
    const realtime = watchRealtime(scenario, stack, observer);
    if (realtime !== undefined) watches.push((frame) => realtime.saw(frame));
    try {
      const broken = await breakIt(options, stack, client, { observer, realtime });
      outcome = { scenario, seed, startedAt, framesSeen: observer.seen.size, minting: undefined, ...broken.outcome };
      onProgress('checking journals and history');
      verdicts = [...broken.verdicts, ...(await check(stack, observer, broken))];
      const minted = await broken.minting?.check(broken.outcome.faults);
      verdicts.push(...(minted?.verdicts ?? []));
      outcome = { ...outcome, minting: minted?.outcome };
      await stack.stopNodes();
    } finally {
      await realtime?.stop();
      await client.close();
      await observer.close();
    }
  } finally {
    await stack.stop();
  }
  verdicts.push(await checkOrphans(stack.run));
  return { ...outcome, verdicts, passed: verdicts.every(({ passed }) => passed) };
}

interface Watches {
  readonly observer: Observer;
  readonly realtime: RealtimeWatch | undefined;
}

function watchRealtime(scenario: Scenario, { redisUrl, historyUrl }: Stack, { seen }: Observer) {
  if (redisUrl === undefined) return undefined;
  return new RealtimeWatch({ redisUrl, historyUrl, seen, boundMs: scenario.realtimeBehindS * 1_000 });
}

async function breakIt(
  { scenario, seed, onProgress = () => undefined, signal }: RunOptions,
  stack: Stack,
  client: StatewattClient,
  { observer, realtime }: Watches,
) {
  const sampler = new Sampler(stack.nodes);
  sampler.start();
  if (!(await sampler.healthyWithin(WELL_MS))) onProgress('the site was not well before anything was broken');
  const models = Array.from({ length: scenario.actors }, (_, index) => counterModel(index));
  const { callers, perSecond } = scenario;
  const load = new Load(client, { callers, perSecond, models, point: COUNTER_POINT });
  const minting =
    scenario.minting &&
    stack.minting &&
    (await MintingRun.start(observer.bus, stack, stack.minting, {
      ...{ ...scenario.minting, durationS: scenario.durationS, seed },
    }));
  realtime?.start();
  const target = new BreakableStack(stack, client, minting?.batches);
  const driven = await drive({
    ...{ scenario, seed, sampler, load, target, onProgress, signal },
    heal: () => stack.heal(),
  });
  const unminted = await minting?.settle(client, scenario.recoveryS * 1_000 + WELL_MS);
  await realtime?.stop();
  const rest = await comeToRest({
    bus: observer.bus,
    healths: () => Promise.all(stack.nodes.map(({ health }) => health())),
    pause: () => pauseAll(client),
    ms: scenario.recoveryS * 1_000 + WELL_MS,
  });
  await sampler.stop();
  await observer.leave();
  const { faults } = driven;
  const samples = sampler.since(driven.begun);
  return {
    ...{ load, minting, driven, upTo: rest.upTo },
    verdicts: [
      ...checkSamples(faults, samples, scenario),
      ...(realtime === undefined ? [] : [recent(realtime, driven, scenario.recoveryS * 1_000)]),
      verdict(
        'comes-to-rest',
        minting === undefined ? 'history catches up when no more comes' : 'history and minting catch up',
        minting === undefined ? 'the position of history' : 'the position of history, and all batches',
        [rest.problem, unminted].filter((why) => why !== undefined),
      ),
    ],
    outcome: {
      ...{ tookMs: driven.tookMs, faults, samples },
      commands: load.done,
      repeated: load.repeated,
    },
  };
}

/** Redis cannot be as new as history while it is away, and for some time after that. */
function recent(realtime: RealtimeWatch, { faults, begun }: Driven, recoveryMs: number): Verdict {
  const ofRedis = faults.filter(({ what }) => what === 'redis');
  return realtime.check.verdict((at) => disturbed(ofRedis, at - begun, recoveryMs));
}

async function check(
  stack: Stack,
  observer: Observer,
  { load, outcome, upTo, driven }: Awaited<ReturnType<typeof breakIt>>,
): Promise<Verdict[]> {
  const { bus, seen } = observer;
  const { redisUrl } = stack;
  const { acknowledged } = load;
  const journal = await readJournals(bus, 'model');
  const idle = [
    ...(acknowledged.size === 0 ? ['no command was acknowledged'] : []),
    ...(seen.size === 0 ? ['no frame was seen'] : []),
  ];
  return [
    verdict('load-ran', 'there was something to lose', `${acknowledged.size} actors, ${seen.size} frames`, idle),
    answered(load),
    ...checkCommands(journal, acknowledged),
    checkOwnership(journal),
    ...(await checkFrames(bus, stack.historyUrl, seen, { upTo, refused: refusedIn(outcome.samples) })),
    await settled(() => checkRollups(stack.historyUrl)),
    ...(redisUrl === undefined ? [] : [await settled(() => checkRealtime(bus, redisUrl))]),
    ...(stack.channels < LEVEL.channel ? [] : [await alarms(observer, outcome, driven)]),
  ];
}

async function alarms(
  { bus }: Observer,
  { faults, samples }: Pick<RunResult, 'faults' | 'samples'>,
  { begunAt }: Driven,
): Promise<Verdict> {
  const episodes = findEpisodes(await readLevel(bus));
  const raises = findRaises(await readJournals(bus, 'alarm'));
  return checkAlarms(episodes, raises, (from, to) => undisturbed(faults, samples, [from - begunAt, to - begunAt]));
}

async function pauseAll(client: StatewattClient): Promise<void> {
  for (const { id, state } of await client.channels()) {
    if (state !== 'paused') await client.commandChannel(id, 'pause');
  }
}
