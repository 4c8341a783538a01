import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** One connection to the engine; an opaque native handle. */
export type EngineConnection = object;

export type EngineStream = object;

export interface EngineResult {
  bytes: Uint8Array;
  rowsRead: number;
  bytesRead: number;
  /** Seconds. */
  elapsed: number;
}

/** The part of chDB's native binding that the endpoint uses. Every connection of a process must name one folder. */
export interface NativeEngine {
  CreateConnection(folder: string): EngineConnection;
  /** Runs one statement off the event loop; `format` is the output format when the statement names none. */
  QueryAsyncConnection(connection: EngineConnection, sql: string, format: string): Promise<EngineResult>;
  /** Begins a statement whose answer is fetched block by block, each formatted by itself. One at a time on a connection. */
  StreamQuery(connection: EngineConnection, sql: string, format: string): EngineStream;
  StreamFetch(stream: EngineStream): Promise<{ bytes: Uint8Array; done: boolean }>;
  /** Not while a fetch is under way. */
  StreamCancel(stream: EngineStream): void;
  CloseConnection(connection: EngineConnection): void;
}

/**
 * Loads the engine. The package's own JavaScript face is passed by because it decodes, tracks and binds in ways that
 * an HTTP endpoint does not need; its loader picks the binary of this platform.
 */
export function loadEngine(): NativeEngine {
  const require = createRequire(import.meta.url);
  const loader = require(join(dirname(require.resolve('chdb/package.json')), 'dist', 'loader.js')) as {
    loadNative(): NativeEngine;
  };
  return loader.loadNative();
}
