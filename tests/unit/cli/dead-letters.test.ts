import assert from 'node:assert/strict';
import sinon from 'sinon';
import { FakeClient } from '../../support/fake-client.js';
import { NOW, statewatt } from './support.js';

describe('cli dead-letters', () => {
  const site = () => new FakeClient({ time: NOW - 120_000 });

  it('lists them, also without saying so', async () => {
    const { code, out } = await statewatt('dead-letters');
    assert.equal(code, 0);
    const lines = out.trimEnd().split('\n');
    assert.match(lines[0] ?? '', /^ID +AGE +ACTOR +EVENT +EFFECT +CODE +ERROR$/);
    assert.match(lines[1] ?? '', /^17 .* counter\/a +add +– +actors\.poison +counter\/a cannot process/);
    assert.match(lines[2] ?? '', /^18 .* order\/b +pay +notify +effects\.failed +answered 503$/);
    const client = site();
    const json = await statewatt('dead-letters list --json', { client });
    assert.deepEqual(JSON.parse(json.out), await client.deadLetters({}));
  });

  it('passes the filters on', async () => {
    const client = site();
    const list = sinon.spy(client, 'deadLetters');
    const line =
      'dead-letters list --kind order --actor order/b --effect notify --from -1h --to now --limit 5 --cursor 3';
    assert.equal((await statewatt(line, { client })).code, 0);
    assert.deepEqual(list.lastCall.args, [
      { kind: 'order', ref: 'order/b', effect: 'notify', from: NOW - 3_600_000, to: NOW, limit: 5, cursor: '3' },
    ]);
  });

  it('shows a page and how to go on, or all', async () => {
    const page = await statewatt('dead-letters list --limit 1');
    assert.equal(page.out.trimEnd().split('\n').length, 2);
    assert.match(page.err, /^There are more: .*--cursor 17 /);
    const all = await statewatt('dead-letters list --limit 1 --all');
    assert.equal(all.out.trimEnd().split('\n').length, 3);
    assert.equal(all.err, '');
  });

  it('shows one with all that it says', async () => {
    const { out } = await statewatt('dead-letters show 17');
    for (const part of [/laid down +\S+ \S+, 0 ms ago/, /error +actors\.poison: /, /command id +order-7/, /"by": 5/]) {
      assert.match(out, part);
    }
    assert.match(out, /state of the actor\n\{/);
    assert.match((await statewatt('dead-letters show 18')).out, /key order\/b#42\.0, 8 runs/);
    const client = site();
    assert.deepEqual(
      JSON.parse((await statewatt('dead-letters show 18 --json', { client })).out),
      await client.deadLetter(18),
    );
    assert.equal((await statewatt('dead-letters show 19')).code, 4);
  });

  it('replays and discards, several in turn', async () => {
    const client = site();
    const replayed = await statewatt('dead-letters replay 17 99 18', { client });
    assert.equal(replayed.code, 4);
    assert.deepEqual(replayed.out.trimEnd().split('\n'), [
      '17: counter/a answered 6',
      '99: dead_letters.not_found: there is no dead letter 99',
      '18: order/b has done it',
    ]);
    const other = site();
    assert.deepEqual(await statewatt('dead-letters discard 18', { client: other }), {
      code: 0,
      out: '18: discarded\n',
      err: '',
    });
    const json = await statewatt('dead-letters discard 17 18 --json', { client: other });
    const [first, second] = JSON.parse(json.out) as { discarded?: boolean; error?: { code: string } }[];
    assert.deepEqual([json.code, first?.discarded, second?.error?.code], [4, true, 'dead_letters.not_found']);
    assert.equal((await statewatt('dead-letters replay 17', { client: other })).code, 4);
  });

  it('says what is allowed', async () => {
    for (const line of [
      'dead-letters drop',
      'dead-letters replay',
      'dead-letters show x',
      'dead-letters list --actor 7',
    ]) {
      assert.equal((await statewatt(line)).code, 2, line);
    }
  });
});
