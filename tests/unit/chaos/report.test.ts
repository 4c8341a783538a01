import assert from 'node:assert/strict';
import { renderReport, summary } from '../../../chaos/report.js';
import type { RunResult } from '../../../chaos/run.js';
import { renderSeries } from '../../../chaos/series.js';
import { bySecond, drawTimeline } from '../../../chaos/timeline.js';
import { verdict } from '../../../chaos/checks/finding.js';

const RESULT: RunResult = {
  scenario: {
    name: 'kill-it',
    description: 'It is killed.',
    seed: 1,
    durationS: 10,
    nodes: 1,
    natsServers: 1,
    channels: 2,
    redis: false,
    callers: 1,
    actors: 1,
    faults: [],
    recoveryS: 5,
    memoryMb: 100,
    realtimeBehindS: 10,
    memoryMbPerH: undefined,
  },
  seed: 7,
  startedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
  tookMs: 10_000,
  passed: false,
  verdicts: [
    verdict('commands-kept', 'no acknowledged command is lost', '3 commands', []),
    verdict('frames-once', 'no frame is in the stream twice', '9 frames', ['1/5/2 at 3 and 4']),
  ],
  faults: [
    {
      number: 1,
      action: 'kill',
      what: 'node',
      at: 0,
      text: 'kill node (node-1)',
      fromMs: 2_000,
      toMs: 2_000,
      failed: undefined,
    },
    {
      number: 2,
      action: 'pause',
      what: 'history',
      at: 0,
      text: 'pause <history> for 2.0 s',
      fromMs: 5_000,
      toMs: 7_000,
      failed: 'it does not run',
    },
  ],
  samples: [
    { atMs: -500, healthy: true, memoryMb: 80, refused: 0 },
    { atMs: 2_250, healthy: false, memoryMb: 90, refused: 0 },
    { atMs: 3_000, healthy: true, memoryMb: undefined, refused: 0 },
  ],
  commands: [
    { atMs: 100, tookMs: 10 },
    { atMs: 900, tookMs: 30 },
    { atMs: 4_100, tookMs: 2_000 },
  ],
  repeated: 1,
  framesSeen: 9,
};

describe('the report of a chaos run', () => {
  it('says what passed and what did not, what was done, and how to do it again', () => {
    const text = renderReport(RESULT, 'statewatt chaos run kill-it --seed 7');
    assert.match(
      text,
      /^# Chaos run `kill-it`: FAILED\n\nIt is killed\.\n\nSeed 7, begun 2026-01-02T03:04:05\.000Z, 10 s of load, 2 faults/,
    );
    assert.match(text, /\n {4}statewatt chaos run kill-it --seed 7\n/);
    assert.match(text, /\| ✓ \| commands-kept: no acknowledged command is lost \| 3 commands \|/);
    assert.match(text, /### frames-once: 1 violations\n\n- 1\/5\/2 at 3 and 4\n/);
    assert.match(text, /p50 30 ms, p99 2000 ms, longest 2000 ms\), 1 times one was sent/);
    assert.match(text, /\| 1 \| 2\.0 s \| kill node \(node-1\) \| 0\.0 s \| 1\.0 s \|/);
    assert.match(
      text,
      /\| 2 \| 5\.0 s \| pause <history> for 2\.0 s \(not done: it does not run\) \| 2\.0 s \| never \|/,
    );
  });

  it('says the same to programs', () => {
    const { passed, seed, faults, load, memoryMb, commandsBySecond } = summary(RESULT, 'again');
    assert.deepEqual([passed, seed], [false, 7]);
    assert.deepEqual(
      faults.map(({ recoveredAfterMs }) => recoveredAfterMs),
      [1_000, null],
    );
    assert.deepEqual(load.latencyMs, { p50: 30, p99: 2_000, longest: 2_000 });
    assert.deepEqual(memoryMb, [80, 90]);
    assert.deepEqual(commandsBySecond, [2, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
  });

  it('says of many seeds which passed, and how to repeat the others', () => {
    const good = { seed: 1, passed: true, failed: [], faults: 3, commands: 20, framesSeen: 9, tookMs: 10_400 };
    const bad = { ...good, seed: 2, passed: false, failed: ['frames-once', 'recovery'] };
    const text = renderSeries('kill-it', [good, bad], (seed) => `again ${seed}`);
    assert.match(text, /^# Chaos scenario `kill-it`: 1 of 2 seeds passed\n/);
    assert.match(text, /\| ✓ \| 1 \| 3 \| 20 \| 9 \| 10 \| {2}\|/);
    assert.match(text, /\| ✗ \| 2 \| 3 \| 20 \| 9 \| 10 \| frames-once, recovery \|/);
    assert.match(text, /\n {4}again 2\n/);
    assert.doesNotMatch(text, /again 1/);
  });

  it('draws faults, health and load over time, as XML that needs nothing from elsewhere', () => {
    const picture = drawTimeline(RESULT);
    assert.equal((picture.match(/class="fault"/g) ?? []).length, 2);
    assert.equal((picture.match(/class="ill"/g) ?? []).length, 1);
    assert.equal((picture.match(/<polyline/g) ?? []).length, 2);
    assert.match(picture, /<title>2: pause &lt;history&gt; for 2\.0 s \(not done: it does not run\)<\/title>/);
    assert.deepEqual(picture.match(/https?:[^"]+/g), ['http://www.w3.org/2000/svg']);
    assert.deepEqual(bySecond(RESULT)[4], { commands: 1, slowestMs: 2_000 });
  });
});
