import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectClient } from '../../../actors/client/remote.js';
import type { StatewattClient } from '../../../actors/client/client.js';
import { openConnection } from '../../../bus/connection.js';
import { findServer } from '../../../bus/server.js';
import { startNatsServices, type NatsServices } from '../../../facade/nats/services.js';
import { SupervisedChild } from '../../../processes/child.js';
import { FakeClient } from '../../support/fake-client.js';
import { eventually, freePort, tempFolder } from '../../support/temp.js';

describe('the users that docs/nats.md proposes', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let server: SupervisedChild;
  let nats: NatsConnection;
  let services: NatsServices;
  let viewer: StatewattClient;
  let port: number;
  const local = new FakeClient();

  before(async () => {
    folder = await tempFolder();
    port = await freePort();
    const [proposal = ''] = /^authorization \{[^`]*^\}/m.exec(readFileSync('docs/nats.md', 'utf8')) ?? [];
    const file = join(folder.path, 'nats-server.conf');
    await writeFile(file, `host: 127.0.0.1\nport: ${port}\n${proposal.replaceAll('…', 'p@ss')}\n`);
    server = new SupervisedChild({
      name: 'nats-server',
      command: findServer(),
      args: ['-c', file],
      ready: async (running) => {
        await running.line(/Server is ready/);
      },
    });
    await server.start();
    nats = await openConnection({ servers: [`nats://node:p%40ss@127.0.0.1:${port}`], name: 'node' });
    services = await startNatsServices({ nats, client: local, version: '1.2.3', node: 'node-1' });
    viewer = await connectClient({ natsUrl: `nats://viewer:p%40ss@127.0.0.1:${port}` });
  });
  after(async () => {
    await viewer.close();
    await services.stop();
    await nats.close();
    await server.stop();
    await folder.remove();
  });

  it('let the viewer look', async () => {
    assert.equal((await viewer.health()).node, 'node-1');
    assert.equal((await viewer.channels()).length, 3);
    assert.equal((await viewer.point(1001, 'T', 1)).value, 42.5);
    assert.equal((await viewer.actors()).length, 3);
    assert.equal((await viewer.deadLetters({})).letters.length, 2);
    assert.equal((await viewer.deadLetter(17)).id, 17);
    assert.ok((await viewer.history({ channel: 1001, kind: 'T', id: 1 })).rows.length > 0);
    const ticking = eventually(() => (services.watched.includes(1001) ? true : undefined)).then(() => local.tick());
    for await (const { channel } of viewer.watchPoints({ channel: 1001 }, new AbortController().signal)) {
      assert.equal(channel, 1001);
      break;
    }
    await ticking;
    const raising = eventually(() => (services.watched.includes('alarms') ? true : undefined)).then(() =>
      local.alarms.raise({ source: 'meter', title: 'Hot', level: 'Major' }),
    );
    for await (const { alarms } of viewer.alarms.watch({}, new AbortController().signal)) {
      assert.equal(alarms[0]?.title, 'Hot');
      break;
    }
    await raising;
  });

  it('do not let the viewer touch', async () => {
    const refused = { code: 'client.not_permitted', category: 'invalid' };
    await assert.rejects(viewer.write({ channel: 1001, kind: 'A', id: 1, value: 1 }), refused);
    await assert.rejects(viewer.commandChannel(1001, 'stop'), refused);
    await assert.rejects(viewer.killActor('channel/1001'), refused);
    await assert.rejects(viewer.restartActor('channel/1001'), refused);
    await assert.rejects(viewer.replayDeadLetter(17), refused);
    await assert.rejects(viewer.discardDeadLetter(17), refused);
    assert.equal((await local.channel(1001)).state, 'online');
  });

  it('let nobody else in', async () => {
    for (const who of ['viewer:wrong@', 'token@', '']) {
      await assert.rejects(connectClient({ natsUrl: `nats://${who}127.0.0.1:${port}` }), {
        code: 'client.unavailable',
        message: /Authorization/i,
      });
    }
  });
});
