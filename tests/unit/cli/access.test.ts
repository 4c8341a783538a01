import assert from 'node:assert/strict';
import sinon from 'sinon';
import { natsLogin } from '../../../cli/nats-login.js';
import { StatewattError } from '../../../errors/error.js';
import { FakeClient } from '../../support/fake-client.js';
import { NOW, statewatt } from './support.js';

describe('cli users, keys and audit', () => {
  const site = () => new FakeClient({ time: NOW - 120_000 });

  it('lists who may sign in', async () => {
    const { out } = await statewatt('users', { client: site() });
    const lines = out.trimEnd().split('\n');
    assert.match(lines[0] ?? '', /^NAME +ROLE +STATE +SIGN-INS +CHANGED$/);
    assert.match(lines[2] ?? '', /^olga +operator +enabled +0 +2 min/);
    assert.equal((JSON.parse((await statewatt('users list --json')).out) as unknown[]).length, 2);
  });

  it('says how to show who asks', async () => {
    const client = site();
    const denial = new StatewattError('access.not_signed_in', 'invalid', 'Sign in first.');
    sinon.stub(client.access, 'users').rejects(denial);
    const { code, err } = await statewatt('users', { client });
    assert.equal(code, 1);
    assert.match(err, /Sign in first\. Here that is --token or STATEWATT_TOKEN\.\n$/);
  });

  it('adds users with a given password, or one that it makes and shows once', async () => {
    const client = site();
    const create = sinon.spy(client.access, 'createUser');
    const made = await statewatt('users add vic --role viewer', { client });
    const [, password = ''] = /^password, shown this once: (\S{20})$/m.exec(made.out) ?? [];
    assert.deepEqual(create.lastCall.args, [{ name: 'vic', role: 'viewer', password }]);
    const given = await statewatt('users add max --role admin', { client, env: { STATEWATT_PASSWORD: 'long enough' } });
    assert.equal(given.out, 'max is admin\n');
    assert.equal(create.lastCall.args[0].password, 'long enough');
    const json = await statewatt('users add eve --role viewer --json', { client });
    assert.match((JSON.parse(json.out) as { password: string }).password, /^\S{20}$/);
    assert.equal((await statewatt('users add vic --role viewer', { client })).code, 1);
    const wrong = await statewatt('users add x --role king', { client });
    assert.deepEqual([wrong.code, /Allowed are owner, viewer, operator, engineer, admin/.test(wrong.err)], [2, true]);
  });

  it('changes and removes users', async () => {
    const client = site();
    const update = sinon.spy(client.access, 'updateUser');
    assert.equal(
      (await statewatt('users set olga --role engineer --disable', { client })).out,
      'olga is engineer, disabled\n',
    );
    assert.deepEqual(update.lastCall.args, ['olga', { role: 'engineer', disabled: true }]);
    assert.match((await statewatt('users set olga --enable --new-password', { client })).out, /shown this once/);
    await statewatt('users set olga --password another-one', { client });
    assert.deepEqual(update.lastCall.args, ['olga', { password: 'another-one' }]);
    assert.equal((await statewatt('users remove olga', { client })).out, 'olga is no user any more\n');
    assert.equal((await statewatt('users remove olga', { client })).code, 4);
  });

  it('makes keys, shows them once, and ends them', async () => {
    const client = site();
    const create = sinon.spy(client.access, 'createKey');
    const made = await statewatt('keys create meter --role viewer --days 30', { client });
    assert.match(made.out, /^meter is viewer, key key-2\nkey, shown this once: swk_key-2\.secret\n$/);
    assert.deepEqual(create.lastCall.args, [{ name: 'meter', role: 'viewer', endsAt: NOW + 30 * 86_400_000 }]);
    const { out } = await statewatt('keys', { client });
    assert.match(out, /^key-1 +scada +viewer +2 min +–$/m);
    assert.doesNotMatch(out, /secret/);
    assert.equal((await statewatt('keys remove key-1', { client })).out, 'key-1 is no key any more\n');
    assert.equal((await statewatt('keys remove key-1', { client })).code, 4);
    assert.equal((await statewatt('keys create x --role viewer --days 0', { client })).code, 2);
  });

  it('tells who did what', async () => {
    const client = site();
    const audit = sinon.spy(client.access, 'audit');
    const { out } = await statewatt('audit --who olga --from -1h --limit 5', { client });
    assert.deepEqual(audit.lastCall.args, [{ who: 'olga', from: NOW - 3_600_000, limit: 5 }]);
    assert.match(out, /olga +operator +127\.0\.0\.1 +allowed +POST \/api\/v1\/points/);
    audit.restore();
    sinon.stub(client.access, 'audit').resolves({ entries: [], nextCursor: '7' });
    assert.match((await statewatt('audit', { client })).err, /--cursor 7/);
    assert.deepEqual(JSON.parse((await statewatt('audit --json', { client })).out), { entries: [], nextCursor: '7' });
  });

  it('shows itself to NATS with the files that the environment names', () => {
    assert.deepEqual(natsLogin({}), {});
    assert.deepEqual(natsLogin({ NATS_CREDS: 'a.creds', NATS_CA: '', NATS_CERT: 'c.pem', NATS_KEY: 'k.pem' }), {
      credentials: 'a.creds',
      tls: { certFile: 'c.pem', keyFile: 'k.pem' },
    });
    assert.deepEqual(natsLogin({ NATS_CA: 'ca.pem' }), { tls: { caFile: 'ca.pem' } });
  });
});
