import assert from 'node:assert/strict';
import sinon from 'sinon';
import { LinkError, type Driver } from '../../../protocols/driver.js';
import { createModbusDriver, openLink } from '../../../protocols/modbus/driver.js';
import { SharedLinks } from '../../../protocols/modbus/shared-links.js';
import { RegisterBank } from '../../../protocols/modbus/simulator/index.js';
import type { ModbusLimits } from '../../../site/model.js';
import { Readings } from '../../../site/readings.js';
import { modbusChannel, shown, type TestPoint } from '../../support/modbus.js';
import { Loopback } from '../../support/modbus-loopback.js';

interface Channel {
  readonly driver: Driver;
  readonly readings: Readings;
}

describe('modbus channels that share a connection', () => {
  let clock: sinon.SinonFakeTimers;
  let gateways: Loopback[];
  let banks: Record<number, RegisterBank>;
  let shared: SharedLinks;
  let channels: Channel[];

  beforeEach(() => {
    clock = sinon.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
    });
    clock.tick(5000);
    gateways = [];
    channels = [];
    banks = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [index + 1, new RegisterBank()]));
    shared = new SharedLinks((channel, signal) =>
      openLink(channel, signal, () => {
        const gateway = new Loopback(banks);
        gateways.push(gateway);
        return Promise.resolve(gateway);
      }),
    );
  });
  afterEach(async () => {
    for (const { driver } of channels) await driver.close();
    clock.restore();
  });

  function make(points: readonly TestPoint[], limits: Partial<ModbusLimits> = {}): Channel {
    const channel = modbusChannel(502, points, { responseTimeoutMs: 100, ...limits }, true);
    const made = { driver: createModbusDriver(channel, { shared }), readings: new Readings(channel.points) };
    channels.push(made);
    return made;
  }

  async function connected(unitId: number, limits?: Partial<ModbusLimits>): Promise<Channel> {
    const channel = make([{ address: 0, unitId }], limits);
    await channel.driver.connect();
    return channel;
  }

  /** A cycle, with time passing as it needs; rejects as the cycle does. */
  async function cycle({ driver, readings }: Channel): Promise<void> {
    const poll = driver.poll(readings);
    let done = false;
    const end = poll.catch(() => undefined).finally(() => (done = true));
    while (!done) await clock.tickAsync(10);
    await end;
    await poll;
  }

  it('opens it once, asks each unit over it, and closes it after the last', async () => {
    const [first, second] = [await connected(1), await connected(2)];
    await Promise.all([cycle(first), cycle(second)]);
    assert.equal(gateways.length, 1);
    assert.deepEqual(gateways[0]?.asked, [1, 2]);
    assert.deepEqual([shown(first.readings), shown(second.readings)], [['0 good'], ['0 good']]);
    await first.driver.close();
    await cycle(second);
    assert.equal(shared.size, 1);
    await second.driver.close();
    assert.equal(shared.size, 0);
    assert.equal(gateways[0]?.destroyed, true);
  });

  it('sends what is due in one turn together', async () => {
    const all = [await connected(1, { pipeline: 4 }), await connected(2, { pipeline: 4 })];
    const cycles = all.map(({ driver, readings }) => driver.poll(readings));
    assert.deepEqual(gateways[0]?.asked, [], 'they wait for the end of the turn');
    await clock.tickAsync(0);
    await Promise.all(cycles);
    assert.deepEqual(gateways[0]?.asked, [1, 2]);
  });

  it('has one of its channels alone down when its unit gives no answer, and asks it less and less', async () => {
    const [silent, well] = [await connected(1), await connected(2)];
    (banks[1] as RegisterBank).faults.silent = true;
    await assert.rejects(cycle(silent), LinkError);
    await cycle(well);
    await assert.rejects(silent.driver.connect(), /no unit of the channel gives an answer at 127\.0\.0\.1:502/);
    const askedAt: number[] = [];
    const begun = performance.now();
    while (performance.now() - begun < 60_000) {
      const before = gateways[0]?.asked.length ?? 0;
      const tried = await silent.driver
        .connect()
        .then(
          () => cycle(silent),
          () => undefined,
        )
        .catch(() => undefined);
      assert.equal(tried, undefined);
      if ((gateways[0]?.asked.length ?? 0) > before) askedAt.push(performance.now());
      await cycle(well);
      await clock.tickAsync(100);
    }
    const pauses = askedAt.slice(1).map((at, index) => Math.round((at - (askedAt[index] as number)) / 1_000));
    assert.deepEqual(pauses, [1, 2, 4, 8, 10, 10, 10, 10], 'after 0.5 s, 1 s, 2 s … and at last every 10 s');
    assert.equal(gateways.length, 1, 'the others kept their connection');
    (banks[1] as RegisterBank).heal();
    await clock.tickAsync(10_000);
    await silent.driver.connect();
    await cycle(silent);
    assert.deepEqual(shown(silent.readings), ['0 good']);
  });

  it('is opened anew for all when nothing answers any more', async () => {
    const all = [await connected(1), await connected(2), await connected(3)];
    for (const unit of [1, 2, 3]) (banks[unit] as RegisterBank).faults.silent = true;
    for (const channel of all) await assert.rejects(cycle(channel), LinkError);
    assert.equal(gateways[0]?.destroyed, true);
    for (const unit of [1, 2, 3]) (banks[unit] as RegisterBank).heal();
    await clock.tickAsync(1_000);
    for (const channel of all) {
      await channel.driver.connect();
      await cycle(channel);
      assert.deepEqual(shown(channel.readings), ['0 good']);
    }
    assert.equal(gateways.length, 2);
  });

  it('takes eight silent units for a dead connection, however many channels there are', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, index) => connected(index + 1)));
    for (const bank of Object.values(banks)) bank.faults.silent = true;
    for (const channel of all.slice(0, 8)) await assert.rejects(cycle(channel), LinkError);
    assert.equal(gateways[0]?.destroyed, true);
    await assert.rejects(cycle(all[19] as Channel), LinkError);
  });

  it('tells every channel when it is lost, with a cycle under way or none', async () => {
    const [polling, waiting, idle] = [await connected(1), await connected(2), await connected(3)];
    (banks[1] as RegisterBank).faults.silent = true;
    const polls = [polling, waiting].map(({ driver, readings }) => assert.rejects(driver.poll(readings), LinkError));
    await clock.tickAsync(10);
    gateways[0]?.destroy(new Error('cut'));
    await clock.tickAsync(10);
    await Promise.all(polls);
    await assert.rejects(idle.driver.poll(idle.readings), LinkError);
    await idle.driver.connect();
    await cycle(idle);
    assert.equal(gateways.length, 2);
  });

  it('ends the cycle of a channel that is closed, and leaves the others alone', async () => {
    const [closing, other] = [await connected(1), await connected(2)];
    (banks[1] as RegisterBank).faults.silent = true;
    const ended = assert.rejects(closing.driver.poll(closing.readings), LinkError);
    await clock.tickAsync(10);
    await closing.driver.close();
    await ended;
    await clock.tickAsync(100);
    await cycle(other);
    assert.deepEqual(shown(closing.readings), ['never bad']);
    assert.equal(gateways.length, 1);
  });

  it('is given up by all when it cannot be opened, and by one that is closed meanwhile', async () => {
    let refuse: (error: Error) => void = () => undefined;
    let opened = 0;
    shared = new SharedLinks(() => {
      opened += 1;
      return new Promise((_, reject) => (refuse = reject));
    });
    const [first, second, third] = [1, 2, 3].map((unitId) => make([{ address: 0, unitId }])) as [
      Channel,
      Channel,
      Channel,
    ];
    const attempts = [first, second, third].map(({ driver }) => assert.rejects(driver.connect(), LinkError));
    await clock.tickAsync(0);
    await second.driver.close();
    await attempts[1];
    refuse(new LinkError('nobody there'));
    await Promise.all(attempts);
    assert.equal(opened, 1);
    assert.equal(shared.size, 0);
  });

  it('has connections of their own for channels that use theirs differently', async () => {
    await connected(1);
    await connected(2, { pipeline: 4 });
    assert.equal(gateways.length, 2);
  });
});
