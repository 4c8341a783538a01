import assert from 'node:assert/strict';
import { killSomeActor } from '../../../chaos/actor-faults.js';
import { StatewattError } from '../../../errors/error.js';
import { FakeClient } from '../../support/fake-client.js';

/** A site whose actors answer as they are told, one answer for each time that they are asked. */
class Site extends FakeClient {
  readonly killed: string[] = [];
  readonly trouble: (StatewattError | undefined)[];

  constructor(...trouble: (StatewattError | undefined)[]) {
    super({ channels: 2 });
    this.trouble = trouble;
  }

  /** Refs of those that have crashed as often as they may. */
  spent: string[] = [];

  override async supervisors() {
    const [one] = await super.supervisors();
    assert.ok(one);
    const [budget] = one.budgets;
    assert.ok(budget);
    return [{ ...one, budgets: [budget, ...this.spent.map((ref) => ({ ...budget, ref, crashes: 5 }))] }];
  }

  override killActor(ref: string): Promise<void> {
    const error = this.trouble.shift();
    if (error !== undefined) return Promise.reject(error);
    this.killed.push(ref);
    return Promise.resolve();
  }
}

const GONE = new StatewattError('actors.not_found', 'not_found', 'it is not active on this node');

describe('killing some actor', () => {
  it('draws again when the one that was drawn is gone', async () => {
    const site = new Site(GONE, GONE);
    const text = await killSomeActor(site, 'channel', 0.6);
    assert.equal(site.killed.length, 1);
    assert.equal(text, ` (${site.killed[0]})`);
  });

  it('passes on whatever else the site says, and kills nothing twice', async () => {
    const site = new Site(new StatewattError('bus.timeout', 'timeout', 'no answer'));
    await assert.rejects(killSomeActor(site, undefined, 0), { code: 'bus.timeout' });
    assert.deepEqual(site.killed, []);
  });

  it('leaves those alone that would be given up', async () => {
    const site = new Site();
    const refs = (await site.actors()).map(({ ref }) => ref).sort();
    site.spent = refs.slice(0, -1);
    for (const pick of [0, 0.5, 0.99]) await killSomeActor(site, 'channel', pick);
    assert.deepEqual(new Set(site.killed), new Set(refs.slice(-1)));
    site.spent = refs;
    await assert.rejects(killSomeActor(site, 'channel', 0), {
      code: 'chaos.no_target',
      message: /would be started again/,
    });
  });

  it('says when there is none of the kind', async () => {
    await assert.rejects(killSomeActor(new Site(), 'forwarder', 0), { code: 'chaos.no_target' });
  });
});
