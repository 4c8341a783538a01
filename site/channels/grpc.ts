import type { TlsFiles } from '../broker.js';
import type { ChannelBase } from '../model.js';

export const GRPC_MODES = ['stream', 'poll'] as const;
/** stream: the plug-in sends values as they come. poll: it is asked once a cycle. */
export type GrpcMode = (typeof GRPC_MODES)[number];

/** A channel whose device is reached by a plug-in driver, over schemas/driver.proto. */
export interface GrpcChannel extends ChannelBase {
  readonly protocol: 'grpc';
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  /** undefined: without encryption. */
  readonly tls?: TlsFiles;
  /** Sent as `authorization: Bearer …`; may refer to environment variables. */
  readonly token?: string;
  /** Further metadata of every call; texts may refer to environment variables. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly mode: GrpcMode;
  /** Of the call that opens a session: the plug-in reaches its device in it. */
  readonly connectTimeoutMs: number;
  /** Of each other call. */
  readonly deadlineMs: number;
  /** Time without a call after which the plug-in is asked how it is. */
  readonly healthIntervalMs: number;
  /** Given to the plug-in; texts may refer to environment variables. */
  readonly settings: Readonly<Record<string, string>>;
  /** Parallel to `points`. */
  readonly mappings: readonly GrpcMapping[];
}

export interface GrpcMapping {
  /** The point's name at the plug-in. */
  readonly source: string;
  /** Silence after which the value is stale; 0: never. */
  readonly staleAfterMs: number;
}
