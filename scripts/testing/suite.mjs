import { availableParallelism } from 'node:os';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runMocha, SIGNALS } from './mocha.mjs';
import { Recordings } from './recordings.mjs';

/** The whole suite's bound. */
const LIMIT_MS = 20 * 60_000;

/** Bound of one job. */
const JOB_LIMIT_MS = 6 * 60_000;

/**
 * With what a job may run at the same time: `shared` with all of its sort, `quiet` with one more of its sort, `alone` with
 * none.
 *
 * @typedef {'shared' | 'quiet' | 'alone'} Company
 */

/** Folders and files that bound how soon a running site has something, as somebody who looks at it would. */
const QUIET = ['integration/site/', 'conformance/', 'e2e/'];

/** Those that count how much is done in a time, or how fast an answer is. */
const ALONE = ['integration/gridtokenx/smart-meter', 'integration/site/gateway', 'integration/site/redis-functions'];

/** Those that take longest, begun first so that no lane ends long after the others; those of chaos run many processes: not all at once. */
export const LONGEST = [
  'chaos/kill',
  'integration/node/up',
  'unit',
  'integration/history/kill',
  'chaos/run',
  'integration/runtime/histories',
  'integration/minting/minting',
  'chaos/parts',
  'integration/cli/process',
  'integration/virtual/demo-devices',
  'chaos/nodes',
  'integration/node/traces',
  'chaos/minting',
  'integration/site/process',
  'integration/site/modbus',
  'integration/site/comsrv',
  'e2e/web-page',
];

/**
 * Test files that share a process.
 *
 * @typedef {{ name: string, files: string[], company: Company }} Job
 */

/**
 * Deals test files out to processes: the quick ones of `unit` share one, every other file has its own, so that none finds
 * what another left behind and a hanging one is known by name.
 *
 * @param {readonly string[]} files compiled tests, below dist/tests
 * @returns {Job[]} in the order in which they are to begin; shared ones first, then quiet ones, then those alone
 */
export function planJobs(files) {
  const isUnit = (/** @type {string} */ file) => file.startsWith('unit/');
  const unit = files.filter(isUnit);
  /** @type {Job[]} */
  const jobs = files
    .filter((file) => !isUnit(file))
    .map((file) => {
      const name = file.replace(/\.test\.js$/, '');
      return { name, files: [file], company: companyOf(name) };
    });
  if (unit.length > 0) jobs.unshift({ name: 'unit', files: unit, company: 'shared' });
  const rank = (/** @type {Job} */ { name }) => (LONGEST.includes(name) ? LONGEST.indexOf(name) : LONGEST.length);
  jobs.sort((a, b) => rank(a) - rank(b));
  return ['shared', 'quiet', 'alone'].flatMap((sort) => jobs.filter(({ company }) => company === sort));
}

/**
 * @param {string} name
 * @returns {Company}
 */
function companyOf(name) {
  if (ALONE.includes(name)) return 'alone';
  return QUIET.some((folder) => name.startsWith(folder)) ? 'quiet' : 'shared';
}

/**
 * Runs all tests, several files at once where they allow it, and prints each job's output when it ends.
 *
 * @param {string} root
 * @param {readonly string[]} folders below tests/
 * @param {object} options
 * @param {Map<string, import('../setup/parts.mjs').FoundPart>} options.parts
 * @param {{ write(text: string): unknown }} options.out
 * @param {() => Promise<void>} options.meanwhile done first by one of those that then run tests
 * @returns {Promise<import('./mocha.mjs').Result>}
 */
export async function runSuite(root, folders, { parts, out, meanwhile }) {
  const recorded = join(root, 'coverage/recorded');
  const kept = join(root, 'coverage/tmp');
  const results = join(root, 'coverage/results');
  for (const folder of [recorded, kept, results]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  const recordings = new Recordings(root, kept);
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
    const id = job.name.replaceAll('/', '.');
    const ownRecordings = join(recorded, id);
    mkdirSync(ownRecordings);
    const result = await runMocha(
      root,
      job.files.map((file) => join(root, 'dist/tests', file)),
      {
        parts,
        recordings: ownRecordings,
        resultFile: join(results, `${id}.json`),
        limitMs: Math.min(JOB_LIMIT_MS, left),
        print: (text) => {
          done += 1;
          out.write(`\n[${done}/${jobs.length}] ${job.name}, ${((Date.now() - started) / 1000).toFixed(1)} s\n${text}`);
        },
      },
    );
    recordings.take(ownRecordings);
    total.passes += result.passes;
    total.pending += result.pending;
    total.failed.push(...result.failed);
    total.wrong.push(...result.wrong.map((text) => `${job.name}: ${text}`));
  };

  // Most of them wait most of the time: for servers, links, clocks.
  const lanes = { shared: Math.min(availableParallelism() + 2, 8), quiet: 2, alone: 1 };
  for (const sort of /** @type {const} */ (['shared', 'quiet', 'alone'])) {
    const queue = jobs.filter(({ company }) => company === sort).values();
    await Promise.all(
      Array.from({ length: lanes[sort] }, async (_, lane) => {
        if (sort === 'shared' && lane === 0) await meanwhile();
        for (const job of queue) await runJob(job);
      }),
    );
  }
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
