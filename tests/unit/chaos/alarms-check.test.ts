import assert from 'node:assert/strict';
import { checkAlarms, findEpisodes, findRaises, type LevelReading, type Raise } from '../../../chaos/checks/alarms.js';
import type { Entry } from '../../../chaos/checks/commands.js';
import { episodeOf, isHigh, LEVEL_ADDRESS, LEVEL_RULE } from '../../../chaos/level.js';

const readings = (...values: number[]): LevelReading[] => values.map((value, index) => ({ value, at: index * 1_000 }));
const raises = (...values: number[]): Raise[] => values.map((value) => ({ value, at: 0 }));
const always = () => true;
const never = () => false;

/** Each of these plants one fault into what a good run leaves. */
describe('the check of alarms of a chaos run', () => {
  const twice = findEpisodes(readings(3, 11, 19, 22, 31, 38, 41));

  it('knows each episode by the level', () => {
    assert.deepEqual(
      [9, 10, 19, 20, 30, 59_999].map((level) => [isHigh(level), episodeOf(level)]),
      [
        [false, 0],
        [true, 0],
        [true, 0],
        [false, 1],
        [true, 1],
        [true, 2_999],
      ],
    );
    assert.deepEqual(twice, [
      { numbers: new Set([0]), from: 1_000, to: 3_000 },
      { numbers: new Set([1]), from: 4_000, to: 6_000 },
    ]);
    assert.equal(findEpisodes(readings(3, 11))[0]?.to, undefined);
  });

  it('takes one raise for each episode, also a late one, and one of an episode that has not ended', () => {
    assert.equal(checkAlarms(twice, raises(11, 38), always).passed, true);
    assert.equal(checkAlarms(findEpisodes(readings(3, 11)), raises(11), always).passed, true);
    assert.equal(checkAlarms(findEpisodes(readings(3, 11)), raises(), always).passed, true);
  });

  it('takes an episode that was missed while something was amiss, and one whose lower half nobody read', () => {
    assert.equal(checkAlarms(twice, raises(38), never).passed, true);
    const joined = findEpisodes(readings(3, 11, 31, 41));
    assert.equal(checkAlarms(joined, raises(31), always).passed, true);
  });

  it('takes the same level once more when the devices have begun anew', () => {
    const anew = findEpisodes(readings(3, 11, 21, 2, 12, 20));
    assert.equal(checkAlarms(anew, raises(11, 12), always).passed, true);
    assert.equal(checkAlarms(anew, raises(11, 12, 13), always).passed, false);
  });

  it('finds a second raise in an episode', () => {
    const found = checkAlarms(twice, raises(11, 12, 38), never);
    assert.deepEqual(found.violations, ['raised at 12 (00:00:00.000): once more in its episode']);
  });

  it('finds a raise without an episode, and one at a level that is not high', () => {
    assert.match(
      checkAlarms(twice, raises(11, 31, 55), never).violations[0] ?? '',
      /^raised at 55 .+ no frame says so$/,
    );
    assert.equal(checkAlarms(twice, raises(3), never).passed, false);
    assert.equal(checkAlarms(twice, raises(NaN), never).passed, false);
  });

  it('finds an episode that was not raised though all was well', () => {
    const found = checkAlarms(twice, raises(11), always);
    assert.deepEqual(found.violations, ['episode 1 from 00:00:04.000 on was not raised']);
    assert.equal(checkAlarms(twice, raises(38), (from) => from === 4_000).passed, true);
  });

  it('reads from the journal of the alarm when it was raised, and only that', () => {
    const entry = (event: object, what: string): Entry => ({
      id: 'a',
      seq: 1,
      entry: {
        event: event as Entry['entry']['event'],
        effects: [{ type: 'announce', params: { alarm: { change: { what } } } }] as Entry['entry']['effects'],
        ...{ at: 7, machine: 1, traceparent: '', node: 'n1' },
      },
    });
    const raise = { type: 'raise', ruleId: LEVEL_RULE, metadata: { values: { [LEVEL_ADDRESS]: 12 } } };
    const journal = [
      entry(raise, 'raised'),
      entry(raise, 'standing'),
      entry({ type: 'clear' }, 'cleared'),
      entry({ ...raise, ruleId: 'another' }, 'raised'),
    ];
    assert.deepEqual(findRaises(journal), [{ value: 12, at: 7 }]);
  });
});
