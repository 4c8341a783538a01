import assert from 'node:assert/strict';
import type { ActorView, ChannelView, PointsPage, PointsQuery, PointView } from '../../../actors/client/schemas.js';
import { StatewattError } from '../../../errors/error.js';
import type { Site } from '../../../site/model.js';
import { FakeClient } from '../../support/fake-client.js';
import { NOW, statewatt } from './support.js';

const RED = '\u001b[31m';
const YELLOW = '\u001b[33m';

function site(): FakeClient {
  return new FakeClient({ time: NOW - 2000 });
}

describe('cli check', () => {
  const valid = { name: 'Depot', channels: [{ points: [{}, {}] }], files: ['/a/site.yaml', '/a/t.csv'] };

  it('sums up a valid site', async () => {
    const check = (path: string) => {
      assert.equal(path, 'site.yaml');
      return Promise.resolve(valid as unknown as Site);
    };
    assert.deepEqual(await statewatt('check site.yaml', { check }), {
      code: 0,
      out: 'site.yaml: valid (site Depot, 1 channel, 2 points, 2 files)\n',
      err: '',
    });
    const { out } = await statewatt('check site.yaml --json', { check });
    assert.deepEqual(JSON.parse(out), { valid: true, site: 'Depot', channels: 1, points: 2, files: valid.files });
  });

  it('prints every problem as its answer, with code 1', async () => {
    const problems = [{ file: '/a/site.yaml', line: 3, column: 5, found: '"x"', allowed: 'a number' }];
    const text = 'site.yaml:3:5: found "x", allowed a number\n1 problem in 1 file';
    const check = () =>
      Promise.reject(new StatewattError('config.invalid', 'invalid', text, { details: { problems } }));
    assert.deepEqual(await statewatt('check site.yaml', { check }), { code: 1, out: `${text}\n`, err: '' });
    const { code, out } = await statewatt('check site.yaml --json', { check });
    assert.equal(code, 1);
    assert.deepEqual(JSON.parse(out), { valid: false, problems });
  });
});

describe('cli health', () => {
  it('is 0 when healthy or degraded, and 1 when unhealthy or not ready', async () => {
    for (const [status, ready, code] of [
      ['healthy', true, 0],
      ['degraded', true, 0],
      ['unhealthy', true, 1],
      ['healthy', false, 1],
    ] as const) {
      const client = site();
      client.healthStatus = status;
      client.ready = ready;
      assert.equal((await statewatt('health', { client })).code, code, `${status} ${ready}`);
    }
  });

  it('shows each part, in colour only what is down', async () => {
    const client = site();
    client.healthStatus = 'unhealthy';
    client.ready = false;
    const { out } = await statewatt('health', { client, terminal: 100 });
    assert.ok(out.startsWith(`${RED}unhealthy, not ready: site Test site, node node-1, version 0.1.0, up for 60 s`));
    assert.match(out, new RegExp(`nats +${RED.replace('[', '\\[')}down`));
    assert.match(out, /history +up +writing/);
    assert.deepEqual(JSON.parse((await statewatt('health --json', { client })).out), await client.health());
  });

  it('uses no colour when it is refused or the output is no terminal', async () => {
    const client = site();
    client.healthStatus = 'unhealthy';
    const plain = await Promise.all([
      statewatt('health', { client }),
      statewatt('health', { client, terminal: 100, env: { NO_COLOR: '1' } }),
      statewatt('health', { client, terminal: 100, env: { TERM: 'dumb' } }),
    ]);
    for (const { out } of plain) assert.ok(!out.includes('\u001b'));
    assert.ok((await statewatt('health', { client, terminal: 100, env: { NO_COLOR: '' } })).out.includes(RED));
  });
});

