import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** The whole suite's bound. */
const LIMIT_MS = 20 * 60_000;

/** Would point tests at somebody's real servers, or change what a node under test does. */
const NOT_FOR_TESTS = /^(?:NATS_|REDIS_|CLICKHOUSE_|SOLANA_|STATEWATT_)/;

/**
 * @typedef {{ passes: number, failures: number, pending: number }} Counts
 */

/**
 * Runs mocha in a process of its own, whose output goes straight to ours.
 *
 * @param {string} root
 * @param {readonly string[]} args
 * @param {object} options
 * @param {Map<string, import('../setup/parts.mjs').FoundPart>} options.parts
 * @param {boolean} options.coverage record what runs, in child processes too
 * @returns {Promise<{ counts: Counts, failures: string[] }>} `failures`: what went wrong outside the single tests
 */
export async function runMocha(root, args, { parts, coverage }) {
  const folder = join(root, 'coverage');
  const recordings = join(folder, 'tmp');
  const resultFile = join(folder, 'mocha-result.json');
  rmSync(recordings, { recursive: true, force: true });
  rmSync(resultFile, { force: true });
  mkdirSync(recordings, { recursive: true });
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules/mocha/bin/mocha.js'),
      '--reporter',
      join(root, 'scripts/testing/mocha-reporter.cjs'),
      ...args,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_FOR_TESTS.test(name))),
        MOCHA_RESULT_FILE: resultFile,
        PYMODBUS_PYTHON: parts.get('pymodbus')?.path,
        CHROMIUM_PATH: parts.get('chromium')?.path,
        ...(coverage ? { NODE_V8_COVERAGE: recordings } : {}),
      },
    },
  );
  const forward = (/** @type {NodeJS.Signals} */ signal) => void child.kill(signal);
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  for (const signal of signals) process.on(signal, forward);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, LIMIT_MS);
  const ended = await new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  clearTimeout(timer);
  for (const signal of signals) process.off(signal, forward);

  const counts = existsSync(resultFile)
    ? /** @type {Counts} */ (JSON.parse(readFileSync(resultFile, 'utf8')))
    : undefined;
  if (late) return { counts: counts ?? NONE, failures: [`tests did not end within ${LIMIT_MS / 60_000} minutes`] };
  if (counts === undefined) return { counts: NONE, failures: [`tests did not run to their end (${ended})`] };
  // Mocha's own exit code is the number of failed tests.
  if (counts.failures === 0 && ended !== 0)
    return { counts, failures: [`tests passed but their process ended with ${ended}`] };
  return { counts, failures: [] };
}

/** @type {Counts} */
const NONE = { passes: 0, failures: 0, pending: 0 };
