import assert from 'node:assert/strict';
import { isEmpty, summaryOf } from '../../../site/config/versions/changes.js';
import { describeChanges } from '../../../site/config/versions/describe.js';
import { loadFiles } from '../../support/config.js';

const SITE = {
  'site.yaml': `
site: farm
channels:
  - { id: 1, protocol: modbus, address: 10.0.0.1, tables: meter }
  - { id: 2, protocol: virtual, simulation: { patterns: [{ type: constant, point_id: 1, value: 1 }] } }
rules:
  - { id: hot, name: Hot, condition: '2:T:1 > 5', actions: [{ type: publish, subject: a.b }] }
forwarding:
  - { id: cloud, type: mqtt, url: mqtt://broker, password: hunter2 }
aliases: { power: '1:T:1' }
`,
  'meter/telemetry.csv': 'point_id,signal_name,scale\n1,Power,1\n2,Voltage,1\n3,Current,1\n',
  'meter/mapping/telemetry_mapping.csv': 'point_id,function_code,register_address\n1,3,0\n2,3,1\n3,3,2\n',
};
type Files = Partial<Record<keyof typeof SITE, (text: string) => string>>;

describe('what two configurations have not in common', () => {
  const changesOf = async (edits: Files) => {
    const after = Object.entries(SITE).map(([path, text]) => [path, edits[path as keyof Files]?.(text) ?? text]);
    return describeChanges(await loadFiles(SITE), await loadFiles(Object.fromEntries(after) as typeof SITE));
  };
  const edit = (from: string | RegExp, to: string) => (text: string) => {
    assert.notEqual(text.replace(from, to), text, 'the edit changes something');
    return text.replace(from, to);
  };

  it('is nothing for the same, and for another comment', async () => {
    assert.ok(isEmpty(await changesOf({})));
    const changes = await changesOf({ 'site.yaml': (text) => `# a comment\n${text}` });
    assert.deepEqual([isEmpty(changes), summaryOf(changes)], [true, 'nothing that the site is made of']);
  });

  it('is told of channels by what of them, and of points by their ids', async () => {
    const changes = await changesOf({
      'site.yaml': edit('tables: meter', 'tables: meter, polling: { interval_ms: 500 }, limits: { max_gap: 2 }'),
      'meter/telemetry.csv': edit('3,Current,1\n', '4,A,1\n5,B,1\n6,C,1\n8,D,1\n'),
      'meter/mapping/telemetry_mapping.csv': edit('2,3,1\n3,3,2', '2,3,10\n4,3,3\n5,3,4\n6,3,5\n8,3,6'),
    });
    assert.deepEqual(changes, {
      settings: [],
      items: [
        {
          ...{ section: 'channels', id: '1', name: 'channel 1', change: 'changed' },
          fields: [
            { path: 'polling_interval_ms', before: 1000, after: 500 },
            { path: 'limits.max_gap', before: 8, after: 2 },
          ],
          points: {
            added: ['T:4-6,8'],
            removed: ['T:3'],
            changed: [{ point: 'T:2', fields: [{ path: 'mapping.address', before: 1, after: 10 }] }],
            changedInAll: 1,
          },
        },
      ],
    });
    assert.equal(summaryOf(changes), 'channels: 1 changed (1)');
  });

  it('is told of everything else by its fields, without secrets', async () => {
    const changes = await changesOf({
      'site.yaml': (text) =>
        [
          edit('2:T:1 > 5', '2:T:1 > 6'),
          edit('a.b', 'a.c'),
          edit('hunter2', 'hunter3'),
          edit("power: '1:T:1'", "voltage: '1:T:2'"),
          edit('site: farm', 'site: farm\ntimezone: UTC\nservice_ports: 6000\nhistory: { raw_days: 7 }'),
        ].reduce((now, change) => change(now), text),
    });
    assert.deepEqual(changes.settings, [
      { path: 'history.raw_days', before: 30, after: 7 },
      { path: 'timezone', after: 'UTC' },
      { path: 'service_ports', after: 6000 },
    ]);
    assert.deepEqual(
      changes.items.map(({ section, id, change, fields }) => [section, id, change, fields]),
      [
        [
          'rules',
          'hot',
          'changed',
          [
            { path: 'condition', before: '2:T:1 > 5', after: '2:T:1 > 6' },
            { path: 'actions[0].subject', before: 'a.b', after: 'a.c' },
          ],
        ],
        ['forwarding', 'cloud', 'changed', [{ path: 'broker.password', before: '***', after: '***' }]],
        ['aliases', 'power', 'removed', []],
        ['aliases', 'voltage', 'added', []],
      ],
    );
    assert.match(
      summaryOf(changes),
      /^rules: 1 changed \(hot\); forwarding: .*; aliases: .*; settings: history\.raw_days, timezone, service_ports$/,
    );
  });

  it('is bounded for a table that is all new', async () => {
    const rows = Array.from({ length: 300 }, (_, index) => index + 1);
    const many = (scale: number) => ({
      ...SITE,
      'meter/telemetry.csv': `point_id,signal_name,scale\n${rows.map((id) => `${id},P${id},${scale}`).join('\n')}\n`,
      'meter/mapping/telemetry_mapping.csv': `point_id,function_code,register_address\n${rows.map((id) => `${id},3,${id}`).join('\n')}\n`,
    });
    const { items } = describeChanges(await loadFiles(many(1)), await loadFiles(many(2)));
    assert.deepEqual([items[0]?.points?.changed.length, items[0]?.points?.changedInAll], [200, 300]);
  });
});
