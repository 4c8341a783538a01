import { randomBytes } from 'node:crypto';
import type { ConnectOptions } from '../../actors/client/remote.js';
import { connectClient } from '../../actors/client/remote.js';
import type { StatewattClient } from '../../actors/client/client.js';
import { STREAM } from '../../bus/streams.js';
import { StatewattError } from '../../errors/error.js';
import { answered, checkCommands, checkOwnership, readJournals } from '../checks/commands.js';
import { verdict, type Verdict } from '../checks/finding.js';
import { checkFrames } from '../checks/frames.js';
import { checkSamples, disturbed, refusedIn } from '../checks/samples.js';
import { drive } from '../drive.js';
import type { Target } from '../fault.js';
import { Load } from '../load.js';
import { Observer } from '../observer.js';
import { RealtimeWatch } from '../realtime-watch.js';
import { comeToRest } from '../rest.js';
import type { RunResult } from '../run.js';
import { healthOver, isWell, memoryOf, Sampler, type Watched } from '../sampler.js';
import type { Scenario } from '../scenario.js';
import { Guests, GUEST_POINT } from './guests.js';
import type { ForeignProcess } from './process.js';
import { refusals } from './refusals.js';
import { AttachedTarget } from './target.js';

const CLIENT_TIMEOUT_MS = 5_000;
const WELL_MS = 60_000;

/** A site that somebody else runs, and what may be done to it. */
export interface AttachOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly nats: Pick<ConnectOptions, 'natsUrl' | 'credentials' | 'tls' | 'token'>;
  /** Of the nodes' HTTP interfaces; none: how the site is is asked over NATS. */
  readonly httpUrls: readonly string[];
  /** Undefined: history is not checked. */
  readonly historyUrl: string | undefined;
  /** Undefined: newest values are not checked. */
  readonly redisUrl: string | undefined;
  /** Whether the site stores every point, as far as is known. */
  readonly storesAll: (client: StatewattClient) => Promise<boolean>;
  /** Of a node on this machine: its memory is looked at. */
  readonly nodePid: number | undefined;
  readonly processes: ReadonlyMap<Target, ForeignProcess>;
  /** Asked with the name of the site before anything is done to it; false ends the run. */
  readonly confirm: (site: string) => Promise<boolean>;
  readonly onProgress?: (text: string) => void;
  /** Aborted: faults end, and what there is is checked. */
  readonly signal?: AbortSignal;
}

/**
 * Drives load on a site that runs, breaks of it what can be broken from outside, holds what is left against what was
 * acknowledged, and takes out again what it made. Journals and history keep what happened.
 *
 * @throws `chaos.refused` with all that cannot be done there; `chaos.not_well`, `chaos.not_confirmed`; what the site answers
 */
export async function runAttached(options: AttachOptions): Promise<RunResult> {
  const refused = refusals(options.scenario, new Set(options.processes.keys()));
  if (refused.length > 0) {
    const text = `this scenario cannot be done to a site that runs:\n  ${refused.join('\n  ')}`;
    throw new StatewattError('chaos.refused', 'invalid', text, { details: { refused } });
  }
  const client = await connectClient({ ...options.nats, name: 'chaos', timeoutMs: CLIENT_TIMEOUT_MS });
  try {
    const health = await client.health();
    if (!isWell(health)) {
      const parts = Object.entries(health.parts).filter(([, part]) => part?.status !== 'up');
      const amiss = parts.map(([name, part]) => `${name} is ${part?.status}, ${part?.detail}`).join('; ');
      const why = `the site ${health.site} is ${health.status} (${amiss}); it must be well before anything is broken`;
      throw new StatewattError('chaos.not_well', 'conflict', why);
    }
    if (!(await options.confirm(health.site)))
      throw new StatewattError('chaos.not_confirmed', 'invalid', `nothing was done to the site ${health.site}`);
    return await onSite(options, client);
  } finally {
    await client.close();
  }
}

