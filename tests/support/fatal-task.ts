import { appendFileSync, readFileSync } from 'node:fs';
import { move } from 'piscina';

/** Tasks for tests of the worker pool: they say in a file that they began, and end their thread as often as they are told. */
export interface FatalTask {
  file: string;
  /** How many of the first runs end the thread. */
  deaths: number;
  bytes: Uint8Array;
}

export function perhapsDie({ file, deaths, bytes }: FatalTask): unknown {
  appendFileSync(file, 'x');
  if (readFileSync(file).length <= deaths) process.exit(9);
  return move(Uint8Array.from(bytes, (byte) => byte + 1));
}

/** Runs until the shared number is not 0 any more. */
export function hold(gate: Int32Array): number {
  Atomics.wait(gate, 0, 0);
  return gate[0] as number;
}

export function fail(): never {
  throw new Error('this task cannot be done');
}
