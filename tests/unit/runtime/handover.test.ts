import assert from 'node:assert/strict';
import sinon from 'sinon';
import { Handover } from '../../../actors/runtime/placement/handover.js';
import type { Member } from '../../../actors/runtime/placement/membership.js';

describe('Handover', () => {
  let clock: sinon.SinonFakeTimers;
  let membership: { settled: boolean; members: Member[] };
  let handover: Handover;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    membership = { settled: true, members: [] };
    handover = new Handover(membership);
  });
  afterEach(() => clock.restore());

  const member = (released: number | undefined, draining = false): Member => ({
    instance: 'one',
    node: 'n1',
    draining,
    beat: 1,
    heardAt: 0,
    seen: false,
    starved: false,
    ...(released === undefined ? {} : { released }),
  });

  /** What became of a wait for the table's version 5. */
  async function wait(): Promise<() => Promise<boolean>> {
    let over = false;
    void handover.whenReleased('one', 5).then(() => {
      over = true;
    });
    return async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return over;
    };
  }

  it('waits for a former owner until it says that it has released', async () => {
    membership.members = [member(4)];
    const over = await wait();
    handover.check();
    assert.equal(await over(), false);
    membership.members = [member(5)];
    handover.check();
    assert.equal(await over(), true);
  });

  it('does not wait for one that is gone, but finds out first whether it is', async () => {
    membership.settled = false;
    const over = await wait();
    handover.check();
    assert.equal(await over(), false);
    membership.settled = true;
    handover.check();
    assert.equal(await over(), true);
    assert.equal(await (await wait())(), true);
  });

  it('does not wait for one that drains, or is of a release that does not say', async () => {
    membership.members = [member(0, true)];
    assert.equal(await (await wait())(), true);
    membership.members = [member(undefined)];
    assert.equal(await (await wait())(), true);
  });

  it('waits no longer than five seconds, and not beyond its own end', async () => {
    membership.members = [member(4)];
    const [first, second] = [await wait(), await wait()];
    clock.tick(4_999);
    assert.equal(await first(), false);
    clock.tick(1);
    assert.equal(await first(), true);
    assert.equal(await second(), true);
    const third = await wait();
    handover.close();
    assert.equal(await third(), true);
  });
});
