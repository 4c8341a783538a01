import assert from 'node:assert/strict';
import sinon from 'sinon';
import { ConditionWatch, type Finding, type ValueSource } from '../../../actors/rule/condition-watch.js';
import { ANY_POINT, compileExpression } from '../../../site/expressions/index.js';
import { BAD } from '../../../site/points.js';
import { RuleBench } from '../../support/rules.js';

const A = 'comsrv:1:T:1';
const B = 'comsrv:2:T:5';

describe('watching a condition', () => {
  let clock: sinon.SinonFakeTimers;
  let bench: RuleBench;
  let found: Finding[];
  const watches: ConditionWatch[] = [];

  const readValues: ValueSource['read'] = (channel) => bench.parts.read(channel);
  const watch = (expression: string, read = readValues) => {
    const compiled = compileExpression(expression, { points: ANY_POINT, result: 'condition', timeZone: 'UTC' });
    const made = new ConditionWatch(compiled, { frames: bench.frames, read }, (finding) => found.push(finding));
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
    bench.values = [{ channel: 1, kind: 'T', id: 1, value: 85.75, quality: 'good', time: 1 }];
    assert.deepEqual(await one.look(), { value: true, values: { [A]: 85.75 } });
    assert.deepEqual(values(), [null, false], 'whoever asked has the answer');
    bench.send(90);
    assert.deepEqual(values(), [null, false]);
    bench.send(70);
    assert.deepEqual(values(), [null, false, false]);
  });

  it('does not take what was read before a frame that came meanwhile', async () => {
    let answer: (values: Awaited<ReturnType<ValueSource['read']>>) => void = () => undefined;
    let reads = 0;
    const one = watch('1:T:1 > 80', () =>
      reads++ === 0 ? Promise.resolve([]) : new Promise((resolve) => (answer = resolve)),
    );
    await one.start();
    bench.send(60);
    const looking = one.look();
    bench.send(90);
    answer([{ channel: 1, kind: 'T', id: 1, value: 70, quality: 'good', time: 1 }]);
    assert.equal((await looking).value, true);
  });

  it('looks at what it knows while the store is away', async () => {
    let away = false;
    const one = watch('1:T:1 > 80', (channel) => (away ? Promise.reject(new Error('away')) : readValues(channel)));
    await one.start();
    bench.send(90);
    away = true;
    assert.deepEqual(await one.look(), { value: true, values: { [A]: 90 } });
  });

  it('waits for times that are further than a timer reaches', async () => {
    await watch('held(1:T:1 > 80, 30d)').start();
    bench.send(90);
    clock.tick(30 * 86_400_000);
    assert.deepEqual(values(), [null, false, true]);
  });

  it('takes what frames told before what was read at the start, and says nothing until then', async () => {
    let answer: (values: Awaited<ReturnType<ValueSource['read']>>) => void = () => undefined;
    const started = watch('1:T:1 > 80', () => new Promise((resolve) => (answer = resolve))).start();
    bench.send(90);
    assert.deepEqual(found, []);
    answer([
      { channel: 1, kind: 'T', id: 1, value: 10, quality: 'good', time: 1 },
      { channel: 1, kind: 'T', id: 2, value: 'text', quality: 'good', time: 1 },
    ]);
    await started;
    assert.deepEqual(found, [{ value: true, values: { [A]: 90 } }]);
  });

  it('reads again while the store is away', async () => {
    let away = 3;
    bench.values = [{ channel: 1, kind: 'T', id: 1, value: 99, quality: 'good', time: 1 }];
    const started = watch('1:T:1 > 80', (channel) =>
      away-- > 0 ? Promise.reject(new Error('away')) : bench.parts.read(channel),
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
});
