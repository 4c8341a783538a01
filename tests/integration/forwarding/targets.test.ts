import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import mqtt, { type MqttClient } from 'mqtt';
import type { Batch } from '../../../actors/forwarder/batch.js';
import { createTarget, type Target } from '../../../actors/forwarder/targets/target.js';
import { StatewattError } from '../../../errors/error.js';
import type { Forwarder, MqttForwarder, NatsForwarder } from '../../../site/forwarding/forwarder.js';
import { selectPoints } from '../../../site/forwarding/selection.js';
import { makeAuthority, startMosquitto, type Authority, type TestBroker } from '../../support/mosquitto.js';
import { testForwarder, twoPoints } from '../../support/forwarding.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually, freePort, tempFolder } from '../../support/temp.js';

const SITE = { name: 'Farm/1', channels: [twoPoints(1)] };
const { signal } = new AbortController();

function targetOf(forwarder: Forwarder): { target: Target; batch: (seqs: readonly number[], text?: string) => Batch } {
  const selection = selectPoints(forwarder, SITE);
  const [point] = selection.channels.get(1)?.values() ?? [];
  assert.ok(point);
  return {
    target: createTarget(forwarder, selection),
    batch: (seqs, text) => ({
      token: `token-${seqs[0]}`,
      from: 1,
      to: 2,
      items: seqs.map((seq) => ({
        ...{ id: `1/1/${seq}/T:1`, point, value: text ?? seq, quality: 'good', time: 1_000 + seq },
      })),
    }),
  };
}

async function codeOf(work: Promise<unknown>): Promise<[string, boolean]> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof StatewattError, String(error));
    return [error.code, error.retryable];
  }
  throw new Error('it succeeded');
}

function mqttForwarder(url: string, change: Partial<MqttForwarder> = {}): Forwarder {
  const { id, name, enabled, points, send, batch, maxPointsPerSecond, begin } = testForwarder();
  return {
    ...{ id, name, enabled, points, send, batch, maxPointsPerSecond, begin },
    type: 'mqtt',
    payload: 'point',
    broker: { url, clientId: 'test', tls: { verify: true }, connectTimeoutMs: 2_000, keepAliveS: 5 },
    topic: '{site}/{channel}/{name}',
    retain: false,
    ...change,
  };
}

