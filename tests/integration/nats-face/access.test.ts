import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { headers as createHeaders, type NatsConnection } from '@nats-io/transport-node';
import type { StatewattClient } from '../../../actors/client/client.js';
import { connectClient } from '../../../actors/client/remote.js';
import { openConnection } from '../../../bus/connection.js';
import { findServer } from '../../../bus/server.js';
import { startNatsServices, type NatsServices } from '../../../facade/nats/services.js';
import { SupervisedChild } from '../../../processes/child.js';
import { SimulatedAccess } from '../../support/fake-access.js';
import { FakeClient } from '../../support/fake-client.js';
import { freePort, tempFolder } from '../../support/temp.js';

const PASSWORD = 'correct horse battery';

/** On the server that docs/nats.md proposes: the nodes' account, and one that may ask for some of the services. */
describe('who may ask over NATS', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let server: SupervisedChild;
  let nats: NatsConnection;
  let app: NatsConnection;
  let services: NatsServices;
  let local: FakeClient;
  let access: SimulatedAccess;
  let url: string;
  let ownersUrl: string;
  const clients: StatewattClient[] = [];

  const as = async (token?: string, natsUrl = url): Promise<StatewattClient> => {
    const shown = token === undefined ? {} : { token: () => Promise.resolve(token) };
    const client = await connectClient({ natsUrl, ...shown });
    clients.push(client);
    return client;
  };
  const signIn = async (name: string) => (await access.control.signIn(name, PASSWORD, '::1')).token;
  const refusal = (code: string) => ({ code, category: 'invalid' });

  before(async () => {
    folder = await tempFolder();
    const port = await freePort();
    const [proposal = ''] = /^accounts \{[^`]*^\}/m.exec(readFileSync('docs/nats.md', 'utf8')) ?? [];
    const file = join(folder.path, 'nats-server.conf');
    const settings = `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: "${join(folder.path, 'nats')}" }\n`;
    await writeFile(file, `${settings}${proposal.replaceAll('…', 'secret')}\n`);
    server = new SupervisedChild({
      name: 'nats-server',
      command: findServer(),
      args: ['-c', file],
      ready: async (running) => {
        await running.line(/Server is ready/);
      },
    });
    await server.start();
    url = `nats://app:secret@127.0.0.1:${port}`;
    ownersUrl = `nats://owner:secret@127.0.0.1:${port}`;
    nats = await openConnection({ servers: [`nats://node:secret@127.0.0.1:${port}`], name: 'node' });
    app = await openConnection({ servers: [url], name: 'app' });
  });
  after(async () => {
    await app.close();
    await nats.close();
    await server.stop();
    await folder.remove();
  });

  beforeEach(async () => {
    local = new FakeClient();
    access = new SimulatedAccess({ openWhileEmpty: true });
    services = await startNatsServices({
      ...{ nats, client: local, gatekeeper: access.control, version: '1.2.3', node: 'node-1' },
    });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
    await services.stop();
  });

  const makeUsers = async () => {
    for (const role of ['admin', 'operator', 'viewer'] as const)
      await access.control.createUser({ name: role, role, password: PASSWORD });
    access.audit.length = 0;
  };

  it('is everybody as long as there is no user, and is written down', async () => {
    const client = await as();
    await client.write({ channel: 1001, kind: 'A', id: 1, value: 20 });
    assert.deepEqual(
      access.audit.map(({ who, what, ref, needs, verdict }) => [who, what, ref, needs, verdict]),
      [['anonymous', 'NATS statewatt.points.write', 'comsrv:1001:A:1', 'operate', 'allowed']],
    );
  });

  it('is nobody who shows nothing, or something wrong, then; but for health', async () => {
    await makeUsers();
    const client = await as();
    assert.equal((await client.health()).node, 'node-1');
    await assert.rejects(client.point(1001, 'T', 1), refusal('access.not_signed_in'));
    assert.deepEqual(access.audit, [], 'who shows nothing fills no journal');
    await assert.rejects((await as('nonsense')).point(1001, 'T', 1), refusal('access.invalid_credentials'));
    assert.deepEqual(
      access.audit.map(({ who, verdict, reason }) => [who, verdict, reason]),
      [['unknown', 'denied', 'access.invalid_credentials']],
    );
  });

  it('is held to the role', async () => {
    await makeUsers();
    const viewer = await as(await signIn('viewer'));
    assert.equal((await viewer.point(1001, 'T', 1)).value, 42.5);
    await assert.rejects(viewer.write({ channel: 1001, kind: 'A', id: 1, value: 20 }), refusal('access.forbidden'));
    assert.equal((await local.point(1001, 'A', 1)).value, 50);
    const operator = await as(await signIn('operator'));
    assert.equal((await operator.write({ channel: 1001, kind: 'A', id: 1, value: 20 })).confirmed, true);
    assert.deepEqual(
      access.audit.map(({ who, role, address, verdict }) => [who, role, address, verdict]),
      [
        ['viewer', 'viewer', 'nats', 'denied'],
        ['operator', 'operator', 'nats', 'allowed'],
      ],
    );
    await access.control.updateUser('operator', { disabled: true });
    await assert.rejects(operator.point(1001, 'T', 1), refusal('access.session_ended'));
  });

  it('shows owners of meters their own readings, and nothing else', async () => {
    await makeUsers();
    for (const name of ['user1', 'bob']) await access.control.createUser({ name, role: 'owner', password: PASSWORD });
    const { key } = await access.control.createKey({ name: 'user1', role: 'owner' });
    const owner = await as(key, ownersUrl);
    const token = await signIn('bob');
    const bob = await as(token, ownersUrl);
    const { signal } = new AbortController();
    const bytes = async (client: StatewattClient) => {
      let size = 0;
      for await (const piece of client.ledger.export({}, signal)) size += piece.length;
      return size;
    };
    assert.equal((await owner.ledger.readings({})).readings.length, 2);
    assert.equal((await owner.ledger.reading('METER_1', 2)).sequence, 2);
    assert.equal((await owner.ledger.totals({})).minted.readings, 1);
    assert.equal((await bob.ledger.readings({ meter: 'METER_1' })).readings.length, 0);
    assert.equal((await bob.ledger.totals({})).minted.readings, 0);
    assert.equal((await owner.ledger.accounts({})).accounts[0]?.id, 'METER_1');
    assert.deepEqual((await bob.ledger.accounts({ by: 'user' })).accounts, []);
    assert.ok((await bytes(owner)) > (await bytes(bob)), 'a file');
    await assert.rejects(bob.ledger.reading('METER_1', 2), { code: 'ledger.not_found' });
    assert.deepEqual(access.audit, []);
    await assert.rejects(bob.ledger.readings({ user: 'user1' }), refusal('access.forbidden'));
    await assert.rejects(bob.ledger.reading('METER_1', 2, 'user1'), refusal('access.forbidden'));
    await assert.rejects((await as(token)).point(1001, 'T', 1), refusal('access.forbidden'));
    assert.deepEqual(
      access.audit.map(({ who, what, verdict }) => [who, what, verdict]),
      [
        ['bob', 'NATS statewatt.ledger.readings', 'denied'],
        ['bob', 'NATS statewatt.ledger.reading', 'denied'],
        ['bob', 'NATS statewatt.points.get', 'denied'],
      ],
    );
  });

  it('is an administrator who puts an earlier configuration back; an engineer may look', async () => {
    await makeUsers();
    await access.control.createUser({ name: 'engineer', role: 'engineer', password: PASSWORD });
    access.audit.length = 0;
    // What the proposal lets programs ask for does not include it.
    const within = url.replace('//app:', '//node:');
    const engineer = await as(await signIn('engineer'), within);
    assert.equal((await engineer.configuration.log({})).entries.length, 2);
    assert.equal((await engineer.configuration.get(1)).number, 1);
    await assert.rejects(engineer.configuration.rollBack(1, 'somebody'), refusal('access.forbidden'));
    const admin = await as(await signIn('admin'), within);
    await admin.configuration.diff({ from: 1, to: 2 });
    assert.equal((await admin.configuration.rollBack(1, 'somebody')).number, 1);
    assert.deepEqual(local.configuration.rollbacks, [[1, 'admin']], 'in the name of who has signed in');
    assert.deepEqual(
      access.audit
        .filter(({ what }) => what.endsWith('rollback'))
        .map(({ who, ref, needs, verdict }) => [who, ref, needs, verdict]),
      [
        ['engineer', '', 'admin', 'denied'],
        ['admin', '1', 'admin', 'allowed'],
      ],
    );
  });

  it('may be a program with a key, or the command line of a node’s machine', async () => {
    await makeUsers();
    const { key } = await access.control.createKey({ name: 'scada', role: 'viewer' });
    assert.equal((await (await as(key)).point(1001, 'T', 1)).value, 42.5);
    const headers = createHeaders();
    headers.set('X-API-Key', key);
    assert.equal(
      (await app.request('statewatt.points.get', '{"address": "1001:T:1"}', { headers, timeout: 5_000 })).json<{
        value: number;
      }>().value,
      42.5,
    );
    const machine = await as(await access.control.localToken('node-1'));
    await machine.alarms.command('a1', { type: 'acknowledge', by: 'ada' });
    assert.deepEqual([access.audit.at(-1)?.who, access.audit.at(-1)?.role], ['local:node-1', 'admin']);
    assert.equal((await local.alarms.journal('a1')).entries.at(-1)?.by, 'ada', 'who sits there');
  });

  it('is the one who has signed in that an alarm was acknowledged by', async () => {
    await makeUsers();
    const operator = await as(await signIn('operator'));
    await operator.alarms.command('a1', { type: 'acknowledge', by: 'somebody else' });
    assert.equal((await local.alarms.journal('a1')).entries.at(-1)?.by, 'operator');
  });

  it('does not reach past the services from an account that imports them only', async () => {
    const got: string[] = [];
    nats.subscribe('cmd.>', { callback: (_error, { subject }) => void got.push(subject) });
    nats.subscribe('statewatt.query.>', { callback: (_error, { subject }) => void got.push(subject) });
    app.publish('cmd.1.channel.1001', '{}');
    app.publish('statewatt.query.1', '{}');
    await app.flush();
    await nats.flush();
    assert.deepEqual(got, []);
    for (const subject of ['statewatt.access.users', 'statewatt.nodes.list'])
      await assert.rejects(app.request(subject, '{}', { timeout: 2_000 }), /no responders/, subject);
    const streams = (await app.request('$JS.API.STREAM.NAMES', '', { timeout: 2_000 })).json<{
      error: { err_code: number };
    }>();
    assert.equal(streams.error.err_code, 10_039, 'JetStream is not for this account');
    const overheard: string[] = [];
    app.subscribe('_INBOX.>', { callback: (_error, { subject }) => void overheard.push(subject) });
    await app.flush();
    await nats.request('statewatt.health.get', '', { timeout: 5_000 });
    await app.flush();
    assert.deepEqual(overheard, [], 'answers of others');
  });
});
