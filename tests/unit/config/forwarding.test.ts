import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { linesOf, loadFiles, ROOT } from '../../support/config.js';

const SITE = `
site: Test
channels:
  - { id: 1001, protocol: virtual, points: [{ id: 1, name: Power, unit: kW }, { id: 1, kind: S, name: Door }] }
`;
const FILES = { 'ca.pem': 'x', 'me.pem': 'x', 'me.key': 'x', 'hub.creds': 'x' };
const load = (rest: string) => loadFiles({ 'site.yaml': SITE + rest, ...FILES });
const problems = (rest: string) => linesOf({ 'site.yaml': SITE + rest, ...FILES });
/** The problems of one target, without file and line. */
const wrong = async (target: string) =>
  (await problems(`forwarding:\n  - { id: a, ${target} }\n`)).map((line) => line.replace(/^\S+ forwarding\[0\]/, ''));

describe('forwarding of a site', () => {
  it('is none when none is given', async () => {
    assert.deepEqual((await load('')).forwarding, []);
  });

  it('is read with its defaults, ascending by id', async () => {
    const { forwarding } = await load(`
forwarding:
  - { id: lake, type: http, url: 'https://lake.example.org/in' }
  - { id: hub, type: nats, url: 'nats://hub:4222' }
  - { id: cloud, type: mqtt, url: 'mqtt://broker' }
`);
    const all = {
      match: { channels: [0, Infinity], kinds: ['T', 'S', 'C', 'A'], ids: [0, Infinity] },
      scale: 1,
      offset: 0,
    };
    const common = {
      ...{ enabled: true, points: [all], send: { mode: 'all' }, batch: { points: 500, waitMs: 1000 } },
      ...{ maxPointsPerSecond: 50_000, begin: 'now' },
    };
    const tls = { verify: true };
    assert.deepEqual(forwarding, [
      {
        ...{ id: 'cloud', name: 'cloud', ...common, payload: 'point', type: 'mqtt' },
        broker: { url: 'mqtt://broker', clientId: 'statewatt-Test-cloud', tls, connectTimeoutMs: 5000, keepAliveS: 30 },
        ...{ topic: 'statewatt/{site}/{channel}/{kind}/{id}', retain: false },
      },
      {
        ...{ id: 'hub', name: 'hub', ...common, payload: 'point', type: 'nats' },
        ...{ url: 'nats://hub:4222', tls, subject: 'site.{site}.{channel}.{kind}.{id}', jetstream: true },
      },
      {
        ...{ id: 'lake', name: 'lake', ...common, payload: 'batch', type: 'http' },
        ...{ url: 'https://lake.example.org/in', headers: {}, tls, timeoutMs: 10_000 },
      },
    ]);
  });

  it('is read with everything that can be said', async () => {
    const { forwarding } = await load(`
forwarding:
  - id: cloud
    name: Cloud
    type: mqtt
    url: mqtts://broker.example.org:8883
    username: site
    password: \${MQTT_PASSWORD}
    client_id: farm
    tls: { ca: ca.pem, cert: me.pem, key: me.key, verify: false }
    topic: 'sites/{site}/{name}'
    retain: true
    enabled: false
    points:
      - { match: '1001:T:1-5', name: 'grid_{id}', unit: W, scale: 1000, offset: 1 }
      - 'comsrv:1000-1010:SC:*'
    send: change
    deadband: 0.5
    payload: value
    batch: { points: 100, wait_ms: 50 }
    max_points_per_second: 10
    begin: oldest
  - { id: tick, type: mqtt, url: 'mqtt://b', payload: batch, send: interval, interval_ms: 5000 }
`);
    const [cloud, tick] = forwarding;
    assert.deepEqual(cloud, {
      ...{ id: 'cloud', name: 'Cloud', enabled: false, type: 'mqtt' },
      points: [
        {
          ...{ match: { channels: [1001, 1001], kinds: ['T'], ids: [1, 5] }, name: 'grid_{id}', unit: 'W' },
          ...{ scale: 1000, offset: 1 },
        },
        { match: { channels: [1000, 1010], kinds: ['S', 'C'], ids: [0, Infinity] }, scale: 1, offset: 0 },
      ],
      ...{ send: { mode: 'change', deadband: 0.5 }, payload: 'value', batch: { points: 100, waitMs: 50 } },
      ...{ maxPointsPerSecond: 10, begin: 'oldest', topic: 'sites/{site}/{name}', retain: true },
      broker: {
        ...{ url: 'mqtts://broker.example.org:8883', username: 'site', password: '${MQTT_PASSWORD}', clientId: 'farm' },
        tls: {
          ...{ caFile: resolve(ROOT, 'ca.pem'), certFile: resolve(ROOT, 'me.pem'), keyFile: resolve(ROOT, 'me.key') },
          verify: false,
        },
        ...{ connectTimeoutMs: 5000, keepAliveS: 30 },
      },
    });
    assert.ok(tick?.type === 'mqtt');
    assert.deepEqual([tick.topic, tick.send], ['statewatt/{site}', { mode: 'interval', intervalMs: 5000 }]);
  });

  it('tells every mistake with its place', async () => {
    assert.deepEqual(await problems(`forwarding: [{ id: a, type: mqt, url: x }]\n`), [
      'site.yaml:5:29: forwarding[0].type: found "mqt", allowed mqtt, http or nats; did you mean mqtt?',
    ]);
    assert.deepEqual(await problems("forwarding: [{ id: a, type: mqtt, url: 'http://x' }]\n"), [
      'site.yaml:5:40: forwarding[0].url: found "http://x", allowed text like ^(mqtts?|wss?)://[^\\s]+$',
    ]);
    assert.deepEqual(
      await problems(`forwarding:
  - { id: a, type: mqtt, url: 'mqtt://x' }
  - { id: a, type: mqtt, url: 'mqtt://x' }
`),
      ['site.yaml:7:7: forwarding[1].id: found "a", which forwarding[0] has too, allowed each id once'],
    );
    const mqtt = "type: mqtt, url: 'mqtt://x'";
    assert.deepEqual(
      await wrong(`${mqtt}, points: ['1001:X:1', '2000:*:*', { match: '*', scale: 0, name: '{nam}' }]`),
      [
        '.points[0]: found "1001:X:1", allowed <channel>:<kind>:<id>, each of which may be *, numbers also ranges, as 1001-1010:T:*',
        '.points[1]: found "2000:*:*", which matches no point, allowed a pattern that matches some',
        '.points[2].scale: found 0, allowed any other number',
        '.points[2].name: found "{nam}", allowed {site}, {forwarder}, {channel}, {channel_name}, {kind}, {id}, {name} or {unit}',
      ],
    );
    assert.deepEqual(await wrong(`${mqtt}, topic: 'a/#'`), ['.topic: found "a/#", allowed a topic without + and #']);
    assert.deepEqual(await wrong(`${mqtt}, payload: batch, topic: 'a/{id}'`), [
      '.topic: found "{id}", allowed {site} or {forwarder}',
    ]);
    assert.deepEqual(await wrong(`${mqtt}, tls: { ca: no.pem, cert: me.pem }`), [
      '.tls: found mqtt, allowed mqtts:// or wss:// in url',
      '.tls.key: found nothing, allowed both cert and key, or none of them',
      `.tls.ca: there is no file ${resolve(ROOT, 'no.pem')}, allowed the path of a file`,
    ]);
    assert.deepEqual(await wrong(`${mqtt}, send: interval, deadband: 1`), [
      '.interval_ms: found nothing, allowed a number of ms, as send is interval',
      '.deadband: found "interval", allowed send: change beside it',
    ]);
    assert.deepEqual(await wrong(`${mqtt}, interval_ms: 5`), [
      '.interval_ms: found "all", allowed send: interval beside it',
    ]);
    assert.deepEqual(await wrong("type: http, url: 'http://x/', payload: point, tls: {}, headers: { 'a b': c }"), [
      '.payload: found "point", allowed batch, as each request carries one',
      '.tls: found http, allowed https:// in url',
      '.headers.a b: found "a b", allowed a header’s name',
    ]);
    assert.deepEqual(await wrong("type: nats, url: x, subject: 'a b.c'"), [
      '.subject: found "a b.c", allowed tokens between dots, without spaces, * and >',
    ]);
    assert.deepEqual(await wrong('type: nats, url: x, subject: frame.x, credentials: no.creds'), [
      '.subject: found "frame.x", allowed one that Statewatt does not use itself',
      `.credentials: there is no file ${resolve(ROOT, 'no.creds')}, allowed the path of a file`,
    ]);
  });
});
