import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createCanDriver } from '../../../protocols/can/driver.js';
import { LinkError, type Driver, type PollOutcome } from '../../../protocols/driver.js';
import type { CanChannel } from '../../../site/channels/can.js';
import { loadSite } from '../../../site/config/load.js';
import { Readings } from '../../../site/readings.js';
import { shown } from '../../support/modbus.js';
import { eventually, tempFolder } from '../../support/temp.js';

const POINTS = `    points:
      - { id: 1, name: Voltage, can_id: 0x1A0, start_bit: 0, length: 16, scale: 0.1 }
      - { id: 2, name: Current, can_id: 0x1A0, start_bit: 23, length: 16, byte_order: big, encoding: signed }
      - { id: 3, name: Late, can_id: 0x200, extended: true, start_bit: 0, length: 8 }
      - { id: 1, kind: S, name: Contactor, can_id: 0x18FF50E5, start_bit: 5, length: 1 }
`;
/** 500 V and −2; the contactor closed; 0.4 s later 501 V; the same number as an identifier of 11 and of 29 bits. */
const LOG = `
(1700000000.000000) can0 1A0#8813FFFE00
(1700000000.010000) can0 18FF50E5#20
(1700000000.020000) can1 1A0#0000000000
(1700000000.030000) can0 200#07
(1700000000.040000) can0 1A0#R
(1700000000.400000) can0 1A0#9213FFFE00
(1700000000.400000) can0 00000200#09
`;

