import { connectBus, type Bus } from '../bus/connection.js';
import { startEmbeddedServer, type EmbeddedServer } from '../bus/server.js';
import { DEFAULT_LIMITS } from '../bus/streams.js';
import { startEmbeddedEngine } from '../protocols/clickhouse/engine/start.js';
import { createHistoryStore } from '../protocols/clickhouse/history-store.js';
import type { HistoryStore } from '../protocols/clickhouse/types.js';
import { MemoryStore } from '../protocols/realtime/memory-store.js';
import { RedisStore } from '../protocols/realtime/redis-store.js';
import type { RealtimeStore } from '../protocols/realtime/store.js';
import { maskSecrets, type Environment } from '../site/config/index.js';
import type { HistoryConfig } from '../site/model.js';
import { watchChild } from './child-log.js';
import type { DataFolder } from './data-folder.js';
import type { NodeLog } from './node.js';
import type { Stages } from './stages.js';

/** NATS: the one that the environment names, or our own. */
export async function startBus(
  stages: Stages,
  { nats, nodeName }: Environment,
  folder: DataFolder,
  log: NodeLog,
): Promise<{ bus: Bus; server: EmbeddedServer | undefined; url: string }> {
  let server: EmbeddedServer | undefined;
  if (nats.servers === undefined) {
    server = await stages.start(
      'nats-server',
      () =>
        startEmbeddedServer({
          dataFolder: folder.join('nats'),
          port: nats.port,
          strict: nats.durability === 'strict',
          ...watchChild(log, 'nats-server'),
        }),
      (started) => started.stop(),
      (started) => started.url,
    );
  }
  const servers = server === undefined ? (nats.servers ?? []) : [server.url];
  const bus = await stages.start(
    'bus',
    () =>
      connectBus({
        servers,
        name: `statewatt ${nodeName}`,
        limits: { ...DEFAULT_LIMITS, framesRelaxed: nats.framesDurability === 'relaxed' },
        ...(nats.credentials === undefined ? {} : { credentials: nats.credentials }),
        ...(nats.tls === undefined ? {} : { tls: nats.tls }),
      }),
    (connected) => connected.close(),
    (connected) => `nats-server ${connected.nats.info?.version ?? ''}, ${servers.map(maskSecrets).join(', ')}`,
  );
  return { bus, server, url: servers.join(',') };
}

/** Redis where it is named, otherwise the process's own memory. */
export function startRealtimeStore(stages: Stages, { redisUrl }: Environment): Promise<RealtimeStore> {
  return stages.start<RealtimeStore>(
    'realtime',
    () => (redisUrl === undefined ? new MemoryStore() : new RedisStore({ url: redisUrl })),
    (store) => store.close(),
    () => (redisUrl === undefined ? 'in this process' : maskSecrets(redisUrl)),
  );
}

/** ClickHouse where it is named, otherwise the embedded engine. */
export async function startHistoryStore(
  stages: Stages,
  { clickhouseUrl }: Environment,
  folder: DataFolder,
  config: HistoryConfig,
  log: NodeLog,
): Promise<{ store: HistoryStore; url: string }> {
  let url = clickhouseUrl;
  if (url === undefined) {
    const engine = await stages.start(
      'history engine',
      () =>
        startEmbeddedEngine({
          dataFolder: folder.join('history'),
          ...watchChild(log, 'history engine'),
        }),
      (started) => started.stop(),
      () => 'chDB',
    );
    url = engine.url;
  }
  const address = url;
  const opened = await stages.start(
    'history',
    async () => {
      const store = createHistoryStore({ url: address });
      await store.prepare(config);
      return store;
    },
    (store) => store.close(),
    () => maskSecrets(address),
  );
  return { store: opened, url: address };
}
