import assert from 'node:assert/strict';
import { FakeClient } from '../../support/fake-client.js';
import { NOW, statewatt } from './support.js';

describe('cli rules', () => {
  let client: FakeClient;
  const run = async (line: string) => {
    const { code, out, err } = await statewatt(line, { client });
    return { code, lines: out.split('\n').map((text) => text.trim().replace(/ {2,}/g, '  ')), err };
  };
  beforeEach(() => {
    client = new FakeClient({ time: NOW });
  });

  it('lists them', async () => {
    const { code, lines } = await run('rules');
    assert.equal(code, 0);
    assert.deepEqual(lines, [
      'ID  STATE  SINCE  FIRED  RUNS  FROM  NAME  PROBLEM',
      'hot  waiting  0 ms  –  0  site file  Too hot  –',
      '',
    ]);
    assert.equal((JSON.parse((await statewatt('rules --json', { client })).out) as unknown[]).length, 1);
    assert.equal((await run('rules list --state active')).lines.length, 2);
    assert.equal((await run('rules list --state asleep')).code, 2);
  });

  it('evaluates one, and shows it and what it has done', async () => {
    const { code, lines } = await run('rules evaluate hot');
    assert.deepEqual([code, lines[0]], [0, 'hot: the condition is true with comsrv:1001:T:1 = 85.75']);
    const shown = (await run('rules show hot')).lines;
    assert.ok(shown.includes('is  true with comsrv:1001:T:1 = 85.75'), shown.join('\n'));
    assert.ok(shown.includes('condition  comsrv:1001:T:1 > 80'), shown.join('\n'));
    const [titles, first] = (await run('rules executions hot')).lines;
    assert.equal(titles, 'RUN  TIME  WHY  CONDITION  ACTIONS  VALUES');
    assert.match(first ?? '', /^1  2026-05-01 .* manual  true  1 pending  comsrv:1001:T:1 = 85.75$/);
    client.rules.condition = null;
    assert.deepEqual((await run('rules evaluate hot')).code, 1);
    assert.equal((await run('rules show nothing')).code, 4);
    assert.equal((await run('rules show a.b')).code, 2);
  });

  it('takes the actions of one', async () => {
    client.rules.condition = false;
    assert.deepEqual((await run('rules execute hot')).lines[0], 'hot: run 1, 1 action');
    const execution = JSON.parse((await statewatt('rules execute hot --json', { client })).out) as { number: number };
    assert.equal(execution.number, 2);
    assert.equal((await run('rules execute nothing')).code, 4);
  });

  it('tells what one would have done', async () => {
    const { lines } = await run('rules dry-run hot --from -2h');
    assert.match(lines[0] ?? '', /^hot would have fired 1 times from 2026-05-01 .* to 2026-05-01/);
    assert.equal(lines[1], 'FIRED  RETURNED  VALUES');
    assert.equal(
      (JSON.parse((await statewatt('rules dry-run hot --json', { client })).out) as { fired: number }).fired,
      1,
    );
  });

  it('enables and disables one', async () => {
    assert.equal((await run('rules disable hot')).lines[0], 'hot: disabled');
    assert.equal((await run('rules evaluate hot')).code, 1);
    assert.equal((await run('rules enable hot')).lines[0], 'hot: waiting');
    for (const line of ['show', 'evaluate', 'executions', 'disable']) {
      const { out } = await statewatt(`rules ${line} hot --json`, { client });
      assert.equal(typeof JSON.parse(out), 'object');
    }
  });
});
