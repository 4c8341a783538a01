import assert from 'node:assert/strict';
import { checkCommands, checkOwnership, type Entry } from '../../../chaos/checks/commands.js';
import type { Verdict } from '../../../chaos/checks/finding.js';
import { FrameCheck, HistoryCheck, type Row } from '../../../chaos/checks/frames.js';
import { memorySlope } from '../../../chaos/checks/memory.js';
import { checkSamples, disturbed, recoveries, undisturbed, type DoneFault } from '../../../chaos/checks/samples.js';
import { isWell, type Sample } from '../../../chaos/sampler.js';
import { frame } from '../../support/frames.js';

const failed = (verdicts: readonly Verdict[]): string[] =>
  verdicts.filter(({ passed }) => !passed).map(({ invariant }) => invariant);

/** Each of these plants one fault into what a good run leaves; its check must find it, and no other one. */
describe('the checks of a chaos run', () => {
  describe('of commands', () => {
    const entry = (seq: number, value: number, ownership = 3, node = 'n1'): Entry => ({
      id: 'chaos_0',
      seq,
      entry: { event: { type: 'hold', value }, effects: [], at: 1, machine: 1, traceparent: '', node, ownership },
    });
    const acknowledged = new Map([['chaos_0', 3]]);
    const good = [entry(10, 1), entry(12, 2), entry(13, 3)];

    it('take what is right, and one command more whose answer nobody waited for', () => {
      assert.deepEqual(failed(checkCommands(good, acknowledged)), []);
      assert.deepEqual(failed(checkCommands([...good, entry(20, 4)], acknowledged)), []);
    });

    it('find one that was lost, in the midst and at the end', () => {
      assert.deepEqual(failed(checkCommands([entry(10, 1), entry(13, 3)], acknowledged)), ['commands-kept']);
      assert.deepEqual(failed(checkCommands(good.slice(0, 2), acknowledged)), ['commands-kept']);
      assert.deepEqual(failed(checkCommands([], acknowledged)), ['commands-kept']);
    });

    it('find one that was applied twice', () => {
      assert.deepEqual(failed(checkCommands([...good, entry(14, 3)], acknowledged)), ['commands-once']);
    });

    it('find one that came before an earlier one', () => {
      const found = checkCommands([entry(10, 2), entry(11, 1), entry(12, 3)], acknowledged);
      assert.deepEqual(failed(found), ['commands-ordered']);
      assert.deepEqual(found.find(({ passed }) => !passed)?.violations, ['chaos_0: 1 after 2']);
    });

    it('find an entry of a former owner, and two owners under one number', () => {
      assert.equal(checkOwnership([entry(1, 1, 3), entry(2, 2, 4, 'n2'), entry(3, 3, 4, 'n2')]).passed, true);
      assert.equal(checkOwnership([entry(1, 1, 3), entry(2, 2, 4, 'n2'), entry(3, 3, 3)]).passed, false);
      assert.equal(checkOwnership([entry(1, 1, 3), entry(2, 2, 3, 'n2')]).passed, false);
    });
  });

  describe('of frames', () => {
    const stream = [frame(1, 5, 1), frame(1, 5, 2), frame(2, 6, 1)];
    const seen = new Map([
      ['1/5/1', 1],
      ['1/5/2', 2],
      ['2/6/1', 3],
    ]);
    const check = (frames: typeof stream, from = seen): string[] => {
      const found = new FrameCheck(from);
      frames.forEach((each, index) => found.take(each, index + 1));
      return failed(found.verdicts());
    };

    it('take what is right, also frames that nobody has seen', () => {
      assert.deepEqual(check(stream), []);
      assert.deepEqual(check([...stream, frame(2, 6, 2)]), []);
    });

    it('find one that was lost, one that stands elsewhere, one that is there twice, and a gap', () => {
      assert.deepEqual(check(stream.slice(0, 2)), ['frames-kept']);
      assert.deepEqual(check(stream, new Map([['1/5/1', 2]])), ['frames-kept']);
      assert.deepEqual(check([...stream, frame(1, 5, 2)], new Map([['1/5/1', 1]])), ['frames-once']);
      assert.deepEqual(check([frame(1, 5, 1), frame(1, 5, 3)], new Map()), ['frames-gapless']);
    });

    it('take a gap for each frame that a node says that it has given up, and no more', () => {
      const found = new FrameCheck(new Map());
      [frame(1, 5, 1), frame(1, 5, 4)].forEach((each, index) => found.take(each, index + 1));
      assert.deepEqual(failed(found.verdicts(2)), []);
      assert.deepEqual(failed(found.verdicts(1)), ['frames-gapless']);
    });
  });

  it('of frames, from the midst of a stream on: take an activation that had begun before, and find a gap', () => {
    const found = (...frames: ReturnType<typeof frame>[]) => {
      const check = new FrameCheck(new Map(), false);
      frames.forEach((each, index) => check.take(each, index + 1));
      return failed(check.verdicts());
    };
    assert.deepEqual(found(frame(1, 5, 7), frame(1, 5, 8)), []);
    assert.deepEqual(found(frame(1, 5, 7), frame(1, 5, 9)), ['frames-gapless']);
  });

  describe('of history', () => {
    const stored = [
      { frame: frame(1, 5, 1, 1), sequence: 7 },
      { frame: frame(1, 5, 2, 1), sequence: 8 },
    ];
    const row = (sequence: number, value: number, quality = 'good'): Row => {
      const time = 1_700_000_000_000 + value;
      return [String(sequence), 1, 'T', 1, String(time), String(value), quality];
    };
    const check = (rows: readonly Row[], total = rows.length): boolean => {
      const found = new HistoryCheck();
      found.take(stored, rows);
      return found.verdict(total).passed;
    };

    it('take each frame once', () => {
      assert.equal(check([row(7, 1), row(8, 2)]), true);
    });

    it('take a text once, and find another one', () => {
      const text = { ...frame(1, 5, 1, 1), values: Float64Array.of(NaN), texts: new Map([[0, 'ready']]) };
      const check = (value: string): boolean => {
        const found = new HistoryCheck();
        found.take([{ frame: text, sequence: 7 }], [['7', 1, 'T', 1, '1700000000001', value, 'good']]);
        return found.verdict(1).passed;
      };
      assert.deepEqual([check('"ready"'), check('"busy"'), check('0')], [true, false, false]);
    });

    it('find a frame that is missing, twice, other than it was, of no frame at all, or beside those that were looked at', () => {
      assert.equal(check([row(7, 1)]), false);
      assert.equal(check([row(7, 1), row(8, 2), row(8, 2)]), false);
      assert.equal(check([row(7, 1), row(8, 3)]), false);
      assert.equal(check([row(7, 1), row(8, 2, 'stale')]), false);
      assert.equal(check([row(7, 1), row(8, 2), row(9, 2)]), false);
      assert.equal(check([row(7, 1), row(8, 2)], 3), false);
    });
  });

  it('of history that leaves points out: take what is missing, and find what is there twice or of no frame', () => {
    const row = (value: number): Row => ['7', 1, 'T', 1, String(1_700_000_000_001), String(value), 'good'];
    const check = (...rows: Row[]): boolean => {
      const found = new HistoryCheck(false);
      found.take([{ frame: frame(1, 5, 1, 1), sequence: 7 }], rows);
      return found.verdict(rows.length).passed;
    };
    assert.deepEqual([check(), check(row(1)), check(row(1), row(1)), check(row(2))], [true, true, false, false]);
  });

  it('take a node that has given up readings for well when nothing else is amiss', () => {
    const up = { status: 'up', detail: '' } as const;
    const spool = (refused: number, bytes: number) => ({
      ...up,
      status: 'degraded' as const,
      facts: { refused, bytes },
    });
    assert.equal(isWell({ status: 'healthy', parts: {} }), true);
    assert.equal(isWell({ status: 'degraded', parts: { nats: up, spool: spool(3, 0) } }), true);
    assert.equal(isWell({ status: 'degraded', parts: { nats: up, spool: spool(3, 10) } }), false);
    assert.equal(isWell({ status: 'degraded', parts: { nats: up, spool: spool(0, 0) } }), false);
    assert.equal(isWell({ status: 'degraded', parts: { nats: { ...up, status: 'down' }, spool: spool(3, 0) } }), false);
  });

  describe('of how a run did', () => {
    const bounds = { recoveryS: 5, memoryMb: 300 };
    const sample = (atMs: number, healthy: boolean, memoryMb = 100, refused = 0): Sample => ({
      atMs,
      healthy,
      memoryMb,
      refused,
    });
    const fault = (number: number, fromMs: number, toMs: number): DoneFault => ({
      number,
      what: 'node',
      at: 0,
      action: 'kill',
      text: 'kill node',
      fromMs,
      toMs,
      failed: undefined,
    });

    it('know when nothing excuses what goes amiss', () => {
      const faults = [fault(1, 20_000, 22_000)];
      const samples = Array.from({ length: 60 }, (_, second) => sample(second * 1_000, second !== 40));
      const at = (from: number, to: number) => undisturbed(faults, samples, [from, to]);
      assert.deepEqual([at(5_000, 9_000), at(26_000, 30_000)], [true, true]);
      assert.deepEqual([at(15_000, 18_000), at(23_000, 30_000), at(30_000, 38_000)], [false, false, false]);
      assert.deepEqual([at(1_000, 5_000), at(70_000, 80_000)], [false, false], 'nobody looked then');
      assert.deepEqual(
        [19_000, 20_000, 26_000, 28_000].map((ms) => disturbed(faults, ms, 5_000)),
        [false, true, true, false],
      );
    });

    it('take a recovery in time, and do not ask for one before the next fault', () => {
      const faults = [fault(1, 1_000, 1_000), fault(2, 3_000, 4_000)];
      const samples = [sample(0, true), sample(1_500, false), sample(4_500, false), sample(6_000, true)];
      assert.deepEqual(recoveries(faults, samples), [undefined, 2_000]);
      assert.deepEqual(failed(checkSamples(faults, samples, bounds)), []);
    });

    it('find one that came late, one that never came, a node that grows, and readings that were given up', () => {
      const faults = [fault(1, 1_000, 1_000)];
      const late = [sample(0, true), sample(2_000, false), sample(7_000, true)];
      assert.deepEqual(failed(checkSamples(faults, late, bounds)), ['recovery']);
      assert.deepEqual(failed(checkSamples(faults, late.slice(0, 2), bounds)), ['recovery']);
      assert.deepEqual(failed(checkSamples([], [sample(0, true, 301)], bounds)), ['memory-bounded']);
      assert.deepEqual(failed(checkSamples([], [sample(0, true, 1, 2)], bounds)), ['nothing-refused']);
    });

    it('say what was amiss for how long, and what was said of it last', () => {
      const amiss = (atMs: number, said: string): Sample => ({ ...sample(atMs, false), trouble: 'n1: history', said });
      const samples = [
        sample(0, true),
        amiss(2_000, 'history is down, away'),
        amiss(6_000, 'history is degraded, 9 behind'),
      ];
      const [found] = checkSamples([fault(1, 1_000, 1_000)], [...samples, sample(7_000, true)], bounds);
      assert.deepEqual(found?.violations, [
        'fault 1 (kill node): after 6.0 s; n1: history for 5.0 s; last: history is degraded, 9 behind',
      ]);
    });

    it('find a node that grows all the time, and not one that saws up and down or is growing at first only', () => {
      const grown = (size: (index: number) => number): string[] => {
        const samples = Array.from({ length: 400 }, (_, index) => sample(index * 4_500, true, size(index))); // 30 minutes
        return failed(checkSamples([], samples, { ...bounds, memoryMb: 1_000, memoryMbPerH: 50 }));
      };
      const sawtooth = (index: number): number => 200 + (index % 17) * 8;
      assert.deepEqual(grown(sawtooth), []);
      assert.deepEqual(
        grown((index) => sawtooth(index) + Math.min(60, index)),
        [],
      );
      assert.deepEqual(
        grown((index) => sawtooth(index) + index / 8),
        ['memory-slope'],
      ); // 100 MB an hour
      const line = Array.from({ length: 400 }, (_, index) => sample(index * 9_000, true, 100 + index / 4));
      assert.equal(Math.round(memorySlope(line) ?? 0), 100);
      assert.equal(memorySlope(line.slice(0, 20)), undefined);
      const short = Array.from({ length: 400 }, (_, index) => sample(index * 1_900, true, 100 + index));
      assert.equal(memorySlope(short), undefined, 'ten minutes at least, after the first quarter');
      const told = checkSamples([], short, { ...bounds, memoryMb: 1_000, memoryMbPerH: 50 });
      const slope = told.find(({ invariant }) => invariant === 'memory-slope');
      assert.deepEqual(
        [slope?.passed, slope?.checked],
        [true, 'growth is not judged: it takes 600 s after the first quarter, there were 568 s'],
      );
    });

    it('take readings that were given up while a disk was full, and find those before and after', () => {
      const full: DoneFault = { ...fault(1, 1_000, 3_000), action: 'fill' };
      const check = (...samples: Sample[]): string[] =>
        failed(checkSamples([full], [...samples, sample(4_000, true, 1, samples.at(-1)?.refused)], bounds));
      const silent: Sample = { atMs: 3_200, healthy: false, memoryMb: 1, refused: undefined };
      assert.deepEqual(check(sample(900, true), sample(1_200, true, 1, 5)), []);
      assert.deepEqual(check(sample(900, true), silent, sample(3_400, true, 1, 5)), []);
      assert.deepEqual(check(sample(900, true, 1, 2)), ['nothing-refused']);
      assert.deepEqual(check(sample(3_100, true), sample(3_400, true, 1, 5)), [], 'told a moment later');
      assert.deepEqual(check(sample(4_100, true), sample(4_400, true, 1, 5)), ['nothing-refused']);
    });
  });
});