describe('cli channels', () => {
  it('lists them, also without saying list', async () => {
    const client = site();
    client.change(1002, { state: 'backingOff' });
    const { out } = await statewatt('channels', { client });
    const lines = out.split('\n');
    assert.match(lines[0] as string, /^ +ID {2}NAME +PROTOCOL +ADDRESS +STATE +FOR +POINTS +LAST GOOD +ERRORS/);
    assert.match(lines[2] as string, /^1002 {2}Meter 1002 {2}modbus +10\.0\.0\.1:1002 {2}backingOff {2}2 s +6 +2 s +0/);
    assert.equal((await statewatt('channels list', { client })).out, out);
    assert.ok((await statewatt('channels', { client, terminal: 120 })).out.includes(`${YELLOW}backingOff`));
    assert.deepEqual(JSON.parse((await statewatt('channels --json', { client })).out), await client.channels());
  });

  it('shows one with its statistics', async () => {
    const client = site();
    client.change(1001, { state: 'faulted' });
    const channel = await client.channel(1001);
    Object.assign(channel.stats, { lastError: 'no route', lastErrorAt: NOW, lastGoodAt: null, readErrors: 7 });
    const { out } = await statewatt('channels show 1001', { client });
    assert.match(out, /^state +faulted for 2 s$/m);
    assert.match(out, /^reads +10, 7 failed$/m);
    assert.match(out, /^round trip +p50 1\.2 ms, p95 2\.5 ms, p99 4 ms, max 9 ms$/m);
    assert.match(out, /^last good +–$/m);
    assert.match(out, /^last error +no route \(\d{4}-/m);
    assert.equal((await statewatt('channels show 7', { client })).code, 4);
  });

  it('commands one and says how it is now', async () => {
    const client = site();
    const states: Record<string, ChannelView['state']> = {
      pause: 'paused',
      resume: 'online',
      stop: 'stopped',
      start: 'online',
      reset: 'connecting',
    };
    for (const [command, state] of Object.entries(states)) {
      const { code, out } = await statewatt(`channels ${command} 1001`, { client });
      assert.deepEqual([code, out], [0, `channel 1001 (Meter 1001) is ${state}\n`]);
      assert.equal((await client.channel(1001)).state, state);
    }
    const { out } = await statewatt('channels pause 1001 --json', { client });
    assert.equal((JSON.parse(out) as ChannelView).state, 'paused');
  });
});

describe('cli actors', () => {
  const actor = (ref: string, state: string, kind = 'channel'): ActorView => ({
    ref,
    kind,
    id: ref.split('/')[1] as string,
    state,
    node: 'n1',
    partition: 3,
    mailbox: 2,
    commands: 0,
    restarts: 4,
    seq: 9,
    activatedAt: NOW - 5000,
    lastError: state === 'failed' ? 'boom\nat x' : null,
  });

  it('lists them in the order of their numbers, by kind, and the failed ones', async () => {
    const client = site();
    client.actors = () =>
      Promise.resolve([actor('channel/10', 'online'), actor('channel/9', 'failed'), actor('rule/1', 'idle', 'rule')]);
    const refs = async (line: string) =>
      (JSON.parse((await statewatt(`${line} --json`, { client })).out) as ActorView[]).map(({ ref }) => ref);
    assert.deepEqual(await refs('ps'), ['channel/9', 'channel/10', 'rule/1']);
    assert.deepEqual(await refs('ps --kind rule'), ['rule/1']);
    assert.deepEqual(await refs('ps --failed'), ['channel/9']);
    const { out } = await statewatt('ps', { client });
    assert.match(out, /^channel\/9 +failed +n1 +2 +4 +5 s {2}boom\?at x$/m);
    assert.ok((await statewatt('ps', { client, terminal: 100 })).out.includes(`${RED}failed`));
  });

  it('shows one with context and transitions', async () => {
    const client = site();
    const { out } = await statewatt('show channel/1001', { client });
    assert.match(out, /^actor +channel\/1001\nstate +online\nnode +node-1, partition 9\nactive for {2}2 s$/m);
    assert.match(out, /context\n\{\n {2}"attempts": 0\n\}\n/);
    assert.match(out, /1 {2}start {2}stopped {2}online\n$/);
    assert.equal((await statewatt('show channel/7', { client })).code, 4);

    const timers = [{ id: 'xstate.after.1000.held', event: 'xstate.after.1000.held', due: client.time + 90_000 }];
    const waiting = { ...(await client.actor('channel/1001')), timers };
    client.actor = () => Promise.resolve(waiting);
    assert.match(
      (await statewatt('show channel/1001', { client })).out,
      /^DUE +IN .*\n.* xstate\.after\.1000\.held {2}/m,
    );

    const detail = { ...waiting, timers: [], transitions: [], context: undefined };
    client.actor = () => Promise.resolve(detail);
    assert.match((await statewatt('show channel/1001', { client })).out, /context\n–\n\nno transitions/);
  });

  it('kills and restarts', async () => {
    const client = site();
    const killed: string[] = [];
    client.killActor = (ref) => Promise.resolve(void killed.push(ref));
    assert.match((await statewatt('kill channel/1001', { client })).out, /^channel\/1001 was killed/);
    assert.deepEqual(JSON.parse((await statewatt('kill channel/1002 --json', { client })).out), {
      ref: 'channel/1002',
      killed: true,
    });
    assert.deepEqual(killed, ['channel/1001', 'channel/1002']);
    assert.equal((await statewatt('kill worker', { client })).out, 'worker thread 3 of n1 was ended\n');
    assert.deepEqual(JSON.parse((await statewatt('kill worker --json', { client })).out), { node: 'n1', thread: 3 });
    assert.equal(
      (await statewatt('restart channel/1001', { client })).out,
      'channel/1001 was restarted and is online\n',
    );
    const { out } = await statewatt('restart channel/1001 --json', { client });
    assert.equal((JSON.parse(out) as ActorView).ref, 'channel/1001');
    assert.equal((await statewatt('restart channel/7', { client })).code, 4);
  });
});

describe('cli points', () => {
  it('passes the filters on and shows value, quality and age', async () => {
    const client = site();
    client.change(1001, { state: 'backingOff' });
    const { out } = await statewatt('points --channel 1001 --kind t --name POWER', { client });
    assert.equal(
      out,
      'ADDRESS          NAME          VALUE  UNIT  QUALITY  AGE  WRITABLE\n' +
        'comsrv:1001:T:1  Active power   42.5  kW    stale    2 s\n',
    );
  });

  it('shows one page and how to go on, or all pages', async () => {
    const client = new FakeClient({ channels: 2, time: NOW });
    const asked: PointsQuery[] = [];
    const points = client.points.bind(client);
    client.points = (query) => {
      asked.push(query);
      return points(query);
    };
    const first = await statewatt('points --limit 5', { client });
    assert.equal(first.out.split('\n').length, 7);
    assert.match(first.err, /--cursor 5 /);
    const next = JSON.parse((await statewatt('points --limit 5 --cursor 5 --json', { client })).out) as PointsPage;
    assert.deepEqual([next.points.length, next.nextCursor], [5, '10']);
    asked.length = 0;
    const all = await statewatt('points --limit 5 --all --json', { client });
    const page = JSON.parse(all.out) as PointsPage;
    assert.deepEqual([page.points.length, page.nextCursor, all.err], [12, null, '']);
    assert.deepEqual(asked, [{ limit: 5 }, { limit: 5, cursor: '5' }, { limit: 5, cursor: '10' }]);
  });
});

describe('cli write', () => {
  it('writes and says what the device answered', async () => {
    const client = site();
    const { code, out } = await statewatt('write comsrv:1001:A:1 42.5', { client });
    assert.equal(code, 0);
    assert.equal(out, 'comsrv:1001:A:1: written 42.5, read back 42.5, confirmed; the device answered ok in 3.2 ms\n');
    assert.equal((await client.point(1001, 'A', 1)).value, 42.5);
  });

  it('takes negative numbers, states, text, deadline and command id', async () => {
    const client = site();
    const requests: unknown[] = [];
    const write = client.write.bind(client);
    client.write = (request) => {
      requests.push(request);
      return write({ ...request, value: 1 });
    };
    await statewatt('write 1001:A:1 -5.5', { client });
    await statewatt('write 1001:C:1 off --deadline 0.5', { client });
    await statewatt(['write', '1001:A:1', 'two words', '--text', '--command-id', 'c1'], { client });
    assert.deepEqual(requests, [
      { channel: 1001, kind: 'A', id: 1, value: -5.5 },
      { channel: 1001, kind: 'C', id: 1, value: false, deadlineMs: 500 },
      { channel: 1001, kind: 'A', id: 1, value: 'two words', commandId: 'c1' },
    ]);
  });

  it('writes points of models', async () => {
    const client = site();
    await client.createModel({ id: 'roof', template: 'battery' });
    const { code, out } = await statewatt('write model:roof:limit 40', { client });
    assert.deepEqual([code, out.split(',')[0]], [0, 'modsrv:roof:limit: written 40']);
    assert.equal((await client.modelPoint('roof', 'limit')).value, 40);
    assert.match(
      (await statewatt('write model:nobody:limit 4', { client })).err,
      /models\.not_found: There is no model nobody/,
    );
  });

  it('is 1 when refused or not confirmed', async () => {
    const client = site();
    const refused = await statewatt('write 1001:A:1 400', { client });
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^statewatt: points\.out_of_range: /);
    client.write = () =>
      Promise.resolve({
        commandId: 'c',
        address: 'comsrv:1001:A:1',
        written: 5,
        readBack: null,
        confirmed: false,
        answer: 'ILLEGAL DATA ADDRESS',
        roundTripMs: 1,
      });
    const { code, out } = await statewatt('write 1001:A:1 5', { client });
    assert.equal(code, 1);
    assert.match(out, /read back –, NOT confirmed; the device answered ILLEGAL DATA ADDRESS/);
    assert.equal((await statewatt('write 1001:A:1 5 --json', { client })).code, 1);
  });
});

