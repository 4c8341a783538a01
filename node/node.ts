import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { accessKind } from '../actors/access.js';
import { createAlarmKind } from '../actors/alarm.js';
import { AlarmFeed } from '../actors/alarm/alarm-feed.js';
import { LocalAlarms } from '../actors/alarm/local-alarms.js';
import { createConfigurationKind } from '../actors/configuration.js';
import { createChannelKind } from '../actors/channel.js';
import { Gate } from '../actors/channel/gate.js';
import { PollTurns } from '../actors/channel/poll-turns.js';
import { createForwarderKind } from '../actors/forwarder.js';
import { historyMappingKind } from '../actors/history-mapping.js';
import { createMeterKind } from '../actors/meter.js';
import { createMeterFeedKind } from '../actors/meter-feed.js';
import { LocalMetering } from '../actors/meter/local-metering.js';
import { createModelKind, modelRef } from '../actors/model.js';
import { ModelHub } from '../actors/models/hub.js';
import { ModelSweep } from '../actors/models/sweep.js';
import { knownActors } from '../actors/runtime/known-actors.js';
import type { StatewattClient } from '../actors/client/client.js';
import { newestFrame } from '../actors/frames/frame-stream.js';
import { FramePublisher } from '../actors/frames/publisher.js';
import { Spool } from '../actors/frames/spool.js';
import { KnownMappings } from '../actors/projections/known-mappings.js';
import { LiveFeed } from '../actors/projections/live-feed.js';
import { RedisCollector } from '../actors/projections/redis-collector.js';
import { RealtimeProjection } from '../actors/projections/realtime.js';
import { createNotifierKind } from '../actors/notifier.js';
import { createRuleKind, ruleRef } from '../actors/rule.js';
import type { NewestValues } from '../actors/rule/evaluate-once.js';
import { FrameRouter } from '../actors/rule/frame-router.js';
import { RuleMirror } from '../actors/rule/rule-mirror.js';
import type { RuleParts } from '../actors/rule/worker.js';
import { createSystem, type ActorSystem } from '../actors/runtime/system.js';
import { subjects } from '../bus/subjects.js';
import { errorMessage } from '../errors/error.js';
import { HttpCounters } from '../facade/http/counters.js';
import { createHttpFacade } from '../facade/http/server.js';
import { startNatsServices } from '../facade/nats/services.js';
import { WEB_ROOT } from '../facade/web-root.js';
import type { FunctionRequests } from '../protocols/redis-functions/requests.js';
import { loadSite, maskSecrets, type Environment } from '../site/config/index.js';
import { RecordingFiles, type Sources } from '../site/config/versions/sources.js';
import { finishWriting } from '../site/config/versions/write.js';
import type { Site } from '../site/model.js';
import { startAccess } from './access.js';
import { WorkerPool } from '../workers/pool.js';
import { CallersModels, modelsNamedIn } from './callers-models.js';
import { Channels } from './channels.js';
import { LocalConfiguration } from './configuration/client.js';
import { ConfigurationJournal } from './configuration/journal.js';
import { Rollback } from './configuration/rollback.js';
import { viewLetterInside } from './dead-letters.js';
import { DataFolder } from './data-folder.js';
import { DEMO_SITE, startDemoDevices } from './demo-devices.js';
import { watchChild } from './child-log.js';
import { driversOfNode } from './drivers.js';
import { Forwarding } from './forwarding.js';
import { LocalForwarding } from './forwarding-client.js';
import { HealthCheck } from './health.js';
import { HistoryMappings } from './history-mappings.js';
import { HistoryStorage } from './history-storage.js';
import { HistoryWriter } from './history-writer.js';
import { startLedger } from './ledger.js';
import { LocalClient } from './local-client.js';
import { LocalRules } from './local-rules.js';
import { createMetrics } from './metrics.js';
import { meterFeedParts, MeterFeeds } from './meter-feeds.js';
import type { ModelService } from './model-service.js';
import { readNewest } from './model-values.js';
import { lookAtModel } from './model-look.js';
import { modelNumbers } from './model-numbers.js';
import { Models } from './models.js';
import { deliverTo } from './notification-delivery.js';
import { Notifications } from './notifications.js';
import { startMintingIfAsked } from './minting-if-asked.js';
import { startBus, startHistoryStore, startRealtimeStore } from './outside-parts.js';
import { startRedisFunctions } from './redis-requests.js';
import { Reloader } from './reloader.js';
import { takeRuleAction } from './rule-actions.js';
import { readRule } from './rule-views.js';
import { Rules } from './rules.js';
import { Siblings } from './siblings.js';
import { keepRunFile } from './run-file.js';
import { SiteHolder } from './site-holder.js';
import { Stages, type StageReport } from './stages.js';
import { StatusMirror } from './status-mirror.js';
import { tokenizationOf } from './tokenization.js';
import { startTraces } from './traces.js';

