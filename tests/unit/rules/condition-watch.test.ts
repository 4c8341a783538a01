import assert from 'node:assert/strict';
import sinon from 'sinon';
import { ConditionWatch, type Finding, type ValueSource } from '../../../actors/rule/condition-watch.js';
import { ANY_POINT, compileExpression } from '../../../site/expressions/index.js';
import type { FramePositions } from '../../../site/rules/rule.js';
import { BAD, type PointValue } from '../../../site/points.js';
import { RuleBench } from '../../support/rules.js';

const A = 'comsrv:1:T:1';
const B = 'comsrv:2:T:5';

/** What readers have of A. */
function reading(value: number): PointValue {
  return { channel: 1, kind: 'T', id: 1, value, quality: 'good', time: 1 };
}

describe('watching a condition', () => {
  let clock: sinon.SinonFakeTimers;
  let bench: RuleBench;
  let found: Omit<Finding, 'upTo'>[];
  let upTo: FramePositions;
  const watches: ConditionWatch[] = [];

  const readValues: ValueSource['readChannel'] = (channel) => bench.parts.readChannel(channel);
  const watch = (expression: string, readChannel = readValues, known: FramePositions = {}) => {
    const compiled = compileExpression(expression, { points: ANY_POINT, result: 'condition', timeZone: 'UTC' });
    const tell = ({ upTo: asOf, ...finding }: Finding): void => {
      upTo = asOf;
      found.push(finding);
    };
    const made = new ConditionWatch(compiled, { frames: bench.frames, readChannel }, tell, known);
    watches.push(made);
    return made;
  };
  const values = () => found.map(({ value }) => value);

  beforeEach(() => {
    clock = sinon.useFakeTimers({ now: 1_000_000 });
    bench = new RuleBench();
    found = [];
  });
  afterEach(() => {
    for (const each of watches.splice(0)) each.close();
    bench.frames.close();
    clock.restore();
  });

  it('tells the first finding, then each that differs', async () => {
    await watch('1:T:1 > 80 and 2:T:5 > 0').start();
    assert.deepEqual(found, [{ value: null, values: { [A]: null, [B]: null } }]);
    bench.send(70);
    bench.send(90);
    bench.send(1, { channel: 2, id: 5 });
    bench.send(2, { channel: 2, id: 5 });
    bench.send(2, { channel: 2, id: 6 });
    bench.send(1, { channel: 3 });
    bench.send(NaN, { quality: BAD });
    assert.deepEqual(found.slice(1), [
      { value: false, values: { [A]: 70, [B]: null } },
      { value: null, values: { [A]: 90, [B]: null } },
      { value: true, values: { [A]: 90, [B]: 1 } },
      { value: null, values: { [A]: null, [B]: 2 } },
    ]);
  });

  it('tells what time alone changes', async () => {
    await watch('held(1:T:1 > 80, 10s)').start();
    bench.send(90);
    clock.tick(9_999);
    assert.deepEqual(values(), [null, false]);
    clock.tick(1);
    assert.deepEqual(values(), [null, false, true]);
    bench.send(70);
    bench.send(90);
    watches[0]?.close();
    clock.tick(60_000);
    assert.deepEqual(values(), [null, false, true, false]);
    assert.equal(clock.countTimers(), 0);
  });

  it('looks at what readers have when it is asked to, and tells the next change against that', async () => {
    const one = watch('1:T:1 > 80');
    await one.start();
    bench.send(70);
    bench.values = [reading(85.75)];
    assert.deepEqual(await one.look(), { value: true, values: { [A]: 85.75 }, upTo: { 1: [1, 1] } });
    assert.deepEqual(values(), [null, false], 'whoever asked has the answer');
    bench.send(90);
    assert.deepEqual(values(), [null, false]);
    bench.send(70);
    assert.deepEqual(values(), [null, false, false]);
  });

  it('does not take what was read before a frame that came meanwhile', async () => {
    let answer: (values: Awaited<ReturnType<ValueSource['readChannel']>>) => void = () => undefined;
    let reads = 0;
    const one = watch('1:T:1 > 80', () =>
      reads++ === 0 ? Promise.resolve({ points: [] }) : new Promise((resolve) => (answer = resolve)),
    );
    await one.start();
    bench.send(60);
    const looking = one.look();
    bench.send(90);
    answer({ points: [reading(70)] });
    assert.equal((await looking).value, true);
  });

  it('looks at what it knows while the store is away', async () => {
    let away = false;
    const one = watch('1:T:1 > 80', (channel) => (away ? Promise.reject(new Error('away')) : readValues(channel)));
    await one.start();
    bench.send(90);
    away = true;
    assert.deepEqual(await one.look(), { value: true, values: { [A]: 90 }, upTo: { 1: [1, 1] } });
  });

  it('waits for times that are further than a timer reaches', async () => {
    await watch('held(1:T:1 > 80, 30d)').start();
    bench.send(90);
    clock.tick(30 * 86_400_000);
    assert.deepEqual(values(), [null, false, true]);
  });

  it('takes what frames told before what was read at the start, and says nothing until then', async () => {
    let answer: (values: Awaited<ReturnType<ValueSource['readChannel']>>) => void = () => undefined;
    const started = watch('1:T:1 > 80', () => new Promise((resolve) => (answer = resolve))).start();
    bench.send(90);
    assert.deepEqual(found, []);
    answer({ points: [reading(10), { ...reading(0), id: 2, value: 'text' }] });
    await started;
    assert.deepEqual(found, [{ value: true, values: { [A]: 90 } }]);
  });

  it('reads again while the store is away', async () => {
    let away = 3;
    bench.values = [reading(99)];
    const started = watch('1:T:1 > 80', (channel) =>
      away-- > 0 ? Promise.reject(new Error('away')) : bench.parts.readChannel(channel),
    ).start();
    await clock.tickAsync(1_500);
    await started;
    assert.deepEqual(values(), [true]);
  });

  it('gives up when it is closed meanwhile', async () => {
    const made = watch('1:T:1 > 80', () => Promise.reject(new Error('away')));
    const started = made.start();
    made.close();
    await clock.tickAsync(500);
    await started;
    assert.deepEqual(found, []);
  });

  describe('with frames that come late', () => {
    /** Readers have this value, as of that frame. */
    const readersHave = (value: number, epoch: number, seq: number): void => {
      bench.values = [reading(value)];
      bench.asOf.set(1, { epoch, seq });
    };

    it('does not go back to frames that are older than what readers have', async () => {
      readersHave(90, 7, 12);
      await watch('1:T:1 > 80').start();
      assert.deepEqual(upTo, { 1: [7, 12] });
      bench.send(70, { epoch: 7, seq: 10 });
      bench.send(95, { epoch: 7, seq: 11 });
      bench.send(90, { epoch: 7, seq: 12 });
      assert.deepEqual(values(), [true]);
      bench.send(70, { epoch: 7, seq: 13 });
      assert.deepEqual([values(), upTo], [[true, false], { 1: [7, 13] }]);
      bench.send(85, { epoch: 8, seq: 1 });
      assert.deepEqual([values(), upTo], [[true, false, true], { 1: [8, 1] }]);
    });

    it('takes of them what readers have not', async () => {
      bench.asOf.set(1, { epoch: 7, seq: 12 });
      await watch('1:T:1 > 80').start();
      bench.send(90, { epoch: 7, seq: 10 });
      assert.deepEqual(values(), [null, true]);
    });

    it('does not go back to them after it was asked to look', async () => {
      const one = watch('1:T:1 > 80');
      await one.start();
      bench.send(70, { epoch: 7, seq: 1 });
      readersHave(90, 7, 3);
      assert.equal((await one.look()).value, true);
      bench.send(60, { epoch: 7, seq: 2 });
      bench.send(90, { epoch: 7, seq: 3 });
      bench.send(95, { epoch: 7, seq: 4 });
      assert.deepEqual(values(), [null, false], 'whoever asked has the answer');
    });

    it('takes what readers have when it is newer than what came while they were asked', async () => {
      let answer: (values: Awaited<ReturnType<ValueSource['readChannel']>>) => void = () => undefined;
      const started = watch('1:T:1 > 80', () => new Promise((resolve) => (answer = resolve))).start();
      bench.send(70, { epoch: 7, seq: 10 });
      answer({ points: [reading(90)], asOf: { epoch: 7, seq: 12 } });
      await started;
      bench.send(75, { epoch: 7, seq: 11 });
      assert.deepEqual(values(), [true]);
    });

    it('tells nothing that is older than what was told before', async () => {
      readersHave(70, 7, 8);
      const started = watch('1:T:1 > 80', readValues, { 1: [7, 11], 2: [1, 1] }).start();
      await clock.tickAsync(100);
      bench.send(95, { epoch: 7, seq: 9 });
      bench.send(75, { epoch: 7, seq: 10 });
      await clock.tickAsync(100);
      assert.deepEqual(found, []);
      bench.send(90, { epoch: 7, seq: 11 });
      await started;
      assert.deepEqual([found, upTo], [[{ value: true, values: { [A]: 90 } }], { 1: [7, 11] }]);
    });

    it('begins when readers have come to what was told, and at the latest after half a minute', async () => {
      readersHave(70, 7, 8);
      const started = watch('1:T:1 > 80', readValues, { 1: [7, 11] }).start();
      await clock.tickAsync(5_000);
      assert.deepEqual(found, []);
      readersHave(90, 7, 11);
      await clock.tickAsync(2_000);
      await started;
      assert.deepEqual(values(), [true]);

      // The stream was lost, and a clock is behind: no frame will ever be newer.
      const lost = watch('1:T:1 > 80', readValues, { 1: [9_999, 1] }).start();
      await clock.tickAsync(29_000);
      assert.deepEqual(values(), [true]);
      await clock.tickAsync(2_000);
      await lost;
      assert.deepEqual(values(), [true, true]);
    });

    it('knows of a channel without a reading how far its frames have come', async () => {
      bench.send(90, { epoch: 7, seq: 11 });
      bench.values = [reading(90)];
      await watch('1:T:1 > 80', readValues, { 1: [7, 11] }).start();
      assert.deepEqual([values(), upTo], [[true], { 1: [7, 11] }]);
    });

    it('ends when it is closed while it waits for them', async () => {
      const made = watch('1:T:1 > 80', readValues, { 1: [7, 11] });
      const started = made.start();
      await clock.tickAsync(100);
      made.close();
      await started;
      assert.deepEqual([found, clock.countTimers()], [[], 0]);
    });
  });
});
