import assert from 'node:assert/strict';
import type { Item } from '../../../actors/forwarder/batch.js';
import { batchBody, messagesOf } from '../../../actors/forwarder/encode.js';
import { inWindow } from '../../../actors/forwarder/in-window.js';
import { Sampler } from '../../../actors/forwarder/sampler.js';
import { resolveReferences } from '../../../site/environment-reference.js';
import type { Sending } from '../../../site/forwarding/forwarder.js';
import { matches, parsePattern } from '../../../site/forwarding/pattern.js';
import { selectPoints } from '../../../site/forwarding/selection.js';
import { subjectToken, topicLevel } from '../../../site/forwarding/template.js';
import { BAD, GOOD, STALE } from '../../../site/points.js';
import { testForwarder } from '../../support/forwarding.js';
import { testChannel, testFrame, testPointDefinition, type TestPoint } from '../../support/realtime-store.js';

const POINTS = [testPointDefinition('T', 1), testPointDefinition('T', 2, 'string'), testPointDefinition('S', 1)];
const SITE = { name: 'Farm', channels: [testChannel(1, POINTS), testChannel(2, POINTS)] };

describe('patterns of points', () => {
  it('match numbers, ranges and kinds', () => {
    const found = (text: string, channel: number, kind: 'T' | 'S', id: number) => {
      const pattern = parsePattern(text);
      return pattern !== undefined && matches(pattern, channel, kind, id);
    };
    for (const text of ['*', '1001:T:1', 'comsrv:1001:T:1', '1000-1010:TS:*', '*:*:1-3']) {
      assert.ok(found(text, 1001, 'T', 1), text);
    }
    for (const text of ['1001:T:2', '1002-1010:T:1', '1001:SCA:1']) assert.ok(!found(text, 1001, 'T', 1), text);
    for (const text of [
      '',
      '1001',
      '1001:T',
      '1001:X:1',
      '1001::1',
      '9-1:T:1',
      '1:T:1:1',
      '1:T:-1',
      '99999999999:T:1',
    ]) {
      assert.equal(parsePattern(text), undefined, text);
    }
  });
});

describe('references to the environment', () => {
  it('are put in, and missed when they are not set', () => {
    assert.equal(resolveReferences('a ${X} ${Y_1}b', { X: '1', Y_1: '$2' }), 'a 1 $2b');
    assert.equal(resolveReferences('$X {Y}', {}), '$X {Y}');
    assert.throws(() => resolveReferences('${GONE}', { GONE: '' }), { code: 'config.variable_missing' });
  });
});

describe('the selection of a forwarder', () => {
  it('takes the first rule that matches, with its name, unit and scale, and makes destinations that fit', () => {
    const rule = (match: string, rest = {}) => ({ match: parsePattern(match) as never, scale: 1, offset: 0, ...rest });
    const points = [rule('1:T:1', { name: 'p/{id}', unit: 'W', scale: 1000, offset: 5 }), rule('1:S:1', { scale: 7 })];
    const common = { ...testForwarder(), points, payload: 'point' } as const;
    const broker = { url: 'mqtt://b', clientId: 'c', tls: { verify: true }, connectTimeoutMs: 1, keepAliveS: 1 };
    const topic = '{site}/{forwarder}/{channel_name}/{kind}/{name}';
    const selection = selectPoints({ ...common, type: 'mqtt', broker, topic, retain: false }, SITE);
    assert.deepEqual([...selection.channels.keys()], [1]);
    assert.deepEqual(
      [...(selection.channels.get(1)?.values() ?? [])],
      [
        {
          ...{ channel: 1, kind: 'T', id: 1, name: 'p/1', unit: 'W', scale: 1000, offset: 5 },
          destination: 'Farm/lake/channel 1/T/p_1',
        },
        {
          ...{ channel: 1, kind: 'S', id: 1, name: 'S 1', unit: 'kW', scale: 1, offset: 0 },
          destination: 'Farm/lake/channel 1/S/S 1',
        },
      ],
    );
    assert.equal(topicLevel('a/b+#'), 'a_b__');
    assert.deepEqual(['a b.c>*', ''].map(subjectToken), ['a_b_c__', '_']);
  });
});