describe('targets of forwarders', function () {
  this.timeout(60_000);
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  let authority: Authority;
  const open: Target[] = [];

  before(async () => {
    temp = await tempFolder();
    authority = await makeAuthority(temp.path);
  });
  afterEach(async () => {
    for (const target of open.splice(0)) await target.close();
  });
  after(() => temp.remove());

  const connected = async (forwarder: Forwarder, onLost: (error: Error) => void = () => undefined) => {
    const made = targetOf(forwarder);
    open.push(made.target);
    await made.target.connect(onLost, signal);
    return made;
  };

  describe('MQTT', () => {
    let broker: TestBroker;
    before(async () => {
      broker = await startMosquitto();
    });
    after(() => broker.close());

    /** A client of the test, and what it has heard. */
    async function listener(url: string, topic: string) {
      const client: MqttClient = await mqtt.connectAsync(url, { protocolVersion: 5 });
      const heard: { topic: string; body: string; id: unknown; contentType: unknown; retain: boolean }[] = [];
      client.on('message', (at, payload, { properties, retain }) =>
        heard.push({
          topic: at,
          body: payload.toString(),
          id: properties?.userProperties?.id,
          contentType: properties?.contentType,
          retain,
        }),
      );
      await client.subscribeAsync(topic, { qos: 0 });
      return { client, heard };
    }

    it('publishes in order, one message a reading, with its id', async () => {
      const { client, heard } = await listener(broker.url, '#');
      try {
        const { target, batch } = await connected(mqttForwarder(broker.url));
        const seqs = Array.from({ length: 500 }, (_, index) => index);
        await target.send(batch(seqs), signal);
        await eventually(() => (heard.length === 500 ? true : undefined));
        assert.deepEqual(
          heard.map(({ id }) => id),
          seqs.map((seq) => `1/1/${seq}/T:1`),
        );
        const [first] = heard;
        assert.deepEqual([first?.topic, first?.contentType], ['Farm_1/1/T 1', 'application/json']);
        assert.deepEqual(JSON.parse(first?.body ?? ''), {
          site: 'Farm/1',
          ...{ id: '1/1/0/T:1', channel: 1, kind: 'T', point: 1, name: 'T 1', unit: 'kW' },
          ...{ value: 0, quality: 'good', time: 1_000 },
        });
      } finally {
        await client.endAsync();
      }
    });

    it('publishes values, batches, and what the broker is to keep', async () => {
      const values = await connected(mqttForwarder(broker.url, { payload: 'value', topic: 'v', retain: true }));
      await values.target.send(values.batch([41, 42]), signal);
      const batches = await connected(
        mqttForwarder(broker.url, { payload: 'batch', topic: 'b/{site}', retain: true, broker: brokerOf('other') }),
      );
      await batches.target.send(batches.batch([7, 8]), signal);
      const { client, heard } = await listener(broker.url, '#');
      try {
        await eventually(() => (heard.length === 2 ? true : undefined));
        const [all, last] = heard.sort((a, b) => (a.topic < b.topic ? -1 : 1));
        assert.deepEqual([last?.topic, last?.body, last?.retain], ['v', '42', true]);
        assert.deepEqual([all?.topic, all?.id], ['b/Farm_1', 'token-7']);
        assert.equal((JSON.parse(all?.body ?? '') as { points: unknown[] }).points.length, 2);
      } finally {
        await client.endAsync();
      }
    });

    const brokerOf = (clientId: string) => ({
      ...{ url: broker.url, clientId, tls: { verify: true }, connectTimeoutMs: 2_000, keepAliveS: 5 },
    });

    it('tells that the broker died, in the middle of a batch', async () => {
      const lost: Error[] = [];
      const { target, batch } = await connected(mqttForwarder(broker.url), (error) => lost.push(error));
      const seqs = Array.from({ length: 20_000 }, (_, index) => index);
      const sending = codeOf(target.send(batch(seqs), signal));
      await broker.kill();
      assert.deepEqual(await sending, ['protocol.link_lost', true]);
      assert.equal(lost.length, 1);
      assert.deepEqual(await codeOf(target.send(batch([1]), signal)), ['protocol.link_lost', true]);
      assert.deepEqual(await codeOf(connected(mqttForwarder(broker.url))), ['protocol.link_lost', true]);
      await broker.start();
    });

    it('ends the connection of whoever had the same client id before', async () => {
      const lost: Error[] = [];
      await connected(mqttForwarder(broker.url), (error) => lost.push(error));
      await connected(mqttForwarder(broker.url));
      await eventually(() => (lost.length === 1 ? true : undefined));
      assert.match(lost[0]?.message ?? '', /another client|closed/);
    });

    it('speaks TLS, trusts its own authority only, and logs in with what the environment says', async () => {
      const login = { user: 'site', password: 'sesame' };
      const safe = await startMosquitto({ authority, login });
      process.env.TEST_MQTT_PASSWORD = login.password;
      try {
        const with_ = (caFile: string | undefined, password: string) =>
          mqttForwarder(safe.url, {
            broker: {
              ...{ url: safe.url, clientId: 'tls', connectTimeoutMs: 2_000, keepAliveS: 5 },
              tls: { verify: true, ...(caFile === undefined ? {} : { caFile }) },
              ...{ username: 'site', password },
            },
          });
        const { target, batch } = await connected(with_(authority.ca, '${TEST_MQTT_PASSWORD}'));
        await target.send(batch([1, 2]), signal);
        assert.deepEqual(await codeOf(connected(with_(undefined, 'sesame'))), ['protocol.link_lost', true]);
        assert.deepEqual(await codeOf(connected(with_(authority.ca, 'wrong'))), ['protocol.link_lost', true]);
        assert.deepEqual(await codeOf(connected(with_(authority.ca, '${TEST_NOT_SET}'))), [
          'config.variable_missing',
          false,
        ]);
        assert.deepEqual(await codeOf(connected(with_('/no/such/ca.pem', 'x'))), ['config.file_unreadable', false]);
      } finally {
        delete process.env.TEST_MQTT_PASSWORD;
        await safe.close();
      }
    });
  });

  describe('HTTP', () => {
    let server: Server;
    let url = '';
    const asked: { headers: IncomingMessage['headers']; body: string }[] = [];
    let answers: ((response: ServerResponse) => void)[] = [];
    const take = async (request: IncomingMessage, response: ServerResponse) => {
      let body = '';
      for await (const part of request) body += String(part);
      asked.push({ headers: request.headers, body });
      const answer = answers.shift() ?? ((reply) => reply.writeHead(204).end());
      answer(response);
    };
    const status =
      (code: number, text = '', headers = {}) =>
      (response: ServerResponse) =>
        response.writeHead(code, headers).end(text);

    before(async () => {
      server = createServer((request, response) => void take(request, response));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in?token=secret`;
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });

    it('posts a batch with its token and the headers of the configuration', async () => {
      process.env.TEST_TOKEN = 'abc';
      try {
        const { target, batch } = await connected(
          testForwarder({ url, headers: { Authorization: 'Bearer ${TEST_TOKEN}' } }),
        );
        await target.send(batch([1, 2]), signal);
        const [{ headers, body }] = asked.splice(0) as [(typeof asked)[number]];
        assert.deepEqual(
          [headers.authorization, headers['idempotency-key'], headers['content-type']],
          ['Bearer abc', 'token-1', 'application/json'],
        );
        const { id, site, points } = JSON.parse(body) as { id: string; site: string; points: { value: number }[] };
        assert.deepEqual([id, site, points.map(({ value }) => value)], ['token-1', 'Farm/1', [1, 2]]);
      } finally {
        delete process.env.TEST_TOKEN;
      }
    });

    it('tells what may pass from what is refused for good, without the secrets of the address', async () => {
      const { target, batch } = await connected(testForwarder({ url, timeoutMs: 300 }));
      answers = [status(503, 'later', { 'retry-after': '7' })];
      await assert.rejects(target.send(batch([1]), signal), (error: StatewattError) => {
        assert.deepEqual([error.code, error.retryAfterMs], ['forward.unreachable', 7_000]);
        assert.match(error.message, /127\.0\.0\.1:\d+\/in answered 503: later$/);
        return true;
      });
      for (const [code, expected] of [
        [401, 'forward.unreachable'],
        [429, 'forward.unreachable'],
        [400, 'forward.refused'],
        [413, 'forward.refused'],
      ] as const) {
        answers = [status(code)];
        assert.equal((await codeOf(target.send(batch([1]), signal)))[0], expected, String(code));
      }
      answers = [() => undefined];
      await assert.rejects(target.send(batch([1]), signal), /no answer in 300 ms/);
      const nobody = await connected(testForwarder({ url: `http://127.0.0.1:${await freePort()}/` }));
      assert.deepEqual(await codeOf(nobody.target.send(nobody.batch([1]), signal)), ['forward.unreachable', true]);
    });

    it('speaks TLS with an authority of its own', async () => {
      const [cert, key] = await Promise.all([readFile(authority.cert), readFile(authority.key)]);
      const safe = createTlsServer({ cert, key }, (request, response) => void take(request, response));
      await once(safe.listen(0, '127.0.0.1'), 'listening');
      const at = `https://127.0.0.1:${(safe.address() as AddressInfo).port}/`;
      try {
        const right = await connected(testForwarder({ url: at, tls: { verify: true, caFile: authority.ca } }));
        await right.target.send(right.batch([1]), signal);
        const wrong = await connected(testForwarder({ url: at }));
        assert.deepEqual(await codeOf(wrong.target.send(wrong.batch([1]), signal)), ['forward.unreachable', true]);
      } finally {
        safe.closeAllConnections();
        safe.close();
      }
    });
  });

  describe('NATS', () => {
    let hub: TestNats;
    before(async () => {
      hub = await startNats();
      const bus = await hub.connect();
      await bus.manager.streams.add({ name: 'SITES', subjects: ['sites.>'], max_msg_size: 1_000 });
    });
    after(() => hub.stop());

    const natsForwarder = (change: Partial<NatsForwarder> = {}): Forwarder => {
      const { id, name, enabled, points, send, batch, maxPointsPerSecond, begin } = testForwarder();
      return {
        ...{ id, name, enabled, points, send, batch, maxPointsPerSecond, begin },
        type: 'nats',
        payload: 'point',
        url: hub.url,
        tls: { verify: true },
        subject: 'sites.{site}.{name}',
        jetstream: true,
        ...change,
      };
    };

    it('publishes into a stream, which keeps each once', async () => {
      const bus = await hub.connect();
      const { target, batch } = await connected(natsForwarder());
      await target.send(batch([1, 2, 3]), signal);
      await target.send(batch([1, 2, 3, 4]), signal);
      const { state } = await bus.manager.streams.info('SITES', { subjects_filter: '>' });
      assert.deepEqual(state.subjects, { 'sites.Farm/1.T_1': 4 });
    });

    it('tells what may pass from what is refused for good', async () => {
      const nowhere = await connected(natsForwarder({ subject: 'nobody.takes.{id}' }));
      assert.deepEqual(await codeOf(nowhere.target.send(nowhere.batch([1]), signal)), ['forward.unreachable', true]);
      const large = await connected(natsForwarder());
      const sending = large.target.send(large.batch([9], 'x'.repeat(2_000)), signal);
      assert.deepEqual(await codeOf(sending), ['forward.refused', false]);
      const plain = await connected(natsForwarder({ subject: 'nobody.listens', jetstream: false }));
      await plain.target.send(plain.batch([1, 2]), signal);
    });

    it('tells that the server died', async () => {
      const lost: Error[] = [];
      const { target, batch } = await connected(natsForwarder(), (error) => lost.push(error));
      await hub.server.child.stop();
      await eventually(() => (lost.length === 1 ? true : undefined));
      assert.deepEqual(await codeOf(target.send(batch([1]), signal)), ['forward.unreachable', true]);
      await hub.server.child.start();
    });
  });
});
