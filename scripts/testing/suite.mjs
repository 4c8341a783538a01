import { availableParallelism } from 'node:os';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runMocha, SIGNALS } from './mocha.mjs';

/** The whole suite's bound. */
const LIMIT_MS = 20 * 60_000;

/** Bound of one job. */
const JOB_LIMIT_MS = 6 * 60_000;

/** Folders whose tests measure, or take the whole machine: one of their files at a time, nothing beside it. */
const ALONE = ['integration/site', 'conformance', 'chaos', 'e2e'];

/**
 * Test files that share a process.
 *
 * @typedef {{ name: string, files: string[], alone: boolean }} Job
 */

/**
 * Deals test files out to processes: the quick ones of `unit` share one, every other file has its own, so that none finds
 * what another left behind and a hanging one is known by name.
 *
 * @param {readonly string[]} files compiled tests, below dist/tests
 * @returns {Job[]} those that may run beside others first
 */
export function planJobs(files) {
  const isUnit = (/** @type {string} */ file) => file.startsWith('unit/');
  const unit = files.filter(isUnit);
  const jobs = files
    .filter((file) => !isUnit(file))
    .map((file) => ({
      name: file.replace(/\.test\.js$/, ''),
      files: [file],
      alone: ALONE.some((folder) => file.startsWith(`${folder}/`)),
    }));
  return [
    ...(unit.length > 0 ? [{ name: 'unit', files: unit, alone: false }] : []),
    ...jobs.filter(({ alone }) => !alone),
    ...jobs.filter(({ alone }) => alone),
  ];
}

/**
 * Runs all tests, several files at once where they allow it, and prints each job's output when it ends.
 *
 * @param {string} root
 * @param {readonly string[]} folders below tests/
 * @param {object} options
 * @param {Map<string, import('../setup/parts.mjs').FoundPart>} options.parts
 * @param {{ write(text: string): unknown }} options.out
 * @returns {Promise<import('./mocha.mjs').Result>}
 */
export async function runSuite(root, folders, { parts, out }) {
  const recordings = join(root, 'coverage/tmp');
  const results = join(root, 'coverage/results');
  for (const folder of [recordings, results]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  const jobs = planJobs(folders.flatMap((folder) => compiledTests(join(root, 'dist/tests'), folder)));
  const end = Date.now() + LIMIT_MS;
  const total = {
    passes: 0,
    failed: /** @type {import('./mocha.mjs').Failure[]} */ ([]),
    pending: 0,
    wrong: /** @type {string[]} */ ([]),
  };
  let done = 0;
  /** @type {NodeJS.Signals | undefined} */
  let interrupted;
  const interrupt = (/** @type {NodeJS.Signals} */ signal) => void (interrupted = signal);
  for (const signal of SIGNALS) process.on(signal, interrupt);

  const runJob = async (/** @type {Job} */ job) => {
    const started = Date.now();
    const left = end - started;
    if (interrupted !== undefined) return; // What runs hears of it too.
    if (left <= 0) {
      total.wrong.push(`${job.name}: not begun, the suite has ${LIMIT_MS / 60_000} minutes`);
      return;
    }
    const result = await runMocha(
      root,
      job.files.map((file) => join(root, 'dist/tests', file)),
      {
        parts,
        recordings,
        resultFile: join(results, `${job.name.replaceAll('/', '.')}.json`),
        limitMs: Math.min(JOB_LIMIT_MS, left),
        print: (text) => {
          done += 1;
          out.write(`\n[${done}/${jobs.length}] ${job.name}, ${((Date.now() - started) / 1000).toFixed(1)} s\n${text}`);
        },
      },
    );
    total.passes += result.passes;
    total.pending += result.pending;
    total.failed.push(...result.failed);
    total.wrong.push(...result.wrong.map((text) => `${job.name}: ${text}`));
  };

  const beside = jobs.filter(({ alone }) => !alone).values();
  // Most of them wait most of the time: for servers, links, clocks.
  const lanes = Math.min(availableParallelism() + 1, 8);
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (const job of beside) await runJob(job);
    }),
  );
  for (const job of jobs.filter(({ alone }) => alone)) await runJob(job);
  for (const signal of SIGNALS) process.off(signal, interrupt);
  if (interrupted !== undefined) total.wrong.push(`interrupted by ${interrupted}`);
  return total;
}

/**
 * @param {string} tests dist/tests
 * @param {string} folder
 * @returns {string[]} in alphabetical order, relative to dist/tests
 */
function compiledTests(tests, folder) {
  return readdirSync(join(tests, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .sort();
}