describe('cli tail', () => {
  /** Moves the site on as soon as somebody watches, until the command has ended. */
  async function tail(line: string, client: FakeClient, options: { terminal?: number } = {}) {
    const timer = setInterval(() => client.watchers > 0 && client.tick(), 1);
    try {
      return await statewatt(line, { client, ...options });
    } finally {
      clearInterval(timer);
      assert.equal(client.watchers, 0, 'the subscription must end with the command');
    }
  }

  it('prints one aligned line per change, and ends after --count', async () => {
    const { code, out } = await tail('tail --channel 1001 --count 3', site());
    assert.equal(code, 0);
    const lines = out.trimEnd().split('\n');
    assert.equal(lines.length, 3);
    assert.match(lines[0] as string, /^2026-.{18} {2}comsrv:1001:T:1 {2}Active power {2} +[\d.]+ {2}kW +good$/);
  });

  it('prints one JSON document per line with --json', async () => {
    const { out } = await tail('tail --count 7 --json', site());
    const changes = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as PointView);
    assert.equal(changes.length, 7);
    assert.deepEqual(new Set(changes.map(({ kind }) => kind)), new Set(['T']));
  });

  it('shows one point only when one is named', async () => {
    const { out } = await tail('tail --point 1002:T:2 --count 3 --json', site());
    const changes = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as PointView);
    assert.deepEqual(
      changes.map(({ address }) => address),
      Array(3).fill('comsrv:1002:T:2'),
    );
  });

  it('shows a point of a model', async () => {
    const client = site();
    await client.createModel({ id: 'roof', template: 'battery' });
    let value = 0;
    const timer = setInterval(
      () => client.watchers > 0 && void client.writeModel({ model: 'roof', point: 'limit', value: ++value }),
      1,
    );
    const { code, out } = await statewatt('tail --point model:roof:limit --count 2 --json', { client });
    clearInterval(timer);
    const changes = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as PointView);
    assert.deepEqual([code, changes.map(({ address }) => address)], [0, Array(2).fill('model:roof:limit')]);
    assert.equal(client.watchers, 0);
    assert.match((await statewatt('tail --point model:roof:limt', { client })).err, /has no point limt/);
    assert.match((await statewatt('tail --channel 1 --point model:roof:limit', { client })).err, /not of channel 1/);
  });

  it('does not wait for what does not exist', async () => {
    assert.equal((await statewatt('tail --channel 7')).code, 4);
    assert.equal((await statewatt('tail --point 1001:T:99')).code, 4);
  });

  it('ends in order when interrupted', async () => {
    const client = site();
    const interrupted = new AbortController();
    const running = statewatt('tail', { client, interrupted: interrupted.signal });
    const timer = setInterval(() => client.watchers > 0 && interrupted.abort(), 1);
    assert.deepEqual(await running, { code: 0, out: '', err: '' });
    clearInterval(timer);
    assert.equal(client.watchers, 0);
  });

  it('says so when the node ends the stream or fails, with code 3', async () => {
    const client = site();
    client.watchPoints = async function* () {};
    const ended = await statewatt('tail', { client });
    assert.deepEqual([ended.code, ended.err.split(' ')[1]], [3, 'cli.stream_ended:']);
    client.watchPoints = async function* () {
      throw new StatewattError('client.unavailable', 'unavailable', 'gone');
    };
    assert.equal((await statewatt('tail', { client })).err, 'statewatt: client.unavailable: gone\n');
  });
});

