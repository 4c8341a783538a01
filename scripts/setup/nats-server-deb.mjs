import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { developmentSources, formatDeb822, readSources } from './apt-sources.mjs';
import { SetupError, run } from './command.mjs';
import { NATS_SERVER, examine } from './parts.mjs';

/**
 * Puts the nats-server of Debian's (or Ubuntu's) development suite into `<cache>/nats-server/`. Released suites carry
 * versions that are too old. Nothing on the system changes and no root is needed: the source list, the package lists
 * and the download are in a folder of our own, and the package is unpacked, not installed. The archive is the one that
 * the machine's own apt uses, and its signature is checked.
 *
 * @param {string} cache
 * @returns {Promise<import('./parts.mjs').FoundPart>}
 * @throws {SetupError} when no archive had one that runs here
 */
export async function unpackNatsServer(cache) {
  const sources = developmentSources(readSources(), readFileSync('/etc/os-release', 'utf8'));
  if (sources.length === 0) throw new SetupError('apt has no Debian or Ubuntu archive configured');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'nats-server-download-'));
  // apt fetches as a user of its own when it runs as root.
  chmodSync(folder, 0o755);
  let failure = new SetupError('');
  try {
    for (const source of sources) {
      try {
        await fetchAndUnpack(source, folder);
        return install(join(folder, 'unpacked/usr/sbin/nats-server'), cache);
      } catch (error) {
        if (!(error instanceof SetupError)) throw error;
        failure = error;
      }
    }
    throw failure;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {import('./apt-sources.mjs').AptSource} source
 * @param {string} folder
 */
async function fetchAndUnpack(source, folder) {
  const list = join(folder, 'development.sources');
  // An archive's address can hold a password.
  writeFileSync(list, formatDeb822(source), { mode: 0o600 });
  mkdirSync(join(folder, 'lists/partial'), { recursive: true });
  mkdirSync(join(folder, 'cache/archives/partial'), { recursive: true });
  const ours = [
    `Dir::Etc::sourcelist=${list}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::Lists=${join(folder, 'lists')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    'Acquire::Languages=none',
  ].flatMap((option) => ['-o', option]);
  await run('apt-get', ['update', ...ours], { cwd: folder });
  await run('apt-get', ['download', 'nats-server', ...ours], { cwd: folder });
  const deb = readdirSync(folder).find((name) => name.endsWith('.deb'));
  if (deb === undefined) throw new SetupError('apt-get download left no package');
  await run('dpkg-deb', ['-x', join(folder, deb), join(folder, 'unpacked')]);
}

/**
 * Moves the unpacked program into the cache once it is known to run here.
 *
 * @param {string} program
 * @param {string} cache
 * @returns {import('./parts.mjs').FoundPart}
 */
function install(program, cache) {
  const examined = examine(NATS_SERVER, program);
  if (typeof examined === 'string') throw new SetupError(`The package was fetched, but ${examined}`);
  const path = join(cache, NATS_SERVER.name, 'nats-server');
  mkdirSync(join(cache, NATS_SERVER.name), { recursive: true });
  renameSync(program, path);
  return { path, version: examined.version };
}