describe('CAN driver', function () {
  this.timeout(60_000);
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  const opened: Driver[] = [];
  before(async () => {
    temp = await tempFolder();
    await writeFile(join(temp.path, 'drive.log'), LOG);
    await writeFile(join(temp.path, 'empty.log'), '(1.0) can1 123#00\n\n');
    await writeFile(join(temp.path, 'odd.log'), '(1.0) can0 1A0#8813\nno frame\n(1.0) can0 18FF50E5#20\n');
  });
  afterEach(async () => {
    for (const driver of opened.splice(0)) await driver.close();
  });
  after(() => temp.remove());

  async function driverOf(source: string, rest = POINTS) {
    await writeFile(
      join(temp.path, 'site.yaml'),
      `channels:\n  - id: 1\n    protocol: can\n    source: ${source}\n${rest}`,
    );
    const channel = (await loadSite(join(temp.path, 'site.yaml'))).channels[0] as CanChannel;
    const driver = createCanDriver(channel);
    opened.push(driver);
    const readings = new Readings(channel.points);
    const outcomes: PollOutcome[] = [];
    const poll = async () => {
      outcomes.push(await driver.poll(readings));
      return shown(readings);
    };
    const until = (wanted: readonly string[]) =>
      eventually(async () => {
        const now = await poll();
        return JSON.stringify(now) === JSON.stringify(wanted) ? true : undefined;
      });
    return { channel, driver, readings, outcomes, poll, until };
  }

  describe('of a log', () => {
    it('plays it in its own time, and is stale at its end', async () => {
      const { driver, until, readings, outcomes } = await driverOf('{ log: drive.log, interface: can0, speed: 2 }');
      const begun = Date.now();
      await driver.connect();
      await until(['500 good', '-2 good', 'never bad', '1 good']);
      await until(['501 stale', '-2 stale', '9 stale', '1 stale']);
      assert.ok(Date.now() - begun >= 190, 'the last frame came 0.4 s after the first, at twice the speed');
      const later = (readings.times[0] as number) - (readings.times[3] as number);
      assert.ok(later >= 194 && later <= 196, `0.39 s apart, at twice the speed: ${later} ms`);
      assert.ok((readings.times[0] as number) >= begun, 'values are of the time at which they are played');
      const sum = (of: 'reads' | 'errors') => outcomes.reduce((total, outcome) => total + outcome[of], 0);
      assert.deepEqual([sum('reads'), sum('errors')], [4, 0]);
    });

    it('gives each frame that brings another value a frame of its own', async () => {
      const line = (n: number) => `(1700000000.000000) can0 1A0#${n.toString(16).padStart(2, '0')}00FFFE00`;
      const log = Array.from({ length: 200 }, (_, n) => line(n)).join('\n');
      await writeFile(join(temp.path, 'burst.log'), `${log}\n(1700000000.000000) can0 18FF50E5#20\n`);
      const { driver, poll, outcomes } = await driverOf('{ log: burst.log, interface: can0 }');
      await driver.connect();
      const seen: number[] = [];
      await eventually(async () => {
        for (let more = true; more; more = outcomes.at(-1)?.more === true) {
          const volts = parseFloat((await poll())[0] ?? '');
          if (volts !== seen.at(-1) && !Number.isNaN(volts)) seen.push(volts);
        }
        return seen.length === 200 ? true : undefined;
      });
      assert.deepEqual(
        seen.map((volts) => Math.round(volts * 10)),
        Array.from({ length: 200 }, (_, n) => n),
      );
    });

    it('begins again at the end', async () => {
      const { driver, poll } = await driverOf('{ log: drive.log, interface: can0, speed: 100, repeat: true }');
      await driver.connect();
      const seen = new Set<string>();
      await eventually(async () => {
        seen.add((await poll())[0] as string);
        return seen.has('500 good') && seen.has('501 good') ? true : undefined;
      });
      seen.clear();
      await eventually(async () => {
        seen.add((await poll())[0] as string);
        return seen.has('500 good') && seen.has('501 good') ? true : undefined;
      });
      await driver.close();
      await assert.rejects(poll(), LinkError);
    });

    it('counts what cannot be read, and frames that are too short', async () => {
      const { driver, until, outcomes } = await driverOf('{ log: odd.log }');
      await driver.connect();
      await until(['500 stale', 'never bad', 'never bad', '1 stale']);
      const errors = outcomes.map(({ lastError }) => lastError?.message).filter((text) => text !== undefined);
      assert.equal(
        outcomes.reduce((total, outcome) => total + outcome.errors, 0),
        2,
      );
      assert.match(errors.join('\n'), /odd\.log: found "no frame", allowed lines as candump -L writes them/);
    });

    it('says what is wrong with it', async () => {
      const empty = await driverOf('{ log: empty.log, interface: can0 }');
      await assert.rejects(empty.driver.connect(), { code: 'protocol.log_empty', fatal: true });
      const folder = await driverOf('{ log: drive.log }');
      const gone = createCanDriver({
        ...folder.channel,
        source: { type: 'log', file: join(temp.path, 'gone.log'), speed: 1, repeat: false },
      });
      await assert.rejects(gone.connect(), { code: 'protocol.link_lost' });
      const [point] = folder.channel.points;
      assert.ok(point);
      await assert.rejects(folder.driver.write(point, 1), { code: 'protocol.read_only' });
    });

    it('closes while it waits for a frame, and while it is opened', async () => {
      const { driver, poll } = await driverOf('{ log: drive.log, speed: 0.001 }');
      await driver.connect();
      await driver.close();
      await assert.rejects(poll(), LinkError);
      const opening = assert.rejects(driver.connect(), LinkError);
      await driver.close();
      await opening;
      await driver.connect();
      await poll();
    });
  });

  describe('of an interface', () => {
    const path = process.env.PATH ?? '';
    afterEach(() => {
      process.env.PATH = path;
    });

    /** A candump of the test’s own: what it is given to do, as a shell script. */
    async function candump(script: string): Promise<void> {
      const bin = join(temp.path, 'bin');
      await mkdir(bin, { recursive: true });
      await writeFile(join(bin, 'candump'), `#!/bin/sh\n${script}\n`);
      await chmod(join(bin, 'candump'), 0o755);
      process.env.PATH = `${bin}${delimiter}${path}`;
    }

    it('takes what candump prints, with its times', async () => {
      await candump('test "$*" = "-L can0" || exit 1\ncat "$0.log"\nexec sleep 600');
      await writeFile(join(temp.path, 'bin', 'candump.log'), '(1700000000.500000) can0 1A0#8813FFFE00\n');
      const { driver, until, readings } = await driverOf('{ interface: can0 }');
      await driver.connect();
      await until(['500 good', '-2 good', 'never bad', 'never bad']);
      assert.equal(readings.times[0], 1_700_000_000_500);
    });

    it('says that the link is gone when candump ends, and opens it again', async () => {
      await candump(
        'echo "(1700000000.500000) can0 1A0#8813FFFE00"\nread line <"$0.fifo"\necho "read: Network is down" >&2',
      );
      await writeFile(join(temp.path, 'bin', 'candump.fifo'), 'end\n');
      const { driver, poll } = await driverOf('{ interface: can0 }');
      await driver.connect();
      const error = await eventually(() =>
        poll().then(
          () => undefined,
          (thrown: unknown) => thrown,
        ),
      );
      assert.ok(error instanceof LinkError);
      assert.match(error.message, /Network is down/);
      await candump('exec sleep 600');
      await driver.connect();
      await poll();
    });

    it('tells why candump does not start', async () => {
      await candump('echo "SIOCGIFINDEX: No such device" >&2; exit 1');
      const { driver } = await driverOf('{ interface: can7 }');
      await assert.rejects(driver.connect(), (error: Error) => {
        assert.ok(error instanceof LinkError);
        assert.match(error.message, /^can7: candump ended with code 1:\nSIOCGIFINDEX: No such device/);
        return true;
      });
    });
  });
});
