import assert from 'node:assert/strict';
import mqtt, { type MqttClient } from 'mqtt';
import { startMosquitto, type TestBroker } from '../../support/mosquitto.js';
import { Bed, CASE_TIMEOUT_MS } from './bed.js';

/** What a write answers over HTTP. */
interface Written {
  readonly confirmed: boolean;
  readonly readBack: number | string | null;
}

describe('MQTT, from the broker to Redis and back', function () {
  this.timeout(CASE_TIMEOUT_MS);
  let bed: Bed;
  let broker: TestBroker;
  let client: MqttClient;
  before(async () => {
    bed = await Bed.open();
    broker = await startMosquitto();
    client = await mqtt.connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 100 });
    client.on('error', () => undefined); // it goes away on purpose
  });
  after(async () => {
    await client?.endAsync(true);
    await bed?.close();
    await broker?.close();
  });

  const send = (topic: string, payload: string) => client.publishAsync(topic, payload, { qos: 1 });

  const site = (more = '') => `
channels:
  - id: 5001
    name: Sensors
    protocol: mqtt
    broker: { url: "${broker.url}" }
    polling: { interval_ms: 100 }
    points:
      - { id: 1, name: Power, unit: kW, topic: meter/1, value_path: power, scale: 0.001 }
      - { id: 1, kind: S, name: Door, topic: door }
      - { id: 1, kind: C, name: Relay, topic: relay, command_topic: relay/set }
${more}`;

  it('values are in Redis; the broker away: stale; back: good again', async () => {
    await bed.run({ 'site.yaml': site() });
    await bed.until('comsrv:5001:status', 'online', '1', 3_000);
    await send('meter/1', '{"power":1500}');
    await send('door', 'on');
    await bed.until('comsrv:5001:T', 1, '1.500000', 3_000);
    await bed.until('comsrv:5001:S', 1, '1', 3_000);

    await broker.kill();
    await bed.until('comsrv:5001:T:q', 1, 'stale', 2_000);
    await bed.until('comsrv:5001:status', 'online', '0', 2_000);
    assert.equal(await bed.field('comsrv:5001:T', 1), '1.500000', 'the last good value stays');

    await broker.start();
    await bed.until('comsrv:5001:status', 'online', '1', 5_000);
    await bed.untilTrue('the client is back', () => Promise.resolve(client.connected), 5_000);
    await send('meter/1', '{"power":2500}');
    await bed.until('comsrv:5001:T', 1, '2.500000', 3_000);
    assert.equal(await bed.field('comsrv:5001:T:q', 1), undefined, 'it is good again');
    await bed.until('comsrv:5001:stats', 'reconnect_count', '1', 2_000);
  });

  it('is written through HTTP, and answers what the device says', async () => {
    await client.subscribeAsync('relay/set', { qos: 1 });
    client.on('message', (topic, payload) => {
      if (topic === 'relay/set') void send('relay', payload.toString());
    });
    const answer = await fetch(`${bed.site.url}/api/v1/points/5001:C:1/write`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ value: 1 }),
    });
    const body = (await answer.json()) as Written;
    assert.deepEqual([answer.status, body.confirmed, body.readBack], [200, true, 1], JSON.stringify(body));
    await bed.until('comsrv:5001:C', 1, '1', 2_000);
  });

  it('takes up a point that is added to the file', async () => {
    await bed.write({
      'site.yaml': site('      - { id: 2, name: Voltage, unit: V, topic: meter/1, value_path: u }\n'),
    });
    await bed.untilTrue(
      'the table has it',
      async () => (await bed.reader.hlen('comsrv:5001:config:telemetry')) === 2,
      2_000,
    );
    await bed.untilTrue(
      'it has a value',
      async () => {
        await send('meter/1', '{"power":2500,"u":230}');
        return (await bed.field('comsrv:5001:T', 2)) === '230.000000';
      },
      3_000,
    );
    const points = await bed.site.get<{ points: { name: string; writable: boolean }[] }>('/api/v1/points?channel=5001');
    assert.deepEqual(
      points.points.map(({ name, writable }) => [name, writable]),
      [
        ['Power', false],
        ['Voltage', false],
        ['Door', false],
        ['Relay', true],
      ],
    );
  });
});
