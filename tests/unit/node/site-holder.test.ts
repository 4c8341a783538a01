import assert from 'node:assert/strict';
import { revisionOf, SiteHolder } from '../../../node/site-holder.js';
import { testChannel, testPointDefinition } from '../../support/realtime-store.js';
import { testSite } from '../../support/site.js';

describe('SiteHolder', () => {
  it('finds channels by id, of the newest site only', () => {
    const first = testSite([testChannel(1, []), testChannel(2, [])]);
    const holder = new SiteHolder(first);
    assert.equal(holder.site, first);
    assert.equal(holder.channel(2), first.channels[1]);
    const second = testSite([testChannel(2, [testPointDefinition('T', 1)])]);
    holder.replace(second);
    assert.equal(holder.site, second);
    assert.equal(holder.channel(1), undefined);
    assert.equal(holder.channel(2), second.channels[0]);
  });

  it('names equal configurations alike, and every difference otherwise', () => {
    const channel = testChannel(1, [testPointDefinition('T', 1)]);
    const revision = revisionOf(channel);
    assert.match(revision, /^[0-9a-f]{16}$/);
    assert.equal(revisionOf(testChannel(1, [testPointDefinition('T', 1)])), revision);
    const others = [
      { ...channel, enabled: false },
      { ...channel, pollingIntervalMs: 999 },
      { ...channel, points: [{ ...testPointDefinition('T', 1), max: 5 }] },
    ];
    const revisions = new Set([revision, ...others.map(revisionOf)]);
    assert.equal(revisions.size, 4);
  });
});
