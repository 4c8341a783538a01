// `npm test`: gets what is missing, then runs the checks and the tests. The last line counts both.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './setup/command.mjs';
import { NATS_SERVER, TEST_PARTS } from './setup/parts.mjs';
import { setup } from './setup/setup.mjs';
import { Steps, printFailure } from './setup/steps.mjs';
import { FOLDERS, parseArguments } from './testing/arguments.mjs';
import { coverageReport } from './testing/coverage.mjs';
import { runMocha } from './testing/mocha.mjs';

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

const { specs, mocha, partial } = parseArguments(
  given,
  FOLDERS.filter((folder) => existsSync(join(root, 'tests', folder))),
);
/** What was not as it should be, one line each, beside the tests that mocha counts. */
const failures = /** @type {string[]} */ ([]);
let checksPassed = 0;
let tests = { passes: 0, failures: 0, pending: 0 };

try {
  const parts = await setup({ root, parts: [NATS_SERVER, ...TEST_PARTS], out: process.stdout });
  checksPassed += 1;
  if (!partial) await runChecks();
  await runTests(parts);
} catch (error) {
  printFailure(error, process.stdout);
  failures.push('setup');
}
report();

/** Every npm script named `check:…` is one check: a new one needs no change here. */
async function runChecks() {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const steps = new Steps(process.stdout);
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
  const result = await runMocha(root, [...specs, ...mocha], { parts, coverage: !partial });
  tests = result.counts;
  failures.push(...result.failures);
  if (partial) return;
  const coverage = await coverageReport(root);
  process.stdout.write(`\n${coverage.text}\n`);
  if (coverage.shortfalls.length === 0) checksPassed += 1;
  failures.push(...coverage.shortfalls.map((text) => `coverage: ${text}`));
}

function report() {
  const lines = [''];
  if (tests.pending > 0) lines.push(`Tests skipped: ${tests.pending}`);
  lines.push(
    `Tests: ${tests.passes} passed, ${tests.failures} failed. Setup, checks and coverage: ${checksPassed} passed, ${failures.length} failed.`,
    ...failures.map((text) => `  failed: ${text}`),
    `${tests.passes + checksPassed} passed, ${tests.failures + failures.length} failed`,
  );
  process.exitCode = tests.failures + failures.length === 0 ? 0 : 1;
  process.stdout.write(`${lines.join('\n')}\n`);
}
