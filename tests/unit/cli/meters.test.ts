import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { FakeClient } from '../../support/fake-client.js';
import { OTHER_WALLET, WALLET } from '../../support/meter.js';
import { SigningMeter } from '../../support/signed-readings.js';
import { tempFolder } from '../../support/temp.js';
import { NOW, statewatt } from './support.js';

describe('cli meters', () => {
  let client: FakeClient;
  const run = async (line: string) => {
    const { code, out, err } = await statewatt(line, { client, env: { USER: 'carl' } });
    return { code, lines: out.split('\n').map((text) => text.trim().replace(/ {2,}/g, '  ')), err };
  };
  beforeEach(async () => {
    client = new FakeClient({ time: NOW });
    await run(`meters register M1 --key ${WALLET} --wallet ${WALLET} --user anna`);
  });

  it('registers, lists and shows', async () => {
    const { lines } = await run('meters');
    assert.equal(lines[0], 'ID  STATE  USER  READINGS  KWH  HELD  SOURCE  REGISTER  LAST  WALLET');
    assert.match(lines[1] ?? '', /^M1 {2}active {2}anna {2}0 {2}0 {2}0 {2}– {2}– {2}– /);
    assert.equal(
      (JSON.parse((await statewatt('meters --user ben --json', { client })).out) as { meters: [] }).meters.length,
      0,
    );
    assert.ok((await run('meters show M1')).lines.includes(`wallet  ${WALLET}`));
    assert.equal((await run('meters show M2')).code, 4);
    assert.equal((await run('meters nonsense')).code, 2);
    assert.match((await statewatt('meters show M1 --json', { client })).out, /"id":"M1"/);
  });

  it('registers counters of channels, and shows them with what they showed last', async () => {
    const register = `--wallet ${WALLET} --user anna`;
    await run(`meters register M2 --point 1003:T:26 ${register}`);
    assert.deepEqual((await client.metering.get('M2')).source, { channel: 1003, point: 26, unit: 'kWh' });
    await run(`meters register M3 --point comsrv:1003:T:27 --unit Wh --rollover 1e6 --interval 3600 ${register}`);
    const meter = await client.metering.get('M3');
    assert.deepEqual(meter.source, { channel: 1003, point: 27, unit: 'Wh', rollover: 1e6, intervalSecs: 3600 });
    Object.assign(meter, { register: { kwh: '12.5', at: NOW, replacements: 1 } });
    assert.ok(
      (await run('meters')).lines.some((line) => line.includes('1003:T:27 Wh, to 1000000, every 3600 s  12.5')),
    );
    const { lines } = await run('meters show M3');
    assert.ok(lines.some((line) => /^register {2}12\.5 kWh at .*, replaced once$/.test(line)));
    const wrong = await run(`meters register M4 --point 1003:C:1 ${register}`);
    assert.match(wrong.err, /'1003:C:1' is no telemetry point/);
    assert.equal(wrong.code, 2);
  });

  it('changes keys and owners, revokes', async () => {
    assert.deepEqual((await run(`meters reassign M1 --wallet ${OTHER_WALLET} --user ben`)).lines, [
      'M1: active, of ben',
      '',
    ]);
    assert.equal((await run(`meters rotate M1 --key ${OTHER_WALLET}`)).code, 0);
    assert.deepEqual((await run('meters revoke M1 --reason broken')).lines, ['M1: revoked, of ben', '']);
    assert.ok((await run('meters show M1')).lines.some((line) => /revoked at .* by carl: broken/.test(line)));
    assert.equal((await run('meters revoke M1')).code, 2);
  });

  it('shows what waits for a person, who releases or refuses it', async () => {
    client.metering.heldReadings.push({
      ...{ sequence: 7, start: NOW, end: NOW + 1, kwh: '9', tokens: '9', wallet: WALLET, user: 'anna', at: NOW },
      reason: 'too much',
    });
    assert.deepEqual((await run('meters held M1')).lines, ['SEQUENCE  KWH  AGE  WHY', '7  9  0 ms  too much', '']);
    assert.equal((await run('meters release M1 7')).code, 0);
    assert.equal((await run('meters refuse M1 7 --by dora')).code, 0);
  });

  it('submits the readings of a file, and says which were rejected', async () => {
    const folder = await tempFolder();
    try {
      const meter = new SigningMeter('M1', NOW);
      const file = `${folder.path}/readings.ndjson`;
      await writeFile(file, `${JSON.stringify(meter.next())}\n\n${JSON.stringify(meter.next())}\n`);
      const { code, lines } = await run(`readings submit ${file}`);
      assert.deepEqual([code, /^2 accepted /.test(lines[0] ?? '')], [0, true]);
      await writeFile(file, `${JSON.stringify(meter.next())}\n{"broken\n`);
      const bad = await run(`readings submit ${file}`);
      assert.equal(bad.code, 1);
      assert.match(bad.lines[0] ?? '', /^reading 2: readings\.invalid: /);
      assert.match((await statewatt(`readings submit ${file} --json`, { client })).out, /"rejected":1/);
      assert.equal((await run(`readings submit ${folder.path}/none`)).code, 1);
    } finally {
      await folder.remove();
    }
  });
});
