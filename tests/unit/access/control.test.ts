import assert from 'node:assert/strict';
import sinon from 'sinon';
import { Passwords } from '../../../actors/access/passwords.js';
import { AccessTokens, parseApiKey } from '../../../actors/access/tokens.js';
import { may, roleFor } from '../../../site/access.js';
import { SimulatedAccess } from '../../support/fake-access.js';

const INVALID = { code: 'access.invalid_credentials' };
const ENDED = { code: 'access.session_ended' };
const PASSWORD = 'correct horse battery';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('access control', () => {
  let access: SimulatedAccess;
  const signIn = (name = 'ada', password = PASSWORD, address = '10.0.0.1') =>
    access.control.signIn(name, password, address);

  beforeEach(async () => {
    access = new SimulatedAccess();
    await access.control.createUser({ name: 'ada', role: 'admin', password: PASSWORD });
    await access.control.createUser({ name: 'olga', role: 'operator', password: PASSWORD });
  });

  it('lets roles do what those before them may', () => {
    assert.deepEqual(
      (['viewer', 'operator', 'engineer', 'admin'] as const).map((role) =>
        (['public', 'read', 'operate', 'configure', 'admin'] as const).filter((need) => may(role, need)),
      ),
      [
        ['public', 'read'],
        ['public', 'read', 'operate'],
        ['public', 'read', 'operate', 'configure'],
        ['public', 'read', 'operate', 'configure', 'admin'],
      ],
    );
    assert.deepEqual([roleFor('public'), roleFor('operate')], [undefined, 'operator']);
  });

  it('knows who signed in', async () => {
    const { token, user, role, expiresIn } = await signIn('olga');
    assert.deepEqual([user, role, expiresIn], ['olga', 'operator', 900]);
    const { session, ...identity } = (await access.control.identify({ token })) ?? {};
    assert.deepEqual(identity, { name: 'olga', role: 'operator', via: 'user' });
    assert.ok(session);
    assert.equal(await access.control.identify({}), undefined);
    assert.equal((await access.control.users()).find(({ name }) => name === 'olga')?.sessions, 1);
  });

  it('takes nothing but what is right', async () => {
    await assert.rejects(signIn('olga', 'wrong'), INVALID);
    await assert.rejects(signIn('nobody'), INVALID);
    await assert.rejects(signIn('constructor'), INVALID);
    for (const token of ['', 'x', 'a.b.c']) await assert.rejects(access.control.identify({ token }), INVALID);
    const forged = await new AccessTokens(Buffer.alloc(32, 8), () => access.now).make({ user: 'ada', session: 'x' });
    await assert.rejects(access.control.identify({ token: forged }), INVALID);
    const [, body] = forged.split('.');
    const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${body}.`;
    await assert.rejects(access.control.identify({ token: unsigned }), INVALID);
    await assert.rejects(access.control.identify({ apiKey: 'swk_x.y' }), INVALID);
  });

  it('ends a token with its time, its sign-in, its user’s rights', async () => {
    const first = await signIn('olga');
    access.now += 16 * 60_000;
    await assert.rejects(access.control.identify({ token: first.token }), { code: 'access.token_expired' });
    const { token } = await access.control.refresh(first.refreshToken);
    const identity = await access.control.identify({ token });
    assert.equal(identity?.name, 'olga');
    await access.control.updateUser('olga', { role: 'viewer' });
    assert.equal((await access.control.identify({ token }))?.role, 'viewer', 'the role is that of now');
    await access.control.signOut(identity);
    await assert.rejects(access.control.identify({ token }), ENDED);
    const second = await signIn('olga');
    await access.control.updateUser('olga', { disabled: true });
    await assert.rejects(access.control.identify({ token: second.token }), ENDED);
    await assert.rejects(signIn('olga'), INVALID);
  });

  it('hears within a second what was changed at another node', async () => {
    const { token } = await signIn('olga');
    const there = access.another();
    assert.equal((await there.identify({ token }))?.name, 'olga');
    await access.control.removeUser('olga');
    access.now += 1_000;
    await assert.rejects(there.identify({ token }), ENDED);
  });

  it('asks the register at most once a second, and goes on with what it knows for an hour', async () => {
    const { token } = await signIn('olga');
    const { key: apiKey } = await access.control.createKey({ name: 'scada', role: 'viewer' });
    access.now += 1_000;
    const asked = access.queries;
    for (let n = 0; n < 10; n++) await access.control.identify({ token });
    assert.equal(access.queries, asked + 1);
    access.away = true;
    access.now += 4 * 60_000;
    assert.equal((await access.control.identify({ token }))?.name, 'olga');
    access.now += 55 * 60_000;
    assert.equal((await access.control.identify({ apiKey }))?.name, 'key:scada');
    access.now += 2 * 60_000;
    await assert.rejects(access.control.identify({ apiKey }), { code: 'access.unavailable', category: 'unavailable' });
  });

  it('knows it from its start on, and learns more though nobody comes', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const there = access.another();
    try {
      await there.start();
      const { key: apiKey } = await access.control.createKey({ name: 'scada', role: 'viewer' });
      access.away = true;
      clock.tick(60_000); // In vain.
      await turn();
      access.away = false;
      clock.tick(60_000);
      await turn();
      access.away = true;
      access.now += 10 * 60_000;
      assert.equal((await there.identify({ apiKey }))?.name, 'key:scada');
      there.stop();
      assert.equal(clock.countTimers(), 0);
    } finally {
      clock.restore();
    }
  });

  it('refreshes with each token once, and ends the sign-in when one comes again', async () => {
    const { refreshToken: first } = await signIn('olga');
    const { refreshToken: second, token } = await access.control.refresh(first);
    await assert.rejects(access.control.refresh(first), ENDED);
    assert.ok(await access.control.identify({ token }), 'two pages at the same moment are no theft');
    access.now += 60_000;
    await assert.rejects(access.control.refresh(first), ENDED);
    await assert.rejects(access.control.refresh(second), ENDED);
    await assert.rejects(access.control.identify({ token }), ENDED);
    for (const text of ['', 'swr_x', 'swr_b2xnYQ.x.y']) await assert.rejects(access.control.refresh(text), ENDED);
  });

  it('slows down who guesses, by name and by address', async () => {
    for (let n = 0; n < 5; n++) await assert.rejects(signIn('olga', 'wrong'), INVALID);
    const throttled = { code: 'access.throttled', category: 'busy', retryAfterMs: 1_000 };
    await assert.rejects(signIn('olga'), throttled);
    await assert.rejects(signIn('ada'), throttled, 'from the same address');
    await assert.rejects(signIn('olga', PASSWORD, '10.0.0.2'), throttled, 'the same name');
    assert.equal((await signIn('ada', PASSWORD, '10.0.0.2')).user, 'ada');
    access.now += 1_000;
    await assert.rejects(signIn('olga', 'wrong'), INVALID);
    await assert.rejects(signIn('olga'), { ...throttled, retryAfterMs: 2_000 });
    access.now += 2_000;
    assert.equal((await signIn('olga')).user, 'olga');
    access.now += 15 * 60_000;
    await assert.rejects(signIn('olga', 'wrong'), INVALID);
    assert.equal((await signIn('olga')).user, 'olga');
  });

  it('knows programs by their keys until they end', async () => {
    const { key, id, endsAt } = await access.control.createKey({ name: 'scada', role: 'viewer' });
    assert.equal(endsAt, null);
    const identity = { name: 'key:scada', role: 'viewer', via: 'key', key: id };
    assert.deepEqual(await access.control.identify({ apiKey: key }), identity);
    assert.deepEqual(await access.control.identify({ token: key }), identity, 'as a bearer token too');
    const { secret = '' } = parseApiKey(key) ?? {};
    assert.ok(!JSON.stringify(access.actor.snapshot.context).includes(secret), 'only a hash is kept');
    await assert.rejects(access.control.identify({ apiKey: `${key.slice(0, -4)}AAAA` }), INVALID);
    await access.control.removeKey(id);
    await assert.rejects(access.control.identify({ apiKey: key }), INVALID);
    const short = await access.control.createKey({ name: 'guest', role: 'viewer', endsAt: access.now + 1_000 });
    assert.ok(await access.control.identify({ apiKey: short.key }));
    access.now += 1_000;
    await assert.rejects(access.control.identify({ apiKey: short.key }), INVALID);
    assert.equal((await access.control.keys()).length, 1);
    await assert.rejects(access.control.removeKey('other'), { code: 'access.key_not_found' });
  });

  it('is open as long as there is nobody, where that is wanted', async () => {
    const open = new SimulatedAccess({ openWhileEmpty: true });
    assert.equal((await open.control.identify({}))?.via, 'open');
    await assert.rejects(open.control.createUser({ name: 'bob', role: 'viewer', password: PASSWORD }), {
      code: 'access.first_admin',
    });
    await assert.rejects(open.control.createKey({ name: 'k', role: 'admin' }), { code: 'access.first_admin' });
    await open.control.createUser({ name: 'bob', role: 'admin', password: PASSWORD });
    assert.equal(await open.control.identify({}), undefined);
    assert.equal(await new SimulatedAccess().control.identify({}), undefined);
  });

  it('says why a change of users is refused', async () => {
    const { control } = access;
    await assert.rejects(control.createUser({ name: 'ada', role: 'viewer', password: PASSWORD }), {
      code: 'access.user_exists',
    });
    await assert.rejects(control.updateUser('ada', { role: 'viewer' }), { code: 'access.last_admin' });
    await assert.rejects(control.removeUser('nobody'), { code: 'access.user_not_found' });
    await control.updateUser('ada', { password: 'another password' });
    await assert.rejects(signIn('ada'), INVALID);
    assert.equal((await signIn('ada', 'another password')).user, 'ada');
  });
});

describe('passwords', () => {
  const passwords = new Passwords({ N: 16, r: 8, p: 1 });

  it('are kept as salted hashes of scrypt that say their cost', async () => {
    const [a, b] = await Promise.all([passwords.hash('Grüße'), passwords.hash('Grüße')]);
    assert.match(a, /^scrypt\$16\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    assert.notEqual(a, b);
    assert.ok(await passwords.verify('Gru\u0308ße', a), 'the same text in another form');
    assert.ok(!(await passwords.verify('Grusse', a)));
    assert.ok(!(await passwords.verify('anything', undefined)));
    assert.ok(await new Passwords({ N: 32, r: 8, p: 1 }).verify('Grüße', a), 'under another cost');
  });

  it('are hashed two at a time', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, (_, n) => passwords.hash(`p${n}`)));
    assert.equal(new Set(all).size, 10);
  });
});
