// `npm test`: gets what is missing, then runs the checks and the tests. The last line counts both.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './setup/command.mjs';
import { NATS_SERVER, TEST_PARTS } from './setup/parts.mjs';
import { setup } from './setup/setup.mjs';
import { Steps, printFailure } from './setup/steps.mjs';
import { FOLDERS, parseArguments } from './testing/arguments.mjs';
import { coverageReport } from './testing/coverage.mjs';
import { runMocha } from './testing/mocha.mjs';
import { runSuite } from './testing/suite.mjs';

const HELP = `npm test [-- [FOLDER…] [options of mocha]]

Installs what is missing, builds, runs every check (npm scripts named check:…), then all tests, and enforces coverage.
With arguments only the chosen tests run, without checks and coverage.

  npm test                                 everything
  npm test -- unit                         one folder: unit, integration, conformance, chaos, e2e
  npm test -- integration/cli              a folder in it
  npm test -- --grep "run file"            tests by name
`;

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const given = process.argv.slice(2);
if (given.includes('--help')) {
  process.stdout.write(HELP);
  process.exit(0);
}

/** Of a failed test's error, in the summary. */
const FAILURE_LINES = 25;

/** Bound of a run of chosen tests. */
const LIMIT_MS = 20 * 60_000;

const folders = FOLDERS.filter((folder) => existsSync(join(root, 'tests', folder)));
const { specs, mocha, partial } = parseArguments(given, folders);
/** What was not as it should be, one line each, beside the tests that mocha counts. */
const failures = /** @type {string[]} */ ([]);
let checksPassed = 0;
/** @type {import('./testing/mocha.mjs').Result} */
let tests = { passes: 0, failed: [], pending: 0, wrong: [] };

try {
  const parts = await setup({ root, parts: [NATS_SERVER, ...TEST_PARTS], out: process.stdout });
  checksPassed += 1;
  await runTests(parts);
} catch (error) {
  printFailure(error, process.stdout);
  failures.push('setup');
}
report();

/** Every npm script named `check:…` is one check: a new one needs no change here. One after another, for tests run beside. */
async function runChecks() {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const steps = new Steps({ write: (text) => process.stdout.write(text) });
  for (const name of Object.keys(scripts).filter((script) => script.startsWith('check:'))) {
    try {
      await steps.step(name.slice('check:'.length), async () => {
        await run('npm', ['run', '--silent', name], { cwd: root });
        return { note: 'ok' };
      });
      checksPassed += 1;
    } catch (error) {
      printFailure(error, process.stdout);
      failures.push(name);
    }
  }
}

/** @param {Map<string, import('./setup/parts.mjs').FoundPart>} parts */
async function runTests(parts) {
  if (partial) {
    const resultFile = join(root, 'coverage/chosen.json');
    mkdirSync(join(root, 'coverage'), { recursive: true });
    tests = await runMocha(root, [...specs, ...mocha], { parts, resultFile, limitMs: LIMIT_MS });
    return;
  }
  tests = await runSuite(root, folders, { parts, out: process.stdout, meanwhile: runChecks });
  const coverage = await coverageReport(root);
  process.stdout.write(`\n${coverage.text}\n`);
  if (coverage.shortfalls.length === 0) checksPassed += 1;
  failures.push(...coverage.shortfalls.map((text) => `coverage: ${text}`));
}

/** Once more at the end: where it happened is far above by then. */
function describeFailure(/** @type {import('./testing/mocha.mjs').Failure} */ { title, why }) {
  const lines = why.split('\n');
  const shown = lines.slice(0, FAILURE_LINES).map((line) => `    ${line}`);
  if (lines.length > FAILURE_LINES) shown.push(`    … ${lines.length - FAILURE_LINES} more lines above`);
  return [title, ...shown].join('\n');
}

function report() {
  failures.push(...tests.wrong);
  const lines = [''];
  if (tests.pending > 0) lines.push(`Tests skipped: ${tests.pending}`);
  lines.push(
    `Tests: ${tests.passes} passed, ${tests.failed.length} failed. Setup, checks and coverage: ${checksPassed} passed, ${failures.length} failed.`,
    ...[...tests.failed.map(describeFailure), ...failures].map((text) => `  failed: ${text}`),
    `${tests.passes + checksPassed} passed, ${tests.failed.length + failures.length} failed`,
  );
  process.exitCode = tests.failed.length + failures.length === 0 ? 0 : 1;
  process.stdout.write(`${lines.join('\n')}\n`);
}
