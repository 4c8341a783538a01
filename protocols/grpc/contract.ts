import { fileURLToPath } from 'node:url';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** The contract with plug-in drivers; the path from dist/protocols/grpc/. */
export const CONTRACT_FILE = fileURLToPath(new URL('../../../schemas/driver.proto', import.meta.url));
/** Version of the contract. */
export const CONTRACT_VERSION = 1;

/** How messages of the contract are told in JavaScript. Every field is there, with its default. */
export const MESSAGE_FORM = { keepCase: false, longs: Number, enums: String, defaults: true, oneofs: true } as const;

/** One of its fields, as `kind` says; no `kind`: no value. */
export interface Value {
  readonly kind?: 'number' | 'boolean' | 'text' | 'integer';
  readonly number?: number;
  readonly boolean?: boolean;
  readonly text?: string;
  readonly integer?: number;
}

export interface PointValue {
  readonly source: string;
  readonly value: Value | null;
  /** A number for one that this version does not know. */
  readonly quality: string | number;
  readonly timeMs: number;
}

/** What each call is sent and answers. */
export interface Calls {
  Connect: {
    request: {
      version: number;
      channel: number;
      name: string;
      settings: Readonly<Record<string, string>>;
      points: readonly { source: string; kind: string; dataType: string; unit: string }[];
      intervalMs: number;
    };
    response: { version: number; session: string; driver: string; unknown: readonly string[] };
  };
  Read: { request: { session: string }; response: { values: readonly PointValue[] } };
  Stream: { request: { session: string }; response: { values: readonly PointValue[] } };
  Write: {
    request: { session: string; source: string; kind: string; value: Value };
    response: { readBack: Value | null; answer: string };
  };
  Health: { request: { session: string }; response: { status: string | number; message: string } };
}

let loaded: ServiceDefinition | undefined;

/** The service as the contract has it, read once. */
export function driverService(): ServiceDefinition {
  loaded ??= loadSync(CONTRACT_FILE, MESSAGE_FORM)['statewatt.driver.v1.Driver'] as ServiceDefinition;
  return loaded;
}