/** Bytes of frames that a node keeps on disk while NATS is away. */
const SPOOL_MAX_BYTES = 1024 ** 3;

/** The node that owns this partition writes history for all. */
const HISTORY_PARTITION = 0;
/** The node that owns this partition shows outside readers all alarms, and does what Redis Functions have accepted. */
const READ_MODELS_PARTITION = 0;

/** Where a node writes what operators should know. */
export interface NodeLog {
  debug(facts: Record<string, unknown>, text: string): void;
  info(facts: Record<string, unknown>, text: string): void;
  warn(facts: Record<string, unknown>, text: string): void;
  error(facts: Record<string, unknown>, text: string): void;
}

export interface NodeOptions {
  /** site.yaml or a folder; the demo's own when `demo` is set and none is given. */
  readonly site: string | undefined;
  /** Also run the simulated devices of the demo. */
  readonly demo: boolean;
  /** Nodes on this machine, this one among them. Default 1. */
  readonly nodes?: number;
  /** It is a further node of a site: the ports that the site file gives the services are another's. */
  readonly joins?: boolean;
  readonly environment: Environment;
  readonly log: NodeLog;
  readonly onStage?: (report: StageReport) => void;
  /** Aborting it ends a start that is under way: what has been started is stopped again. */
  readonly signal?: AbortSignal;
}

