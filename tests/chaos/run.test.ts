import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runStatewatt } from '../support/site-process.js';
import { tempFolder } from '../support/temp.js';

/** A soak of two minutes: something of each sort, again and again, under a load that leaves the other tests their turns. */
const SCENARIO = `
name: short
description: Something of each sort.
duration_s: 120
nodes: 2
channels: 6
redis: true
load: { callers: 2, actors: 6, per_second: 50 }
faults:
  - { do: kill, what: actor, kind: model, every_s: [1, 4] }
  - { do: kill, what: node, at_s: 2 }
  - { do: kill, what: node, every_s: [35, 45] }
  - { do: link, what: nats-server, mode: reset, every_s: [15, 25] }
  - { do: pause, what: history, every_s: [20, 30], for_s: [1, 2] }
  - { do: kill, what: redis, at_s: 60 }
bounds: { recovery_s: 60, memory_mb: 700, memory_mb_per_h: 100 }
`;
/** The heap of a node rises by tens of MB between two collections; a leak that shows within seconds is larger. */
const GROWTH_MB = 200;
/** A sample is taken every 250 ms. */
const SAMPLES_PER_MINUTE = 240;

interface Told {
  readonly invariant: string;
  readonly passed: boolean;
  readonly checked: string;
}

/** By least squares, for each sample. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const rise = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0);
  return rise / values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
}

/** A slope over less than ten minutes would say nothing, and the run must say so itself. */
function checkGrowth(sizes: readonly number[], verdicts: readonly Told[]): void {
  assert.ok(sizes.length >= 200, `${sizes.length} samples`);
  const third = Math.floor(sizes.length / 3);
  const [before, after] = [sizes.slice(third, 2 * third), sizes.slice(2 * third)].map((part) => Math.min(...part));
  const slope = slopeOf(sizes.slice(third)) * SAMPLES_PER_MINUTE;
  console.log(
    `      memory of the largest node: least ${before} MB, then ${after} MB, ${slope.toFixed(1)} MB a minute, of ${sizes.length} samples`,
  );
  assert.ok((after ?? Infinity) - (before ?? 0) < GROWTH_MB);
  assert.match(verdicts.find(({ invariant }) => invariant === 'memory-slope')?.checked ?? '', /^growth is not judged/);
}

describe('statewatt chaos', function () {
  this.timeout(330_000);

  it('breaks a site of its own, mends it, finds nothing amiss, and says how to do it again', async () => {
    const folder = await tempFolder();
    try {
      const file = join(folder.path, 'short.yaml');
      const out = join(folder.path, 'report');
      await writeFile(file, SCENARIO);
      const temporary = join(folder.path, 'tmp');
      await mkdir(temporary);
      const run = await runStatewatt(['chaos', 'run', file, '--seed', '3', '--out', out, '--json'], {
        TMPDIR: temporary,
      });
      assert.equal(run.code, 0, run.out + run.err);
      assert.deepEqual(await readdir(temporary), [], 'what lies there afterwards');
      const report = JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as {
        passed: boolean;
        repeat: string;
        verdicts: Told[];
        faults: { text: string; failed?: string }[];
        load: { commands: number };
        memoryMb: number[];
      };
      assert.equal(report.passed, true);
      assert.equal(report.repeat, `statewatt chaos run ${file} --seed 3`);
      assert.ok(report.load.commands > 0);
      // What asks a node over a link that is reset just then may get no answer.
      const notDone = report.faults.filter(({ failed }) => failed !== undefined);
      assert.ok(notDone.length * 10 <= report.faults.length, JSON.stringify(notDone));
      for (const what of ['kill node', 'reset the link to nats-server', 'pause history'])
        assert.ok(
          report.faults.some(({ text }) => text.startsWith(what)),
          what,
        );
      for (const name of ['realtime-recent', 'alarms-once'])
        assert.ok(
          report.verdicts.some(({ invariant }) => invariant === name),
          name,
        );
      if (process.platform === 'linux') checkGrowth(report.memoryMb, report.verdicts);
      assert.match(await readFile(join(out, 'report.md'), 'utf8'), /^# Chaos run `short`: passed/);
      assert.match(await readFile(join(out, 'timeline.svg'), 'utf8'), /^<svg /);
    } finally {
      await folder.remove();
    }
  });

  it('says what is wrong with a scenario, and which there are', async () => {
    const unknown = await runStatewatt(['chaos', 'run', 'kill-everything']);
    assert.deepEqual(
      [unknown.code, /there is no scenario kill-everything; there are bad-devices, /.test(unknown.err)],
      [4, true],
    );
    const seeds = await runStatewatt(['chaos', 'run', 'kill-a-node', '--seeds', '0']);
    assert.deepEqual([seeds.code, /--seeds takes a whole number from 1 to 1000, not "0"/.test(seeds.err)], [1, true]);
    const listed = await runStatewatt(['chaos', 'list', '--json']);
    assert.ok((JSON.parse(listed.out) as { name: string }[]).some(({ name }) => name === 'kill-a-node'));
  });
});
