import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Would point tests at somebody's real servers, or change what a node under test does. */
const NOT_FOR_TESTS = /^(?:NATS_|REDIS_|CLICKHOUSE_|SOLANA_|STATEWATT_)/;

/** What ends a run early. */
export const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/** Time for a test process's output to arrive after its end. */
const LAST_WORDS_MS = 2_000;

/**
 * A failed test: its whole title, and the error with its stack.
 *
 * @typedef {{ title: string, why: string }} Failure
 */

/**
 * What a run of mocha came to. `wrong`: what went wrong outside the single tests.
 *
 * @typedef {{ passes: number, failed: Failure[], pending: number, wrong: string[] }} Result
 */

/**
 * Runs mocha in a process of its own.
 *
 * @param {string} root
 * @param {readonly string[]} args
 * @param {object} options
 * @param {Map<string, import('../setup/parts.mjs').FoundPart>} options.parts
 * @param {string} options.resultFile where mocha's reporter leaves the counts
 * @param {string} [options.recordings] folder for what is recorded for coverage, of child processes too
 * @param {number} options.limitMs it is ended after that
 * @param {(text: string) => void} [options.print] gets the output, whole, at the end; without it the output goes straight to ours
 * @returns {Promise<Result>}
 */
export async function runMocha(root, args, { parts, resultFile, recordings, limitMs, print }) {
  rmSync(resultFile, { force: true });
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
      stdio: ['ignore', print ? 'pipe' : 'inherit', print ? 'pipe' : 'inherit'],
      env: {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_FOR_TESTS.test(name))),
        MOCHA_RESULT_FILE: resultFile,
        PYMODBUS_PYTHON: parts.get('pymodbus')?.path,
        CHROMIUM_PATH: parts.get('chromium')?.path,
        ...(recordings ? { NODE_V8_COVERAGE: recordings } : {}),
      },
    },
  );
  let output = '';
  child.stdout?.on('data', (/** @type {Buffer} */ chunk) => (output += chunk.toString()));
  child.stderr?.on('data', (/** @type {Buffer} */ chunk) => (output += chunk.toString()));
  const forward = (/** @type {NodeJS.Signals} */ signal) => void child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, forward);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, limitMs);
  /** @type {string | number | null} */
  const ended = await new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => {
      // The pipes may still hold its last words; a process that a test left behind would keep them open for ever.
      const enough = setTimeout(() => resolve(signal ?? code), LAST_WORDS_MS);
      child.once('close', () => {
        clearTimeout(enough);
        resolve(signal ?? code);
      });
    });
  });
  clearTimeout(timer);
  for (const signal of SIGNALS) process.off(signal, forward);
  child.stdout?.destroy();
  child.stderr?.destroy();
  print?.(output);

  const counts = existsSync(resultFile)
    ? /** @type {Omit<Result, 'wrong'>} */ (JSON.parse(readFileSync(resultFile, 'utf8')))
    : undefined;
  const result = { ...(counts ?? { passes: 0, failed: [], pending: 0 }), wrong: /** @type {string[]} */ ([]) };
  if (late) result.wrong.push(`did not end within ${Math.round(limitMs / 60_000)} minutes`);
  else if (counts === undefined) result.wrong.push(`did not run to its end (${ended})`);
  // Mocha's own exit code is the number of failed tests.
  else if (counts.failed.length === 0 && ended !== 0)
    result.wrong.push(`tests passed but their process ended with ${ended}`);
  return result;
}
