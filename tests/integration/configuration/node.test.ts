import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { StatewattClient } from '../../../actors/client/client.js';
import type { ConfigurationEntry, ConfigurationStatus, RollbackReply } from '../../../actors/client/configuration.js';
import { connectClient } from '../../../actors/client/remote.js';
import { connectBus } from '../../../bus/connection.js';
import { readBatch } from '../../../bus/read-batch.js';
import { STREAM } from '../../../bus/streams.js';
import type { RunningNode } from '../../../node/node.js';
import { startTestNode, type LogLine } from '../../support/node.js';
import { eventually, tempFolder } from '../../support/temp.js';

const SITE = (interval: number, more = '') => `# configuration of a test
site: Test site
channels:
  - id: 1
    protocol: virtual
    polling: { interval_ms: ${interval} }
    tables: meter
    simulation: { patterns: [{ type: constant, point_id: 1, value: 1 }] }
${more}`;
const TABLE = 'point_id,signal_name\n1,Power\n';
const SECRET = 'hunter2';

describe('configuration of a running node', function () {
  this.timeout(60_000);
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  let site: string;
  let node: RunningNode;
  let lines: LogLine[];
  let remote: StatewattClient;

  const write = (path: string, text: string) => writeFile(join(site, path), text);
  const start = async (): Promise<void> => {
    ({ node, lines } = await startTestNode(temp.path, { site }));
    remote = await connectClient({ natsUrl: node.natsUrl });
  };
  const stop = async (): Promise<void> => {
    await remote.close();
    await node.stop();
  };
  const newest = async (): Promise<ConfigurationEntry> =>
    (await node.client.configuration.log({ limit: 1 })).entries[0] as ConfigurationEntry;
  const entry = (number: number): Promise<ConfigurationEntry> =>
    eventually(async () => {
      const found = await newest().catch(() => undefined);
      return found !== undefined && found.number >= number ? found : undefined;
    });
  const http = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const answer = await fetch(`${node.url}/api/v1/config${path}`, init);
    assert.ok(answer.ok, `${path}: ${answer.status} ${answer.ok ? '' : await answer.text()}`);
    return (await answer.json()) as T;
  };

  before(async () => {
    temp = await tempFolder();
    site = join(temp.path, 'site');
    await mkdir(join(site, 'meter'), { recursive: true });
    await write('site.yaml', SITE(1_000));
    await write('meter/telemetry.csv', TABLE);
    await start();
  });
  after(async () => {
    await stop();
    await temp.remove();
  });

  it('is in the journal from the start on, and each edit after it', async () => {
    const first = await entry(1);
    assert.deepEqual(
      [first.number, first.cause, first.by, first.node, first.files, first.secrets, first.summary],
      [1, 'start', 'file', 'n1', 2, 0, 'the first in the journal: 1 channels'],
    );
    await write('site.yaml', SITE(500));
    const second = await entry(2);
    assert.deepEqual([second.cause, second.summary], ['edit', 'channels: 1 changed (1)']);
    const { changes } = await remote.configuration.diff({ from: 1, to: 2 });
    assert.deepEqual(changes.items[0]?.fields, [{ path: 'polling_interval_ms', before: 1000, after: 500 }]);
    const status = await http<ConfigurationStatus>('');
    assert.deepEqual([status.inForce?.number, status.watched, status.disk.state], [2, true, 'inForce']);
    await write('site.yaml', `${SITE(500)}# another comment\n`);
    assert.equal((await entry(3)).summary, 'nothing that the site is made of');
    assert.equal((await remote.configuration.file({ number: 2, path: 'site.yaml' })).text, SITE(500));
    assert.deepEqual(
      (await remote.configuration.get(2)).fileList.map(({ path }) => path),
      ['site.yaml', 'meter/telemetry.csv'],
    );
  });

  it('is refused with what is wrong, and what lies on the disk then is kept when another is put back', async () => {
    const refused = SITE(500).replace('virtual', 'virtul');
    await write('site.yaml', refused);
    const status = await http<ConfigurationStatus>('');
    assert.deepEqual([status.disk.state, status.disk.problems[0]?.line, status.inForce?.number], ['refused', 5, 3]);
    await assert.rejects(remote.configuration.diff({}), { code: 'config.invalid' });
    const done = await remote.configuration.rollBack(1, 'ada');
    assert.deepEqual([done.number, done.kept, done.inForce], [1, 4, 5]);
    assert.equal(await readFile(join(site, 'site.yaml'), 'utf8'), SITE(1_000));
    const { cause, by, of } = await newest();
    assert.deepEqual([cause, by, of], ['rollback', 'ada', 1]);
    assert.equal((await node.client.channel(1)).pollingIntervalMs, 1_000);
    assert.equal((await remote.configuration.file({ number: 4, path: 'site.yaml' })).text, refused);
    assert.equal((await http<ConfigurationStatus>('')).disk.state, 'inForce');
  });

  it('comes back with the tables that it had, and without those that it had not', async () => {
    await write('meter/signal.csv', 'point_id,signal_name\n1,Door\n');
    await write(
      'site.yaml',
      SITE(250).replace('value: 1 }', 'value: 1 }, { type: constant, point_id: 1, kind: S, value: 1 }'),
    );
    const { number } = await eventually(async () => {
      const found = await newest();
      return found.files === 3 ? found : undefined;
    });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    const back = await http<RollbackReply>('/1/rollback', init);
    assert.deepEqual([back.removed, back.inForce], [[join(site, 'meter', 'signal.csv')], number + 1]);
    assert.deepEqual((await readdir(join(site, 'meter'))).sort(), ['telemetry.csv']);
    const again = await http<RollbackReply>(`/${number}/rollback`, init);
    assert.deepEqual([again.removed, again.inForce], [[], number + 2]);
    assert.deepEqual((await readdir(join(site, 'meter'))).sort(), ['signal.csv', 'telemetry.csv']);
    assert.deepEqual((await node.client.channel(1)).points, { T: 1, S: 1, C: 0, A: 0 });
    assert.deepEqual((await readdir(site)).sort(), ['meter', 'site.yaml'], 'nothing is left behind');
  });

  it('is not put back when it would be another, or is not known', async () => {
    await assert.rejects(remote.configuration.rollBack(99, 'ada'), { code: 'config.not_found' });
    const { number } = await newest();
    await mkdir(join(site, 'other'));
    await write('other/telemetry.csv', TABLE);
    await write('site.yaml', SITE(1_000).replace('tables: meter', 'tables: other'));
    await entry(number + 1);
    await write('site.yaml', SITE(1_000));
    await entry(number + 2);
    await write('other/signal.csv', 'point_id,signal_name\n1,Door\n');
    await assert.rejects(remote.configuration.rollBack(number + 1, 'ada'), {
      code: 'config.would_differ',
      message: /other\/signal\.csv would be read too/,
    });
    assert.equal(await readFile(join(site, 'site.yaml'), 'utf8'), SITE(1_000));
    assert.equal((await newest()).number, number + 2);
  });

  it('keeps no secret, and says that it cannot be put back with one', async () => {
    const { number } = await newest();
    const target = (password: string) =>
      `forwarding: [{ id: cloud, type: mqtt, url: mqtt://127.0.0.1:1, enabled: false, password: "${password}" }]\n`;
    await write('site.yaml', SITE(1_000, target(SECRET)));
    const with1 = await eventually(async () => {
      const found = await newest();
      return found.secrets === 1 ? found : undefined;
    });
    assert.ok(with1.number > number);
    assert.match(
      (await remote.configuration.file({ number: with1.number, path: 'site.yaml' })).text,
      /password: "\*\*\*"/,
    );
    assert.ok(lines.some(({ level, text }) => level === 'warn' && text.includes('write them as ${NAME}')));
    await assert.rejects(
      remote.configuration.rollBack(1, 'ada'),
      { code: 'config.secrets_not_kept' },
      'it would be lost',
    );
    assert.match(await readFile(join(site, 'site.yaml'), 'utf8'), /hunter2/);
    await write('site.yaml', SITE(1_000, target('${PASSWORD}')));
    const { number: without } = await entry(with1.number + 1);
    await assert.rejects(remote.configuration.rollBack(with1.number, 'ada'), { code: 'config.secrets_not_kept' });
    const { changes } = await remote.configuration.diff({ from: with1.number, to: without });
    assert.deepEqual(changes.items[0]?.fields, [{ path: 'broker.password', before: '***', after: '${PASSWORD}' }]);
    const bus = await connectBus({ servers: [node.natsUrl], name: 'test', ensureStreams: false });
    for (const stream of [STREAM.configurations, STREAM.journal, STREAM.snapshots]) {
      const { state } = await bus.manager.streams.info(stream);
      const messages = await readBatch(bus, stream, { seq: 1, batch: state.last_seq });
      assert.ok(messages.length > 0 || stream === STREAM.snapshots);
      for (const { data } of messages) assert.ok(!unpacked(data).includes(SECRET), stream);
    }
    await bus.close();
  });

  it('is no new entry when the node starts again, and one when the files were edited meanwhile', async () => {
    const { number } = await newest();
    await stop();
    await start();
    await eventually(async () => ((await node.client.configuration.status()).inForce === null ? undefined : true));
    assert.equal((await newest()).number, number);
    await stop();
    await write('site.yaml', SITE(2_000));
    await start();
    const { cause, summary } = await entry(number + 1);
    assert.deepEqual([cause, summary], ['start', 'channels: 1 changed (1); forwarding: 1 removed (cloud)']);
  });

  it('is that of a rollback whose node was killed amid the moves, from the next start on', async () => {
    await stop();
    const place = join(site, 'site.yaml');
    const sha256 = createHash('sha256').update(SITE(3_000)).digest('hex');
    await write('.site.yaml.statewatt-new', SITE(3_000));
    await write('.statewatt-rollback.json', JSON.stringify({ files: [{ path: place, sha256 }], remove: [] }));
    await start();
    assert.equal(await readFile(place, 'utf8'), SITE(3_000));
    assert.equal((await node.client.channel(1)).pollingIntervalMs, 3_000);
    assert.ok(lines.some(({ text }) => text.includes('a rollback that had been broken off is done now')));
  });
});

/** The files of a configuration are compressed. */
function unpacked(data: Uint8Array): string {
  const isGzip = data[0] === 0x1f && data[1] === 0x8b;
  return (isGzip ? gunzipSync(data) : Buffer.from(data)).toString('utf8');
}
