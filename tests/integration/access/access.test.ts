import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { AuditJournal } from '../../../actors/access/audit-journal.js';
import type { AccessControl } from '../../../actors/access/access-control.js';
import { accessKind } from '../../../actors/access.js';
import type { AuditNote } from '../../../actors/client/access.js';
import { createSystem, type ActorSystem } from '../../../actors/runtime/system.js';
import type { Bus } from '../../../bus/connection.js';
import { startAccess } from '../../../node/access.js';
import { DataFolder } from '../../../node/data-folder.js';
import { loadEnvironment } from '../../../site/config/index.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually, tempFolder } from '../../support/temp.js';

const PASSWORD = 'correct horse battery';

describe('access control of nodes', () => {
  let server: TestNats;
  let bus: Bus;
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let data: DataFolder;
  const systems: ActorSystem[] = [];
  const told: string[] = [];

  const join = async (node: string): Promise<ActorSystem> => {
    const system = createSystem({ bus: await server.connect(node), kinds: [accessKind], node });
    await system.start();
    systems.push(system);
    return system;
  };
  const start = (system: ActorSystem, env: Record<string, string> = {}): Promise<AccessControl> => {
    const note = (_facts: unknown, text: string) => void told.push(text);
    const log = { debug: note, info: note, warn: note, error: note };
    return startAccess({ system, bus, environment: loadEnvironment(env), folder: data, log });
  };

  before(async () => {
    server = await startNats();
    bus = await server.connect();
    folder = await tempFolder();
    data = await DataFolder.claim(folder.path);
    await join('node-1');
  });
  after(async () => {
    for (const system of systems) await system.stop();
    await data.release();
    await server.stop();
    await folder.remove();
  });

  it('do not listen to others while nobody has to sign in', async () => {
    const [system] = systems as [ActorSystem];
    await assert.rejects(start(system, { STATEWATT_HTTP_HOST: '0.0.0.0' }), {
      code: 'access.required',
      message: /0\.0\.0\.0.*STATEWATT_ADMIN_PASSWORD/,
    });
    assert.equal((await (await start(system)).identify({}))?.via, 'open');
    assert.equal(await (await start(system, { STATEWATT_ACCESS: 'required' })).identify({}), undefined);
    assert.match(told.join('\n'), /nobody can sign in yet/);
  });

  it('make the first administrator, once, and a key that only they can read', async () => {
    const [system] = systems as [ActorSystem];
    const env = { STATEWATT_HTTP_HOST: '0.0.0.0', STATEWATT_ADMIN_PASSWORD: PASSWORD };
    const control = await start(system, env);
    assert.equal((await control.signIn('admin', PASSWORD, '::1')).role, 'admin');
    await start(system, { ...env, STATEWATT_ADMIN_PASSWORD: 'another one' });
    await control.signIn('admin', PASSWORD, '::1');
    const file = data.join('access.key');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal((await readFile(file, 'utf8')).length, 44);
    const bad = data.join('bad.key');
    await writeFile(bad, 'short');
    await assert.rejects(start(system, { STATEWATT_TOKEN_KEY_FILE: bad }), { code: 'access.bad_key' });
  });

  it('share users, sign-ins and keys, also with one that comes later', async () => {
    const control = await start(systems[0] as ActorSystem);
    await control.createUser({ name: 'olga', role: 'operator', password: PASSWORD });
    const { token, refreshToken } = await control.signIn('olga', PASSWORD, '::1');
    const { key, id } = await control.createKey({ name: 'scada', role: 'viewer' });
    const there = await start(await join('node-2'));
    assert.equal((await there.identify({ token }))?.role, 'operator');
    assert.equal((await there.identify({ apiKey: key }))?.name, 'key:scada');
    const renewed = await there.refresh(refreshToken);
    await control.updateUser('olga', { role: 'viewer' });
    await control.removeKey(id);
    await eventually(async () =>
      (await there.identify({ token: renewed.token }))?.role === 'viewer' ? true : undefined,
    );
    await assert.rejects(there.identify({ apiKey: key }), { code: 'access.invalid_credentials' });
    const identity = await there.identify({ token });
    assert.ok(identity);
    await there.signOut(identity);
    await eventually(() =>
      control.identify({ token }).then(
        () => undefined,
        () => true,
      ),
    );
  });

  it('write down who did what, and find it again', async () => {
    const journal = new AuditJournal(bus, 'node-1');
    const note = (who: string, ref: string): AuditNote => ({
      ...{ who, ref, role: 'operator', address: '::1', what: 'POST /x', needs: 'operate' },
      ...{ verdict: 'allowed', reason: null, requestId: ref },
    });
    const begun = Date.now();
    for (let n = 0; n < 30; n++) await journal.note(note(n % 3 === 0 ? 'ada' : 'olga', `r${n}`));
    const first = await journal.read({ limit: 20 });
    assert.deepEqual([first.entries.length, first.entries[0]?.ref, first.entries[0]?.node], [20, 'r29', 'node-1']);
    const rest = await journal.read({ limit: 20, cursor: first.nextCursor ?? '' });
    assert.deepEqual([rest.entries[0]?.ref, rest.entries.at(-1)?.ref, rest.nextCursor], ['r9', 'r0', null]);
    const ada = await journal.read({ who: 'ada', limit: 5 });
    assert.deepEqual(
      ada.entries.map(({ ref }) => ref),
      ['r27', 'r24', 'r21', 'r18', 'r15'],
    );
    const more = await journal.read({ who: 'ada', cursor: ada.nextCursor ?? '' });
    assert.deepEqual([more.entries.length, more.nextCursor], [5, null]);
    assert.equal((await journal.read({ from: begun })).entries.length, 30);
    assert.deepEqual(await journal.read({ to: begun }), { entries: [], nextCursor: null });
    assert.deepEqual((await journal.read({ from: Date.now() + 60_000 })).entries, []);
    await assert.rejects(journal.read({ cursor: 'x' }), { code: 'access.invalid_cursor' });
  });
});