describe('cli history', () => {
  const FROM = '--from 2026-05-01T11:59:56Z --to 2026-05-01T12:00:00Z';

  it('prints raw values and rollups as tables', async () => {
    const raw = await statewatt(`history 1001:T:1 ${FROM}`);
    assert.match(raw.out, /^TIME +VALUE {2}QUALITY\n\d{4}-.* {2}[\d.]+ {2}good\n/);
    const rollup = await statewatt('history 1001:T:1 --from -2h --resolution 1h');
    assert.match(rollup.out, /^FROM +MEAN +MIN +MAX +FIRST +LAST +COUNT\n/);
    assert.equal(rollup.out.split('\n').length, 4);
  });

  it('prints CSV with times in UTC', async () => {
    const client = site();
    client.history = (query) =>
      Promise.resolve({
        channel: query.channel,
        kind: query.kind,
        id: query.id,
        resolution: 'raw',
        from: NOW - 3000,
        to: NOW,
        rows: [
          { time: NOW - 3000, value: 1.5, quality: 'good' },
          { time: NOW - 2000, value: null, quality: 'bad' },
          { time: NOW - 1000, value: 'say "hi", twice', quality: 'good' },
        ],
        nextCursor: null,
      });
    assert.equal(
      (await statewatt('history 1001:T:1 --csv', { client })).out,
      'time,value,quality\n2026-05-01T11:59:57.000Z,1.5,good\n2026-05-01T11:59:58.000Z,,bad\n' +
        '2026-05-01T11:59:59.000Z,"say ""hi"", twice",good\n',
    );
    const rollup = await statewatt('history 1001:T:1 --from -1h --resolution 1m --limit 1 --csv');
    assert.match(rollup.out, /^time,value,min,max,first,last,count\n2026-05-01T11:00:00\.000Z,[\d.]+,.*,60\n$/);
  });

  it('joins all pages, and asks each with the span and resolution of the first', async () => {
    const client = site();
    const whole = JSON.parse((await statewatt(`history 1001:T:1 ${FROM} --json`, { client })).out) as object;
    const asked: unknown[] = [];
    const history = client.history.bind(client);
    client.history = (query) => {
      asked.push([query.from, query.to, query.resolution, query.cursor]);
      return history(query);
    };
    const paged = await statewatt(`history 1001:T:1 ${FROM} --limit 3 --all --json`, { client });
    assert.deepEqual(JSON.parse(paged.out), whole);
    assert.deepEqual(asked, [
      [NOW - 4000, NOW, undefined, undefined],
      [NOW - 4000, NOW, 'raw', String(NOW - 1000)],
    ]);
    const table = await statewatt(`history 1001:T:1 ${FROM} --limit 3 --all`, { client });
    assert.equal(table.out.match(/TIME/g)?.length, 1);
    assert.equal(table.out.split('\n').length, 6);
  });

  it('tells on stderr that there is more, or nothing', async () => {
    const page = await statewatt(`history 1001:T:1 ${FROM} --limit 2`);
    assert.match(page.err, /^There are more: .*--cursor \d+ /);
    const client = site();
    const history = client.history.bind(client);
    client.history = async (query) => ({ ...(await history(query)), rows: [], nextCursor: null });
    const empty = await statewatt('history 1001:T:1', { client });
    assert.deepEqual(empty, {
      code: 0,
      out: 'FROM  MEAN  MIN  MAX  FIRST  LAST  COUNT\n',
      err: 'No values of comsrv:1001:T:1 in this time.\n',
    });
    const json = await statewatt('history 1001:T:1 --json', { client });
    assert.deepEqual([(JSON.parse(json.out) as { rows: unknown[] }).rows, json.err], [[], '']);
  });

  it('is 4 for a point that does not exist', async () => {
    assert.equal((await statewatt('history 1001:T:99')).code, 4);
  });
});
