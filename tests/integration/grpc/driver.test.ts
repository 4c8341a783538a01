import assert from 'node:assert/strict';
import { LinkError, type Driver, type PollOutcome } from '../../../protocols/driver.js';
import { createGrpcDriver } from '../../../protocols/grpc/driver.js';
import type { GrpcChannel } from '../../../site/channels/grpc.js';
import type { PointKind } from '../../../site/points.js';
import { Readings } from '../../../site/readings.js';
import { grpcChannel, startPlugin, type TestPlugin } from '../../support/grpc-channel.js';
import { openLink } from '../../support/link.js';
import { shown } from '../../support/modbus.js';
import { makeAuthority } from '../../support/mosquitto.js';
import { eventually, freePort, tempFolder } from '../../support/temp.js';

const TIME = 1_700_000_000_000;
const VALUES = JSON.stringify({
  power: { value: { number: 1234 }, timeMs: TIME },
  door: { value: { boolean: true }, quality: 'QUALITY_GOOD' },
  mode: { value: { text: 'auto' } },
  count: { value: { integer: 42 }, quality: 'QUALITY_STALE' },
  broken: { quality: 'QUALITY_BAD', value: { number: 1 } },
  silent: {},
  word: { value: { text: 'seven' } },
  limit: { value: { number: 50 } },
});
const POINTS = `    settings: { values: '${VALUES}' }
    points:
      - { id: 1, name: Power, source: power, scale: 0.1 }
      - { id: 2, name: mode, data_type: string }
      - { id: 3, name: count }
      - { id: 4, name: broken }
      - { id: 5, name: silent }
      - { id: 6, name: word }
      - { id: 7, name: nowhere }
      - { id: 8, name: asked, data_type: string }
      - { id: 1, kind: S, name: door, reverse: true }
      - { id: 1, kind: A, name: limit, scale: 0.5, max: 1000 }
      - { id: 2, kind: A, name: fault, data_type: string }
`;
const EXPECTED = [
  '123.4 good',
  'auto good',
  '42 stale',
  '1 bad',
  'never bad',
  'never bad',
  'never bad',
  `{"version":1,"channel":1,"intervalMs":1000,"points":[${[
    ['power', 'T', 'NUMBER'],
    ['mode', 'T', 'TEXT'],
    ['count', 'T', 'NUMBER'],
    ['broken', 'T', 'NUMBER'],
    ['silent', 'T', 'NUMBER'],
    ['word', 'T', 'NUMBER'],
    ['nowhere', 'T', 'NUMBER'],
    ['asked', 'T', 'TEXT'],
    ['door', 'S', 'BOOLEAN'],
    ['limit', 'A', 'NUMBER'],
    ['fault', 'A', 'TEXT'],
  ]
    .map(([source, kind, type]) => {
      const kinds: Record<string, string> = { T: 'TELEMETRY', S: 'SIGNAL', A: 'ADJUSTMENT' };
      return `{"source":"${source}","kind":"KIND_${kinds[kind as string]}","dataType":"DATA_TYPE_${type}","unit":""}`;
    })
    .join(',')}],"site":[]} good`,
  '0 good',
  '25 good',
];