export interface RunningNode {
  readonly client: StatewattClient;
  /** Of the web page and the HTTP interface. */
  readonly url: string;
  readonly natsUrl: string;
  readonly dataFolder: string;
  /** Stops everything that was started, in the opposite order; safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts a node with everything in it that the environment does not name elsewhere, and brings the site's channels to
 * life. What was started is stopped again when a later part does not come up.
 *
 * @throws ConfigError before anything is started; `node.interrupted` after the signal; whatever a part throws that
 * does not come up
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const sitePath = resolve(options.site ?? DEMO_SITE);
  const finished = await finishWriting(sitePath);
  if (finished !== undefined) {
    options.log.warn(
      { part: 'configuration' },
      `a rollback that had been broken off is done now: ${finished.join(', ')}`,
    );
  }
  const files = new RecordingFiles();
  const site = await loadSite(sitePath, files);
  const stages = new Stages((report) => options.onStage?.(report), options.signal);
  try {
    return await startParts(options, sitePath, new SiteHolder(site), files.sources as Sources, stages);
  } catch (error) {
    await stages.stop();
    throw error;
  }
}

async function startParts(
  { demo, nodes = 1, joins = false, environment, log }: NodeOptions,
  sitePath: string,
  holder: SiteHolder,
  sources: Sources,
  stages: Stages,
): Promise<RunningNode> {
  const startedAt = Date.now();
  const tokenization = tokenizationOf(holder, environment, log);
  const node = environment.nodeName;
  const version = packageVersion();
  await startTraces(stages, environment, version, log);
  const folder = await stages.start(
    'data folder',
    () => DataFolder.claim(environment.dataFolder),
    (claimed) => claimed.release(),
    (claimed) => claimed.path,
  );
  if (demo) {
    await stages.start(
      'simulated devices',
      () => startDemoDevices(watchChild(log, 'simulated devices')),
      (child) => child.stop(),
    );
  }
  const { bus, server, url: natsUrl } = await startBus(stages, environment, folder, log);
  const numbers = await modelNumbers(bus, holder);
  const realtime = await startRealtimeStore(stages, environment);
  const { store: history, url: historyUrl } = await startHistoryStore(
    stages,
    environment,
    folder,
    holder.site.history,
    log,
  );

  const knownMappings = new KnownMappings(bus);
  const storage = new HistoryStorage(holder, knownMappings);
  const historyWriter = new HistoryWriter({
    bus,
    target: history,
    storage: () => storage.plan,
    onEvent: ({ type, ...facts }) => log.warn({ part: 'history', ...facts }, `history: ${type}`),
  });
  const collector =
    environment.redisUrl === undefined
      ? undefined
      : new RedisCollector({
          bus,
          read: (channel) => realtime.read(channel),
          plan: () => storage.plan,
          isOwned: (channel) => holder.channel(channel)?.enabled === true,
          onTrouble: (error) => {
            if (error === null) log.info({ part: 'history' }, 'values of Redis are collected again');
            else log.warn({ part: 'history', error }, 'values of Redis are not collected');
          },
        });
  const ledger = await startLedger(stages, {
    ...{ bus, url: historyUrl, log },
    decimals: () => tokenization().decimals,
  });
  const feed = new LiveFeed();
  const realtimeProjection = new RealtimeProjection(bus, realtime, feed);
  await stages.start(
    'projections',
    () => {
      knownMappings.start();
      realtimeProjection.start();
    },
    async () => {
      await collector?.stop();
      await realtimeProjection.stop();
      await historyWriter.write(false);
      await knownMappings.stop();
    },
  );

  const publisher = await stages.start(
    'frames',
    async () => new FramePublisher(bus, await Spool.open({ folder: folder.join('spool'), maxBytes: SPOOL_MAX_BYTES })),
    (started) => started.close(),
    (started) => (started.spoolBytes === 0 ? '' : `${started.spoolBytes} bytes from before are being replayed`),
  );

  const opening = new Gate(holder.site.defaults.maxConcurrentConnections);
  const polls = new PollTurns();
  const channelKind = createChannelKind({
    config: (id) => holder.channel(id),
    createDriver: driversOfNode(),
    openLine: (onFenced) => publisher.openLine(onFenced),
    lastValues: (id) => realtime.read(id),
    connecting: (work) => opening.through(work),
    polling: (poll) => polls.begin(poll),
  });
  const meterKind = createMeterKind();
  const alarmKind = createAlarmKind();
  const alarmFeed = new AlarmFeed();
  const notifierKind = createNotifierKind(
    {
      bus,
      target: (id) => holder.site.notifications.find((target) => target.id === id),
      onAlarm: (listener) => alarmFeed.watch(listener),
    },
    deliverTo({ bus, holder }),
  );
  const notifications: Notifications = new Notifications({
    system: () => system,
    kind: notifierKind,
    holder,
    onTrouble: (target, error) => log.error({ part: 'notifications', target }, errorMessage(error)),
  });
  const channels: Channels = new Channels({
    system: () => system,
    kind: channelKind,
    holder,
    realtime,
    onTrouble: (channel, error) => log.error({ part: 'channels', channel }, errorMessage(error)),
  });
  const hub = new ModelHub({
    site: () => holder.site,
    feed,
    realtime,
    announce: (id) => bus.nats.publish(subjects.modelChanged(id)),
    record: {
      claim: (model) => numbers.claim(model),
      openLine: () => publisher.openLine(() => undefined), // What a stale activation tells is kept, late.
      plan: () => storage.plan,
      newest: (channel) => newestFrame(bus, channel),
    },
  });
  const modelKind = createModelKind(hub);
  const modelSweep = new ModelSweep({
    bus,
    store: realtime,
    onSwept: (count) => log.info({ part: 'models', count }, `${count} models that are no more were left in Redis`),
  });
  const models: Models = new Models({
    system: () => system,
    kind: modelKind,
    hub,
    holder,
    numbers,
    known: () => knownActors(bus, modelKind.kind),
    onTrouble: (model, error) => log.error({ part: 'models', model }, errorMessage(error)),
  });
  const callersModels = new CallersModels({
    bus,
    holder,
    numbers,
    look: (id) => lookAtModel(bus, system, modelRef(modelKind, id)),
  });
  holder.useModels(callersModels.find);
  const readChannel = (channel: number) => readNewest(channel, { realtime, numbers, models: () => late.models });
  const newest: NewestValues = {
    points: () => holder.points,
    timeZone: () => holder.site.timeZone,
    read: async (channel) => (await readChannel(channel)).points,
  };
  const frames = new FrameRouter(feed);
  const meterFeedKind = createMeterFeedKind(meterFeedParts(frames, bus, meterKind, () => system, tokenization));
  const meterFeeds: MeterFeeds = new MeterFeeds({
    system: () => system,
    kind: meterFeedKind,
    meterKind,
    holder,
    known: () => knownActors(bus, meterFeedKind.kind),
    onTrouble: (meter, error) => log.error({ part: 'meters', meter }, errorMessage(error)),
  });
  const ruleParts: RuleParts = {
    ...newest,
    readChannel,
    frames,
    onSite: (listener) => rules.onSite(listener),
    followModels: (rule, changed) => callersModels.follow(modelsNamedIn(rule), changed),
    act: (run) =>
      takeRuleAction(run, {
        ...newest,
        system: () => system,
        channelKind,
        alarmKind,
        channel: (id) => holder.channel(id),
        models: () => late.models,
      }),
  };
  const ruleKind = createRuleKind(ruleParts, bus);
  const rules: Rules = new Rules({
    system: () => system,
    kind: ruleKind,
    holder,
    models: callersModels,
    known: () => knownActors(bus, ruleKind.kind),
    onTrouble: (rule, error) => log.error({ part: 'rules', rule }, errorMessage(error)),
  });
  const forwarding: Forwarding = new Forwarding({
    system: () => system,
    kind: () => forwarderKind,
    holder,
    onTrouble: (forwarder, error) => log.error({ part: 'forwarding', forwarder }, errorMessage(error)),
  });
  const forwarderKind = createForwarderKind({
    bus,
    config: (id) => forwarding.config(id),
    onLost: (forwarder, frames, why) =>
      log.warn({ part: 'forwarding', forwarder, frames }, `forwarder ${forwarder}: frames are lost: ${why}`),
  });
  const configurationKind = createConfigurationKind(bus);
  const minting = await startMintingIfAsked({ stages, environment, site: holder.site, folder, bus, tokenization, log });
  const system: ActorSystem = createSystem({
    bus,
    kinds: [
      channelKind,
      modelKind,
      ruleKind,
      alarmKind,
      notifierKind,
      forwarderKind,
      meterKind,
      meterFeedKind,
      configurationKind,
      accessKind,
      historyMappingKind,
      ...minting.kinds,
    ],
    node,
    alwaysOn: async () => {
      const [ofModels, ofRules, ofMeters] = await Promise.all([models.refs(), rules.refs(), meterFeeds.refs()]);
      return [
        ...channels.refs(),
        ...ofModels,
        ...ofRules,
        ...ofMeters,
        ...notifications.refs(),
        ...forwarding.refs(),
        ...minting.refs,
      ];
    },
    onOwned: (partitions) => {
      void channels.own(partitions);
      void models.own(partitions);
      void rules.own(partitions);
      void meterFeeds.own(partitions);
      alarms.showAll(partitions.has(READ_MODELS_PARTITION));
      ruleMirror?.showAll(partitions.has(READ_MODELS_PARTITION));
      modelSweep.run(partitions.has(READ_MODELS_PARTITION));
      late.redisFunctions?.take(partitions.has(READ_MODELS_PARTITION));
      void forwarding.own(partitions);
      void notifications.own(partitions);
      collector?.run(partitions.has(HISTORY_PARTITION));
      void historyWriter.write(partitions.has(HISTORY_PARTITION));
      void ledger.write(partitions.has(HISTORY_PARTITION));
    },
    onTrouble: (error) => log.warn({ part: 'placement' }, error),
    onDecision: ({ decision, stored }) =>
      log.info(
        { part: 'dead letters', decision, letter: viewLetterInside(stored) },
        `dead letter ${stored.id} of ${stored.letter.ref} was ${decision}`,
      ),
    onEvent: ({ type, ref, error, ...facts }) =>
      log.warn({ part: 'actors', ref, code: error.code, ...facts }, `${ref} ${type}: ${error.message}`),
  });
  const ruleMirror =
    environment.redisUrl === undefined
      ? undefined
      : new RuleMirror({
          bus,
          store: realtime,
          read: (id) => readRule(bus, system, ruleRef(ruleKind, id)),
          known: () => knownActors(bus, ruleKind.kind),
        });
  const alarms = new LocalAlarms({ bus, system, kind: alarmKind, feed: alarmFeed, store: realtime });
  /** Known once it is started. */
  const late: { redisFunctions: FunctionRequests | undefined; models: ModelService | undefined } = {
    redisFunctions: undefined,
    models: undefined,
  };
  await stages.start(
    'actors',
    () => system.start(),
    async () => {
      models.stop();
      await ruleMirror?.close();
      await modelSweep.close();
      await system.stop();
      callersModels.close();
      await hub.close();
    },
  );

