import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Figures } from './callers.js';

/** From where it was compiled to: dist/load/actors. */
const FOLDER = join(import.meta.dirname, '../../../load/peers');

/** Whether what we are measured beside is installed: `npm install --prefix load/peers`. */
export const peersInstalled = existsSync(join(FOLDER, 'node_modules'));

/** The same calls to a program that others wrote. */
export async function measurePeer(name: 'restate' | 'moleculer', args: readonly (string | number)[]): Promise<Figures> {
  const program = join(FOLDER, `${name}.mjs`);
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args.map(String)]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Figures;
}
