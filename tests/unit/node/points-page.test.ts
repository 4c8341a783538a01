import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PointsQuery, PointView } from '../../../actors/client/schemas.js';
import { PointIndex } from '../../../node/point-index.js';
import { listPoints } from '../../../node/points-page.js';
import type { ChannelConfig, Site } from '../../../site/model.js';
import { POINT_KINDS, pointKey, type PointDefinition } from '../../../site/points.js';
import { testChannel, testPointDefinition } from '../../support/realtime-store.js';
import { testSite } from '../../support/site.js';

const read = (config: ChannelConfig): Promise<PointView[]> => Promise.resolve(new PointIndex(config).views([]));

async function allPages(site: Site, query: PointsQuery): Promise<{ addresses: string[]; pages: number }> {
  const addresses: string[] = [];
  let cursor: string | undefined;
  for (let pages = 1; ; pages++) {
    const page = await listPoints(site, { ...query, ...(cursor === undefined ? {} : { cursor }) }, read);
    assert.ok(page.points.length <= (query.limit ?? 1_000));
    addresses.push(...page.points.map((point) => point.address));
    if (page.nextCursor === null) return { addresses, pages };
    assert.equal(page.points.length, query.limit ?? 1_000, 'only a full page is followed by another');
    cursor = page.nextCursor;
  }
}

/** Sites as site/config gives them: channels ascending by id, points by kind and id. */
const points = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...POINT_KINDS), fc.integer({ min: 1, max: 9 })), {
    maxLength: 12,
    selector: ([kind, id]) => pointKey(kind, id),
  })
  .map((list): PointDefinition[] =>
    list
      .map(([kind, id]) => ({ ...testPointDefinition(kind, id), name: id % 2 === 0 ? 'Power' : `energy ${id}` }))
      .sort((a, b) => pointKey(a.kind, a.id) - pointKey(b.kind, b.id)),
  );
const sites = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 20 }), points), { maxLength: 6, selector: ([id]) => id })
  .map((list) => testSite(list.sort(([a], [b]) => a - b).map(([id, of]) => testChannel(id, of))));
const queries = fc.record(
  {
    channel: fc.integer({ min: 1, max: 20 }),
    kind: fc.constantFrom(...POINT_KINDS),
    id: fc.integer({ min: 1, max: 9 }),
    name: fc.constantFrom('pow', 'ENERGY', 'energy 3', 'nothing'),
    limit: fc.integer({ min: 1, max: 10 }),
  },
  { requiredKeys: [] },
);

describe('listPoints', () => {
  it('gives every point that is asked for once and in order, whatever the pages', async () => {
    await fc.assert(
      fc.asyncProperty(sites, queries, async (site, query) => {
        const wanted = site.channels
          .flatMap((channel) => new PointIndex(channel).views([]))
          .filter(
            (view) =>
              (query.channel ?? view.channel) === view.channel &&
              (query.kind ?? view.kind) === view.kind &&
              (query.id ?? view.id) === view.id &&
              view.name.toLowerCase().includes((query.name ?? '').toLowerCase()),
          )
          .map((view) => view.address);
        const { addresses, pages } = await allPages(site, query);
        assert.deepEqual(addresses, wanted);
        assert.equal(pages, Math.max(1, Math.ceil(wanted.length / (query.limit ?? 1_000))), 'no empty last page');
      }),
      { numRuns: 500 },
    );
  });

  it('goes on rightly when the last point given has left the site', async () => {
    const three = [1, 2, 3].map((id) => testPointDefinition('T', id));
    const first = await listPoints(testSite([testChannel(7, three)]), { limit: 2 }, read);
    assert.equal(first.nextCursor, 'comsrv:7:T:2');
    const changed = testSite([testChannel(6, three), testChannel(7, [three[0], three[2]] as PointDefinition[])]);
    const second = await listPoints(changed, { limit: 2, cursor: 'comsrv:7:T:2' }, read);
    assert.deepEqual(
      second.points.map((point) => point.address),
      ['comsrv:7:T:3'],
    );
  });

  it('reads only channels that have something for the answer', async () => {
    const site = testSite([1, 2, 3, 4].map((id) => testChannel(id, [testPointDefinition(id === 3 ? 'S' : 'T', id)])));
    const asked: number[] = [];
    const counting = (config: ChannelConfig) => {
      asked.push(config.id);
      return read(config);
    };
    await listPoints(site, { kind: 'S' }, counting);
    await listPoints(site, { limit: 1 }, counting);
    assert.deepEqual(asked, [3, 1]);
  });

  it('refuses what is no cursor', async () => {
    for (const cursor of ['', '7', 'comsrv:7:T', 'x:7:T:1', '0:T:0']) {
      await assert.rejects(listPoints(testSite([]), { cursor }, read), { code: 'points.invalid_cursor' });
    }
  });
});
