import assert from 'node:assert/strict';
import { LiveFeed } from '../../../actors/projections/live-feed.js';
import type { PointsUpdate } from '../../../actors/client/client.js';
import { PointIndexes } from '../../../node/point-index.js';
import { SiteHolder } from '../../../node/site-holder.js';
import { watchUpdates } from '../../../node/updates.js';
import { testChannel, testFrame, testPointDefinition } from '../../support/realtime-store.js';
import { testSite } from '../../support/site.js';

describe('watchUpdates', () => {
  const points = [testPointDefinition('T', 1), testPointDefinition('T', 2)];
  let feed: LiveFeed;
  let holder: SiteHolder;
  let ending: AbortController;

  beforeEach(() => {
    feed = new LiveFeed();
    holder = new SiteHolder(testSite([testChannel(1, points), testChannel(2, points)]));
    ending = new AbortController();
  });

  function watch(channel?: number): AsyncGenerator<PointsUpdate> {
    return watchUpdates(feed, holder, new PointIndexes(), channel, ending.signal);
  }
  const values = (update: IteratorResult<PointsUpdate, unknown>): unknown[] => {
    assert.ok(update.done !== true);
    const { channel, time, points: of } = update.value;
    return [channel, time, ...of.map((point) => `${point.kind}${point.id}=${point.value}`)];
  };

  it('gives a reader who waits each change at once', async () => {
    const updates = watch();
    const first = updates.next();
    feed.publish(testFrame(2, 1, 1, 100, [['T', 1, 5]]));
    assert.deepEqual(values(await first), [2, 100, 'T1=5']);
    const second = updates.next();
    feed.publish(testFrame(1, 1, 1, 200, [['T', 2, 6]]));
    assert.deepEqual(values(await second), [1, 200, 'T2=6']);
    ending.abort();
    assert.equal((await updates.next()).done, true);
  });

  it('gives a slow reader the newest value of each changed point, not a queue', async () => {
    const updates = watch();
    const first = updates.next();
    for (let seq = 1; seq <= 1_000; seq++) {
      feed.publish(testFrame(1, 1, seq, seq, [['T', 1, seq]]));
      if (seq === 500) feed.publish(testFrame(2, 1, 1, 7, [['T', 1, 7]]));
    }
    feed.publish(testFrame(1, 1, 1_001, 1_001, [['T', 2, -1]]));
    assert.deepEqual(values(await first), [1, 1_001, 'T1=1000', 'T2=-1']);
    assert.deepEqual(values(await updates.next()), [2, 7, 'T1=7']);
    ending.abort();
    assert.equal((await updates.next()).done, true);
  });

  it('gives one channel when one is asked for, and nothing of channels that have left the site', async () => {
    const updates = watch(2);
    const first = updates.next();
    feed.publish(testFrame(1, 1, 1, 1, [['T', 1, 1]]));
    feed.publish(testFrame(9, 1, 1, 1, [['T', 1, 1]]));
    feed.publish(testFrame(2, 1, 1, 3, [['T', 1, 2]]));
    assert.deepEqual(values(await first), [2, 3, 'T1=2']);
    holder.replace(testSite([testChannel(1, points)]));
    const next = updates.next();
    feed.publish(testFrame(2, 1, 2, 4, [['T', 1, 3]]));
    ending.abort();
    assert.equal((await next).done, true);
  });

  it('ends at the signal whether or not somebody waits, and listens no longer', async () => {
    const updates = watch();
    const waiting = updates.next();
    ending.abort();
    assert.equal((await waiting).done, true);
    const late = watch();
    assert.equal((await late.next()).done, true);
    feed.publish(testFrame(1, 1, 1, 1, [['T', 1, 1]]));
    assert.equal((await updates.next()).done, true);
  });

  it('stops listening when the reader leaves', async () => {
    let watchers = 0;
    const real = feed.watch.bind(feed);
    feed.watch = (watcher) => {
      watchers += 1;
      const end = real(watcher);
      return () => {
        watchers -= 1;
        end();
      };
    };
    const updates = watch();
    const first = updates.next();
    assert.equal(watchers, 1);
    feed.publish(testFrame(1, 1, 1, 1, [['T', 1, 1]]));
    await first;
    await updates.return(undefined);
    assert.equal(watchers, 0);
  });
});

describe('LiveFeed', () => {
  it('leaves out frames that come late, by epoch and then seq', () => {
    const feed = new LiveFeed();
    const seen: string[] = [];
    feed.watch(({ channel, epoch, seq }) => seen.push(`${channel}/${epoch}/${seq}`));
    for (const [channel, epoch, seq] of [
      [1, 5, 1],
      [1, 5, 2],
      [1, 5, 2],
      [1, 5, 1],
      [1, 4, 9],
      [2, 1, 1],
      [1, 6, 1],
      [1, 5, 3],
    ] as const)
      feed.publish(testFrame(channel, epoch, seq, 0, []));
    assert.deepEqual(seen, ['1/5/1', '1/5/2', '2/1/1', '1/6/1']);
  });
});
