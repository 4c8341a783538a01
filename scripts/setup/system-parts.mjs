import { SetupError } from './command.mjs';
import { unpackNatsServer } from './nats-server-deb.mjs';
import { installLine, installSystemPackages, packageManager, rootPrefix } from './package-managers.mjs';
import { NATS_SERVER, findPart } from './parts.mjs';

/**
 * @typedef {import('./parts.mjs').Part} Part
 * @typedef {import('./parts.mjs').FoundPart} FoundPart
 * @typedef {import('./steps.mjs').Steps} Steps
 */

/**
 * Makes sure that every part is there: on PATH, in the project's cache, or installed now by the platform's package
 * manager. All that is missing is named at once.
 *
 * @param {readonly Part[]} parts
 * @param {string} cache
 * @param {Steps} steps
 * @returns {Promise<Map<string, FoundPart>>} by part name
 * @throws {SetupError} saying what to install and where it is looked for
 */
export async function ensureParts(parts, cache, steps) {
  /** @type {Map<string, FoundPart>} */
  const found = new Map();
  const missing = [];
  for (const part of parts) {
    const search = findPart(part, cache);
    if (search.found === undefined) {
      missing.push(part);
      continue;
    }
    const { path, version } = search.found;
    found.set(part.name, search.found);
    await steps.step(part.name, () => ({ note: `${version}  ${path}` }));
  }
  if (missing.length === 0) return found;

  const manager = packageManager();
  /** @type {string[]} */
  const failures = [];
  if (manager !== undefined) await installMissing(missing, manager, cache, steps, failures);
  for (const part of missing) {
    const search = findPart(part, cache);
    if (search.found === undefined) failures.push(advice(part, manager, search.rejected));
    else found.set(part.name, search.found);
  }
  if (missing.some((part) => !found.has(part.name))) throw new SetupError(failures.join('\n\n'));
  return found;
}

/**
 * @param {readonly Part[]} missing
 * @param {import('./package-managers.mjs').PackageManager} manager
 * @param {string} cache
 * @param {Steps} steps
 * @param {string[]} failures what the installers said, for the final report
 */
async function installMissing(missing, manager, cache, steps, failures) {
  const attempt = async (/** @type {string} */ name, /** @type {() => Promise<string>} */ install) => {
    try {
      await steps.step(name, async () => ({ note: await install() }));
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      failures.push([error.log.trimEnd(), error.message].filter((text) => text !== '').join('\n'));
    }
  };
  if (manager.id === 'apt' && missing.includes(NATS_SERVER)) {
    await attempt(NATS_SERVER.name, async () => {
      const { path, version } = await unpackNatsServer(cache);
      return `${version}  ${path}`;
    });
  }
  const packages = missing.flatMap((part) => part.packages[manager.id] ?? []);
  const prefix = manager.needsRoot ? rootPrefix() : [];
  if (packages.length === 0 || prefix === undefined) return;
  await attempt(manager.program, async () => {
    await installSystemPackages(manager, prefix, packages);
    return `installed ${packages.join(', ')}`;
  });
}

/**
 * @param {Part} part
 * @param {import('./package-managers.mjs').PackageManager | undefined} manager
 * @param {readonly string[]} rejected
 */
function advice(part, manager, rejected) {
  const version = part.minimum === undefined ? '' : ` ${part.minimum} or newer`;
  const name = manager === undefined ? undefined : part.packages[manager.id];
  const install =
    manager !== undefined && name !== undefined
      ? `Install it with: ${installLine(manager, [name])}`
      : `Install it from its project's releases${part.packages.winget ? ` (Windows: winget install ${part.packages.winget})` : ''}.`;
  return [
    `${part.name}${version} is missing (${part.purpose}).`,
    ...rejected.map((text) => `  ${text}`),
    `  ${install}`,
    `  It is looked for as ${part.programs.join(' or ')} on PATH, then in .cache/${part.name}/.`,
  ].join('\n');
}