describe('Sampler', () => {
  const sampler = (send: Sending) => new Sampler(selectPoints(testForwarder(), SITE), send);
  let seq = 0;
  const take = (from: Sampler, time: number, ...points: TestPoint[]): Item[] => {
    const items: Item[] = [];
    from.take(testFrame(1, 3, ++seq, time, points), items);
    return items;
  };
  const values = (items: Item[]) => items.map(({ value }) => value);

  it('takes everything that is chosen, with its own time, quality and text', () => {
    const all = sampler({ mode: 'all' });
    seq = 0;
    const items = take(all, 1_000, ['T', 1, 5, STALE, 200], ['T', 2, 'on'], ['T', 9, 1], ['S', 1, NaN, BAD]);
    assert.deepEqual(
      items.map(({ id, value, quality, time }) => [id, value, quality, time]),
      [
        ['1/3/1/T:1', 5, 'stale', 800],
        ['1/3/1/T:2', 'on', 'good', 1_000],
        ['1/3/1/S:1', null, 'bad', 1_000],
      ],
    );
    assert.ok(all.wants(2) && !all.wants(3));
    const none: Item[] = [];
    all.take(testFrame(3, 1, 1, 1, [['T', 1, 1]]), none);
    assert.deepEqual(none, []);
  });

  it('takes what changed by the deadband, or in quality', () => {
    const change = sampler({ mode: 'change', deadband: 1 });
    const seen = [
      take(change, 0, ['T', 1, 5], ['T', 2, 'a']),
      take(change, 1, ['T', 1, 5.5], ['T', 2, 'a']),
      take(change, 2, ['T', 1, 6], ['T', 2, 'b']),
      take(change, 3, ['T', 1, 6, STALE]),
      take(change, 4, ['T', 1, 6, GOOD]),
      take(change, 5, ['T', 1, NaN, GOOD]),
    ];
    assert.deepEqual(seen.map(values), [[5, 'a'], [], [6, 'b'], [6], [6], [null]]);
    const any = sampler({ mode: 'change', deadband: 0 });
    assert.deepEqual(
      [5, 5, 5.1].map((value) => take(any, 0, ['T', 1, value]).length),
      [1, 0, 1],
    );
  });

  it('takes the first of each interval', () => {
    const interval = sampler({ mode: 'interval', intervalMs: 1_000 });
    const seen = [100, 900, 1_000, 1_999, 5_000].map((time) => take(interval, time, ['T', 1, time]));
    assert.deepEqual(seen.map(values), [[100], [], [1_000], [], [5_000]]);
  });
});

describe('messages of a batch', () => {
  it('are one for each reading, its value alone, or one for all', () => {
    const selection = { ...selectPoints(testForwarder(), SITE), destination: 'all' };
    const [point] = selection.channels.get(1)?.values() ?? [];
    assert.ok(point);
    const item = (value: Item['value']): Item => ({ id: `i${value}`, point, value, quality: 'good', time: 1 });
    const batch = { token: 't', from: 1, to: 2, items: [item(1.5), item(null)] };
    assert.deepEqual(
      [...messagesOf(batch, 'value', selection)].map(({ body, id }) => [body, id]),
      [
        ['1.5', 'i1.5'],
        ['', 'inull'],
      ],
    );
    assert.deepEqual(
      [...messagesOf(batch, 'batch', selection)],
      [{ destination: 'all', body: batchBody(batch, 'Farm'), id: 't' }],
    );
    assert.equal([...messagesOf(batch, 'point', selection)].length, 2);
  });
});

describe('inWindow', () => {
  it('begins in order, so many at once, and none after a failure', async () => {
    const begun: number[] = [];
    let underWay = 0;
    let most = 0;
    const work = async (item: number): Promise<void> => {
      begun.push(item);
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      if (item === 5) throw new Error('five');
    };
    await inWindow([1, 2, 3, 4], 2, work);
    assert.deepEqual([begun, most], [[1, 2, 3, 4], 2]);
    await assert.rejects(inWindow([4, 5, 6, 7, 8, 9], 2, work), /five/);
    assert.ok(!begun.includes(8), String(begun));
    assert.equal(underWay, 0, 'those under way have ended');
  });
});
