import assert from 'node:assert/strict';
import { FakeClient } from '../../support/fake-client.js';
import { NOW, statewatt } from './support.js';

describe('cli forwarding', () => {
  let client: FakeClient;
  const run = async (line: string) => {
    const { code, out, err } = await statewatt(line, { client });
    return { code, lines: out.split('\n').map((text) => text.trim().replace(/ {2,}/g, '  ')), err };
  };
  beforeEach(() => {
    client = new FakeClient({ time: NOW });
  });

  it('lists targets', async () => {
    const { code, lines } = await run('forwarding');
    assert.equal(code, 0);
    assert.deepEqual(lines, [
      'ID  TYPE  STATE  SENT  BEHIND  FAILED  LAST SENT  ADDRESS  LAST ERROR',
      'cloud  mqtt  online  1200  0  1  0 ms  mqtts://broker.example.org:8883  –',
      'lake  http  faulted  1200  0  1  0 ms  https://lake.example.org/in  –',
      '',
    ]);
    assert.equal((JSON.parse((await statewatt('forwarding list --json', { client })).out) as unknown[]).length, 2);
  });

  it('shows one', async () => {
    const { lines } = await run('forwarding show cloud');
    assert.ok(lines.includes('state  online') && lines.includes('behind  0 frames'), lines.join('\n'));
    assert.equal((await run('forwarding show nothing')).code, 4);
    assert.equal((await run('forwarding show a.b')).code, 2);
    assert.match((await statewatt('forwarding show cloud --json', { client })).out, /"ref":"forwarder\/cloud"/);
  });

  it('pauses, resumes, and leaves out', async () => {
    assert.deepEqual((await run('forwarding pause cloud')).lines, ['cloud is paused', '']);
    assert.deepEqual((await run('forwarding resume cloud')).lines, ['cloud is connecting', '']);
    assert.deepEqual((await run('forwarding skip lake')).lines, ['lake is connecting', '']);
    assert.notEqual((await run('forwarding skip cloud')).code, 0);
    assert.match((await statewatt('forwarding pause cloud --json', { client })).out, /"state":"paused"/);
  });
});