  await stages.start(
    'alarms',
    () => alarms.start(),
    () => alarms.stop(),
  );

  const workers = await stages.start(
    'worker threads',
    () => {
      const pool = new WorkerPool({ workerData: minting.signing?.workerData() });
      minting.signing?.use(pool);
      return pool;
    },
    (pool) => pool.close(),
    (pool) => String(pool.threads),
  );
  const metering = await stages.start(
    'metering',
    () =>
      new LocalMetering({
        ...{ bus, system, kind: meterKind, pool: workers, settings: tokenization, archive: ledger },
        points: () => holder.points,
      }),
    (started) => started.stop(),
  );

  const access = await stages.start(
    'access',
    () => startAccess({ system, bus, environment, folder, log }),
    (started) => started.stop(),
  );

  const journal = new ConfigurationJournal({
    system: () => system,
    bus,
    kind: configurationKind,
    node,
    keep: () => holder.site.keepConfigurations,
    log,
  });
  const reloader = new Reloader({
    path: sitePath,
    holder,
    channels,
    models,
    rules,
    notifications,
    forwarding,
    meterFeeds,
    realtime,
    history,
    journal,
    sources,
    log,
  });
  const place = { path: sitePath, root: sources.root, journal };
  const configuration = new LocalConfiguration({
    ...place,
    site: () => holder.site,
    rollback: new Rollback({ ...place, afterwards: (work) => reloader.afterwards(work) }),
  });
  const forwarders = new LocalForwarding({ system, kind: forwarderKind, forwarding });
  let ready = false;
  const healthCheck = new HealthCheck({
    ledger,
    bus,
    server,
    system,
    holder,
    realtime,
    realtimeProjection,
    history,
    historyWriter,
    publisher,
    alarms,
    forwarders: () => forwarders.here(),
    node,
    version,
    startedAt,
    ready: () => ready,
    configurationProblem: () => reloader.problem,
  });
  const localRules = new LocalRules({
    ...{ system, kind: ruleKind, holder, models: callersModels, history, sitePath },
    ...(ruleMirror === undefined ? {} : { show: (id: string) => ruleMirror.show(id) }),
  });
  const mappings = new HistoryMappings(system, knownMappings, holder);
  const client = new LocalClient({
    system,
    channelKind,
    modelKind,
    holder,
    numbers,
    realtime,
    history,
    storage,
    mappings,
    feed,
    bus,
    alarms,
    rules: localRules,
    forwarding: forwarders,
    metering,
    minting: minting.client(system, (upTo) => ledger.mintedUpTo(upTo)),
    ledger,
    access,
    configuration,
    health: () => healthCheck.check(),
    killWorker: async () => ({ node, thread: await workers.kill() }),
  });
  late.models = client.modelService;

