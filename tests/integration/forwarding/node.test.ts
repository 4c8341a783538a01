import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { connectBus, type Bus } from '../../../bus/connection.js';
import { readBatch } from '../../../bus/read-batch.js';
import { STREAM } from '../../../bus/streams.js';
import { codecs } from '../../../bus/topics.js';
import { pointKey } from '../../../site/points.js';
import type { RunningNode } from '../../../node/node.js';
import { openLink, type Link } from '../../support/link.js';
import { startMosquitto, type TestBroker } from '../../support/mosquitto.js';
import { startTestNode, virtualChannel, type LogLine } from '../../support/node.js';
import { eventually, tempFolder } from '../../support/temp.js';

const PATIENCE = { within: 30_000 };

describe('forwarding of a node', function () {
  this.timeout(120_000);
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  let broker: TestBroker;
  /** Between the node and the broker. */
  let link: Link;
  let subscriptions = 0;
  let node: RunningNode;
  let lines: LogLine[];
  let bus: Bus;
  let listener: MqttClient;
  /** Ids of the messages about the point 1:T:1, in the order of their coming, and what one of them said. */
  const heard: string[] = [];
  let said: Record<string, unknown> = {};

  const write = (forwarding: string) =>
    writeFile(join(temp.path, 'site.yaml'), `site: Farm\nchannels:${virtualChannel(1)}\nforwarding:${forwarding}\n`);
  const cloud = (extra = '') => `
  - id: cloud
    type: mqtt
    url: mqtt://${link.address}
    username: site
    password: \${TEST_CLOUD_PASSWORD}
    points: ['1:T:1']
    batch: { wait_ms: 50 }${extra}`;
  const become = (state: string) =>
    eventually(async () => ((await node.client.forwarding.get('cloud')).state === state ? true : undefined), {
      ...PATIENCE,
      what: state,
    });
  const more = (count: number) => {
    const wanted = new Set(heard).size + count;
    return eventually(() => (new Set(heard).size >= wanted ? true : undefined), { ...PATIENCE, what: 'messages' });
  };
  /** Between the first and the last that was heard, each reading of the stream has come, and in order. */
  async function assertNothingLost(): Promise<void> {
    const seen = [...new Set(heard)];
    const ids: string[] = [];
    for (let next = 1; ;) {
      const messages = await readBatch(bus, STREAM.frames, { seq: next, batch: 1_000 });
      if (messages.length === 0) break;
      for (const { data, seq } of messages) {
        const { channel, epoch, seq: number, keys } = codecs.frame.decode(data);
        if (keys.includes(pointKey('T', 1))) ids.push(`${channel}/${epoch}/${number}/T:1`);
        next = seq + 1;
      }
    }
    const from = ids.indexOf(seen[0] ?? '');
    assert.deepEqual(seen, ids.slice(from, ids.indexOf(seen.at(-1) ?? '') + 1));
  }
  const subscribe = async () => {
    await listener.subscribeAsync('#', { qos: 0 });
    subscriptions += 1;
  };
  const listen = async () => {
    listener = await mqtt.connectAsync(broker.url, {
      ...{ protocolVersion: 5, username: 'site', password: 'sesame' },
      ...{ reconnectPeriod: 50, connectTimeout: 2_000, resubscribe: false },
    });
    listener.on('error', () => undefined); // While the broker is away.
    listener.on('message', (_, payload) => {
      said = JSON.parse(payload.toString()) as Record<string, unknown>;
      heard.push(said.id as string);
    });
    listener.on('connect', () => void subscribe());
    await subscribe();
  };

  before(async () => {
    temp = await tempFolder();
    broker = await startMosquitto({ login: { user: 'site', password: 'sesame' } });
    link = await openLink(broker.port);
    process.env.TEST_CLOUD_PASSWORD = 'sesame';
    await listen();
    await write(cloud());
    ({ node, lines } = await startTestNode(temp.path));
    bus = await connectBus({ servers: [node.natsUrl], name: 'reader' });
  });
  after(async () => {
    delete process.env.TEST_CLOUD_PASSWORD;
    await bus.close();
    await node.stop();
    await listener.endAsync(true);
    await link.close();
    await broker.close();
    await temp.remove();
  });

  it('sends what the channels read', async () => {
    await more(20);
    const { id: _id, time: _time, value, ...rest } = said;
    assert.deepEqual(rest, {
      ...{ site: 'Farm', channel: 1, kind: 'T', point: 1, name: 'Power', unit: 'kW', quality: 'good' },
    });
    assert.equal(typeof value, 'number');
    await become('online'); // The broker passes a batch on before the node hears that it is taken.
    const { state, stats, points, address } = await node.client.forwarding.get('cloud');
    assert.deepEqual([state, points, address, stats.lost], ['online', 1, `mqtt://${link.address}`, 0]);
    assert.equal((await node.client.health()).parts.forwarding?.status, 'up');
    await eventually(
      async () => {
        const metrics = await (await fetch(`${node.url}/metrics`)).text();
        const sent = /statewatt_forwarder_points_total\{forwarder="cloud",type="mqtt"\} [1-9]/;
        return sent.test(metrics) ? true : undefined;
      },
      { ...PATIENCE, what: 'the points in the metrics' },
    );
    await assertNothingLost();
    assert.equal(new Set(heard).size, heard.length, 'each came once');
  });

  it('loses nothing while the broker is dead, shows what waits, and catches up in order', async () => {
    await broker.kill();
    await become('backingOff');
    const waiting = await eventually(async () => {
      const { stats } = await node.client.forwarding.get('cloud');
      return stats.behind >= 30 ? stats : undefined;
    }, PATIENCE);
    assert.ok(waiting.lastError?.includes(link.address), waiting.lastError ?? 'no error');
    const health = await eventually(async () => {
      const part = (await node.client.health()).parts.forwarding;
      return part?.status === 'degraded' ? part : undefined;
    }, PATIENCE);
    assert.match(health.detail, /^cloud backingOff, \d+ frames wait: /);
    assert.equal((await node.client.actors()).find(({ ref }) => ref === 'forwarder/cloud')?.state, 'backingOff');

    // The listener must be there before the first message: a broker keeps none for who is away.
    link.shut();
    await broker.start();
    await eventually(() => (subscriptions === 2 ? true : undefined), { ...PATIENCE, what: 'the listener is back' });
    link.open();
    await become('online');
    await more(50);
    await eventually(async () => {
      const { behind } = (await node.client.forwarding.get('cloud')).stats;
      return behind < 5 ? true : undefined;
    }, PATIENCE);
    await assertNothingLost();
    assert.equal((await node.client.forwarding.get('cloud')).stats.lost, 0);
  });

  it('waits while it is paused, and goes on where it ended', async () => {
    assert.equal((await node.client.forwarding.command('cloud', 'pause')).state, 'paused');
    const sent = async () => (await node.client.forwarding.get('cloud')).stats.sent;
    const end = async () => (await bus.manager.streams.info(STREAM.frames)).state.last_seq;
    const grownBy = async (frames: number) => {
      const begin = await end();
      return eventually(async () => ((await end()) >= begin + frames ? true : undefined), PATIENCE);
    };
    await eventually(
      async () => {
        const { live } = (await node.client.actor('forwarder/cloud')).context as { live: { connected: boolean } };
        return live.connected ? undefined : true;
      },
      { ...PATIENCE, what: 'the end of what was under way' },
    );
    const before = await sent();
    await grownBy(20);
    assert.equal(await sent(), before);
    await node.client.forwarding.command('cloud', 'resume');
    await more(20);
    await assertNothingLost();
    await assert.rejects(node.client.forwarding.command('cloud', 'skip'), { code: 'forward.state' });
    await assert.rejects(node.client.forwarding.get('nothing'), { code: 'forwarding.not_found' });
  });

  it('follows the site file', async () => {
    await write(`${cloud('\n    enabled: false')}
  - { id: other, type: mqtt, url: '${broker.url}', username: site, password: '\${TEST_NOT_SET}' }`);
    await become('stopped');
    const other = await eventually(async () => {
      const view = await node.client.forwarding.get('other').catch(() => undefined);
      return view?.state === 'faulted' ? view : undefined;
    }, PATIENCE);
    assert.match(other.stats.lastError ?? '', /TEST_NOT_SET/);
    await write(cloud());
    await become('online');
    await more(10);
    await assertNothingLost();
    assert.deepEqual(
      (await node.client.forwarding.list()).map(({ id }) => id),
      ['cloud'],
    );
    const errors = lines.filter(({ level, facts }) => level === 'error' && facts.part === 'forwarding');
    assert.deepEqual(errors, []);
  });
});
