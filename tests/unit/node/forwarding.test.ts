import assert from 'node:assert/strict';
import type { ForwarderKind } from '../../../actors/forwarder.js';
import type { ActorSystem } from '../../../actors/runtime/system.js';
import { formatRef, partitionOf } from '../../../bus/subjects.js';
import { Forwarding } from '../../../node/forwarding.js';
import { SiteHolder } from '../../../node/site-holder.js';
import type { Forwarder } from '../../../site/forwarding/forwarder.js';
import { FakeActors } from '../../support/fake-actors.js';
import { testForwarder } from '../../support/forwarding.js';
import { testSite } from '../../support/site.js';

describe('Forwarding', () => {
  const site = (...forwarding: Forwarder[]) => ({ ...testSite([]), forwarding });
  const lake = testForwarder();
  const cloud = testForwarder({ id: 'cloud', enabled: false });
  let actors: FakeActors;
  let holder: SiteHolder;
  let forwarding: Forwarding;
  const troubles: string[] = [];

  async function reload(...next: Forwarder[]): Promise<void> {
    holder.replace(site(...next));
    actors.log.length = 0;
    await forwarding.apply();
  }

  beforeEach(async () => {
    actors = new FakeActors();
    holder = new SiteHolder(site(lake, cloud));
    forwarding = new Forwarding({
      system: () => actors as unknown as ActorSystem,
      kind: () => ({ kind: 'forwarder' }) as ForwarderKind,
      holder,
      onTrouble: (id, error) => troubles.push(`${id} ${(error as Error).message}`),
    });
    troubles.length = 0;
    await forwarding.own(actors.owned);
  });
  afterEach(() => assert.deepEqual(troubles, []));

  it('brings each to life with its configuration, and tells it nothing twice', async () => {
    assert.deepEqual(actors.log, [
      'activate forwarder/lake',
      'configure forwarder/lake on',
      'activate forwarder/cloud',
      'configure forwarder/cloud off',
    ]);
    await reload(lake, cloud);
    assert.deepEqual(actors.log, ['activate forwarder/lake', 'activate forwarder/cloud']);
  });

  it('turns off one that left the site, and on when it returns', async () => {
    await reload(cloud);
    assert.deepEqual(actors.log, [
      'configure forwarder/lake removedoff',
      'retire forwarder/lake',
      'activate forwarder/cloud',
    ]);
    await reload(cloud, lake);
    assert.deepEqual(actors.log.slice(1), ['activate forwarder/lake', 'configure forwarder/lake on']);
  });

  it('turns off one that left the site while its partition was on its way', async () => {
    const { owned } = actors;
    actors.owned = new Set([partitionOf({ kind: 'forwarder', id: 'cloud' })]);
    await reload(cloud);
    assert.deepEqual(actors.log, ['activate forwarder/cloud']);
    await forwarding.own(owned);
    assert.deepEqual(actors.log.slice(1, 3), ['configure forwarder/lake removedoff', 'retire forwarder/lake']);
    assert.deepEqual(forwarding.refs().map(formatRef), ['forwarder/cloud']);
  });
});