  await stages.start(
    'channels',
    async () => {
      await channels.start();
      ready = true;
    },
    () => {
      ready = false;
      rules.stop();
      meterFeeds.stop();
      notifications.stop();
      forwarding.stop();
      channels.stop();
    },
    () => `${holder.site.channels.length} of ${holder.site.name}`,
  );
  const mirror = new StatusMirror(realtime, () => client.statuses());
  await stages.start(
    'configuration',
    () => {
      mirror.start();
      reloader.start(() => {
        mirror.forget();
        hub.storeBack();
        modelSweep.storeBack();
        alarms.storeBack();
        ruleMirror?.storeBack();
      });
    },
    async () => {
      reloader.stop();
      journal.stop();
      await mirror.stop();
    },
    () => (holder.site.watchFiles ? `${sitePath}, watched` : sitePath),
  );

  late.redisFunctions = await startRedisFunctions(stages, environment, {
    system,
    alarmKind,
    models: client.modelService,
    rules: localRules,
    collector,
    mappings,
    showAlarm: (alarm) => alarms.keep(alarm),
    log,
  });
  late.redisFunctions?.take(system.owned.has(READ_MODELS_PARTITION));

  await stages.start(
    'NATS services',
    () =>
      startNatsServices({
        nats: bus.nats,
        client,
        gatekeeper: access,
        version,
        node,
        onProblem: (error) => log.error({ part: 'NATS services', code: error.code }, error.message),
      }),
    (services) => services.stop(),
  );
  const counters = new HttpCounters();
  const metrics = createMetrics({
    http: counters,
    system,
    polls,
    publisher,
    realtimeProjection,
    historyWriter,
    channels: () => Promise.resolve(client.channelsHere()),
    forwarders: () => forwarders.here(),
    workers,
    signing: minting.signing,
    ledger,
  });
  const { url } = await stages.start(
    'HTTP',
    async () => {
      const facade = createHttpFacade({
        client,
        ...environment.http,
        ...servicePorts(environment, joins ? undefined : holder.site),
        webRoot: WEB_ROOT,
        metrics,
        gatekeeper: access,
        counters,
      });
      return { facade, url: await facade.listen() };
    },
    ({ facade }) => facade.close(),
    (started) => started.url,
  );
  await stages.start(
    'run file',
    () => {
      const own = environment.clickhouseUrl === undefined ? { history: { url: historyUrl } } : {};
      const facts = { nats: { url: natsUrl }, http: { url }, ...own, pid: process.pid, node, startedAt };
      return keepRunFile(folder, facts, () => access.localToken(node), log);
    },
    (file) => file.remove(),
  );
  if (nodes > 1) {
    await stages.start(
      'further nodes',
      async () => {
        const siblings = new Siblings();
        await siblings.start(
          nodes - 1,
          { site: sitePath, natsUrl, historyUrl, further: minting.shared },
          environment,
          folder,
          log,
        );
        return siblings;
      },
      (siblings) => siblings.stop(),
      () => `${nodes - 1}, sharing the channels`,
    );
  }
  log.info({ part: 'node', node, url, nats: maskSecrets(natsUrl) }, `${holder.site.name} is running`);
  return { client, url, natsUrl, dataFolder: folder.path, stop: () => stages.stop() };
}

/** The environment’s word counts more than the site file’s. */
function servicePorts({ http }: Environment, site: Site | undefined): { servicePorts?: number } {
  const servicePorts = http.servicePorts ?? site?.servicePorts;
  return servicePorts === undefined ? {} : { servicePorts };
}

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url); // from dist/node/
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
