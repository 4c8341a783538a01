import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { AlarmsPage, AlarmView } from '../../../actors/client/alarms.js';
import { FakeClient } from '../../support/fake-client.js';
import { NOW, statewatt } from './support.js';

const HOT = { source: 'boiler', ruleId: 'r1', title: 'Too hot', level: 'Critical' } as const;

describe('cli alarms', () => {
  const site = () => new FakeClient({ time: NOW - 120_000 });

  it('lists them, also without saying so', async () => {
    const client = site();
    const { code, out } = await statewatt('alarms', { client });
    assert.equal(code, 0);
    const lines = out.trimEnd().split('\n');
    assert.match(lines[0] ?? '', /^ID +AGE +LEVEL +STATE +SOURCE +TITLE +BY$/);
    assert.match(lines[1] ?? '', /^a1 +2 min +Warning +unacknowledged +meter +Too hot +–$/);
    const json = await statewatt('alarms list --json', { client });
    assert.deepEqual(JSON.parse(json.out), await client.alarms.list({}));
    assert.equal((await statewatt('alarms nonsense')).code, 2);
  });

  it('passes the filters on', async () => {
    const client = site();
    const list = sinon.spy(client.alarms, 'list');
    const line =
      'alarms --status active --state returned --level Major --source meter --rule r1 --group g --text hot ' +
      '--since -1h --until now --order severity --limit 5 --cursor 0.1.a1';
    assert.equal((await statewatt(line, { client })).code, 0);
    assert.deepEqual(list.lastCall.args, [
      {
        ...{ status: 'active', state: 'returned', level: 'Major', source: 'meter', ruleId: 'r1', group: 'g' },
        ...{ text: 'hot', from: NOW - 3_600_000, to: NOW, order: 'severity', limit: 5, cursor: '0.1.a1' },
      },
    ]);
    assert.match((await statewatt('alarms --level Loud')).err, /Critical, Major, Minor, Warning, Info/);
  });

  it('shows a page and how to go on, or all', async () => {
    const client = site();
    await client.alarms.raise(HOT);
    const page = await statewatt('alarms --limit 1', { client });
    assert.equal(page.out.trimEnd().split('\n').length, 2);
    assert.match(page.err, /^1 of 2: .*--cursor \d\.\d+\.\S+ /);
    const all = await statewatt('alarms --limit 1 --all --json', { client });
    const found = JSON.parse(all.out) as AlarmsPage;
    assert.deepEqual([found.alarms.length, found.total, found.nextCursor], [2, 2, null]);
  });

  it('acknowledges several in turn, with the name of whoever does it', async () => {
    const client = site();
    const { id } = await client.alarms.raise(HOT);
    const { code, out } = await statewatt(['alarms', 'ack', id, 'gone', 'a1', '--note', 'on my way'], {
      client,
      env: { USER: 'ann' },
    });
    assert.equal(code, 4);
    assert.deepEqual(out.trimEnd().split('\n'), [
      `${id}: acknowledged, Too hot`,
      'gone: alarms.not_found: there is no alarm gone',
      'a1: acknowledged, Too hot',
    ]);
    const alarm = await client.alarms.get('a1');
    assert.deepEqual([alarm.acknowledgedBy, alarm.note], ['ann', 'on my way']);
    const one = await statewatt('alarms ack gone', { client });
    assert.deepEqual([one.code, one.out], [4, '']);
  });

  it('shelves for a time, unshelves, resolves and notes', async () => {
    const client = site();
    await statewatt(['alarms', 'shelve', 'a1', '--for', '2h', '--reason', 'known fault', '--by', 'bob'], { client });
    const { state, hidden, change } = await client.alarms.get('a1');
    assert.deepEqual(
      [state, hidden],
      ['shelved', { by: 'bob', reason: 'known fault', until: change.at + 2 * 3_600_000 }],
    );
    assert.match((await statewatt('alarms show a1', { client })).out, /hidden +by bob, until .*: known fault/);
    await statewatt('alarms unshelve a1', { client });
    await statewatt(['alarms', 'note', 'a1', 'fan ordered'], { client, env: { USER: undefined, LOGNAME: undefined } });
    const noted = await client.alarms.get('a1');
    assert.deepEqual([noted.state, noted.note, noted.change.by], ['unacknowledged', 'fan ordered', 'operator']);
    const resolved = await statewatt('alarms resolve a1 --json', { client });
    assert.deepEqual(
      (JSON.parse(resolved.out) as AlarmView[]).map(({ status }) => status),
      ['Resolved'],
    );
    assert.equal((await statewatt('alarms shelve a1 --for 8d', { client })).code, 2);
    assert.equal((await statewatt('alarms shelve a1', { client })).code, 2);
  });

  it('shows one with who did what', async () => {
    const client = site();
    await statewatt(['alarms', 'ack', 'a1', '--by', 'ann', '--note', 'on my way'], { client });
    const { out } = await statewatt('alarms show a1', { client });
    for (const part of [
      /^alarm +a1$/m,
      /^acknowledged .*, by ann$/m,
      /raised +unacknowledged +meter/,
      /ann +on my way/,
    ]) {
      assert.match(out, part);
    }
    const json = JSON.parse((await statewatt('alarms show a1 --json', { client })).out) as Record<string, unknown>;
    assert.deepEqual(json, {
      ...(await client.alarms.get('a1')),
      journal: (await client.alarms.journal('a1')).entries,
    });
    assert.equal((await statewatt('alarms show nobody')).code, 4);
  });

  it('shows the figures: levels, rate, chattering, first-out', async () => {
    const client = site();
    for (const ruleId of ['r1', 'r2']) await client.alarms.raise({ ...HOT, ruleId });
    for (let count = 0; count < 3; count++) {
      const { id } = await client.alarms.raise({ ...HOT, ruleId: 'r3', group: 'alone' });
      await client.alarms.command(id, { type: 'resolve', by: 'ann' });
    }
    const { out } = await statewatt('alarms stats --operators 1', { client });
    for (const part of [
      /^standing +3$/m,
      /^by level +2 Critical, 1 Warning$/m,
      /^raised in 10 min +6 for each operator, at most 6 in the last hour$/m,
      /^CHATTERING +RAISED/m,
      /^FIRST OUT +GROUP +OPEN/m,
      /boiler +2 /,
    ]) {
      assert.match(out, part);
    }
    const json = await statewatt('alarms stats --json', { client });
    assert.deepEqual(JSON.parse(json.out), await client.alarms.statistics({}));
  });
});
