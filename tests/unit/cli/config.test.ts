import assert from 'node:assert/strict';
import { loadFiles } from '../../support/config.js';
import { FakeClient } from '../../support/fake-client.js';
import { NOW, statewatt } from './support.js';

const IN_FORCE =
  'channels: [{ id: 1, protocol: virtual, simulation: { patterns: [{ type: constant, point_id: 1, value: 1 }] } }]';

describe('cli config', () => {
  let client: FakeClient;
  const run = async (line: string, env = {}) => {
    const { code, out, err } = await statewatt(line, { client, env });
    return {
      code,
      lines: out
        .trimEnd()
        .split('\n')
        .map((text) => text.trim().replace(/ {2,}/g, '  ')),
      err,
    };
  };
  beforeEach(() => {
    client = new FakeClient({ time: NOW });
  });

  it('tells what is in force, and what is refused', async () => {
    const { code, lines } = await run('config');
    assert.equal(code, 0);
    assert.match(lines[0] ?? '', /^in force: configuration 2 since .* \(edit, file\)$/);
    assert.equal(lines[1], 'on the disk: the same, /site/site.yaml');
    const place = { file: '/site/site.yaml', line: 3, column: 5, path: 'channels[0].id' };
    client.configuration.refused = [
      { ...place, found: '"x"', allowed: 'a number', message: 'channels[0].id: found "x"' },
    ];
    const refused = await run('config status');
    assert.deepEqual([refused.code, refused.lines.at(-1)], [1, '/site/site.yaml:3:5: channels[0].id: found "x"']);
    client.configuration.entries.length = 0;
    assert.equal((await run('config')).lines[0], 'nothing is in the journal yet');
  });

  it('lists them, page by page', async () => {
    const { lines } = await run('config log');
    assert.equal(lines[0], 'NUMBER  SINCE  CAUSE  BY  NODE  FILES  HASH  CHANGES');
    assert.match(lines[1] ?? '', /^2 {2}.* {2}edit {2}file {2}node-1 {2}1 {2}22222222 {2}channels: 1 added \(1\)$/);
    assert.match((await run('config log --limit 1')).err, /--cursor 2/);
    assert.match((await run('config log --cursor 2')).lines[1] ?? '', /^1 /);
    assert.equal(
      (JSON.parse((await statewatt('config log --json', { client })).out) as { entries: [] }).entries.length,
      2,
    );
  });

  it('shows one, and a file of it, however many parts it comes in', async () => {
    assert.match(
      (await run('config show 2')).lines.join('\n'),
      /configuration 2, edit of[^]*site\.yaml {2}\d+ {2}2222/,
    );
    client.configuration.part = 7;
    assert.match((await statewatt('config show 2 site.yaml', { client })).out, /^channels:\n {2}- id: 1\n/);
    assert.equal((await run('config show 9')).code, 4);
    assert.equal((await run('config show x')).code, 2);
  });

  it('tells what would be another, by its exit code too', async () => {
    assert.deepEqual(await run('config diff 1 2'), { code: 1, lines: ['channels', '+ 1 channel 1'], err: '' });
    assert.deepEqual(await run('config diff 2'), { code: 0, lines: ['no change'], err: '' });
    assert.deepEqual((await run('diff')).lines, ['no change']);
  });

  it('puts one back, as whoever sits at the terminal unless told otherwise', async () => {
    const { code, lines } = await run('config rollback 1', { USER: 'ada' });
    assert.deepEqual([code, lines], [0, ['configuration 1 is in force again, as 3']]);
    await run('config rollback 2 --by olga');
    assert.deepEqual(client.configuration.rollbacks, [
      [1, 'ada'],
      [2, 'olga'],
    ]);
    assert.match((await run('config log')).lines[1] ?? '', /rollback to 2 {2}olga/);
  });

  it('holds a site against the one in force', async () => {
    const diff = (text: string, json = '') =>
      statewatt(`diff draft${json}`, { client, check: () => loadFiles({ 'site.yaml': text }) });
    assert.deepEqual(await diff(`site: site\n${IN_FORCE}`), { code: 0, out: 'no change\n', err: '' });
    const { code, out } = await diff(
      `site: site\nhistory: { raw_days: 7 }\nrules: [{ id: hot, name: Hot, condition: '1:T:1 > 5', actions: [{ type: publish, subject: a.b }] }]\n` +
        IN_FORCE.replace('id: 1,', 'id: 1, name: Meter, polling: { interval_ms: 500 },'),
    );
    assert.equal(code, 1);
    assert.equal(
      out,
      'settings\n  ~ history.raw_days: 30 → 7\nchannels\n  ~ 1 Meter\n      name: "channel 1" → "Meter"\n' +
        '      polling_interval_ms: 1000 → 500\nrules\n  + hot Hot\n',
    );
    const json = JSON.parse((await diff(`site: site\nchannels: []`, ' --json')).out) as {
      from: number;
      changes: object;
    };
    assert.deepEqual(
      [json.from, json.changes],
      [
        2,
        { settings: [], items: [{ section: 'channels', id: '1', change: 'removed', name: 'channel 1', fields: [] }] },
      ],
    );
  });

  it('ends with 2 when the site cannot be used, and with 3 when none runs', async () => {
    const check = () => loadFiles({ 'site.yaml': 'channels: 5' });
    const { code, out, err } = await statewatt('diff draft', { client, check });
    assert.deepEqual([code, err], [2, '']);
    assert.match(out, /channels: found 5/);
    assert.match((await statewatt('diff draft --json', { client, check })).out, /"valid":false/);
    assert.equal((await statewatt('diff', { env: { NATS_URL: '' } })).code, 3);
  });
});
