import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, run } from './command.mjs';

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, peer?: boolean, link?: boolean }} LockedPackage
 * @typedef {{ packages?: Record<string, LockedPackage> }} Lockfile
 */

/**
 * Installs the npm packages of package-lock.json unless they are there already.
 *
 * @param {string} root
 * @returns {Promise<import('./steps.mjs').StepResult>}
 */
export async function installPackages(root) {
  const folder = join(root, 'node_modules');
  // A linked folder belongs to another checkout: `npm ci` here would empty that one.
  if (existsSync(folder) && lstatSync(folder).isSymbolicLink()) return { note: 'linked to another checkout' };
  const lock = readLockfile(join(root, 'package-lock.json'));
  const installed = join(folder, '.package-lock.json');
  if (existsSync(installed) && isInstalled(lock, readLockfile(installed))) return { note: 'as in package-lock.json' };
  // NODE_ENV=production would leave out the compiler.
  await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root });
  const size = ask('du', ['-sk', folder]);
  return { note: 'installed', megabytes: size === undefined ? 0 : Number.parseInt(size, 10) / 1024 };
}

/**
 * Whether what npm wrote down at its last install is what the lock file asks for. Packages for other platforms and
 * optional ones may be missing.
 *
 * @param {Lockfile} lock
 * @param {Lockfile} installed
 */
export function isInstalled(lock, installed) {
  const present = installed.packages ?? {};
  for (const [path, wanted] of Object.entries(lock.packages ?? {})) {
    if (path === '') continue;
    const found = present[path];
    if (found === undefined) {
      if (wanted.optional || wanted.devOptional || wanted.peer) continue;
      return false;
    }
    if (found.version !== wanted.version || found.integrity !== wanted.integrity) return false;
  }
  return Object.keys(present).every((path) => lock.packages?.[path] !== undefined);
}

/**
 * @param {string} path
 * @returns {Lockfile}
 */
function readLockfile(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
