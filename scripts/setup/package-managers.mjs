import { existsSync, readdirSync } from 'node:fs';
import { ask, run } from './command.mjs';

/**
 * A platform's package manager.
 *
 * @typedef {object} PackageManager
 * @property {string} id key of Part.packages
 * @property {string} program
 * @property {boolean} needsRoot
 * @property {readonly string[]} install arguments before the package names
 * @property {Readonly<Record<string, string>>} [env]
 */

/** @type {readonly PackageManager[]} */
const MANAGERS = [
  {
    id: 'apt',
    program: 'apt-get',
    needsRoot: true,
    // Another apt may be at work on a machine that has just started; 120 is in seconds.
    install: ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'],
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  },
  { id: 'dnf', program: 'dnf', needsRoot: true, install: ['install', '-y'] },
  { id: 'apk', program: 'apk', needsRoot: true, install: ['add'] },
  { id: 'pacman', program: 'pacman', needsRoot: true, install: ['-S', '--noconfirm', '--needed'] },
  { id: 'brew', program: 'brew', needsRoot: false, install: ['install'] },
];

/**
 * The package manager of this machine.
 *
 * @returns {PackageManager | undefined}
 */
export function packageManager() {
  return MANAGERS.find((manager) => ask(manager.program, ['--version']) !== undefined);
}

/**
 * What has to stand before a command to run it as root without asking for a password; undefined when there is no way.
 *
 * @returns {readonly string[] | undefined}
 */
export function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  return ask('sudo', ['-n', 'true']) === undefined ? undefined : ['sudo', '-n'];
}

/**
 * The line that a person would type to install packages.
 *
 * @param {PackageManager} manager
 * @param {readonly string[]} packages
 */
export function installLine(manager, packages) {
  const flags = manager.install.filter((argument) => !argument.startsWith('-') || argument === '-S');
  return [...(manager.needsRoot ? ['sudo'] : []), manager.program, ...flags.slice(0, 1), ...packages].join(' ');
}

/**
 * Installs packages system-wide.
 *
 * @param {PackageManager} manager
 * @param {readonly string[]} prefix see rootPrefix
 * @param {readonly string[]} packages
 * @returns {Promise<void>}
 * @throws {import('./command.mjs').SetupError}
 */
export async function installSystemPackages(manager, prefix, packages) {
  const variables = Object.entries(manager.env ?? {}).map(([name, value]) => `${name}=${value}`);
  // `env` rather than this process's environment: sudo passes none on.
  const command = [...prefix, 'env', ...variables, manager.program];
  const call = (/** @type {readonly string[]} */ args) =>
    run(/** @type {string} */ (command[0]), [...command.slice(1), ...args]);
  if (manager.id !== 'apt') {
    await call([...manager.install, ...packages]);
    return;
  }
  const fresh = !hasAptLists();
  if (fresh) await call(['update']);
  try {
    await call([...manager.install, ...packages]);
  } catch (error) {
    if (fresh) throw error;
    // Old lists name package versions that the archive no longer has.
    await call(['update']);
    await call([...manager.install, ...packages]);
  }
}

function hasAptLists() {
  const folder = '/var/lib/apt/lists';
  return existsSync(folder) && readdirSync(folder).some((name) => /_Packages(?:\.|$)/.test(name));
}
