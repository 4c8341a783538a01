import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TopicIndex } from '../../../protocols/mqtt/topics.js';

function matched(filters: readonly (string | undefined)[], topic: string): number[] {
  const found: number[] = [];
  new TopicIndex(filters).forEach(topic, (index) => found.push(index));
  return found.sort((a, b) => a - b);
}

/** MQTT 5, section 4.7, as it is written, level by level. */
function isMatch(filter: readonly string[], topic: readonly string[]): boolean {
  const [want, ...others] = filter;
  const [have, ...rest] = topic;
  if (want === undefined) return have === undefined;
  if (want === '#') return true; // the level of its parent included
  if (have === undefined) return false;
  return (want === '+' || want === have) && isMatch(others, rest);
}

describe('topics of an MQTT channel', () => {
  it('are matched as in the examples of the standard', () => {
    const filters = [
      'sport/tennis/player1/#',
      'sport/#',
      '#',
      'sport/tennis/+',
      '+',
      'sport/+',
      '+/+',
      '/+',
      undefined,
    ];
    assert.deepEqual(matched(filters, 'sport/tennis/player1'), [0, 1, 2, 3]);
    assert.deepEqual(matched(filters, 'sport/tennis/player1/score'), [0, 1, 2]);
    assert.deepEqual(matched(filters, 'sport'), [1, 2, 4]);
    assert.deepEqual(matched(filters, 'sport/'), [1, 2, 5, 6]);
    assert.deepEqual(matched(filters, '/finance'), [2, 6, 7]);
    assert.deepEqual(matched(['#', '+/monitor', '$SYS/#', '$SYS/monitor/+'], '$SYS/monitor/clients'), [2, 3]);
  });

  it('may feed several points, and are subscribed to once each', () => {
    const index = new TopicIndex(['a/b', 'a/b', 'a/+', 'a/+', undefined]);
    assert.deepEqual(index.filters, ['a/b', 'a/+']);
    assert.deepEqual(matched(['a/b', 'a/b', 'a/+', 'a/+', undefined], 'a/b'), [0, 1, 2, 3]);
  });

  it('are matched as level by level, whatever they are', () => {
    const level = fc.constantFrom('a', 'b', '');
    const topics = fc.array(level, { minLength: 1, maxLength: 4 });
    const filters = fc
      .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
      .map(([levels, all]) => (all ? [...levels, '#'] : levels))
      .filter((levels) => levels.length > 0);
    fc.assert(
      fc.property(filters, topics, (filter, topic) => {
        assert.equal(matched([filter.join('/')], topic.join('/')).length === 1, isMatch(filter, topic));
      }),
      { numRuns: 1_000 },
    );
  });
});
