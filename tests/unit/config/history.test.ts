import assert from 'node:assert/strict';
import { linesOf, loadFiles } from '../../support/config.js';

const SITE = `
site: Test
channels:
  - { id: 1001, protocol: virtual, points: [{ id: 1, name: Power, unit: kW }, { id: 1, kind: S, name: Door }] }
  - { id: 1002, protocol: virtual, enabled: false, points: [{ id: 1, name: Level }] }
`;
const load = (rest: string) => loadFiles({ 'site.yaml': SITE + rest });
/** The problems of one mapping, without file and line. */
const wrong = async (mapping: string) =>
  (await linesOf({ 'site.yaml': `${SITE}history: { mapping: [{ ${mapping} }] }\n` })).map((line) =>
    line.replace(/^\S+ history\.mapping\[0\]/, ''),
  );

describe('what a site says is stored', () => {
  it('is everything when nothing is said', async () => {
    assert.equal((await load('history: { raw_days: 3 }\n')).history.mapping, undefined);
  });

  it('is read in its order, with its defaults', async () => {
    const { history } = await load(`
history:
  mapping:
    - { points: '1001:T:*', store: change, deadband: 0.5, max_interval_ms: 60000 }
    - { points: ['*:S:*', '1001-1002:T:1'], names: 'Do*', store: interval, interval_ms: 5000 }
    - { names: [Power, Level], store: never }
    - { points: '1002:TS:*', source: redis }
    - { points: '2001-2002:T:1-3', source: redis, collect_ms: 200, store: change }
`);
    const every = [0, Infinity];
    const kinds = ['T', 'S', 'C', 'A'];
    const definitions = history.mapping?.map(({ definition }) => definition);
    assert.deepEqual(definitions?.[1], {
      ...{ points: ['*:S:*', '1001-1002:T:1'], names: 'Do*', store: 'interval', intervalMs: 5000 },
    });
    const rules = history.mapping?.map(({ definition: _definition, ...rule }) => rule);
    assert.deepEqual(rules, [
      {
        points: [{ channels: [1001, 1001], kinds: ['T'], ids: every }],
        names: [],
        store: { mode: 'change', deadband: 0.5, maxIntervalMs: 60_000 },
      },
      {
        points: [
          { channels: every, kinds: ['S'], ids: every },
          { channels: [1001, 1002], kinds: ['T'], ids: [1, 1] },
        ],
        names: ['Do*'],
        store: { mode: 'interval', intervalMs: 5_000 },
      },
      {
        points: [{ channels: every, kinds, ids: every }],
        ...{ models: ['*'], names: ['Power', 'Level'], store: { mode: 'never' } },
      },
      {
        points: [{ channels: [1002, 1002], kinds: ['T', 'S'], ids: every }],
        ...{ names: [], store: { mode: 'all' }, collectMs: 1_000 },
      },
      {
        points: [{ channels: [2001, 2002], kinds: ['T'], ids: [1, 3] }],
        ...{ names: [], store: { mode: 'change', deadband: 0 }, collectMs: 200 },
      },
    ]);
  });

  it('is refused with what is wrong and what is allowed', async () => {
    assert.deepEqual(await wrong('store: never'), [': found neither points nor names, allowed one of them']);
    assert.match((await wrong('points: "1001:X:1", store: never')).join(), /^\.points: found "1001:X:1", allowed </);
    assert.match((await wrong('points: "1001:T:9", store: never')).join(), /which matches no point, allowed patterns/);
    assert.match(
      (await wrong('names: "pow*", store: never')).join(),
      /^\.names: found "pow\*", which matches no point/,
    );
    assert.match((await wrong('points: "*", deadband: 1')).join(), /^\.store: found "all", allowed change, as a dead/);
    assert.match((await wrong('points: "*", interval_ms: 10')).join(), /^\.store: found "all", allowed interval/);
    assert.match((await wrong('points: "*", store: interval')).join(), /^\.store: found "interval" without one/);
    assert.match(
      (await wrong('points: "*", store: sometimes')).join(),
      /^\.store: found "sometimes", allowed all, never/,
    );
    assert.match((await wrong('points: "*", max_interval_ms: 1.5, store: change')).join(), /^\.max_interval_ms: /);
    assert.match((await wrong('points: "*:T:1", source: redis')).join(), /channels without end, or too many, allowed/);
    assert.match(
      (await wrong('points: "1000-1003:T:1", source: redis')).join(),
      /^\.points: found those of channel 1001, which writes them itself, allowed channels that the site has not/,
    );
    assert.match(
      (await wrong('points: "2001:T:1", names: "P*", source: redis')).join(),
      /^\.names: found names of points, allowed/,
    );
    assert.match((await wrong('points: "*", collect_ms: 100')).join(), /^\.source: found "channel", allowed redis/);
  });
});
