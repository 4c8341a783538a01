import assert from 'node:assert/strict';
import { createChannelKind } from '../../../actors/channel.js';
import type { ChannelParts } from '../../../actors/channel/worker.js';
import type { ActorSystem } from '../../../actors/runtime/system.js';
import { formatRef, partitionOf } from '../../../bus/subjects.js';
import { Channels } from '../../../node/channels.js';
import { revisionOf, SiteHolder } from '../../../node/site-holder.js';
import { MemoryStore } from '../../../protocols/realtime/memory-store.js';
import { diffSites } from '../../../site/config/index.js';
import type { Site } from '../../../site/model.js';
import { FakeActors } from '../../support/fake-actors.js';
import { testChannel, testPointDefinition } from '../../support/realtime-store.js';
import { testSite } from '../../support/site.js';

describe('Channels', () => {
  let actors: FakeActors;
  let store: MemoryStore;
  let tables: number[];
  let storeDown: boolean;
  let troubles: string[];
  let holder: SiteHolder;
  let channels: Channels;

  function make(site: Site): void {
    actors = new FakeActors();
    store = new MemoryStore();
    tables = [];
    storeDown = false;
    troubles = [];
    store.setChannelConfig = ({ id }) => {
      if (storeDown) return Promise.reject(new Error('away'));
      tables.push(id);
      return Promise.resolve();
    };
    holder = new SiteHolder(site);
    channels = new Channels({
      system: () => actors as unknown as ActorSystem,
      kind: createChannelKind({} as ChannelParts),
      holder,
      realtime: store,
      onTrouble: (id, error) => troubles.push(`${id} ${(error as Error).message}`),
    });
  }
  async function begin(): Promise<void> {
    await Promise.all([channels.start(), channels.own(actors.owned)]);
  }
  async function reload(next: Site): Promise<void> {
    const changes = diffSites(holder.site, next);
    holder.replace(next);
    actors.log.length = 0;
    await channels.apply(changes);
  }
  const one = testChannel(1, []);
  const two = { ...testChannel(2, []), enabled: false };

  it('brings every channel to life with its tables and configuration', async () => {
    make(testSite([one, two]));
    await begin();
    assert.deepEqual(tables, [1, 2]);
    assert.deepEqual(actors.log.sort(), [
      'activate channel/1',
      'activate channel/2',
      'configure channel/1 on',
      'configure channel/2 off',
    ]);
    assert.deepEqual(troubles, []);
  });

  it('leaves the channels of other nodes to them, and takes those that come', async () => {
    make(testSite([one, two]));
    const partition = (id: number) => partitionOf({ kind: 'channel', id: String(id) });
    actors.owned = new Set([partition(2)]);
    await begin();
    assert.deepEqual(tables, [1, 2]);
    assert.deepEqual(actors.log, ['activate channel/2', 'configure channel/2 off']);
    await reload(testSite([testChannel(1, [testPointDefinition('T', 1)]), two]));
    assert.deepEqual(actors.log, []);
    actors.owned = new Set([partition(1), partition(2)]);
    await channels.own(actors.owned);
    assert.deepEqual(actors.log.sort(), ['activate channel/1', 'activate channel/2', 'configure channel/1 on']);
    actors.owned = new Set([partition(1)]);
    actors.log.length = 0;
    await reload(testSite([testChannel(1, [testPointDefinition('T', 1)])]));
    assert.deepEqual(actors.log, []);
    assert.deepEqual(channels.refs().map(formatRef), ['channel/1']);
  });

  it('does not tell a channel what it knows, so an operator’s stop holds over a restart', async () => {
    make(testSite([one]));
    actors.revisions.set('channel/1', revisionOf(one));
    await begin();
    assert.deepEqual(actors.log, ['activate channel/1']);
  });

  it('tells only the channels that a reload changes', async () => {
    make(testSite([one, two]));
    await begin();
    const changed = { ...one, points: [testPointDefinition('T', 1)] };
    await reload(testSite([changed, two, testChannel(3, [])]));
    assert.deepEqual(actors.log.sort(), [
      'activate channel/1',
      'activate channel/3',
      'configure channel/1 on',
      'configure channel/3 on',
    ]);
  });

  it('turns a channel off before it leaves, so that its return turns it on', async () => {
    make(testSite([one, two]));
    await begin();
    await reload(testSite([two]));
    assert.deepEqual(actors.log, ['configure channel/1 removedoff', 'retire channel/1']);
    await reload(testSite([one, two]));
    assert.deepEqual(actors.log, ['activate channel/1', 'configure channel/1 on']);
  });

  it('turns off one that left the site while its partition was on its way', async () => {
    make(testSite([one, two]));
    await begin();
    const { owned } = actors;
    actors.owned = new Set();
    await reload(testSite([two]));
    assert.deepEqual(actors.log, []);
    actors.owned = owned;
    await channels.own(owned);
    assert.deepEqual(actors.log.sort(), ['activate channel/2', 'configure channel/1 removedoff', 'retire channel/1']);
  });

  it('goes on with the others when one is in trouble', async () => {
    make(testSite([one, two]));
    actors.refuse = 'channel/1';
    await begin();
    assert.deepEqual(troubles, ['1 parked']);
    assert.deepEqual(actors.log, ['activate channel/2', 'configure channel/2 off']);
    await reload(testSite([two]));
    assert.deepEqual(troubles, ['1 parked', '1 parked']);
  });

  it('reads channels whose tables the store does not take, tells once, and writes the tables later', async () => {
    make(testSite([one, two]));
    storeDown = true;
    await begin();
    assert.equal(actors.log.length, 4);
    assert.equal(channels.tablesMissing, true);
    await channels.writeTables();
    assert.deepEqual(troubles.sort(), ['1 its tables: away', '2 its tables: away']);
    storeDown = false;
    await channels.writeTables();
    assert.equal(channels.tablesMissing, false);
    assert.deepEqual(tables, [1, 2]);
  });

  it('no longer misses the tables of a channel that has left', async () => {
    make(testSite([one]));
    storeDown = true;
    await begin();
    await reload(testSite([]));
    assert.equal(channels.tablesMissing, false);
  });

  it('works on a bounded number of channels at once', async () => {
    make(testSite(Array.from({ length: 300 }, (_, index) => testChannel(index + 1, []))));
    await begin();
    assert.equal(actors.revisions.size, 300);
    assert.equal(actors.most, 64);
  });

  it('begins with no further channel once it is stopped', async () => {
    make(testSite(Array.from({ length: 300 }, (_, index) => testChannel(index + 1, []))));
    const starting = begin();
    channels.stop();
    await starting;
    // Those that had begun are finished.
    assert.equal(actors.revisions.size, 64);
    await reload(testSite([]));
    assert.deepEqual([actors.log, troubles], [[], []]);
  });
});