async function onSite(options: AttachOptions, client: StatewattClient): Promise<RunResult> {
  const { scenario, seed, historyUrl, redisUrl, onProgress = () => undefined, signal } = options;
  const startedAt = Date.now();
  const { natsUrl, credentials, tls } = options.nats;
  let realtime: RealtimeWatch | undefined;
  const observer = await Observer.start({
    natsUrl,
    onlyNew: true,
    ...(credentials === undefined ? {} : { credentials }),
    ...(tls === undefined ? {} : { tls }),
    onFrame: (frame) => realtime?.saw(frame),
  });
  const { bus, seen } = observer;
  const end = async (stream: string) => (await bus.manager.streams.info(stream)).state.last_seq;
  let guests: Guests | undefined;
  const sampler = new Sampler(watched(options, client));
  try {
    const [journalFrom, framesFrom] = [(await end(STREAM.journal)) + 1, (await end(STREAM.frames)) + 1];
    const storesAll = await options.storesAll(client);
    const left = await Guests.left(client);
    if (left.length > 0) onProgress(`models of a run that was ended are still there: ${left.join(' ')}`);
    guests = await Guests.make(client, randomBytes(3).toString('hex'), scenario.actors);
    onProgress(`made ${guests.models.length} models, ${guests.models[0]} and so on`);
    if (historyUrl !== undefined && redisUrl !== undefined) {
      realtime = new RealtimeWatch({ redisUrl, historyUrl, seen, boundMs: scenario.realtimeBehindS * 1_000 });
      realtime.start();
    }
    sampler.start();
    const { callers, perSecond } = scenario;
    const load = new Load(client, { callers, perSecond, models: guests.models, point: GUEST_POINT });
    const target = new AttachedTarget(client, options.processes, signal);
    const driven = await drive({
      ...{ scenario, seed, sampler, load, target, onProgress, signal },
      heal: () => target.heal(),
    });
    await realtime?.stop();
    const rest = await comeToRest({
      bus,
      healths: async () => [await client.health()],
      ms: scenario.recoveryS * 1_000 + WELL_MS,
    });
    await sampler.stop();
    await observer.leave();
    onProgress('checking journals and history');
    const samples = sampler.since(driven.begun);
    const { faults, begun, tookMs } = driven;
    const ofRedis = faults.filter(({ what }) => what === 'redis');
    const scope = { from: framesFrom, upTo: rest.upTo, refused: refusedIn(samples), storesAll };
    // The observer was there a moment before the end of the stream was looked up.
    const since = new Map([...seen].filter(([, sequence]) => sequence >= framesFrom));
    const journal = await readJournals(bus, 'model', journalFrom);
    const idle = load.acknowledged.size === 0 ? ['no command was acknowledged'] : [];
    const verdicts: Verdict[] = [
      ...checkSamples(faults, samples, scenario),
      ...(realtime === undefined
        ? []
        : [realtime.check.verdict((at) => disturbed(ofRedis, at - begun, scenario.recoveryS * 1_000))]),
      verdict('load-ran', 'there was something to lose', `${load.acknowledged.size} actors, ${seen.size} frames`, idle),
      answered(load),
      ...checkCommands(journal, load.acknowledged),
      checkOwnership(journal),
      ...(await checkFrames(bus, historyUrl, since, scope)),
      ...(historyUrl === undefined ? [] : [atRest(rest.problem)]),
    ];
    const unclean = await guests.leave(WELL_MS);
    verdicts.push(
      verdict('left-as-found', 'what the run made is taken out again', `${guests.models.length} models`, unclean),
    );
    guests = undefined;
    return {
      ...{ scenario, seed, startedAt, tookMs, faults, samples, verdicts },
      passed: verdicts.every(({ passed }) => passed),
      notChecked: notChecked(options, storesAll),
      commands: load.done,
      repeated: load.repeated,
      framesSeen: seen.size,
    };
  } finally {
    await realtime?.stop();
    await sampler.stop();
    const unclean = await guests?.leave(WELL_MS);
    for (const text of unclean ?? []) onProgress(text);
    await observer.close();
  }
}

/** What a run on a site of its own looks at besides. */
function notChecked({ historyUrl, redisUrl }: AttachOptions, storesAll: boolean): string[] {
  return [
    ...(historyUrl === undefined ? ['history-once, comes-to-rest: no address of history (--history)'] : []),
    ...(historyUrl !== undefined && !storesAll
      ? ['that history has every point: the site, as far as is known, stores a choice of them']
      : []),
    ...(redisUrl === undefined || historyUrl === undefined
      ? ['realtime-recent: no addresses of Redis and history (--redis, --history)']
      : []),
    'rollups-count, realtime-newest, no-orphans: they need a site that comes to rest',
    'alarms-once: the rules of the site are its own',
  ];
}

function atRest(problem: string | undefined): Verdict {
  const claim = 'history catches up with what there was at the end';
  return verdict('comes-to-rest', claim, 'the position of history', problem === undefined ? [] : [problem]);
}

/** Over HTTP each node for itself; over NATS any of them. */
function watched({ httpUrls, nodePid }: AttachOptions, client: StatewattClient): Watched[] {
  const memory = (index: number) => () =>
    index === 0 && nodePid !== undefined ? memoryOf(nodePid) : Promise.resolve(undefined);
  if (httpUrls.length === 0) return [{ name: 'the site', health: () => client.health(), memoryMb: memory(0) }];
  return httpUrls.map((url, index) => ({ name: url, health: () => healthOver(url), memoryMb: memory(index) }));
}
