import assert from 'node:assert/strict';
import mqtt, { type MqttClient } from 'mqtt';
import { LinkError, type Driver, type PollOutcome } from '../../../protocols/driver.js';
import { createMqttDriver } from '../../../protocols/mqtt/driver.js';
import type { PointKind } from '../../../site/points.js';
import { Readings } from '../../../site/readings.js';
import { openLink, type Link } from '../../support/link.js';
import { shown } from '../../support/modbus.js';
import { startMosquitto, type TestBroker } from '../../support/mosquitto.js';
import { mqttChannel } from '../../support/mqtt-channel.js';
import { eventually } from '../../support/temp.js';

const POINTS = `    points:
      - { id: 1, name: Power, topic: meter, value_path: p, time_path: t, quality_path: q, scale: 0.1 }
      - { id: 2, name: Text, topic: "note/+", data_type: string }
      - { id: 1, kind: C, name: Relay, topic: relay, command_topic: relay/set, on: OPEN, off: CLOSED }
      - { id: 1, kind: A, name: Limit, command_topic: limit/set, command: '{"limit":{value}}', scale: 0.5, max: 10 }
      - { id: 2, kind: A, name: Speed, topic: speed }
`;

describe('MQTT driver on a real broker', function () {
  this.timeout(60_000);
  let broker: TestBroker;
  let client: MqttClient;
  const opened: Driver[] = [];
  const links: Link[] = [];

  before(async () => {
    broker = await startMosquitto();
    client = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
  });
  afterEach(async () => {
    client.removeAllListeners('message');
    for (const driver of opened.splice(0)) await driver.close();
    for (const link of links.splice(0)) await link.close();
  });
  after(async () => {
    await client?.endAsync(true);
    await broker?.close();
  });

  const send = (topic: string, payload: string, retain = false) =>
    client.publishAsync(topic, payload, { qos: 1, retain });

  async function open(rest = POINTS, url = broker.url) {
    const channel = await mqttChannel(url, rest);
    const driver = createMqttDriver(channel);
    opened.push(driver);
    await driver.connect();
    const readings = new Readings(channel.points);
    const outcomes: PollOutcome[] = [];
    const poll = async () => {
      outcomes.push(await driver.poll(readings));
      return shown(readings);
    };
    const point = (kind: PointKind, id: number) => {
      const found = channel.points.find((each) => each.kind === kind && each.id === id);
      assert.ok(found);
      return found;
    };
    /** Resolves when the points are as shown. */
    const until = (index: number, text: string) =>
      eventually(async () => ((await poll())[index] === text ? true : undefined), {
        what: `${text}, not ${shown(readings)[index]}`,
      });
    return { driver, readings, outcomes, poll, point, until };
  }

  it('takes values, with their own time and quality', async () => {
    const { poll, until, readings, outcomes } = await open();
    assert.deepEqual(await poll(), ['never bad', 'never bad', 'never bad', 'never bad', 'never bad']);
    const time = Date.now() - 60_000;
    await send('meter', JSON.stringify({ p: 1234, t: time, q: 'good' }));
    await until(0, '123.4 good');
    assert.equal(readings.times[0], time);
    await send('meter', JSON.stringify({ p: 1235, t: Date.now() + 3_600_000, q: 'uncertain' }));
    await until(0, '123.5 stale');
    assert.ok((readings.times[0] ?? Infinity) <= Date.now(), 'a time to come counts as now');
    await send('note/a', 'first');
    await send('note/b', 'second');
    await until(1, 'second good');
    await send('meter', '{"p":');
    await until(0, '123.5 bad');
    const last = outcomes.findLast(({ lastError }) => lastError !== undefined);
    assert.equal(last?.lastError?.message, 'T 1 "Power", message on meter: found "{\\"p\\":", allowed JSON');
  });

  it('gives each message a frame of its own, with its own time', async () => {
    const { driver, readings } = await open();
    const send500 = Array.from({ length: 500 }, (_, n) => send('meter', JSON.stringify({ p: n, t: 1_000 + n, q: 1 })));
    await Promise.all([...send500, send('relay', 'OPEN')]);
    const times: number[] = [];
    let reads = 0;
    const cycle = async (): Promise<void> => {
      for (let more = true; more;) {
        const outcome = await driver.poll(readings);
        more = outcome.more === true;
        reads += outcome.reads;
        const time = readings.times[0] as number;
        if (time !== (times.at(-1) ?? 0)) times.push(time);
      }
    };
    await eventually(
      async () => {
        await cycle();
        return reads === 501 ? true : undefined;
      },
      { within: 20_000, what: 'all messages' },
    );
    assert.deepEqual(
      times,
      Array.from({ length: 500 }, (_, n) => 1_000 + n),
    );
    assert.equal(shown(readings)[0], '49.900000000000006 good');
  });

  it('tells what it has heard before it tells that the connection is lost', async () => {
    const link = await openLink(broker.port);
    links.push(link);
    const { driver, readings, point } = await open(POINTS, `mqtt://${link.address}`);
    for (const p of [1, 2, 3]) await send('meter', JSON.stringify({ p, t: p, q: 1 }));
    await eventually(async () => ((await driver.poll(readings)).reads > 0 ? true : undefined));
    for (const p of [4, 5, 6]) await send('meter', JSON.stringify({ p, t: p, q: 1 }));
    const heard: number[] = [];
    // They have come when the answer to what was published later has.
    await driver.write(point('A', 1), 5);
    link.shut();
    await assert.rejects(async () => {
      for (;;) {
        if ((await driver.poll(readings)).more !== true) await new Promise((resolve) => setTimeout(resolve, 10));
        heard.push(readings.times[0] as number);
      }
    }, LinkError);
    assert.equal(readings.times[0], 6);
    assert.deepEqual(
      [...new Set(heard)].filter((time) => time > 3),
      [4, 5, 6],
    );
  });

  it('takes what the broker has kept as the channel says', async () => {
    await send('kept', '5', true);
    const rest = (retained: string) =>
      `    retained: ${retained}\n    points: [{ id: 1, name: Kept, topic: kept }, { id: 2, name: Live, topic: live }]\n`;
    const good = await open(rest('good'));
    await good.until(0, '5 good');
    const stale = await open(rest('stale'));
    await stale.until(0, '5 stale');
    const ignored = await open(rest('ignore'));
    await send('live', '1');
    await ignored.until(1, '1 good');
    assert.equal((await ignored.poll())[0], 'never bad');
    await send('kept', '6', true);
    for (const { until } of [good, stale, ignored]) await until(0, '6 good');
    await send('kept', '', true);
  });

  it('makes a point stale that is silent for too long', async () => {
    const { until } = await open('    points: [{ id: 1, name: A, topic: silent, stale_after_ms: 1000 }]\n');
    await send('silent', '5');
    await until(0, '5 good');
    await until(0, '5 stale');
    await send('silent', '5');
    await until(0, '5 good');
  });

  describe('writes', () => {
    it('are confirmed by what the device says', async () => {
      const { driver, point, until } = await open();
      await client.subscribeAsync('relay/set', { qos: 1 });
      const heard: string[] = [];
      client.on('message', (topic, payload) => {
        if (topic !== 'relay/set') return;
        heard.push(payload.toString());
        // A device first tells once more what it was.
        void send('relay', 'CLOSED').then(() => send('relay', payload.toString()));
      });
      const outcome = await driver.write(point('C', 1), 1);
      assert.deepEqual(
        { ...outcome, roundTripMs: 0 },
        { written: 1, readBack: 1, confirmed: true, answer: 'ok', roundTripMs: 0 },
      );
      assert.deepEqual(heard, ['OPEN']);
      await until(2, '1 good');
    });

    it('say when nobody confirms them', async () => {
      const { driver, point } = await open(`    write_timeout_ms: 200\n${POINTS}`);
      const outcome = await driver.write(point('C', 1), 0);
      assert.deepEqual(
        { ...outcome, roundTripMs: 0 },
        {
          written: 0,
          readBack: null,
          confirmed: false,
          answer: 'published, but not confirmed within 200 ms',
          roundTripMs: 0,
        },
      );
    });

    it('of a point without a topic are published, and are its value from then on', async () => {
      const { driver, point, until } = await open();
      await client.subscribeAsync('limit/set', { qos: 1 });
      const heard = new Promise<string>((resolve) => {
        client.on('message', (topic, payload) => {
          if (topic === 'limit/set') resolve(payload.toString());
        });
      });
      const outcome = await driver.write(point('A', 1), 4);
      assert.deepEqual([outcome.written, outcome.readBack, outcome.confirmed], [4, null, false]);
      assert.equal(await heard, '{"limit":8}');
      await until(3, '4 good');
    });

    it('are refused when they cannot be right', async () => {
      const { driver, point } = await open();
      const refused = async (kind: PointKind, id: number, value: number | string) => {
        try {
          await driver.write(point(kind, id), value);
        } catch (error) {
          return (error as { code?: string }).code;
        }
        return 'written';
      };
      assert.equal(await refused('T', 1, 1), 'protocol.read_only');
      assert.equal(await refused('A', 2, 1), 'protocol.read_only');
      assert.equal(await refused('C', 1, 2), 'protocol.invalid_value');
      assert.equal(await refused('A', 1, 'much'), 'protocol.invalid_value');
      assert.equal(await refused('A', 1, 11), 'protocol.value_out_of_range');
    });

    it('end when the broker does not acknowledge them, or goes', async () => {
      const link = await openLink(broker.port);
      links.push(link);
      const { driver, point } = await open(`    write_timeout_ms: 200\n${POINTS}`, `mqtt://${link.address}`);
      link.hold();
      await assert.rejects(driver.write(point('A', 1), 1), { code: 'protocol.timeout' });
      const write = driver.write(point('A', 1), 2);
      link.shut();
      await assert.rejects(write, { code: 'protocol.link_lost' });
      await assert.rejects(driver.write(point('A', 1), 3), { code: 'protocol.link_lost' });
    });
  });

  it('says that the link is gone, and is right again after the next connect', async () => {
    const link = await openLink(broker.port);
    links.push(link);
    const { driver, until, readings } = await open(POINTS, `mqtt://${link.address}`);
    await send('speed', '7');
    await until(4, '7 good');
    link.shut();
    await eventually(() =>
      driver.poll(readings).then(
        () => undefined,
        (error: unknown) => error instanceof LinkError || undefined,
      ),
    );
    await assert.rejects(driver.connect(), LinkError);
    link.open();
    await driver.connect();
    await send('speed', '8');
    await until(4, '8 good');
  });

  it('notices a broker that hangs, by its silence', async () => {
    const link = await openLink(broker.port);
    links.push(link);
    const { driver, readings } = await open(POINTS, `mqtt://${link.address}`);
    link.hold();
    await eventually(() =>
      driver.poll(readings).then(
        () => undefined,
        (error: unknown) => error instanceof LinkError || undefined,
      ),
    );
  });

  it('closes at any time, and gives up an opening', async () => {
    const link = await openLink(broker.port);
    links.push(link);
    link.hold();
    const driver = createMqttDriver(await mqttChannel(`mqtt://${link.address}`, POINTS));
    opened.push(driver);
    const opening = assert.rejects(driver.connect(), LinkError);
    await driver.close();
    await opening;
    await driver.close();
    await assert.rejects(driver.poll(new Readings([])), LinkError);
  });
});
