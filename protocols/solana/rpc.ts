import { Connection } from '@solana/web3.js';
import { toChainError } from './chain-error.js';

export interface RpcOptions {
  /** Any JSON-RPC endpoint of Solana: a cluster's, or the embedded chain's. */
  url: string;
  /** How long an answer is waited for. Default 15 s. */
  timeoutMs?: number;
}

/** A connection whose requests end: an endpoint that accepts and never answers must not hold a batch for ever. */
export function connectRpc({ url, timeoutMs = 15_000 }: RpcOptions): Connection {
  return new Connection(url, {
    commitment: 'confirmed',
    // Who asks decides when to ask again.
    disableRetryOnRateLimit: true,
    fetch: (address, init) => {
      const deadline = AbortSignal.timeout(timeoutMs);
      const given = init?.signal ?? undefined;
      const signal = given === undefined ? deadline : AbortSignal.any([given, deadline]);
      return fetch(address, { ...init, signal });
    },
  });
}

/** Asks, and words what goes wrong as `chain.*`. */
export async function ask<T>(what: string, request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    throw toChainError(error, what);
  }
}
