import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { ALARM_LEVELS } from '../../../site/alarms.js';
import { linesOf, loadFiles } from '../../support/config.js';

const FILES = { 'secrets/hook': 'x', 'secrets/smtp': 'y' };
const load = (text: string) => loadFiles({ 'site.yaml': `channels: []\n${text}`, ...FILES });
const problems = (text: string) => linesOf({ 'site.yaml': `channels: []\n${text}`, ...FILES });

describe('notifications of a site', () => {
  it('are none when none are given', async () => {
    assert.deepEqual((await load('')).notifications, []);
  });

  it('are read with their defaults, ascending by id, secrets as files', async () => {
    const { notifications } = await load(`
notifications:
  - { id: hook, type: webhook, url: 'https://example.com/alarms', secret_file: secrets/hook }
  - id: duty
    type: mail
    server: smtp://mail.example.com:587
    user: site
    password_file: secrets/smtp
    from: Site <site@example.com>
    to: [duty@example.com]
    levels: [Critical]
    sources: ['pv-*']
    groups: [roof]
    changes: [raised, acknowledged]
    per_minute: 3
    quiet_hours: { from: '22:00', to: '06:30', time_zone: Europe/Berlin, levels: [Critical] }
  - { id: bus, type: nats, subject: alarms.out, quiet_hours: { from: '00:00', to: '01:00' } }
`);
    const [bus, duty, hook] = notifications;
    const all = { levels: ALARM_LEVELS, sources: ['*'], groups: ['*'], changes: ['raised', 'escalated', 'resolved'] };
    assert.deepEqual(bus, {
      ...{ id: 'bus', type: 'nats', subject: 'alarms.out', stream: false, ...all, perMinute: 10 },
      quietHours: { from: 0, to: 60, timeZone: undefined, levels: ['Minor', 'Warning', 'Info'] },
    });
    assert.ok(hook?.type === 'webhook' && duty?.type === 'mail');
    assert.match(hook.secretFile ?? '', /secrets\/hook$/);
    assert.equal(resolve(duty.passwordFile ?? ''), duty.passwordFile);
    const { passwordFile: _, ...rest } = duty;
    assert.deepEqual(rest, {
      ...{ id: 'duty', type: 'mail', server: 'smtp://mail.example.com:587', user: 'site' },
      ...{ from: 'Site <site@example.com>', to: ['duty@example.com'], levels: ['Critical'], sources: ['pv-*'] },
      ...{ groups: ['roof'], changes: ['raised', 'acknowledged'], perMinute: 3 },
      quietHours: { from: 22 * 60, to: 6 * 60 + 30, timeZone: 'Europe/Berlin', levels: ['Critical'] },
    });
  });

  it('are refused with their place when something is wrong', async () => {
    const lines = await problems(`
notifications:
  - { id: a, type: webhook, url: 'ftp://example.com' }
  - { id: b, type: nats, subject: statewatt.alarms.raise }
  - { id: c, type: mail, server: 'smtp://mail.example.com', from: "a@b\\nBcc: x@y.z", to: [] }
  - { id: d, type: pigeon }
  - { id: e, type: nats, subject: out, levels: [Loud], per_minute: 0 }
`);
    for (const [path, index] of [
      ['url', 0],
      ['subject', 1],
      ['from', 2],
      ['to', 2],
      ['type', 3],
      ['levels[0]', 4],
      ['per_minute', 4],
    ] as const) {
      assert.ok(
        lines.some((line) => line.includes(`notifications[${index}].${path}`)),
        `${path} in\n${lines.join('\n')}`,
      );
    }
  });

  it('are refused when their parts do not fit', async () => {
    const lines = await problems(`
notifications:
  - { id: a, type: nats, subject: out }
  - { id: a, type: webhook, url: 'http://x/', secret_file: secrets/none }
  - { id: c, type: mail, server: 'smtp://h', from: a@b.c, to: [a@b.c], user: me }
  - { id: d, type: mail, server: 'smtp://h', from: a@b.c, to: [a@b.c], password_file: secrets/smtp }
  - { id: e, type: nats, subject: out, quiet_hours: { from: '06:00', to: '06:00', time_zone: Europe/Atlantis } }
  - { id: f, type: mail, server: 'smtp://[', from: a@b.c, to: [a@b.c] }
`);
    const expected = [
      /notifications\[1\]\.id.*notifications\[0\] has too/,
      /notifications\[1\]\.secret_file.*where no file is/,
      /notifications\[2\]\.password_file/,
      /notifications\[3\]\.user/,
      /notifications\[4\]\.quiet_hours.*two different times/,
      /notifications\[4\]\.quiet_hours\.time_zone.*IANA/,
      /notifications\[5\]\.server/,
    ];
    for (const pattern of expected) {
      assert.ok(
        lines.some((line) => pattern.test(line)),
        `${pattern.source} in\n${lines.join('\n')}`,
      );
    }
  });
});
