import assert from 'node:assert/strict';
import { StatewattError } from '../../../errors/error.js';
import { ProtocolError } from '../../../protocols/driver.js';
import { BAD, GOOD, STALE, type PointValue } from '../../../site/points.js';
import type { Readings } from '../../../site/readings.js';
import { Schedule } from '../../../actors/channel/schedule.js';
import { BEGIN, Bench, FakeDriver, channel, linkLost, point } from './support.js';

describe('ChannelWorker', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.close());
  const { phaseMs } = new Schedule(1000, 7);
  const qualities = () => bench.frames.map((frame) => frame.quality[0]);

  describe('polling', () => {
    it('reads at once, then on the grid of its interval', async () => {
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      assert.deepEqual(bench.types(), ['link.up']);
      assert.deepEqual([bench.driver.connects, bench.driver.polls], [1, 1]);
      await bench.clock.tickAsync(10_000);
      const times = bench.frames.map((frame) => frame.time - BEGIN);
      assert.equal(times[0], 0);
      // The second is on the grid, half an interval later at least; then one each second.
      const second = times[1] as number;
      assert.ok(second >= 500 && second <= 1500);
      assert.equal(second % 1000, phaseMs);
      assert.deepEqual(
        times.slice(1),
        times.slice(1).map((_, index) => second + index * 1000),
      );
      assert.deepEqual(
        bench.frames.map((frame) => frame.seq),
        bench.frames.map((_, index) => index + 1),
      );
      assert.equal(bench.worker.stats.missedCycles, 0);
      assert.equal(bench.worker.stats.totalFrames, bench.frames.length);
      const live = bench.worker.inspect();
      assert.equal(live.connected, true);
      assert.equal(live.roundTripMs.max, 1);
    });

    it('makes a frame of each value that the driver has more of, within one cycle', async () => {
      let left = 4;
      bench.driver.poll = (readings) => {
        readings.setRaw(0, --left, Date.now());
        return Promise.resolve({
          reads: 0,
          errors: 0,
          roundTrips: [],
          ...(left > 0 ? { more: true } : { dropped: 2 }),
        });
      };
      await bench.worker.open();
      for (let turn = 0; bench.frames.length < 4 && turn < 1_000; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.deepEqual(
        bench.frames.map(({ values, time }) => [values[0], time]),
        [3, 2, 1, 0].map((value) => [value, BEGIN]),
      );
      const { cycles, droppedValues, missedCycles } = bench.worker.stats;
      assert.deepEqual([cycles, droppedValues, missedCycles], [1, 2, 0]);
    });

    it('takes what the driver has more of when there is room for it, and does not wait for that at its end', async () => {
      let left = 5;
      const driver = Object.assign(bench.driver, { pushed: true });
      driver.poll = (readings) => {
        readings.setRaw(0, --left, Date.now());
        return Promise.resolve({ reads: 0, errors: 0, roundTrips: [], more: left > 0 });
      };
      const rooms: (() => void)[] = [];
      bench.room = () => new Promise((resolve) => rooms.push(resolve));
      await bench.worker.open();
      await bench.clock.tickAsync(5_000);
      assert.equal(bench.frames.length, 1);
      rooms.shift()?.();
      await bench.clock.tickAsync(0);
      assert.equal(bench.frames.length, 2);
      const shut = bench.worker.shut();
      rooms.shift()?.();
      await shut;
      assert.deepEqual(
        bench.frames.map(({ values }) => values[0]),
        [4, 3, 2, 1, 0, 0],
      );
      assert.equal(rooms.length, 0);
    });

    it('begins a late cycle at once and keeps to the grid', async () => {
      await bench.worker.open();
      bench.driver.pollMs = 600;
      await bench.clock.tickAsync(20_000);
      const polls = bench.driver.polls;
      assert.ok(polls >= 19, `${polls} cycles`);
      assert.equal(bench.worker.stats.missedCycles, 0);
      bench.driver.pollMs = 1_400;
      await bench.clock.tickAsync(14_000);
      assert.equal(bench.driver.polls - polls, 10);
    });

    it('counts the cycles that a slow device made it miss', async () => {
      bench.driver.pollMs = 3_500;
      await bench.worker.open();
      await bench.clock.tickAsync(35_000);
      // Every cycle takes three and a half intervals: what is not done is missed, to within one.
      const { cycles, missedCycles } = bench.worker.stats;
      assert.equal(cycles, 10);
      assert.ok(Math.abs(cycles + missedCycles - 35) <= 2, `${cycles} done, ${missedCycles} missed`);
    });

    it('is not moved by a wall clock that is set', async () => {
      await bench.worker.open();
      await bench.clock.tickAsync(5_000);
      const polls = bench.driver.polls;
      bench.clock.setSystemTime(BEGIN - 86_400_000);
      await bench.clock.tickAsync(5_000);
      assert.equal(bench.driver.polls, polls + 5);
      assert.ok((bench.frames.at(-1)?.time ?? 0) < BEGIN);
    });

    it('opens once, however often it is asked', async () => {
      await Promise.all([bench.worker.open(), bench.worker.open()]);
      await bench.clock.tickAsync(0);
      assert.equal(bench.driver.connects, 1);
    });
  });

  describe('a lost link', () => {
    it('marks the values stale, tells, backs off at most 2 s, and comes back', async () => {
      await bench.worker.open();
      await bench.clock.tickAsync(2_000);
      const before = bench.frames.length;
      bench.driver.pollFaults.push(linkLost());
      bench.driver.connectFaults.push(...Array.from({ length: 9 }, linkLost));
      await bench.clock.tickAsync(1_000);
      assert.deepEqual(bench.types(), ['link.up', 'link.down']);
      const stale = bench.frames[before + (bench.frames.length - before - 1)];
      assert.equal(stale?.quality[0], STALE);
      assert.equal(stale?.values[0], 1);
      assert.ok((stale?.ages?.[0] ?? 0) > 0, 'with the time at which it was read');
      assert.equal(bench.worker.inspect().connected, false);
      const staleFrames = bench.frames.length;
      // 200, 400, 800, 1600, 2000 …, each between half and the whole of it.
      await bench.clock.tickAsync(200 + 400 + 800 + 1600 + 6 * 2000);
      assert.equal(bench.driver.connects, 11);
      assert.deepEqual(bench.types(), ['link.up', 'link.down', 'link.up']);
      assert.equal(bench.frames[staleFrames]?.quality[0], GOOD);
      assert.equal(bench.worker.stats.connectionErrors, 10);
      assert.equal(bench.worker.stats.reconnectCount, 1);
      assert.match(bench.worker.stats.lastError ?? '', /the device is gone/);
    });

    it('never waits longer than 2 s for the next try, and begins anew after a good cycle', async () => {
      bench.driver.connectFaults.push(...Array.from({ length: 30 }, linkLost));
      await bench.worker.open();
      await bench.clock.tickAsync(30_000);
      const connects = bench.driver.connects;
      await bench.clock.tickAsync(10_000);
      const tries = bench.driver.connects - connects;
      assert.ok(tries >= 5 && tries <= 10, `${tries} tries in 10 s`);
      bench.driver.connectFaults.length = 0;
      await bench.clock.tickAsync(3_000);
      bench.driver.pollFaults.push(linkLost());
      await bench.clock.tickAsync(1_500 + 200);
      assert.equal(bench.driver.pollFaults.length, 0);
      assert.equal(bench.types().at(-1), 'link.up');
    });

    it('says so once, however many tries fail', async () => {
      bench.driver.connectFaults.push(...Array.from({ length: 5 }, linkLost));
      await bench.worker.open();
      await bench.clock.tickAsync(20_000);
      assert.deepEqual(bench.types(), ['link.down', 'link.up']);
      assert.equal(bench.worker.stats.reconnectCount, 1);
    });

    it('is told even when no value was ever read; then there is no frame', async () => {
      bench.driver.connectFaults.push(linkLost());
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      assert.deepEqual(bench.types(), ['link.down']);
      assert.equal(bench.frames.length, 0);
    });

    it('counts no reconnection when an operator closed and opened the link', async () => {
      bench.driver.connectFaults.push(linkLost());
      await bench.worker.open();
      await bench.clock.tickAsync(2_000);
      await bench.worker.shut();
      await bench.worker.open();
      await bench.clock.tickAsync(2_000);
      assert.equal(bench.worker.stats.reconnectCount, 1);
    });

    it('ends the run when trying again cannot help', async () => {
      bench.driver.connectFaults.push(new ProtocolError('protocol.bad_config', 'no such device', { fatal: true }));
      await bench.worker.open();
      await bench.clock.tickAsync(10_000);
      assert.deepEqual(bench.types(), ['link.failed']);
      assert.equal(bench.driver.connects, 1);
      // The operator resets: the chart closes the link and opens it again.
      await bench.worker.shut();
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      assert.deepEqual(bench.types(), ['link.failed', 'link.up']);
    });

    it('treats an error of another layer as fatal', async () => {
      bench.driver.pollFaults.push(new StatewattError('config.bad', 'invalid', 'the table is wrong'));
      await bench.worker.open();
      await bench.clock.tickAsync(10_000);
      assert.deepEqual(bench.types(), ['link.up', 'link.failed']);
    });

    it('leaves a defect to the supervisor', async () => {
      const defect = new TypeError('x is not a function');
      bench.driver.pollFaults.push(defect);
      await bench.worker.open();
      await bench.clock.tickAsync(10_000);
      assert.deepEqual(bench.failures, [defect]);
      assert.deepEqual(bench.types(), ['link.up']);
      assert.equal(bench.driver.polls, 1);
    });
  });

  describe('without a usable configuration', () => {
    it('says that the channel is no longer there, each time that it is asked to open', async () => {
      bench.config = undefined;
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      assert.deepEqual(bench.types(), ['link.failed', 'link.failed']);
      const [event] = bench.events;
      assert.ok(event?.type === 'link.failed' && event.error.code === 'channel.not_configured');
    });

    it('says why no driver can be made', async () => {
      bench.createDriver = () => {
        throw new ProtocolError('protocol.unsupported', 'no serial port here', { fatal: true });
      };
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      assert.deepEqual(bench.types(), ['link.failed']);
      assert.match(bench.worker.stats.lastError ?? '', /no serial port/);
    });

    it('leaves a defect of a driver’s making to the supervisor', async () => {
      bench.createDriver = () => {
        throw new TypeError('defect');
      };
      await assert.rejects(bench.worker.open(), TypeError);
    });
  });

  describe('values known from before', () => {
    const known = (some: Partial<PointValue>): PointValue => ({
      channel: 7,
      kind: 'T',
      id: 1,
      value: 12,
      quality: 'good',
      time: BEGIN - 5_000,
      ...some,
    });

    it('are shown as stale, with their times, when the device is not there at the start', async () => {
      bench.lastValues = () => Promise.resolve([known({}), known({ id: 99 })]);
      bench.driver.connectFaults.push(linkLost());
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      const [frame] = bench.frames;
      assert.deepEqual([frame?.values[0], frame?.quality[0], frame?.ages?.[0]], [12, STALE, 5_000]);
      assert.equal(bench.frames.length, 1);
    });

    it('are told once, and refreshed by the first cycle', async () => {
      bench.lastValues = () => Promise.resolve([known({})]);
      bench.driver.connectFaults.push(linkLost(), linkLost());
      await bench.worker.open();
      await bench.clock.tickAsync(2_000);
      assert.deepEqual(qualities().slice(0, 2), [STALE, GOOD]);
    });

    it('keep texts and what was bad; what was never read stays so', async () => {
      const points = [1, 2, 3, 4].map((id) => point({ id, dataType: id === 2 ? 'string' : 'float64' }));
      bench.config = channel({ points });
      bench.lastValues = () =>
        Promise.resolve([
          known({}),
          known({ id: 2, value: 'abc' }),
          known({ id: 3, quality: 'bad' }),
          known({ id: 4, value: null, time: null, quality: 'bad' }),
        ]);
      bench.driver.connectFaults.push(linkLost());
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      const [frame] = bench.frames;
      assert.deepEqual(Array.from(frame?.quality ?? []), [STALE, STALE, BAD, BAD]);
      assert.deepEqual(Array.from(frame?.values ?? []), [12, 0, 12, NaN]);
      assert.equal(frame?.texts?.get(1), 'abc');
    });

    it('that nobody can tell do not keep a channel from being read', async () => {
      bench.lastValues = () => Promise.reject(new StatewattError('realtime.unavailable', 'unavailable', 'away'));
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      assert.deepEqual(bench.types(), ['link.up']);
      assert.equal(bench.worker.stats.lastError, 'away');
    });
  });

  describe('a new configuration', () => {
    it('goes on in the same sequence, with the values of the points that stay', async () => {
      bench.createDriver = () => {
        const driver = new FakeDriver();
        bench.drivers.push(driver);
        return driver;
      };
      bench.config = channel({ points: [point({ id: 1 }), point({ id: 2, dataType: 'string' })] });
      await bench.worker.open();
      await bench.clock.tickAsync(2_500);
      const before = bench.frames.length;
      bench.config = channel({ points: [point({ id: 2, dataType: 'string' }), point({ id: 3 }), point({ id: 1 })] });
      void bench.worker.useConfiguration();
      const opening = bench.worker.open();
      bench.createDriver = () => {
        const driver = new FakeDriver();
        driver.connectFaults.push(linkLost());
        bench.drivers.push(driver);
        return driver;
      };
      await opening;
      await bench.clock.tickAsync(0);
      assert.equal(bench.drivers[0]?.closes, 1);
      // Nothing was said at the change itself; the link's failing tells that the values are stale.
      assert.equal(bench.frames.length, before + 1);
      const frame = bench.frames[before];
      assert.equal(frame?.seq, before + 1);
      assert.deepEqual(Array.from(frame?.values ?? []), [1, NaN, 1]);
      assert.deepEqual(Array.from(frame?.quality ?? []), [STALE, BAD, STALE]);
    });

    it('is taken up when what has come by itself was told', async () => {
      const came: number[] = [];
      const closedWith: number[] = [];
      bench.createDriver = () => {
        const driver = new FakeDriver();
        const close = driver.close.bind(driver);
        return Object.assign(driver, {
          pushed: true,
          poll: (readings: Readings) => {
            const value = came.shift();
            if (value !== undefined) readings.setRaw(0, value, Date.now());
            return Promise.resolve({ reads: 0, errors: 0, roundTrips: [], more: came.length > 0 });
          },
          close: () => {
            closedWith.push(came.length);
            return close();
          },
        });
      };
      await bench.worker.open();
      await bench.clock.tickAsync(2_500);
      bench.frames.length = 0;
      came.push(1, 2, 3);
      void bench.worker.useConfiguration();
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      assert.deepEqual(closedWith, [0]);
      assert.deepEqual(
        bench.frames.splice(0, 3).map(({ values }) => values[0]),
        [1, 2, 3],
      );
      bench.frames.length = 0; // The new link begins with all that is known.
      came.push(4);
      await bench.worker.shut();
      assert.deepEqual(
        bench.frames.map(({ values, quality }) => [values[0], quality[0]]),
        [
          [4, GOOD],
          [4, STALE],
        ],
      );
    });

    it('takes texts along', async () => {
      bench.config = channel({ points: [point({ id: 1, dataType: 'string' })] });
      bench.driver.poll = (readings) => {
        readings.setText(0, 'abc', Date.now());
        return Promise.resolve({ reads: 1, errors: 0, roundTrips: [] });
      };
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      bench.driver.poll = () => Promise.resolve({ reads: 0, errors: 1, roundTrips: [] });
      await bench.worker.useConfiguration();
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      assert.equal(bench.frames.at(-1)?.texts?.get(0), 'abc');
      assert.equal(bench.frames.at(-1)?.quality[0], STALE);
    });
  });

  describe('closing', () => {
    it('marks the values stale and reads no more', async () => {
      await bench.worker.open();
      await bench.clock.tickAsync(3_000);
      await bench.worker.shut();
      const { polls } = bench.driver;
      assert.equal(qualities().at(-1), STALE);
      assert.equal(bench.driver.closes, 1);
      await bench.clock.tickAsync(10_000);
      assert.equal(bench.driver.polls, polls);
      await bench.worker.shut(); // Does nothing.
      assert.equal(bench.driver.closes, 1);
    });

    it('never overlaps with opening, whatever the order of the calls', async () => {
      bench.driver.connectMs = 50;
      const calls = [bench.worker.open(), bench.worker.shut(), bench.worker.open(), bench.worker.shut()];
      await bench.clock.tickAsync(1_000);
      await Promise.all(calls);
      await bench.clock.tickAsync(10_000);
      assert.deepEqual([bench.driver.connects, bench.driver.closes, bench.driver.polls], [2, 2, 0]);
      assert.deepEqual(bench.types(), []);
    });

    it('ends a cycle under way without its frame', async () => {
      bench.driver.pollMs = 500;
      await bench.worker.open();
      await bench.clock.tickAsync(100);
      const shut = bench.worker.shut();
      await bench.clock.tickAsync(500);
      await shut;
      assert.deepEqual(qualities(), [STALE]);
    });

    it('ends a link that is backing off', async () => {
      bench.driver.connectFaults.push(...Array.from({ length: 20 }, linkLost));
      await bench.worker.open();
      await bench.clock.tickAsync(5_000);
      await bench.worker.shut();
      const { connects } = bench.driver;
      await bench.clock.tickAsync(10_000);
      assert.equal(bench.driver.connects, connects);
    });

    it('does not take the fault of a closing driver for a lost link', async () => {
      bench.driver.pollMs = 500;
      await bench.worker.open();
      await bench.clock.tickAsync(100);
      bench.driver.pollFaults.push(linkLost());
      const shut = bench.worker.shut();
      await bench.clock.tickAsync(500);
      await shut;
      assert.deepEqual(bench.types(), ['link.up']);
      assert.equal(bench.worker.stats.connectionErrors, 0);
    });

    it('closes the line also when the device’s end fails', async () => {
      await bench.worker.open();
      await bench.clock.tickAsync(0);
      bench.driver.close = () => Promise.reject(new Error('stuck'));
      await assert.rejects(bench.worker.close(), /stuck/);
      assert.equal(bench.lineClosed, 1);
      bench.driver.close = () => Promise.resolve();
    });
  });

  describe('writing', () => {
    const order = { writeId: 'w1', kind: 'T', id: 1, value: 5 } as const;
    it('tells what the device answered', async () => {
      await bench.worker.open();
      await bench.worker.write(order);
      const event = bench.events.at(-1);
      assert.ok(event?.type === 'write.done');
      assert.deepEqual([event.writeId, event.result.readBack, event.result.confirmed], ['w1', 5, true]);
    });

    it('tells the device’s refusal by its code', async () => {
      await bench.worker.open();
      bench.driver.write = () => Promise.reject(new ProtocolError('modbus.exception', 'ILLEGAL DATA VALUE'));
      await bench.worker.write(order);
      const event = bench.events.at(-1);
      assert.ok(event?.type === 'write.failed' && event.error.code === 'modbus.exception');
    });

    it('tells a defect as a failed write, too', async () => {
      await bench.worker.open();
      bench.driver.write = () => Promise.reject(new TypeError('defect'));
      await bench.worker.write(order);
      const event = bench.events.at(-1);
      assert.ok(event?.type === 'write.failed' && event.error.code === 'channel.write_failed');
    });

    it('is refused while the link is closed, and for a point that is not there', async () => {
      await bench.worker.write(order);
      await bench.worker.open();
      await bench.worker.write({ ...order, writeId: 'w2', id: 99 });
      const codes = bench.events.map((event) => (event.type === 'write.failed' ? event.error.code : ''));
      assert.deepEqual(codes.filter(Boolean), ['protocol.link_lost', 'points.not_found']);
    });
  });

  it('tells each driver what points were set to', async () => {
    bench.config = channel({ points: [point({ id: 1 }), point({ id: 2 })] });
    await bench.worker.open({ 'T:1': 5, 'T:9': 1 });
    assert.deepEqual(bench.driver.held, ['T:1=5']);
    bench.worker.hold({ kind: 'T', id: 2, value: 6 });
    bench.worker.hold({ kind: 'T', id: 9, value: 6 });
    assert.deepEqual(bench.driver.held, ['T:1=5', 'T:2=6']);
    await bench.worker.shut();
    bench.worker.hold({ kind: 'T', id: 1, value: 7 });
    assert.equal(bench.driver.held.length, 2, 'the link is closed');
  });

  it('hands a fence of its line to the supervisor', () => {
    const fenced = new StatewattError('frames.fenced', 'conflict', 'stale');
    bench.fence?.(fenced);
    assert.deepEqual(bench.failures, [fenced]);
  });

  it('goes on by itself while the journal is away', async () => {
    bench.journal = () => new Promise(() => undefined);
    await bench.worker.open();
    await bench.clock.tickAsync(5_000);
    assert.ok(bench.frames.length >= 5);
    assert.deepEqual(bench.types(), ['link.up']);
  });
});
