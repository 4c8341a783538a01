import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { parseArguments } from '../../../scripts/testing/arguments.mjs';
import { byFolder, formatCoverage, shortfalls } from '../../../scripts/testing/coverage.mjs';
import { LONGEST, planJobs } from '../../../scripts/testing/suite.mjs';

describe('npm test: arguments', () => {
  it('run everything when there are none', () => {
    const { specs, mocha, partial } = parseArguments([]);
    assert.deepEqual([mocha, partial], [[], false]);
    assert.equal(specs[0], 'dist/tests/unit/**/*.test.js');
    assert.equal(specs.length, 5);
    assert.deepEqual(parseArguments([], ['e2e']).specs, ['dist/tests/e2e/**/*.test.js']);
  });

  it('choose folders and files; all else is for mocha', () => {
    assert.deepEqual(parseArguments(['unit', 'integration/cli/', 'unit/cli/run.test.ts']).specs, [
      'dist/tests/unit/**/*.test.js',
      'dist/tests/integration/cli/**/*.test.js',
      'dist/tests/unit/cli/run.test.js',
    ]);
    const { specs, mocha, partial } = parseArguments(['--grep', 'run file']);
    assert.deepEqual([specs.length, mocha, partial], [5, ['--grep', 'run file'], true]);
  });
});

describe('npm test: jobs', () => {
  it('unit tests share a process, every other file has its own; the longest first, those that measure last and alone', () => {
    const jobs = planJobs([
      'unit/a.test.js',
      'unit/b/c.test.js',
      'integration/site/gateway.test.js',
      'integration/bus/server.test.js',
      'integration/site/can.test.js',
      'chaos/kill.test.js',
    ]);
    assert.deepEqual(
      jobs.map(({ name, files, company }) => [name, files.length, company]),
      [
        ['chaos/kill', 1, 'shared'],
        ['unit', 2, 'shared'],
        ['integration/bus/server', 1, 'shared'],
        ['integration/site/can', 1, 'quiet'],
        ['integration/site/gateway', 1, 'alone'],
      ],
    );
  });

  it('the longest are there', () => {
    const file = (name: string): string => `tests/${name === 'unit' ? name : `${name}.test.ts`}`;
    assert.deepEqual(
      LONGEST.filter((name) => !existsSync(file(name))),
      [],
    );
  });
});

describe('npm test: coverage', () => {
  const file = (lines: [number, number], branches: [number, number]) => ({
    lines: { covered: lines[0], total: lines[1] },
    branches: { covered: branches[0], total: branches[1] },
  });
  const folders = byFolder(
    {
      total: file([0, 1], [0, 1]),
      '/p/machines/a.ts': file([95, 100], [8, 10]),
      '/p/machines/deep/b.ts': file([100, 100], [0, 0]),
      '/p/cli/c.ts': file([0, 10], [0, 10]),
      '/p/actors/d.ts': file([9, 10], [0, 0]),
    },
    '/p',
  );

  it('is summed by folder', () => {
    assert.deepEqual(
      folders.map(({ folder, lines }) => [folder, lines.covered, lines.total]),
      [
        ['actors', 9, 10],
        ['cli', 0, 10],
        ['machines', 195, 200],
      ],
    );
    const text = formatCoverage(folders);
    assert.match(text, /^machines +97\.5 % {2}195\/200 +80\.0 % {2}8\/10$/m);
    assert.match(text, /^actors +90\.0 % {2}9\/10 +100\.0 % {2}0\/0$/m);
    assert.match(text, /^all +92\.7 % {2}204\/220 +40\.0 % {2}8\/20$/m);
  });

  it('is enforced where it is asked for, exactly at the threshold it is enough', () => {
    assert.deepEqual(shortfalls(folders), ['machines/ branches 80.0 %, at least 90 % is asked']);
  });
});
