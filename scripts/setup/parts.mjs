import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ask } from './command.mjs';
import { isAtLeast, parseVersion } from './version.mjs';

/**
 * A program that does not come from npm.
 *
 * @typedef {object} Part
 * @property {string} name
 * @property {string} purpose
 * @property {readonly string[]} programs names to look for on PATH, best first
 * @property {readonly string[]} versionArgs
 * @property {number} [versionStatus] what it ends with when it prints its version; default 0
 * @property {string} [minimum] oldest version that will do
 * @property {boolean} [everyMatch] look at every match on PATH, not only the first (several Pythons are common)
 * @property {Readonly<Record<string, string>>} packages package that holds it, by package manager
 */

/** @type {Part} */
export const NATS_SERVER = {
  name: 'nats-server',
  purpose: 'the message server that keeps the journal',
  programs: ['nats-server'],
  versionArgs: ['--version'],
  minimum: '2.12.0',
  // apt is not here: releases before Debian's development suite are too old (see nats-server-deb.mjs).
  packages: {
    brew: 'nats-server',
    dnf: 'nats-server',
    apk: 'nats-server',
    pacman: 'nats-server',
    winget: 'NATSAuthors.NATSServer',
  },
};

/** @type {readonly Part[]} */
export const TEST_PARTS = [
  {
    name: 'redis-server',
    purpose: 'tests of the realtime store against a real server',
    programs: ['redis-server'],
    versionArgs: ['--version'],
    minimum: '7.0.0',
    packages: { apt: 'redis-server', brew: 'redis', dnf: 'redis', apk: 'redis', pacman: 'redis' },
  },
  {
    name: 'pymodbus',
    purpose: 'Python with pymodbus 3: Modbus devices of other make, for tests',
    programs: ['python3', 'python'],
    versionArgs: ['-c', 'import pymodbus.server; import pymodbus; print(pymodbus.__version__)'],
    minimum: '3.0.0',
    everyMatch: true,
    packages: { apt: 'python3-pymodbus', dnf: 'python3-pymodbus', pacman: 'python-pymodbus' },
  },
  {
    name: 'mbpoll',
    purpose: 'a Modbus client of other make, for tests',
    programs: ['mbpoll'],
    versionArgs: ['-V'],
    packages: { apt: 'mbpoll', brew: 'mbpoll', dnf: 'mbpoll' },
  },
  {
    name: 'socat',
    purpose: 'pairs of serial lines, for tests',
    programs: ['socat'],
    versionArgs: ['-V'],
    packages: { apt: 'socat', brew: 'socat', dnf: 'socat', apk: 'socat', pacman: 'socat' },
  },
  {
    name: 'mosquitto',
    purpose: 'an MQTT 5 broker of other make, for tests',
    programs: ['mosquitto'],
    versionArgs: ['-h'],
    versionStatus: 3,
    minimum: '2.0.0',
    packages: { apt: 'mosquitto', brew: 'mosquitto', dnf: 'mosquitto', apk: 'mosquitto', pacman: 'mosquitto' },
  },
  {
    name: 'chromium',
    purpose: 'a browser, for tests of the web page',
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    versionArgs: ['--version'],
    packages: { apt: 'chromium', dnf: 'chromium', apk: 'chromium', pacman: 'chromium' },
  },
];

/**
 * @typedef {{ path: string, version: string }} FoundPart
 * @typedef {{ found?: FoundPart, rejected: string[] }} Search `rejected`: what was there but will not do
 */

/**
 * Looks for a part on PATH and then in the project's cache folder.
 *
 * @param {Part} part
 * @param {string} cache the project's cache folder
 * @param {string} [searchPath]
 * @returns {Search}
 */
export function findPart(part, cache, searchPath = process.env.PATH ?? '') {
  const rejected = [];
  for (const path of candidates(part, cache, searchPath)) {
    const result = examine(part, path);
    if (typeof result !== 'string') return { found: result, rejected };
    rejected.push(result);
  }
  return { rejected };
}

/**
 * Runs a program to see whether it is the part and new enough.
 *
 * @param {Part} part
 * @param {string} path
 * @returns {FoundPart | string} the text says why it will not do
 */
export function examine(part, path) {
  const printed = ask(path, part.versionArgs, part.versionStatus);
  const version = printed === undefined ? undefined : parseVersion(printed);
  if (version === undefined) return `${path} does not run or lacks what is needed`;
  if (part.minimum !== undefined && !isAtLeast(version, part.minimum)) {
    return `${path} is version ${version.join('.')}, needed is ${part.minimum} or newer`;
  }
  return { path, version: version.join('.') };
}

const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];

/**
 * @param {Part} part
 * @param {string} cache
 * @param {string} searchPath
 */
function candidates(part, cache, searchPath) {
  // Where distributions put servers, which is not on everybody's PATH.
  const folders = [...searchPath.split(delimiter).filter((folder) => folder !== ''), ...SERVER_FOLDERS];
  const paths = [];
  for (const program of part.programs) {
    const matches = folders.map((folder) => join(folder, program)).filter(isExecutable);
    paths.push(...(part.everyMatch ? new Set(matches) : matches.slice(0, 1)));
    // A Python of the operating system can carry its packages while a version manager's comes first on PATH.
    if (part.everyMatch && isExecutable(`/usr/bin/${program}`)) paths.push(`/usr/bin/${program}`);
  }
  const cached = join(cache, part.name, /** @type {string} */ (part.programs[0]));
  if (isExecutable(cached)) paths.push(cached);
  return new Set(paths);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
