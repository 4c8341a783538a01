import { readFileSync } from 'node:fs';
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import {
  AuthorizationError,
  connect,
  credsAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import { StatewattError, errorMessage } from '../errors/error.js';
import { DEFAULT_LIMITS, ensureStreams, type StreamLimits } from './streams.js';

/** The oldest server that has what the runtime stands on (pinned consumers, per-message fences, scheduled messages). */
export const MINIMUM_SERVER = [2, 12] as const;

export interface BusOptions {
  /** `host:port` or `nats://host:port`, with `user:password@` or `token@` before the host where the server wants it. */
  servers: readonly string[];
  /** For the server's connection list: which node or tool this is. */
  name: string;
  /** Path of a .creds file. */
  credentials?: string;
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
  /** Ms to wait for the first connection. */
  connectTimeoutMs?: number;
  limits?: StreamLimits;
  /** Create and update the streams. A tool that only asks need not. */
  ensureStreams?: boolean;
}

export type BusStatus = 'connected' | 'disconnected' | 'closed';

/** A connection to NATS and its JetStream, with the streams in place. */
export interface Bus {
  readonly nats: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly replicas: number;
  readonly status: BusStatus;
  /** Called on each change of status; answers a function that ends it. */
  onStatus(listener: (status: BusStatus) => void): () => void;
  /** Sends what is under way, then closes the connection; safe to call twice. */
  close(): Promise<void>;
}

/**
 * Connects and, unless told otherwise, brings the streams up to date. Reconnects for ever afterwards, with jitter.
 *
 * @throws `bus.unavailable`, `bus.unauthorized`, `bus.bad_credentials`, `bus.server_too_old`, `bus.no_jetstream`
 */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const nats = await openConnection(options);
  try {
    checkVersion(nats);
    const manager = await openManager(nats);
    const replicas = replicasFor(nats);
    if (options.ensureStreams !== false) await ensureStreams(manager, replicas, options.limits ?? DEFAULT_LIMITS);
    return new ConnectedBus(nats, manager, replicas);
  } catch (error) {
    await nats.close();
    if (error instanceof StatewattError) throw error;
    const text = `the NATS server at ${nats.getServer()} was reached, but not ready for use: ${errorMessage(error)}`;
    throw new StatewattError('bus.unavailable', 'unavailable', text, { cause: error });
  }
}

/**
 * Only the connection, with the same settings: for those who ask the public services and may have no JetStream.
 *
 * @throws `bus.unavailable`, `bus.unauthorized`, `bus.bad_credentials`
 */
export async function openConnection(
  options: Pick<BusOptions, 'servers' | 'name' | 'credentials' | 'tls' | 'connectTimeoutMs'>,
): Promise<NatsConnection> {
  const settings: NodeConnectionOptions = {
    servers: options.servers.map((server) => server.replace(LOGIN, '$1')),
    name: options.name,
    timeout: options.connectTimeoutMs ?? 5_000,
    reconnect: true,
    maxReconnectAttempts: -1,
    // A server whose accounts are being changed may refuse us for a while.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 200,
    reconnectJitter: 300,
    reconnectJitterTLS: 800,
    // A stack trace for each request costs a tenth of a busy node's time.
    noAsyncTraces: true,
    pingInterval: 5_000,
    maxPingOut: 2,
  };
  if (options.credentials !== undefined)
    settings.authenticator = credsAuthenticator(readCredentials(options.credentials));
  else Object.assign(settings, userOf(options.servers));
  if (options.tls !== undefined) settings.tls = options.tls;
  try {
    return await connect(settings);
  } catch (cause) {
    const where = options.servers.map((server) => server.replace(LOGIN, '$1***@')).join(', ');
    if (cause instanceof AuthorizationError) {
      const text = `the NATS server at ${where} refuses these credentials: ${errorMessage(cause)}`;
      throw new StatewattError('bus.unauthorized', 'invalid', text, { cause });
    }
    throw new StatewattError(
      'bus.unavailable',
      'unavailable',
      `no NATS server answers at ${where}: ${errorMessage(cause)}`,
      {
        cause,
      },
    );
  }
}

/** What `nats://user:password@host` or `nats://token@host` says of who connects; the client itself leaves it aside. */
function userOf(servers: readonly string[]): Pick<NodeConnectionOptions, 'user' | 'pass' | 'token'> {
  for (const server of servers) {
    const [, user, pass] = /^(?:\w+:\/\/)?([^:@/]+)(?::([^@/]*))?@/.exec(server) ?? [];
    if (user === undefined) continue;
    if (pass === undefined) return { token: decodeURIComponent(user) };
    return { user: decodeURIComponent(user), pass: decodeURIComponent(pass) };
  }
  return {};
}

function checkVersion(nats: NatsConnection): void {
  const version = nats.info?.version ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantMajor, wantMinor] = MINIMUM_SERVER;
  if (major > wantMajor || (major === wantMajor && minor >= wantMinor)) return;
  throw new StatewattError(
    'bus.server_too_old',
    'invalid',
    `nats-server ${version} at ${nats.getServer()} is too old: ${MINIMUM_SERVER.join('.')} or newer is needed`,
  );
}

async function openManager(nats: NatsConnection): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(nats, { timeout: 10_000 });
  } catch (cause) {
    throw new StatewattError(
      'bus.no_jetstream',
      'invalid',
      `the NATS server at ${nats.getServer()} has no JetStream for this account; start it with -js: ${errorMessage(cause)}`,
      { cause },
    );
  }
}

/** R3 where a cluster of three or more is there, otherwise one copy. */
function replicasFor(nats: NatsConnection): number {
  const servers = nats.info?.connect_urls?.length ?? 0;
  return nats.info?.cluster !== undefined && servers >= 3 ? 3 : 1;
}

/** The scheme, and the login before the host. */
const LOGIN = /^([a-z]+:\/\/)?([^@/]*)@/i;

function readCredentials(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const text = `the NATS credentials cannot be read: ${errorMessage(cause)}`;
    throw new StatewattError('bus.bad_credentials', 'invalid', text, { cause });
  }
}

class ConnectedBus implements Bus {
  readonly nats: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly replicas: number;
  status: BusStatus = 'connected';
  readonly #listeners = new Set<(status: BusStatus) => void>();

  constructor(nats: NatsConnection, manager: JetStreamManager, replicas: number) {
    this.nats = nats;
    this.manager = manager;
    this.replicas = replicas;
    this.jetstream = jetstream(nats, { timeout: 5_000 });
    void this.#follow();
  }

  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (!this.nats.isClosed()) await this.nats.drain().catch(() => this.nats.close());
    this.#set('closed');
  }

  async #follow(): Promise<void> {
    for await (const event of this.nats.status()) {
      if (event.type === 'disconnect' || event.type === 'staleConnection') this.#set('disconnected');
      else if (event.type === 'reconnect') this.#set('connected');
    }
    this.#set('closed');
  }

  #set(status: BusStatus): void {
    if (this.status === status || this.status === 'closed') return;
    this.status = status;
    for (const listener of this.#listeners) listener(status);
  }
}