describe('gRPC driver with a plug-in in a process of its own', function () {
  this.timeout(60_000);
  let plugin: TestPlugin;
  const opened: Driver[] = [];
  before(async () => {
    plugin = await startPlugin();
  });
  afterEach(async () => {
    for (const driver of opened.splice(0)) await driver.close();
  });
  after(() => plugin?.stop());

  function driverOf(channel: GrpcChannel) {
    const driver = createGrpcDriver(channel);
    opened.push(driver);
    const readings = new Readings(channel.points);
    const outcomes: PollOutcome[] = [];
    const poll = async () => {
      outcomes.push(await driver.poll(readings));
      return shown(readings);
    };
    const write = (kind: PointKind, id: number, value: number | string) => {
      const point = channel.points.find((each) => each.kind === kind && each.id === id);
      assert.ok(point);
      return driver.write(point, value);
    };
    const until = (index: number, text: string) =>
      eventually(async () => ((await poll())[index] === text ? true : undefined), {
        what: `${text}, not ${shown(readings)[index]}`,
      });
    /** Resolves with the error when a poll says that the link is gone. */
    const lost = () =>
      eventually(() =>
        poll().then(
          () => undefined,
          (error: unknown) => {
            assert.ok(error instanceof LinkError, String(error));
            return error.message;
          },
        ),
      );
    return { driver, readings, outcomes, poll, write, until, lost };
  }
  async function open(rest = POINTS, { address = plugin.address } = {}) {
    const made = driverOf(await grpcChannel(address, rest));
    await made.driver.connect();
    return made;
  }
  const codeOf = async (work: Promise<unknown>) => {
    try {
      await work;
    } catch (error) {
      const { code, fatal } = error as { code?: string; fatal?: boolean };
      return [code, fatal];
    }
    return ['none'];
  };

  it('polls: values, qualities, times, and what the plug-in does not have', async () => {
    const { poll, outcomes, readings, driver } = await open(`    mode: poll\n${POINTS}`);
    assert.equal(driver.pushed, false);
    const now = await poll();
    assert.deepEqual(now.slice(0, EXPECTED.length), EXPECTED);
    assert.equal(readings.times[0], TIME);
    const [{ reads, errors, roundTrips, lastError } = { roundTrips: [] }] = outcomes;
    assert.deepEqual([reads, errors, roundTrips.length], [1, 2, 1]);
    assert.equal(lastError?.message, 'T 6 "word": found "seven", allowed a number');
  });

  it('streams: the same values, without asking', async () => {
    const { until, poll, outcomes, driver } = await open();
    assert.equal(driver.pushed, true);
    await until(0, '123.4 good');
    assert.deepEqual((await poll()).slice(0, EXPECTED.length), EXPECTED);
    assert.match(outcomes[0]?.lastError?.message ?? '', /^T 7 "nowhere": the plug-in has no "nowhere"|^T 6 "word"/);
  });

  it('gives each value of a stream a frame of its own, what came before a loss too', async () => {
    const { driver, readings, until, write } = await open();
    await until(0, '123.4 good');
    const times: number[] = [];
    const take = async () => {
      const { more } = await driver.poll(readings);
      const time = readings.times[0] as number;
      if (time < TIME && time !== times.at(-1)) times.push(time);
      return more === true;
    };
    await write('A', 2, 'burst 500');
    await eventually(async () => {
      while (await take());
      return times.length === 500 ? true : undefined;
    });
    assert.deepEqual(
      times.splice(0),
      Array.from({ length: 500 }, (_, n) => 1 + n),
    );
    await write('A', 2, 'burst 3');
    await write('A', 2, 'end');
    await eventually(() => driver.poll(readings).then(() => (readings.times[0] === 1 ? true : undefined)));
    times.push(1);
    await assert.rejects(async () => {
      for (;;) if (!(await take())) await new Promise((resolve) => setTimeout(resolve, 10));
    }, LinkError);
    assert.deepEqual(times, [1, 2, 3]);
  });

  for (const mode of ['stream', 'poll'])
    it(`writes and says what the device holds (${mode})`, async () => {
      const { write, until } = await open(`    mode: ${mode}\n${POINTS}`);
      const done = await write('A', 1, 100);
      assert.deepEqual(
        { ...done, roundTripMs: 0 },
        { written: 100, readBack: 100, confirmed: true, answer: 'ok', roundTripMs: 0 },
      );
      await until(9, '100 good');
      const rounded = await write('A', 1, 102);
      assert.deepEqual([rounded.written, rounded.readBack, rounded.confirmed], [102, 100, false]);
      const blind = await write('A', 2, 'blind');
      assert.deepEqual([blind.readBack, blind.confirmed, blind.answer], [null, false, 'ok']);
    });

  it('tells a refusal, and what cannot be right', async () => {
    const { write } = await open();
    await assert.rejects(write('A', 1, 6.5), {
      code: 'protocol.write_refused',
      message: 'A 1 "limit": OUT_OF_RANGE: not 13',
    });
    assert.deepEqual(await codeOf(write('A', 1, 2000)), ['protocol.value_out_of_range', true]);
    assert.deepEqual(await codeOf(write('A', 1, 'x')), ['protocol.invalid_value', true]);
    assert.deepEqual(await codeOf(write('T', 1, 1)), ['protocol.read_only', true]);
  });

  it('says at once what can never work, and what may be right tomorrow', async () => {
    const connect = async (settings: string) =>
      codeOf(
        driverOf(await grpcChannel(plugin.address, `    settings: ${settings}\n    points: []\n`)).driver.connect(),
      );
    assert.deepEqual(await connect('{ version: "2" }'), ['protocol.version_unsupported', true]);
    assert.deepEqual(await connect('{ refuse: "3" }'), ['protocol.refused', true]); // INVALID_ARGUMENT
    assert.deepEqual(await connect('{ refuse: "9" }'), ['protocol.refused', true]); // FAILED_PRECONDITION
    assert.deepEqual(await connect('{ refuse: "14" }'), ['protocol.link_lost', false]); // UNAVAILABLE
    assert.deepEqual(await connect('{ token: Bearer no }'), ['protocol.link_lost', false]);
    const away = driverOf(await grpcChannel(`127.0.0.1:${await freePort()}`, '    points: []\n'));
    assert.deepEqual(await codeOf(away.driver.connect()), ['protocol.link_lost', false]);
    assert.deepEqual(await codeOf(away.poll()), ['protocol.link_lost', false]);
  });

  it('sends what the environment says', async () => {
    process.env.STATEWATT_TEST_TOKEN = 'secret';
    try {
      const { poll } = await open(
        '    token: "${STATEWATT_TEST_TOKEN}"\n    metadata: { x-site: farm }\n' +
          '    settings: { token: "Bearer ${STATEWATT_TEST_TOKEN}" }\n    points: [{ id: 1, name: asked, data_type: string }]\n',
      );
      await eventually(async () => ((await poll())[0]?.endsWith('"site":["farm"]} good') === true ? true : undefined));
      delete process.env.STATEWATT_TEST_TOKEN;
      const without = driverOf(
        await grpcChannel(plugin.address, '    token: "${STATEWATT_TEST_TOKEN}"\n    points: []\n'),
      );
      assert.deepEqual((await codeOf(without.driver.connect()))[0], 'config.variable_missing');
    } finally {
      delete process.env.STATEWATT_TEST_TOKEN;
    }
  });

  describe('faults', () => {
    const fast = '    deadline_ms: 300\n    health_interval_ms: 50\n';
    afterEach(async () => {
      await plugin.kill();
      await plugin.start();
    });

    it('a plug-in that dies is lost, and found again when it is back', async () => {
      const { driver, lost, until, poll } = await open();
      await until(0, '123.4 good');
      await plugin.kill();
      assert.match(await lost(), /^127\.0\.0\.1:\d+: UNAVAILABLE/);
      await assert.rejects(driver.connect(), LinkError);
      await plugin.start();
      await driver.connect();
      await until(0, '123.4 good');
      await poll();
    });

    it('one that says that its device is away is lost', async () => {
      const { lost, write } = await open(fast + POINTS);
      await write('A', 2, 'away');
      assert.match(await lost(), /does not serve: the meter is off$/);
    });

    it('one that hangs is lost after the deadline, whether streaming or polled', async () => {
      const streaming = await open(fast + POINTS);
      await streaming.write('A', 2, 'hang');
      assert.match(await streaming.lost(), /DEADLINE_EXCEEDED/);
      const polled = driverOf(await grpcChannel(plugin.address, `    mode: poll\n${fast}${POINTS}`));
      await polled.driver.connect();
      assert.match(await polled.lost(), /DEADLINE_EXCEEDED/);
      assert.deepEqual((await codeOf(polled.write('A', 1, 10)))[0], 'protocol.timeout');
    });

    it('one that ends the stream is lost', async () => {
      const { lost, write } = await open();
      await write('A', 2, 'end');
      assert.match(await lost(), /it ended the stream$/);
    });

    it('one that forgot the session is lost, and opens another', async () => {
      const { driver, lost, write, until } = await open(fast + POINTS);
      await write('A', 2, 'forget');
      assert.match(await lost(), /NOT_FOUND: no such session/);
      await driver.connect();
      await until(0, '123.4 good');
    });

    it('a point of which the stream says nothing any more is stale', async () => {
      const { until } = await open(`    stale_after_ms: 1000\n${POINTS}`);
      await until(0, '123.4 good');
      await until(0, '123.4 stale');
    });

    it('a point that a read leaves out is stale', async () => {
      const { write, until } = await open(`    mode: poll\n${POINTS}`);
      await until(0, '123.4 good');
      await write('A', 2, 'nothing');
      await until(0, '123.4 stale');
    });
  });

  it('closes at any time: a poll and an opening under way end', async () => {
    const link = await openLink(plugin.port);
    try {
      const polled = await open(`    mode: poll\n    deadline_ms: 30000\n${POINTS}`, { address: link.address });
      link.hold();
      const poll = assert.rejects(polled.poll(), LinkError);
      await polled.driver.close();
      await poll;
      const opening = assert.rejects(polled.driver.connect(), LinkError);
      await polled.driver.close();
      await opening;
      const later = assert.rejects(polled.driver.connect(), LinkError);
      await new Promise((resolve) => setImmediate(resolve));
      await polled.driver.close();
      await later;
    } finally {
      await link.close();
    }
  });

  it('speaks TLS, both sides with certificates', async () => {
    const folder = await tempFolder();
    const authority = await makeAuthority(folder.path);
    const secure = await startPlugin({ tls: [authority.ca, authority.cert, authority.key] });
    try {
      const channel = await grpcChannel(secure.address, POINTS);
      const files = { caFile: authority.ca, certFile: authority.cert, keyFile: authority.key };
      const trusted = driverOf({ ...channel, tls: { ...files, verify: true } });
      await trusted.driver.connect();
      await trusted.until(0, '123.4 good');
      const plain = driverOf(channel);
      assert.deepEqual(await codeOf(plain.driver.connect()), ['protocol.link_lost', false]);
      const { caFile: _, ...noAuthority } = files;
      const untrusted = driverOf({ ...channel, tls: { ...noAuthority, verify: true } });
      assert.deepEqual(await codeOf(untrusted.driver.connect()), ['protocol.link_lost', false]);
      const careless = driverOf({ ...channel, tls: { ...noAuthority, verify: false } });
      await careless.driver.connect();
    } finally {
      for (const driver of opened.splice(0)) await driver.close();
      await secure.stop();
      await folder.remove();
    }
  });
});
