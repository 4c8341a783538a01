import assert from 'node:assert/strict';
import sinon, { type SinonFakeTimers } from 'sinon';
import type { Identity } from '../../../actors/client/access.js';
import { OpenConnections } from '../../../facade/open-connections.js';
import { SimulatedAccess } from '../../support/fake-access.js';

const PASSWORD = 'correct horse battery';

describe('open connections', () => {
  let access: SimulatedAccess;
  let open: OpenConnections;
  let clock: SinonFakeTimers;
  const ended: string[] = [];

  const come = async (shown: { token?: string; apiKey?: string }, name: string): Promise<() => void> =>
    open.add((await access.control.identify(shown)) as Identity, () => void ended.push(name));
  const tokenOf = async (name: string) => (await access.control.signIn(name, PASSWORD, '::1')).token;
  /** The register is asked again only when what is known of it is a second old. */
  const pass = async () => {
    access.now += 1_000;
    await clock.tickAsync(1_000);
  };

  beforeEach(async () => {
    access = new SimulatedAccess({ openWhileEmpty: true });
    ended.length = 0;
    clock = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    open = new OpenConnections(access.control);
  });
  afterEach(() => {
    open.stop();
    clock.restore();
  });
  const makeUsers = async () => {
    for (const role of ['admin', 'operator', 'viewer'] as const)
      await access.control.createUser({ name: role, role, password: PASSWORD });
  };

  it('end at sign-out, and no others do', async () => {
    await makeUsers();
    const token = await tokenOf('viewer');
    await come({ token }, 'out');
    await come({ token: await tokenOf('viewer') }, 'another page');
    await come({ token: await access.control.localToken('n1') }, 'command line');
    await pass();
    assert.deepEqual(ended, []);
    await access.control.signOut((await access.control.identify({ token })) as Identity);
    await pass();
    await pass();
    assert.deepEqual([ended, open.size], [['out'], 2]);
  });

  it('end with another role, a new password, removal, and the end of a key', async () => {
    await makeUsers();
    await come({ token: await tokenOf('viewer') }, 'other role');
    await come({ token: await tokenOf('operator') }, 'new password');
    const [first, second] = [
      await access.control.createKey({ name: 'a', role: 'viewer' }),
      await access.control.createKey({ name: 'b', role: 'viewer', endsAt: access.now + 60_000 }),
    ];
    await come({ apiKey: first.key }, 'removed key');
    await come({ apiKey: second.key }, 'key that ends');
    await access.control.updateUser('viewer', { role: 'operator' });
    await pass();
    assert.deepEqual(ended, ['other role']);
    await access.control.updateUser('operator', { password: 'another password' });
    await access.control.removeKey(first.id);
    await pass();
    assert.deepEqual(ended, ['other role', 'new password', 'removed key']);
    access.now += 60_000;
    await pass();
    assert.equal(ended.at(-1), 'key that ends');
  });

  it('end of those whom nobody knows when there is the first user', async () => {
    await come({}, 'anybody');
    await pass();
    assert.deepEqual(ended, []);
    await makeUsers();
    await pass();
    assert.deepEqual(ended, ['anybody']);
  });

  it('stay while it is not known, and when they have ended by themselves nothing looks any more', async () => {
    await makeUsers();
    const forget = await come({ token: await tokenOf('viewer') }, 'viewer');
    access.away = true;
    access.now += 10 * 3_600_000;
    await pass();
    assert.deepEqual(ended, []);
    forget();
    assert.deepEqual([open.size, clock.countTimers()], [0, 0]);
  });

  it('are not looked at where everybody may do everything', async () => {
    const free = new OpenConnections(undefined);
    free.add({ name: 'anonymous', role: 'admin', via: 'open' }, () => void ended.push('x'));
    assert.deepEqual([free.size, clock.countTimers()], [0, 0]);
  });
});
