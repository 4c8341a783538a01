import assert from 'node:assert/strict';
import { RealtimeLagCheck } from '../../../chaos/checks/realtime-lag.js';

/** Channel 1 has frames 1, 3, 5 …, channel 2 has 2, 4, 6 …, one of each a second. */
describe('the check of Redis beside history', () => {
  const BOUND_MS = 3_000;

  /** @param redisAt how far Redis is, s behind the stream, at a second; @param historyAt the same of history */
  function run(redisAt: (second: number) => number, historyAt: (second: number) => number = () => 1): RealtimeLagCheck {
    const check = new RealtimeLagCheck(BOUND_MS);
    for (let second = 1; second <= 30; second++) {
      check.frame(1, 2 * second - 1);
      check.frame(2, 2 * second);
      const upTo = Math.max(0, second - redisAt(second));
      check.look({
        atMs: second * 1_000,
        history: 2 * Math.max(0, second - historyAt(second)),
        redis: new Map([
          [1, Math.max(0, 2 * upTo - 1)],
          [2, 2 * upTo],
        ]),
      });
    }
    return check;
  }
  const never = () => false;

  it('takes one that is newer, that is as new, and that is older within the bound', () => {
    assert.equal(run(() => 0).verdict(never).passed, true);
    assert.equal(run(() => 1).verdict(never).passed, true);
    assert.equal(run(() => 3).verdict(never).passed, true);
    const behindBoth = run(
      () => 20,
      () => 20,
    );
    assert.equal(behindBoth.verdict(never).passed, true, 'history is as old');
  });

  it('finds one that lags all the time, and one that stands still', () => {
    const { passed, violationCount, violations } = run(() => 6).verdict(never);
    assert.deepEqual([passed, violationCount], [false, 2]);
    assert.match(violations[0] ?? '', /^channel 1, .+: history has had its frame for 4\.0 s$/);
    assert.equal(run((second) => Math.max(0, second - 15)).verdict(never).passed, false);
  });

  it('finds one that has lost what it showed, and takes it while that is excused', () => {
    const lost = run((second) => (second >= 10 && second < 18 ? 30 : 0));
    assert.equal(lost.verdict(never).passed, false);
    assert.equal(lost.verdict((atMs) => atMs >= 10_000 && atMs < 18_000).passed, true);
    assert.equal(lost.verdict((atMs) => atMs >= 10_000 && atMs < 15_000).passed, false);
  });

  it('leaves out a channel of which it is not known what is shown', () => {
    const check = new RealtimeLagCheck(BOUND_MS);
    check.frame(1, 1);
    for (let second = 0; second < 20; second++) check.look({ atMs: second * 1_000, history: 1, redis: new Map() });
    assert.equal(check.verdict(never).passed, true);
  });
});
