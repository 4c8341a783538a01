import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What we are measured beside and with, from where this was compiled to: dist/load/support. */
export const PEERS_FOLDER = join(import.meta.dirname, '../../../load/peers');

/** Whether it is installed: `npm install --prefix load/peers`. */
export const peersInstalled = existsSync(join(PEERS_FOLDER, 'node_modules'));

export type Peer = 'restate' | 'moleculer' | 'autocannon' | 'node-red' | 'cpupro';

/** Runs a program of load/peers to its end; answers the JSON of its last line. */
export async function runPeer<Answer>(name: Peer, args: readonly (string | number)[]): Promise<Answer> {
  const program = join(PEERS_FOLDER, `${name}.mjs`);
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args.map(String)]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Answer;
}
